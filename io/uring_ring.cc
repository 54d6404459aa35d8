// Setting up a ring and crossing into the kernel. See io/uring_ring.h.
#include "io/uring_ring.h"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/assert.h"
#include "base/clock.h"

namespace ringlog::io {

namespace {

/// One thread submits and completions are posted only when it asks, so that no interrupt work of a
/// ring preempts a core; a bad submission does not hold back those behind it; a flag in shared
/// memory says whether asking is worth a call.
constexpr uint32_t kSetupFlags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                 IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
                                 IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED;

/// The kernel refuses a table larger than the limit of open files.
uint32_t bounded_by_open_files(uint32_t slots) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return slots;
    }
    return static_cast<uint32_t>(std::min<uint64_t>(slots, limit.rlim_cur));
}

}  // namespace

Result<std::unique_ptr<UringRing>> UringRing::create(const UringSizes& sizes) {
    std::unique_ptr<UringRing> ring(new UringRing());
    io_uring_params params{};
    params.flags = kSetupFlags;
    params.cq_entries = sizes.completions;
    const int error = io_uring_queue_init_params(sizes.submissions, &ring->ring_, &params);
    if (error < 0) {
        ring->ring_.ring_fd = -1;
        return fail(Errc::io_failed, -error);
    }
    const uint32_t file_slots = bounded_by_open_files(sizes.file_slots);
    if (io_uring_register_files_sparse(&ring->ring_, file_slots) == 0) {
        ring->file_slots_ = file_slots;
    }
    if (io_uring_register_buffers_sparse(&ring->ring_, sizes.memory_slots) == 0) {
        ring->memory_slots_ = sizes.memory_slots;
    }
    ring->workers_ = sizes.workers;
    return ring;
}

Result<void> UringRing::try_out() {
    auto created = create(UringSizes{.submissions = 4, .completions = 8, .file_slots = 1});
    if (!created) {
        return fail(created.error());
    }
    io_uring* ring = &(*created)->ring_;
    const auto descriptor = static_cast<unsigned>(ring->ring_fd);
    if (io_uring_register(descriptor, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) < 0) {
        return fail(Errc::io_failed, errno);
    }
    io_uring_prep_nop(io_uring_get_sqe(ring));
    const int result = io_uring_submit_and_wait(ring, 1);
    if (result != 1) {
        return fail(Errc::io_failed, result < 0 ? -result : EAGAIN);
    }
    return {};
}

UringRing::~UringRing() {
    if (ring_.ring_fd >= 0) {
        io_uring_queue_exit(&ring_);
    }
}

void UringRing::enable() {
    enabled_ = true;
    // By hand: liburing 2.3 declares io_uring_enable_rings and exports it only in its static
    // library.
    const int error = io_uring_register(static_cast<unsigned>(ring_.ring_fd),
                                        IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
    RL_ASSERT(error == 0, "io_uring_enable_rings: {}", -error);
    // Both of these only save time: without them the calls go through the descriptor and the
    // kernel's own limit.
    ring_registered_ = io_uring_register_ring_fd(&ring_) == 1;
    std::array<unsigned, 2> workers{workers_, workers_};
    io_uring_register_iowq_max_workers(&ring_, workers.data());
}

io_uring_sqe* UringRing::next_submission() {
    io_uring_sqe* submission = io_uring_get_sqe(&ring_);
    if (submission == nullptr) {
        if (!enabled_) {
            enable();
        }
        const uint32_t count = flush_queue();
        const unsigned flags = ring_registered_ ? IORING_ENTER_REGISTERED_RING : 0;
        io_uring_enter(static_cast<unsigned>(ring_.enter_ring_fd), count, 0, flags, nullptr);
        submission = io_uring_get_sqe(&ring_);
    }
    return submission;
}

uint32_t UringRing::flush_queue() {
    ring_.sq.sqe_head = ring_.sq.sqe_tail;
    io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
    return queued();
}

bool UringRing::needs_enter() const {
    const unsigned flags = IO_URING_READ_ONCE(*ring_.sq.kflags);
    return queued() > 0 || (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

void UringRing::enter(int64_t timeout_ns) {
    if (!enabled_) {
        enable();
    }
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    flags |= ring_registered_ ? IORING_ENTER_REGISTERED_RING : 0U;
    __kernel_timespec timeout{.tv_sec = timeout_ns / kSecondNs, .tv_nsec = timeout_ns % kSecondNs};
    io_uring_getevents_arg argument{};
    if (timeout_ns > 0) {
        argument.ts = reinterpret_cast<uintptr_t>(&timeout);
    }
    const int result = io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), flush_queue(),
                                       timeout_ns == 0 ? 0 : 1, flags,
                                       reinterpret_cast<sigset_t*>(&argument), sizeof(argument));
    // EBUSY and EAGAIN: completions must be taken, or the kernel has no memory for a request now;
    // the rest stays queued.
    RL_ASSERT(result >= 0 || result == -ETIME || result == -EINTR || result == -EBUSY ||
                  result == -EAGAIN,
              "io_uring_enter: {}", -result);
}

io_uring_cqe UringRing::take_completion() {
    const unsigned head = *ring_.cq.khead;
    const io_uring_cqe& from = ring_.cq.cqes[head & ring_.cq.ring_mask];
    io_uring_cqe taken{};
    taken.user_data = from.user_data;
    taken.res = from.res;
    taken.flags = from.flags;
    io_uring_smp_store_release(ring_.cq.khead, head + 1);
    return taken;
}

bool UringRing::set_file(uint32_t index, int32_t descriptor) {
    return io_uring_register_files_update(&ring_, index, &descriptor, 1) == 1;
}

int32_t UringRing::set_memory(uint32_t index, Bytes memory) {
    const iovec piece{.iov_base = memory.data(), .iov_len = memory.size()};
    const __u64 tag = 0;
    const int result = io_uring_register_buffers_update_tag(&ring_, index, &piece, &tag, 1);
    return result == 1 ? 0 : -result;
}

}  // namespace ringlog::io
