// See io/epoll_backend.h. What one socket does when it is ready is in epoll_sockets.cc.
#include "io/epoll_backend.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <ctime>
#include <utility>

#include "base/assert.h"
#include "io/file_activity.h"

namespace ringlog::io {

namespace {

constexpr uint64_t kDoorbell = UINT64_MAX;
constexpr size_t kEventsPerWait = 256;

bool is_file_op(const Op& op) {
    return op.kind == Op::Kind::read || op.kind == Op::Kind::write || op.kind == Op::Kind::flush;
}

}  // namespace

Result<std::unique_ptr<Backend>> EpollBackend::create() {
    const int32_t epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        return fail(Errc::io_failed, errno);
    }
    const int32_t doorbell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = kDoorbell}};
    if (doorbell < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, doorbell, &event) != 0) {
        const int32_t error = errno;
        ::close(epoll);
        ::close(doorbell);
        return fail(Errc::io_failed, error);
    }
    return std::unique_ptr<Backend>(new EpollBackend(epoll, doorbell));
}

EpollBackend::EpollBackend(int32_t epoll, int32_t doorbell)
    : epoll_(epoll),
      doorbell_(doorbell),
      reads_(std::make_unique<FileLane>(doorbell, "ringlog-reads")),
      writes_(std::make_unique<FileLane>(doorbell, "ringlog-writes")),
      buffer_(std::make_unique<std::byte[]>(kReceiveBytes)) {}

EpollBackend::~EpollBackend() {
    reads_.reset();  // They use the descriptors and ring the bell until they have ended.
    writes_.reset();
    for (const Entry& entry : entries_) {
        if (entry.descriptor >= 0) {
            ::close(entry.descriptor);
        }
    }
    ::close(epoll_);
    ::close(doorbell_);
}

void EpollBackend::submit(Op& op) {
    RL_ASSERT(op.backend_data == 0, "operation {} submitted twice", static_cast<int>(op.kind));
    op.backend_data = 1;
    Entry& entry = entry_of(op.handle);
    if (is_file_op(op)) {
        ++file_ops_;
        file_ops_in_flight_of_process.fetch_add(1, std::memory_order_relaxed);
        (op.kind == Op::Kind::read ? waiting_reads_ : waiting_writes_).push_back(&op);
        return;
    }
    Side& side = side_of(entry, op);
    RL_ASSERT(side.op == nullptr, "handle {} is busy", op.handle);
    side.op = &op;
    side.cancelled = false;
    side.started = false;
    enqueue(op.handle, &side == &entry.out);
}

void EpollBackend::cancel(Op& op) {
    // A file operation cannot be taken back; one that has not begun is about to.
    if (op.backend_data == 0 || is_file_op(op)) {
        return;
    }
    Entry& entry = entry_of(op.handle);
    Side& side = side_of(entry, op);
    side.cancelled = true;
    enqueue(op.handle, &side == &entry.out);
}

EpollBackend::Entry& EpollBackend::entry_of(Handle handle) {
    const auto index = static_cast<size_t>(handle);
    RL_ASSERT(index < entries_.size() && entries_[index].descriptor >= 0, "handle {}", handle);
    return entries_[index];
}

EpollBackend::Side& EpollBackend::side_of(Entry& entry, const Op& op) {
    const bool in = op.kind == Op::Kind::accept || op.kind == Op::Kind::receive;
    return in ? entry.in : entry.out;
}

void EpollBackend::enqueue(Handle handle, bool out) {
    Entry& entry = entries_[static_cast<size_t>(handle)];
    Side& side = out ? entry.out : entry.in;
    if (side.op != nullptr && !std::exchange(side.queued, true)) {
        ready_.push_back({.handle = handle, .out = out});
    }
}

void EpollBackend::wake() {
    const uint64_t one = 1;
    const ssize_t written = write(doorbell_, &one, sizeof(one));
    RL_ASSERT(written == sizeof(one), "eventfd: {}", errno);
}

uint32_t EpollBackend::poll(MonotonicNs deadline) {
    push_files();
    wait(ready_.empty() ? deadline : 0);
    const uint32_t ran = run_files();
    return ran + run_sockets();
}

