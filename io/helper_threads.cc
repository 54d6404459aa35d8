// See io/helper_threads.h.
#include "io/helper_threads.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "io/signals_blocked.h"

namespace ringlog::io {

namespace {

/// Cores come first; a helper gets what they leave.
constexpr int kNice = 10;
/// 65,536 calls. The kernel gives less to an unprivileged process that holds many pipes.
constexpr int kPipeBytes = 1 << 20;

struct Request {
    Reactor* home;
    BlockingCall* call;
};
static_assert(sizeof(Request) <= PIPE_BUF, "a request is written and read in one piece");

}  // namespace

Result<std::unique_ptr<HelperThreads>> HelperThreads::create(uint32_t thread_count) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        return fail(Errc::io_failed, errno);
    }
    fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
    std::unique_ptr<HelperThreads> helpers(new HelperThreads(ends[0], ends[1]));
    const SignalsBlocked blocked;
    for (uint32_t i = 0; i < thread_count; ++i) {
        helpers->threads_.emplace_back([&self = *helpers] { self.serve(); });
    }
    return helpers;
}

HelperThreads::~HelperThreads() {
    ::close(write_end_);
    for (std::thread& thread : threads_) {
        thread.join();
    }
    ::close(read_end_);
}

void HelperThreads::run(Reactor& home, BlockingCall& call) {
    const Request request{.home = &home, .call = &call};
    ssize_t written = 0;
    do {
        written = write(write_end_, &request, sizeof(request));
    } while (written < 0 && errno == EINTR);
    RL_ASSERT(written == sizeof(request), "pipe: {}", errno);
}

void HelperThreads::serve() {
    pthread_setname_np(pthread_self(), "ringlog-helper");
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
    for (;;) {
        Request request{};
        const ssize_t count = read(read_end_, &request, sizeof(request));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count == 0) {
            return;
        }
        RL_ASSERT(count == sizeof(request), "pipe: {} of {} bytes", count, sizeof(request));
        request.call->run();
        request.home->blocking_call_done(*request.call);
    }
}

}  // namespace ringlog::io
