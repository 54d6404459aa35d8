// Operations over a ring. See io/uring_backend.h.
#include "io/uring_backend.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "io/address.h"
#include "io/file_activity.h"

namespace ringlog::io {

namespace {

/// Values of user_data that are no address of an Op.
constexpr uint64_t kDoorbell = 1;
constexpr uint64_t kCancelRequest = 2;

/// Bits of Op::backend_data.
constexpr uint64_t kSubmitted = 1;
constexpr uint64_t kWaiting = 2;    ///< In waiting_, the kernel does not know it yet.
constexpr uint64_t kCancelled = 4;  ///< A multishot operation must not be armed again.

bool is_file_op(const Op& op) {
    return op.kind == Op::Kind::read || op.kind == Op::Kind::write || op.kind == Op::Kind::flush;
}

bool is_multishot(const Op& op) {
    return op.kind == Op::Kind::accept || op.kind == Op::Kind::receive;
}

bool is_socket(int32_t descriptor) {
    struct stat status{};
    return fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

Result<std::unique_ptr<Backend>> UringBackend::create(const UringOptions& options) {
    auto ring = UringRing::create(options.sizes);
    if (!ring) {
        return fail(ring.error());
    }
    auto buffers = UringBuffers::create((*ring)->raw(), options.receive_buffers);
    if (!buffers) {
        return fail(buffers.error());
    }
    const int32_t doorbell = eventfd(0, EFD_CLOEXEC);
    if (doorbell < 0) {
        return fail(Errc::io_failed, errno);
    }
    return std::unique_ptr<Backend>(
        new UringBackend(std::move(*ring), std::move(*buffers), doorbell));
}

UringBackend::UringBackend(std::unique_ptr<UringRing> ring, std::unique_ptr<UringBuffers> buffers,
                           int32_t doorbell)
    : ring_(std::move(ring)),
      buffers_(std::move(buffers)),
      doorbell_(doorbell),
      arguments_(ring_->submission_slots()),
      descriptors_(ring_->file_slots(), -1) {
    for (uint32_t i = ring_->file_slots(); i > 0; --i) {
        free_registered_.push_back(static_cast<Handle>(i - 1));
    }
}

UringBackend::~UringBackend() {
    ring_.reset();  // Before the buffers that the kernel may still fill.
    ::close(doorbell_);
    for (const int32_t descriptor : descriptors_) {
        if (descriptor >= 0) {
            ::close(descriptor);
        }
    }
}

void UringBackend::submit(Op& op) {
    RL_ASSERT(op.backend_data == 0, "operation {} submitted twice", static_cast<int>(op.kind));
    op.backend_data = kSubmitted;
    if (is_file_op(op)) {
        ++file_ops_;
        file_ops_in_flight_of_process.fetch_add(1, std::memory_order_relaxed);
    }
    if (!waiting_.empty() || !try_submit(op)) {
        op.backend_data |= kWaiting;
        waiting_.push_back({.op = &op, .cancel = false});
    }
}

bool UringBackend::try_submit(Op& op) {
    io_uring_sqe* submission = ring_->next_submission();
    if (submission == nullptr) {
        return false;
    }
    fill(*submission, op);
    return true;
}

void UringBackend::cancel(Op& op) {
    if (op.backend_data == 0 || (op.backend_data & kCancelled) != 0) {
        return;
    }
    op.backend_data |= kCancelled;
    if ((op.backend_data & kWaiting) != 0) {
        std::erase_if(waiting_, [&op](const Waiting& w) { return w.op == &op && !w.cancel; });
        refused_.push_back({.op = &op, .result = -ECANCELED});
    } else if (!waiting_.empty() || !try_cancel(op)) {
        waiting_.push_back({.op = &op, .cancel = true});
    }
}

bool UringBackend::try_cancel(Op& op) {
    io_uring_sqe* submission = ring_->next_submission();
    if (submission == nullptr) {
        return false;
    }
    io_uring_prep_cancel(submission, &op, 0);
    submission->user_data = kCancelRequest;
    submission->flags |= IOSQE_CQE_SKIP_SUCCESS;
    return true;
}

void UringBackend::submit_waiting() {
    while (!waiting_.empty()) {
        const Waiting next = waiting_.front();
        if (!(next.cancel ? try_cancel(*next.op) : try_submit(*next.op))) {
            return;
        }
        if (!next.cancel) {
            next.op->backend_data &= ~kWaiting;
        }
        waiting_.pop_front();
    }
}

void UringBackend::arm_doorbell() {
    io_uring_sqe* submission = ring_->next_submission();
    if (submission == nullptr) {
        return;
    }
    io_uring_prep_poll_multishot(submission, doorbell_, POLLIN);
    submission->user_data = kDoorbell;
    doorbell_armed_ = true;
}

void UringBackend::wake() {
    const uint64_t one = 1;
    const ssize_t written = write(doorbell_, &one, sizeof(one));
    RL_ASSERT(written == sizeof(one), "eventfd: {}", errno);
}

bool UringBackend::target(io_uring_sqe& submission, Handle handle) {
    RL_ASSERT(handle >= 0 && static_cast<size_t>(handle) < descriptors_.size(), "handle {}",
              handle);
    const bool registered = static_cast<uint32_t>(handle) < ring_->file_slots();
    submission.fd = registered ? handle : descriptors_[static_cast<size_t>(handle)];
    return registered;
}

void UringBackend::fill(io_uring_sqe& submission, Op& op) {
    if (is_file_op(op)) {
        fill_file(submission, op);
    } else {
        fill_socket(submission, op);
    }
    submission.user_data = reinterpret_cast<uintptr_t>(&op);
    if (target(submission, op.handle)) {
        submission.flags |= IOSQE_FIXED_FILE;
    }
}

void UringBackend::fill_file(io_uring_sqe& submission, const Op& op) {
    if (op.kind == Op::Kind::flush) {
        io_uring_prep_fsync(&submission, -1, IORING_FSYNC_DATASYNC);
        return;
    }
    const bool fixed = op.buffer_index >= 0;
    uint8_t opcode = 0;
    if (op.kind == Op::Kind::read) {
        opcode = fixed ? IORING_OP_READ_FIXED : IORING_OP_READ;
    } else {
        opcode = fixed ? IORING_OP_WRITE_FIXED : IORING_OP_WRITE;
    }
    io_uring_prep_rw(opcode, &submission, -1, op.data, op.length, op.position);
    if (fixed) {
        submission.buf_index = static_cast<uint16_t>(op.buffer_index);
    }
    if (op.kind == Op::Kind::write && op.flushed) {
        submission.rw_flags = RWF_DSYNC;
    }
}

void UringBackend::fill_socket(io_uring_sqe& submission, const Op& op) {
    Argument& argument = arguments_[ring_->slot_of(&submission)];
    switch (op.kind) {
        case Op::Kind::accept:
            io_uring_prep_multishot_accept(&submission, -1, nullptr, nullptr, SOCK_CLOEXEC);
            return;
        case Op::Kind::receive:
            io_uring_prep_recv_multishot(&submission, -1, nullptr, 0, 0);
            submission.flags |= IOSQE_BUFFER_SELECT;
            submission.buf_group = UringBuffers::kGroup;
            return;
        case Op::Kind::connect: {
            // An address that cannot be read has no bytes: the operation completes with EINVAL.
            const SocketAddress address = parse_address(*op.address).value_or(SocketAddress{});
            argument.address = address.storage;
            io_uring_prep_connect(&submission, -1, reinterpret_cast<sockaddr*>(&argument.address),
                                  address.length);
            return;
        }
        default: break;
    }
    // MSG_WAITALL: the kernel goes on by itself while the socket's buffer is full, and completes
    // once.
    constexpr int kFlags = MSG_NOSIGNAL | MSG_WAITALL;
    if (op.iov_count == 1) {
        io_uring_prep_send(&submission, -1, op.iov->iov_base, op.iov->iov_len, kFlags);
        return;
    }
    argument.message = {};
    argument.message.msg_iov = const_cast<iovec*>(op.iov);
    argument.message.msg_iovlen = op.iov_count;
    io_uring_prep_sendmsg(&submission, -1, &argument.message, kFlags);
}

uint32_t UringBackend::poll(MonotonicNs deadline) {
    submit_waiting();
    if (!doorbell_armed_) {
        arm_doorbell();
    }
    int64_t timeout = 0;
    if (refused_.empty() && waiting_.empty() && ring_->completions_ready() == 0 && deadline > 0) {
        timeout = deadline == INT64_MAX
                      ? -1
                      : std::max<int64_t>(0, deadline - SystemClock().monotonic_ns());
    }
    if (timeout != 0 || ring_->needs_enter()) {
        ring_->enter(timeout);
    }
    return run_completions();
}

uint32_t UringBackend::run_completions() {
    uint32_t ran = 0;
    for (const Refused& refused : std::exchange(refused_, {})) {
        finish(*refused.op, refused.result);
        ++ran;
    }
    for (uint32_t left = ring_->completions_ready(); left > 0; --left) {
        ran += dispatch(ring_->take_completion()) ? 1 : 0;
    }
    return ran;
}

bool UringBackend::dispatch(const io_uring_cqe& entry) {
    if (entry.user_data == kDoorbell) {
        doorbell_armed_ = (entry.flags & IORING_CQE_F_MORE) != 0;
        return false;
    }
    if (entry.user_data == kCancelRequest) {
        return false;
    }
    Op& op = *reinterpret_cast<Op*>(static_cast<uintptr_t>(entry.user_data));
    if (is_multishot(op)) {
        complete_multishot(op, entry);
    } else {
        finish(op, entry.res);
    }
    return true;
}

void UringBackend::complete_multishot(Op& op, const io_uring_cqe& entry) {
    const bool more = (entry.flags & IORING_CQE_F_MORE) != 0;
    const bool has_buffer = (entry.flags & IORING_CQE_F_BUFFER) != 0;
    const auto buffer = static_cast<uint16_t>(entry.flags >> IORING_CQE_BUFFER_SHIFT);
    const bool useful = op.kind == Op::Kind::accept ? entry.res >= 0 : entry.res > 0;
    if (useful) {
        Completion completion{.result = entry.res, .more = true};
        if (has_buffer) {
            completion.bytes = buffers_->view(buffer, static_cast<uint32_t>(entry.res));
        }
        op.done(op, completion);
    }
    if (has_buffer) {
        buffers_->give_back(buffer);
    }
    if (more) {
        return;
    }
    // The kernel ends a multishot operation for reasons of its own: no buffer was free, or
    // completions overflowed.
    const bool go_on = useful || entry.res == -ENOBUFS;
    if (!go_on) {
        finish(op, entry.res);
    } else if ((op.backend_data & kCancelled) != 0) {
        finish(op, -ECANCELED);
    } else if (!waiting_.empty() || !try_submit(op)) {
        op.backend_data |= kWaiting;
        waiting_.push_back({.op = &op, .cancel = false});
    }
}

void UringBackend::finish(Op& op, int32_t result) {
    op.backend_data = 0;
    if (is_file_op(op)) {
        --file_ops_;
        file_ops_in_flight_of_process.fetch_sub(1, std::memory_order_relaxed);
    }
    op.done(op, Completion{.result = result});
}

Result<Handle> UringBackend::attach(int32_t descriptor) {
    // Sockets stay out of the table: before Linux 6.13 an entry that was replaced is released only
    // when every operation begun before has ended, and a listening socket's accept never ends.
    if (!free_registered_.empty() && !is_socket(descriptor)) {
        const Handle handle = free_registered_.back();
        if (ring_->set_file(static_cast<uint32_t>(handle), descriptor)) {
            free_registered_.pop_back();
            descriptors_[static_cast<size_t>(handle)] = descriptor;
            return handle;
        }
    }
    Handle handle = static_cast<Handle>(descriptors_.size());
    if (free_plain_.empty()) {
        descriptors_.push_back(descriptor);
    } else {
        handle = free_plain_.back();
        free_plain_.pop_back();
        descriptors_[static_cast<size_t>(handle)] = descriptor;
    }
    return handle;
}

int32_t UringBackend::detach(Handle handle) {
    const auto index = static_cast<size_t>(handle);
    RL_ASSERT(handle >= 0 && index < descriptors_.size() && descriptors_[index] >= 0, "handle {}",
              handle);
    if (index < ring_->file_slots()) {
        ring_->set_file(static_cast<uint32_t>(handle), -1);
        free_registered_.push_back(handle);
    } else {
        free_plain_.push_back(handle);
    }
    return std::exchange(descriptors_[index], -1);
}

void UringBackend::close(Handle handle) {
    ::close(detach(handle));
}

int16_t UringBackend::register_memory(Bytes memory) {
    static std::once_flag warned;
    if (memory_count_ >= ring_->memory_slots()) {
        return -1;
    }
    const int32_t error = ring_->set_memory(memory_count_, memory);
    if (error == 0) {
        return static_cast<int16_t>(memory_count_++);
    }
    std::call_once(warned, [&] {
        log_warn(
            "io",
            "{} bytes of memory cannot be registered with io_uring ({}): raise the limit of locked "
            "memory (LimitMEMLOCK=infinity, --ulimit memlock=-1); large writes cost more without",
            memory.size(), describe(Error{Errc::io_failed, error}));
    });
    return -1;
}

}  // namespace ringlog::io
