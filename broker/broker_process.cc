// Threads, signals, limits. See broker/broker_process.h.
#include "broker/broker_process.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <mutex>

#include "base/log.h"
#include "broker/admin_site.h"
#include "broker/broker.h"
#include "broker/broker_admin.h"
#include "broker/cli.h"
#include "io/runtime.h"

namespace ringlog::broker {

namespace {

constexpr int64_t kDrainNs = 10 * kSecondNs;
/// From the signal on: the rest of a start, the drain, checkpoints. A device that hangs longer than
/// this does not keep the process.
constexpr int kExitMs = 60'000;
constexpr int kExitAtOnce = 130;

/// The wish of a signal, waited for by a coroutine.
class StopRequest {
public:
    struct Awaiter {
        StopRequest& request;
        io::Reactor& reactor;
        bool await_ready() const noexcept { return false; }
        bool await_suspend(std::coroutine_handle<> awaiting) {
            const std::lock_guard lock(request.mutex_);
            if (request.requested_) {
                return false;
            }
            request.call_.waiter = awaiting;
            request.reactor_ = &reactor;
            return true;
        }
        void await_resume() const noexcept {}
    };
    Awaiter wait(io::Reactor& reactor) { return Awaiter{*this, reactor}; }

    /// Any thread.
    void request() {
        const std::lock_guard lock(mutex_);
        if (!requested_ && reactor_ != nullptr) {
            reactor_->blocking_call_done(call_);
        }
        requested_ = true;
    }

private:
    struct Call final : io::BlockingCall {
        void run() override {}
    };
    std::mutex mutex_;
    Call call_;
    io::Reactor* reactor_ = nullptr;
    bool requested_ = false;
};

/// As many descriptors as the system allows: connections and segments are descriptors.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

uint64_t memory_of_machine() {
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page_bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && page_bytes > 0
               ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes)
               : 0;
}

/// Of the file system that `directory` is or will be on.
uint64_t disk_of(std::filesystem::path directory) {
    directory = std::filesystem::absolute(directory);
    struct statvfs found{};
    while (statvfs(directory.c_str(), &found) != 0) {
        if (!directory.has_relative_path()) {
            return 0;
        }
        directory = directory.parent_path();
    }
    return static_cast<uint64_t>(found.f_blocks) * found.f_frsize;
}

io::RuntimeOptions runtime_options(const BrokerConfig& config) {
    io::RuntimeOptions options;
    options.io = config.io == IoChoice::uring   ? io::IoChoice::uring
                 : config.io == IoChoice::epoll ? io::IoChoice::epoll
                                                : io::IoChoice::automatic;
    const std::vector<uint32_t> allowed = io::allowed_cpus();
    if (!config.cores.cpus.empty()) {
        options.cpus.assign(config.cores.cpus.begin(), config.cores.cpus.end());
    } else {
        const size_t count = config.cores.count == 0 ? allowed.size() : config.cores.count;
        for (size_t i = 0; i < count; ++i) {
            options.cpus.push_back(allowed[i % allowed.size()]);
        }
        // More cores than processors: the kernel places them.
        options.pin = count <= allowed.size();
    }
    return options;
}

class Process {
public:
    Process(const BrokerConfig& config, io::Runtime& runtime, const std::string& version)
        : config_(config),
          runtime_(runtime),
          broker_(runtime.reactor(io::CoreId(0)), broker_options(config)),
          admin_(broker_, std::string(runtime.backend_name())),
          site_(bridge_, version) {}

    int run();

private:
    static BrokerOptions broker_options(const BrokerConfig& config) {
        BrokerOptions options;
        options.config = config;
        options.memory_bytes = memory_of_machine();
        options.disk_bytes = disk_of(config.data_directory);
        return options;
    }

    io::Task<void> serve(io::Reactor& reactor);
    void wait_for_end(int signals);

