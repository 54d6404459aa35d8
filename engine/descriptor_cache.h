// Open files with a bound: a file that is in use is pinned, of the others the least recently used
// is closed first. One core. A task holds at most one lease while it waits for another file, so
// that waiting for a free place always ends.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "io/event.h"
#include "io/file.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::engine {

class DescriptorCache {
public:
    /// A file that may be open. Its owner keeps it until forget().
    class Slot : public ListNode {
    private:
        friend class DescriptorCache;
        io::File file_;
        uint32_t pins_ = 0;
        bool opening_ = false;
    };

    /// Keeps a file open.
    class Lease {
    public:
        Lease(Lease&& other) noexcept
            : cache_(other.cache_), slot_(std::exchange(other.slot_, nullptr)) {}
        Lease& operator=(Lease&&) = delete;
        ~Lease() {
            if (slot_ != nullptr) {
                cache_->unpin(*slot_);
            }
        }
        [[nodiscard]] io::File& file() const { return slot_->file_; }

    private:
        friend class DescriptorCache;
        Lease(DescriptorCache& cache, Slot& slot) : cache_(&cache), slot_(&slot) {}
        DescriptorCache* cache_;
        Slot* slot_;
    };

    /// Opens a file; runs on a helper.
    using Opener = std::function<Result<io::OpenedFile>()>;

    DescriptorCache(io::Reactor& reactor, uint32_t open_max)
        : reactor_(reactor), open_max_(open_max), changed_(reactor) {}

    /// The slot's file, opened by `opener` if it is not open. Errors: those of `opener`;
    /// limit_exceeded when the core's table of files is full.
    io::Task<Result<Lease>> acquire(Slot& slot, Opener opener);
    /// Closes the slot's file if it is open; nobody has a lease on it, nobody opens it.
    void forget(Slot& slot);

    [[nodiscard]] uint32_t open_count() const { return open_count_; }

private:
    void unpin(Slot& slot);
    void close_one();

    io::Reactor& reactor_;
    uint32_t open_max_;
    uint32_t open_count_ = 0;
    IntrusiveList<Slot> idle_;  ///< Open and not pinned; least recently used first.
    io::Event changed_;
};

}  // namespace ringlog::engine
