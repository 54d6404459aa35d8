// The cores of one process: a pinned thread, a backend and a reactor each, and the helpers that
// they share. Signals are the program's business. Explained in docs/architecture.md, "Threads".
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "io/helper_threads.h"
#include "io/mesh.h"
#include "io/posix_file_system.h"
#include "io/posix_network.h"
#include "io/reactor.h"
#include "io/uring_backend.h"

namespace ringlog::io {

/// `ringlog.io`.
enum class IoChoice : uint8_t {
    automatic,  ///< io_uring, or epoll where it is not allowed, with one log line that says why.
    uring,      ///< io_uring, or the start fails.
    epoll,
};

struct RuntimeOptions {
    /// One core per entry, pinned to that CPU. Empty: one per CPU that the process may use.
    std::vector<uint32_t> cpus;
    IoChoice io = IoChoice::automatic;
    bool pin = true;
    uint32_t helper_threads = 0;  ///< 0: twice the cores, at least 4.
    int64_t spin_ns = 0;          ///< ReactorParts::spin_ns.
    uint64_t seed = 0;            ///< 0: from the kernel.
    UringOptions uring;
};

/// The CPUs that this process may run on, in ascending order.
std::vector<uint32_t> allowed_cpus();

/// create(), start(), stop(), join(), or create() and block_on() with the reactor of a single core.
/// The calls are the owner's, on one thread; stop() may come from any.
class Runtime {
public:
    /// Errors: io_failed with what io_uring_setup said (uring), or with the lack of descriptors or
    /// memory; invalid_argument (a CPU that the process may not use).
    static Result<std::unique_ptr<Runtime>> create(const RuntimeOptions& options);
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;
    /// stop() and join(), if it was started.
    ~Runtime();

    [[nodiscard]] uint16_t core_count() const { return static_cast<uint16_t>(reactors_.size()); }
    Reactor& reactor(CoreId core) { return *reactors_[core.value()]; }
    /// "io_uring" or "epoll".
    [[nodiscard]] std::string_view backend_name() const { return backends_.front()->name(); }
    FileSystem& files() { return files_; }
    Network& network() { return network_; }

    /// Starts the threads. Each calls `on_core` with its reactor (to spawn what runs there), then
    /// runs it.
    void start(std::function<void(Reactor&)> on_core);
    /// Ends every core at its next turn; what runs there has been closed. Any thread.
    void stop();
    /// Waits for the threads.
    void join();

private:
    explicit Runtime(const RuntimeOptions& options);
    Result<void> build(const RuntimeOptions& options);
    void run_core(uint16_t core);

    SystemClock clock_;
    PosixFileSystem files_;
    PosixNetwork network_;
    std::vector<uint32_t> cpus_;
    bool pin_;
    std::unique_ptr<Mesh> mesh_;
    std::vector<std::unique_ptr<Backend>> backends_;
    std::vector<std::unique_ptr<Reactor>> reactors_;
    std::unique_ptr<HelperThreads> helpers_;  ///< Behind the reactors: its threads end first.
    std::function<void(Reactor&)> on_core_;
    std::vector<std::thread> threads_;
};

}  // namespace ringlog::io
