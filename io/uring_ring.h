// The memory that one core and the kernel share: submission and completion queues, the table of
// registered files and the table of registered memory. Knows nothing of Op. One thread from the
// first enter() on; see docs/architecture.md, "Reactor".
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "io/uring_compat.h"

namespace ringlog::io {

/// How large a ring is made. The defaults hold a core with thousands of connections.
struct UringSizes {
    uint32_t submissions = 1024;  ///< Operations submitted by one system call.
    uint32_t completions =
        8192;  ///< Completions before the kernel keeps them in a list of its own.
    uint32_t file_slots = 16384;  ///< Registered files; RLIMIT_NOFILE bounds it.
    uint32_t memory_slots = 256;  ///< Registered pieces of memory.
    uint32_t workers = 4;         ///< Kernel threads for operations that would block.
};

/// Owns one io_uring. Created on any thread; the thread of the first enter() is the only one that
/// may use it then.
class UringRing {
public:
    /// Errors: io_failed with the errno of io_uring_setup (EPERM, ENOSYS: not allowed here; EINVAL:
    /// kernel before 6.1).
    static Result<std::unique_ptr<UringRing>> create(const UringSizes& sizes);
    /// Passes one operation through a ring of its own: a profile may allow the set-up and refuse
    /// the rest. Errors: as create().
    static Result<void> try_out();
    UringRing(const UringRing&) = delete;
    UringRing& operator=(const UringRing&) = delete;
    ~UringRing();

    /// An empty submission, or nullptr when the queue is full and the kernel takes nothing now.
    io_uring_sqe* next_submission();
    /// The slot of a submission, below submission_slots(): room of the caller's that lives as long
    /// as the submission.
    [[nodiscard]] uint32_t slot_of(const io_uring_sqe* submission) const {
        return static_cast<uint32_t>(submission - ring_.sq.sqes);
    }
    [[nodiscard]] uint32_t submission_slots() const { return ring_.sq.ring_entries; }

    /// One system call: submits what is queued, lets finished operations post completions, and
    /// waits for one of them. `timeout_ns` < 0 waits without end, 0 does not wait.
    void enter(int64_t timeout_ns);
    /// False if enter(0) would do nothing.
    [[nodiscard]] bool needs_enter() const;

    /// Completions that can be taken now.
    [[nodiscard]] uint32_t completions_ready() const {
        return io_uring_smp_load_acquire(ring_.cq.ktail) - *ring_.cq.khead;
    }
    /// Takes the oldest completion; there is one.
    io_uring_cqe take_completion();

    /// Puts `descriptor` (-1: nothing) into slot `index` of the registered files.
    bool set_file(uint32_t index, int32_t descriptor);
    [[nodiscard]] uint32_t file_slots() const { return file_slots_; }
    /// Registers `memory` as `index`; 0 or the errno.
    int32_t set_memory(uint32_t index, Bytes memory);
    [[nodiscard]] uint32_t memory_slots() const { return memory_slots_; }

    /// For io_uring_register_buf_ring.
    io_uring* raw() { return &ring_; }

private:
    UringRing() = default;
    void enable();
    [[nodiscard]] uint32_t flush_queue();
    [[nodiscard]] uint32_t queued() const { return ring_.sq.sqe_tail - *ring_.sq.khead; }

    io_uring ring_{};
    bool enabled_ = false;
    bool ring_registered_ = false;
    uint32_t file_slots_ = 0;
    uint32_t memory_slots_ = 0;
    uint32_t workers_ = 0;
};

}  // namespace ringlog::io
