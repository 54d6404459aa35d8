#include "tests/crash/machine.h"

#include <thread>
#include <utility>

#include "base/assert.h"
#include "io/epoll_backend.h"
#include "io/uring_backend.h"

namespace ringlog::crash {
namespace {

io::Task<void> run_and_stop(io::Task<void> body,
                            const std::vector<std::unique_ptr<io::Reactor>>& reactors) {
    co_await std::move(body);
    for (const auto& reactor : reactors) {
        reactor->stop();
    }
}

Result<std::unique_ptr<io::Backend>> make_backend(io::IoChoice choice) {
    if (choice != io::IoChoice::epoll) {
        auto ring = io::UringBackend::create({.receive_buffers = 16});
        if (ring || choice == io::IoChoice::uring) {
            return ring;
        }
    }
    return io::EpollBackend::create();
}

}  // namespace

RealMachine::RealMachine(RealOptions options, Trace& trace, Refusals& refusals)
    : options_(std::move(options)),
      files_(files_below_, options_.root, trace, refusals),
      mesh_(options_.cores) {
    auto helpers = io::HelperThreads::create(4);
    RL_ASSERT(helpers.has_value(), "{}", describe(helpers.error()));
    helpers_ = std::move(*helpers);
    for (uint16_t core = 0; core < options_.cores; ++core) {
        auto backend = make_backend(options_.io);
        RL_ASSERT(backend.has_value(), "{}", describe(backend.error()));
        below_.push_back(std::move(*backend));
        backends_.push_back(std::make_unique<RecordingBackend>(*below_.back(), trace));
        reactors_.push_back(
            std::make_unique<io::Reactor>(io::ReactorParts{.backend = *backends_.back(),
                                                           .helpers = *helpers_,
                                                           .files = files_,
                                                           .network = network_,
                                                           .clock = clock_,
                                                           .mesh = &mesh_,
                                                           .core = io::CoreId(core),
                                                           .seed = core + 1U}));
    }
}

RealMachine::~RealMachine() {
    helpers_.reset();
}

bool RealMachine::run(const Body& body) {
    std::vector<std::thread> threads;
    threads.reserve(options_.cores);
    for (uint16_t core = 0; core < options_.cores; ++core) {
        threads.emplace_back([this, core, &body] {
            io::TaskGroup tasks;
            if (core == 0) {
                tasks.spawn(run_and_stop(body(*reactors_[0]), reactors_));
            }
            reactors_[core]->run();
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    return true;
}

}  // namespace ringlog::crash
