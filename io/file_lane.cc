// See io/file_lane.h.
#include "io/file_lane.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "base/assert.h"
#include "io/signals_blocked.h"

namespace ringlog::io {

namespace {

void ring(int32_t bell) {
    const uint64_t one = 1;
    const ssize_t written = write(bell, &one, sizeof(one));
    RL_ASSERT(written == sizeof(one), "eventfd: {}", errno);
}

int32_t result_of(ssize_t moved) {
    return moved < 0 ? -errno : static_cast<int32_t>(moved);
}

}  // namespace

FileLane::FileLane(int32_t bell, const char* name)
    : bell_(bell),
      start_bell_(eventfd(0, EFD_CLOEXEC)),
      jobs_(kCapacity + 1),
      finished_(kCapacity) {
    RL_ASSERT(start_bell_ >= 0, "eventfd: {}", errno);
    const SignalsBlocked blocked;
    thread_ = std::thread([this] { serve(); });
    pthread_setname_np(thread_.native_handle(), name);
}

FileLane::~FileLane() {
    // Room for this one is kept beyond kCapacity: the order to end, behind every job.
    const bool pushed = jobs_.try_push(Job{.op = nullptr, .descriptor = -1, .result = 0});
    RL_ASSERT(pushed);
    ring(start_bell_);
    thread_.join();
    ::close(start_bell_);
}

bool FileLane::try_push(Op& op, int32_t descriptor) {
    if (held_ == kCapacity) {
        return false;
    }
    const bool pushed = jobs_.try_push(Job{.op = &op, .descriptor = descriptor, .result = 0});
    RL_ASSERT(pushed);
    ++held_;
    pushed_ = true;
    return true;
}

void FileLane::start() {
    if (pushed_) {
        pushed_ = false;
        ring(start_bell_);
    }
}

bool FileLane::take_finished(Job& job) {
    const Job* front = finished_.front();
    if (front == nullptr) {
        return false;
    }
    job = *front;
    finished_.pop();
    --held_;
    return true;
}

int32_t FileLane::run(const Job& job) {
    const Op& op = *job.op;
    const iovec piece{.iov_base = op.data, .iov_len = op.length};
    const auto position = static_cast<off_t>(op.position);
    int32_t result = 0;
    do {
        switch (op.kind) {
            case Op::Kind::read:
                result = result_of(preadv2(job.descriptor, &piece, 1, position, 0));
                break;
            case Op::Kind::write:
                result = result_of(
                    pwritev2(job.descriptor, &piece, 1, position, op.flushed ? RWF_DSYNC : 0));
                break;
            default: result = result_of(fdatasync(job.descriptor)); break;
        }
    } while (result == -EINTR);
    return result;
}

void FileLane::serve() {
    for (;;) {
        Job* front = jobs_.front();
        if (front == nullptr) {
            uint64_t count = 0;
            const ssize_t got = read(start_bell_, &count, sizeof(count));
            RL_ASSERT(got == sizeof(count) || errno == EINTR, "eventfd: {}", errno);
            continue;
        }
        Job job = *front;
        jobs_.pop();
        if (job.op == nullptr) {
            return;
        }
        job.result = run(job);
        const bool pushed = finished_.try_push(job);
        RL_ASSERT(pushed);
        ring(bell_);
    }
}

}  // namespace ringlog::io
