// Fixtures of tests/support/io_suite.h over this machine's kernel.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "io/block_on.h"
#include "io/runtime.h"
#include "tests/support/temporary_directory.h"

namespace ringlog::test {

/// The options of a runtime with `cores` cores on the CPUs that there are.
inline io::RuntimeOptions runtime_options(io::IoChoice choice, uint16_t cores) {
    const std::vector<uint32_t> allowed = io::allowed_cpus();
    io::RuntimeOptions options;
    options.io = choice;
    options.helper_threads = 2;
    options.uring.receive_buffers = 16;
    for (size_t i = 0; i < cores; ++i) {
        options.cpus.push_back(allowed[i % allowed.size()]);
    }
    return options;
}

template <io::IoChoice kChoice>
class KernelFixture {
public:
    explicit KernelFixture(uint16_t cores) : KernelFixture(runtime_options(kChoice, cores)) {}
    explicit KernelFixture(const io::RuntimeOptions& options) {
        auto runtime = io::Runtime::create(options);
        RL_ASSERT(runtime.has_value(), "{}", describe(runtime.error()));
        runtime_ = std::move(*runtime);
    }

    void run(std::function<io::Task<void>(io::Reactor&)> body) {
        io::TaskGroup tasks;
        runtime_->start([this, &body, &tasks](io::Reactor& reactor) {
            if (reactor.core().value() == 0) {
                tasks.spawn(run_and_stop(body(reactor)));
            }
        });
        runtime_->join();
    }
    [[nodiscard]] const std::string& directory() const { return directory_.path(); }
    [[nodiscard]] std::string host() const { return "127.0.0.1"; }
    io::Runtime& runtime() { return *runtime_; }

private:
    io::Task<void> run_and_stop(io::Task<void> body) {
        co_await std::move(body);
        runtime_->stop();
    }

    TemporaryDirectory directory_;
    std::unique_ptr<io::Runtime> runtime_;
};

using UringFixture = KernelFixture<io::IoChoice::uring>;
using EpollFixture = KernelFixture<io::IoChoice::epoll>;

}  // namespace ringlog::test
