// Helpers as threads of lower priority, shared by all cores: what may block (opening, syncing,
// growing files, blocking libraries) runs here. The queue is a pipe, so that an idle helper takes
// what comes next whatever the others wait for.
#pragma once

#include <thread>
#include <vector>

#include "base/error.h"
#include "io/reactor.h"

namespace ringlog::io {

class HelperThreads final : public Helpers {
public:
    /// Errors: io_failed (no descriptors).
    static Result<std::unique_ptr<HelperThreads>> create(uint32_t thread_count);
    HelperThreads(const HelperThreads&) = delete;
    HelperThreads& operator=(const HelperThreads&) = delete;
    /// Finishes what was asked, then ends the threads. No reactor may be destroyed before.
    ~HelperThreads() override;

    /// Any core. Waits only while tens of thousands of calls are already queued.
    void run(Reactor& home, BlockingCall& call) override;

private:
    HelperThreads(int32_t read_end, int32_t write_end)
        : read_end_(read_end), write_end_(write_end) {}
    void serve();

    int32_t read_end_;
    int32_t write_end_;
    std::vector<std::thread> threads_;
};

}  // namespace ringlog::io
