// The open files and sockets of one simulated process: small integers, the lowest free one first,
// as a kernel gives them, so that a use after close meets somebody else's file. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <variant>

#include "base/assert.h"
#include "tests/simulation/sim_disk.h"
#include "tests/simulation/sim_network.h"

namespace ringlog::simulation {

/// An open file.
struct OpenFile {
    InodePtr inode;
    bool write = false;
    bool direct = false;
};

/// A socket: unconnected, connected, or listening.
struct OpenSocket {
    std::shared_ptr<StreamEnd> stream;  ///< Null until it is connected.
    std::shared_ptr<ListenQueue> listening;
};

class Descriptors {
public:
    using Entry = std::variant<std::shared_ptr<OpenFile>, std::shared_ptr<OpenSocket>>;

    int32_t add(Entry entry) {
        int32_t descriptor = kFirst;
        for (const auto& [used, unused] : open_) {
            if (used != descriptor) {
                break;
            }
            ++descriptor;
        }
        open_.emplace(descriptor, std::move(entry));
        return descriptor;
    }
    /// Null if it is not an open file, or socket.
    [[nodiscard]] std::shared_ptr<OpenFile> file(int32_t descriptor) const {
        return find<std::shared_ptr<OpenFile>>(descriptor);
    }
    [[nodiscard]] std::shared_ptr<OpenSocket> socket(int32_t descriptor) const {
        return find<std::shared_ptr<OpenSocket>>(descriptor);
    }
    void remove(int32_t descriptor) {
        RL_ASSERT(open_.erase(descriptor) == 1, "descriptor {} is not open", descriptor);
    }
    [[nodiscard]] const std::map<int32_t, Entry>& all() const { return open_; }
    void clear() { open_.clear(); }

private:
    static constexpr int32_t kFirst = 3;

    template <typename T>
    [[nodiscard]] T find(int32_t descriptor) const {
        const auto found = open_.find(descriptor);
        if (found == open_.end()) {
            return nullptr;
        }
        const T* entry = std::get_if<T>(&found->second);
        return entry == nullptr ? nullptr : *entry;
    }

    std::map<int32_t, Entry> open_;
};

}  // namespace ringlog::simulation