void EpollBackend::push_files() {
    const auto push = [this](std::deque<Op*>& waiting, FileLane& lane) {
        while (!waiting.empty()) {
            Op& op = *waiting.front();
            if (!lane.try_push(op, entry_of(op.handle).descriptor)) {
                break;
            }
            waiting.pop_front();
        }
        lane.start();
    };
    push(waiting_reads_, *reads_);
    push(waiting_writes_, *writes_);
}

int EpollBackend::wait_for_events(std::span<epoll_event> events, const timespec* limit) {
    const auto room = static_cast<int>(events.size());
    int count = -1;
    if (fine_timeout_) {
        count = epoll_pwait2(epoll_, events.data(), room, limit, nullptr);
        // Before Linux 5.11, and under profiles older than that call: milliseconds must do.
        fine_timeout_ = count >= 0 || (errno != ENOSYS && errno != EPERM);
    }
    if (!fine_timeout_) {
        const int64_t limit_ms =
            limit == nullptr
                ? -1
                : limit->tv_sec * 1000 + (limit->tv_nsec + kMillisecondNs - 1) / kMillisecondNs;
        const int timeout = static_cast<int>(std::min<int64_t>(limit_ms, INT_MAX));
        count = epoll_wait(epoll_, events.data(), room, timeout);
    }
    RL_ASSERT(count >= 0 || errno == EINTR, "epoll_wait: {}", errno);
    return count;
}

void EpollBackend::wait(MonotonicNs deadline) {
    timespec timeout{};
    const timespec* limit = &timeout;
    if (deadline == INT64_MAX) {
        limit = nullptr;
    } else if (deadline > 0) {
        const int64_t left = std::max<int64_t>(0, deadline - SystemClock().monotonic_ns());
        timeout = {.tv_sec = left / kSecondNs, .tv_nsec = left % kSecondNs};
    }
    std::array<epoll_event, kEventsPerWait> events;
    const int count = wait_for_events(events, limit);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<size_t>(i)];
        if (event.data.u64 == kDoorbell) {
            continue;  // Edge triggered: it has done its work, and is never read.
        }
        const auto handle = static_cast<Handle>(event.data.u64);
        if ((event.events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) {
            enqueue(handle, false);
        }
        if ((event.events & ~static_cast<uint32_t>(EPOLLIN | EPOLLRDHUP)) != 0) {
            enqueue(handle, true);
        }
    }
}

uint32_t EpollBackend::run_files() {
    uint32_t ran = 0;
    FileLane::Job job{};
    for (FileLane* lane : {reads_.get(), writes_.get()}) {
        while (lane->take_finished(job)) {
            --file_ops_;
            file_ops_in_flight_of_process.fetch_sub(1, std::memory_order_relaxed);
            job.op->backend_data = 0;
            job.op->done(*job.op, Completion{.result = job.result});
            ++ran;
        }
    }
    return ran;
}

Result<Handle> EpollBackend::attach(int32_t descriptor) {
    struct stat status{};
    const bool is_socket = fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
    Handle handle = static_cast<Handle>(entries_.size());
    if (free_.empty()) {
        entries_.emplace_back();
    } else {
        handle = free_.back();
        free_.pop_back();
    }
    if (is_socket) {
        fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
        epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                          .data = {.u64 = static_cast<uint64_t>(handle)}};
        if (epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
            const int32_t error = errno;
            free_.push_back(handle);
            return fail(Errc::limit_exceeded, error);
        }
    }
    entries_[static_cast<size_t>(handle)] = Entry{.descriptor = descriptor, .watched = is_socket};
    return handle;
}

int32_t EpollBackend::detach(Handle handle) {
    Entry& entry = entry_of(handle);
    RL_ASSERT(entry.in.op == nullptr && entry.out.op == nullptr, "handle {} is busy", handle);
    if (entry.watched) {
        epoll_ctl(epoll_, EPOLL_CTL_DEL, entry.descriptor, nullptr);
    }
    free_.push_back(handle);
    return std::exchange(entry, Entry{}).descriptor;
}

void EpollBackend::close(Handle handle) {
    ::close(detach(handle));
}

int16_t EpollBackend::register_memory(Bytes) {
    return -1;
}

}  // namespace ringlog::io