    BrokerConfig config_;
    io::Runtime& runtime_;
    Broker broker_;
    BrokerAdmin admin_;
    AdminBridge bridge_;
    AdminSite site_;
    std::unique_ptr<AdminServer> server_;
    StopRequest stop_;
    io::TaskGroup tasks_;
    int ended_ = eventfd(0, EFD_CLOEXEC);
    int status_ = kExitOk;
    std::atomic<bool> started_ =
        false;  ///< Writer: core 0. Reader: the main thread, for its words.
};

io::Task<void> Process::serve(io::Reactor& reactor) {
    io::TaskGroup admin;
    admin.spawn(bridge_.serve(reactor, admin_));
    const Started started = co_await broker_.start();
    started_ = true;
    if (!started) {
        log_error("broker", "not started: {}", started.error().text);
        status_ = kExitFailed;
        bridge_.close();
        co_await admin.close();
    } else {
        for (size_t i = 0; i < config_.listeners.size(); ++i) {
            log_info("broker", "listener {}: {}:{}, advertised as {}:{}", config_.listeners[i].name,
                     config_.listeners[i].host, broker_.port(i), broker_.endpoints()[i].host,
                     broker_.endpoints()[i].port);
        }
        log_info(
            "broker",
            "ready in {} ms (data {} ms, metadata {} ms): node {}, {} cores, {}, durability {}",
            broker_.times().ready_ns / kMillisecondNs, broker_.times().store_ns / kMillisecondNs,
            broker_.times().metadata_ns / kMillisecondNs, config_.node_id, runtime_.core_count(),
            runtime_.backend_name(), durability_name(config_.durability));
        co_await stop_.wait(reactor);
        log_info("broker", "stopping");
        co_await broker_.drain(kDrainNs);
        bridge_.close();
        co_await admin.close();
        const bool in_order = co_await broker_.stop();
        log_info("broker", "stopped");
        status_ = in_order ? kExitOk : kExitFailed;
    }
    const uint64_t one = 1;
    if (write(ended_, &one, sizeof(one)) != sizeof(one)) {
        _exit(kExitFailed);
    }
}

void Process::wait_for_end(int signals) {
    bool stopping = false;
    for (;;) {
        pollfd waits[] = {{.fd = signals, .events = POLLIN, .revents = 0},
                          {.fd = ended_, .events = POLLIN, .revents = 0}};
        const int ready = poll(waits, 2, stopping ? kExitMs : -1);
        if (ready == 0) {
            log_error("broker", "{}: the next start recovers",
                      started_ ? "the disk does not answer; ending without it"
                               : "the start did not end in time; ending in the middle of it");
            _exit(kExitFailed);
        }
        if ((waits[1].revents & POLLIN) != 0) {
            return;
        }
        if ((waits[0].revents & POLLIN) != 0) {
            signalfd_siginfo info{};
            (void)!read(signals, &info, sizeof(info));
            if (stopping) {
                _exit(kExitAtOnce);
            }
            stopping = true;
            stop_.request();
        }
    }
}

int Process::run() {
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    pthread_sigmask(SIG_BLOCK, &watched, nullptr);
    const int signals = signalfd(-1, &watched, SFD_CLOEXEC);
    if (config_.admin_listener) {
        auto server = AdminServer::start(*config_.admin_listener, site_);
        if (!server) {
            log_error("broker", "not started: {}", server.error());
            close(signals);
            return kExitFailed;
        }
        server_ = std::move(*server);
        log_info("broker", "admin: http://{}:{}", config_.admin_listener->host, server_->port());
    }
    runtime_.start([this](io::Reactor& reactor) {
        if (reactor.core().value() == 0) {
            tasks_.spawn(serve(reactor));
        }
    });
    wait_for_end(signals);
    runtime_.stop();
    runtime_.join();
    server_.reset();
    close(signals);
    close(ended_);
    return status_;
}

}  // namespace

int run_broker(const BrokerConfig& given, const std::string& version) {
    std::signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    BrokerConfig config = given;
    for (const std::string& notice : config.notices) {
        log_info("config", "{}", notice);
    }
    if (!config.no_effect_yet.empty()) {
        log_warn("config", "accepted, no effect yet: {}", fmt::join(config.no_effect_yet, ", "));
    }
    for (Listener& listener : config.listeners) {
        const auto numeric = numeric_host(listener.host);
        if (!numeric) {
            log_error("broker", "not started: listener {}: {} is not a host of this machine",
                      listener.name, listener.host);
            return kExitFailed;
        }
        listener.host = *numeric;
    }
    auto runtime = io::Runtime::create(runtime_options(config));
    if (!runtime) {
        log_error("broker", "not started: the cores cannot be made: {}", describe(runtime.error()));
        return kExitFailed;
    }
    auto process = std::make_unique<Process>(config, **runtime, version);
    return process->run();
}

}  // namespace ringlog::broker
