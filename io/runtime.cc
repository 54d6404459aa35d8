// Building cores and choosing their backend. See io/runtime.h.
#include "io/runtime.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "io/epoll_backend.h"
#include "io/signals_blocked.h"

namespace ringlog::io {

namespace {

using Backends = std::vector<std::unique_ptr<Backend>>;

Result<Backends> uring_backends(size_t count, const UringOptions& options) {
    auto tried = UringRing::try_out();
    if (!tried) {
        return fail(tried.error());
    }
    Backends backends;
    for (size_t i = 0; i < count; ++i) {
        auto backend = UringBackend::create(options);
        if (!backend) {
            return fail(backend.error());
        }
        backends.push_back(std::move(*backend));
    }
    return backends;
}

Result<Backends> epoll_backends(size_t count) {
    Backends backends;
    for (size_t i = 0; i < count; ++i) {
        auto backend = EpollBackend::create();
        if (!backend) {
            return fail(backend.error());
        }
        backends.push_back(std::move(*backend));
    }
    return backends;
}

/// What most likely stands behind the errno of a refused ring.
std::string_view cause_of(int32_t error) {
    switch (error) {
        case EPERM:
            return "the container's profile or the sysctl kernel.io_uring_disabled forbids it";
        case ENOSYS: return "the kernel has none, or the container's profile hides it";
        case EINVAL: return "it needs Linux 6.1 or newer";
        case ENOMEM: return "the limit of locked memory is too small";
        default: return "the kernel refused it";
    }
}

Result<Backends> make_backends(IoChoice choice, size_t count, const UringOptions& options) {
    if (choice == IoChoice::epoll) {
        return epoll_backends(count);
    }
    auto backends = uring_backends(count, options);
    if (backends || choice == IoChoice::uring) {
        return backends;
    }
    log_warn("io",
             "io_uring is not available: {} ({}). Using epoll and positioned I/O: slower, and "
             "otherwise the same",
             cause_of(backends.error().os_errno), describe(backends.error()));
    return epoll_backends(count);
}

}  // namespace

std::vector<uint32_t> allowed_cpus() {
    std::vector<uint32_t> cpus;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        for (uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
            if (CPU_ISSET(cpu, &set)) {
                cpus.push_back(cpu);
            }
        }
    }
    if (cpus.empty()) {
        cpus.push_back(0);
    }
    return cpus;
}

Result<std::unique_ptr<Runtime>> Runtime::create(const RuntimeOptions& options) {
    std::unique_ptr<Runtime> runtime(new Runtime(options));
    auto built = runtime->build(options);
    if (!built) {
        return fail(built.error());
    }
    return runtime;
}

Runtime::Runtime(const RuntimeOptions& options)
    : cpus_(options.cpus.empty() ? allowed_cpus() : options.cpus), pin_(options.pin) {}

Result<void> Runtime::build(const RuntimeOptions& options) {
    const std::vector<uint32_t> allowed = allowed_cpus();
    for (const uint32_t cpu : cpus_) {
        if (pin_ && std::ranges::find(allowed, cpu) == allowed.end()) {
            return fail(Errc::invalid_argument, EINVAL, cpu);
        }
    }
    const size_t count = cpus_.size();
    auto backends = make_backends(options.io, count, options.uring);
    if (!backends) {
        return fail(backends.error());
    }
    backends_ = std::move(*backends);
    const auto default_helpers = std::max<uint32_t>(4, 2 * static_cast<uint32_t>(count));
    auto helpers = HelperThreads::create(options.helper_threads == 0 ? default_helpers
                                                                     : options.helper_threads);
    if (!helpers) {
        return fail(helpers.error());
    }
    helpers_ = std::move(*helpers);
    mesh_ = std::make_unique<Mesh>(static_cast<uint16_t>(count));
    Random seeds(options.seed == 0 ? system_seed() : options.seed);
    for (size_t i = 0; i < count; ++i) {
        reactors_.push_back(std::make_unique<Reactor>(ReactorParts{
            .backend = *backends_[i],
            .helpers = *helpers_,
            .files = files_,
            .network = network_,
            .clock = clock_,
            .mesh = mesh_.get(),
            .core = CoreId(static_cast<uint16_t>(i)),
            .seed = seeds.fork(),
            .spin_ns = options.spin_ns,
        }));
    }
    return {};
}

Runtime::~Runtime() {
    if (!threads_.empty()) {
        stop();
        join();
    }
}

void Runtime::start(std::function<void(Reactor&)> on_core) {
    RL_ASSERT(threads_.empty());
    on_core_ = std::move(on_core);
    const SignalsBlocked blocked;
    for (uint16_t core = 0; core < core_count(); ++core) {
        threads_.emplace_back([this, core] { run_core(core); });
    }
}

void Runtime::run_core(uint16_t core) {
    pthread_setname_np(pthread_self(), fmt::format("ringlog-core-{}", core).c_str());
    if (pin_) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpus_[core], &set);
        const int error = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
        if (error != 0) {
            log_warn("io", "core {} cannot be pinned to CPU {}: {}", core, cpus_[core],
                     describe(Error{Errc::io_failed, error}));
        }
    }
    on_core_(*reactors_[core]);
    reactors_[core]->run();
}

void Runtime::stop() {
    for (const auto& reactor : reactors_) {
        reactor->stop();
    }
}

void Runtime::join() {
    for (std::thread& thread : threads_) {
        thread.join();
    }
    threads_.clear();
}

}  // namespace ringlog::io
