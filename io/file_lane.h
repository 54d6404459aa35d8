// One thread that runs the reads, or the writes and flushes, of one core where the kernel offers no
// asynchronous files. A queue each way, an eventfd each way: no lock. Used by EpollBackend alone.
#pragma once

#include <cstdint>
#include <thread>

#include "base/spsc_queue.h"
#include "io/backend.h"

namespace ringlog::io {

class FileLane {
public:
    /// Operations that one lane holds; the backend keeps the rest.
    static constexpr size_t kCapacity = 256;

    struct Job {
        Op* op;
        int32_t descriptor;
        int32_t result;
    };

    /// `bell`: an eventfd of the core's, written after each finished job. `name`: of the thread.
    FileLane(int32_t bell, const char* name);
    FileLane(const FileLane&) = delete;
    FileLane& operator=(const FileLane&) = delete;
    /// Finishes the jobs that it has, then ends the thread.
    ~FileLane();

    /// From the core: false if the lane is full.
    bool try_push(Op& op, int32_t descriptor);
    /// From the core: wakes the thread for what was pushed since the last call.
    void start();
    /// From the core: the next finished job; false if there is none.
    bool take_finished(Job& job);

private:
    void serve();
    static int32_t run(const Job& job);

    int32_t bell_;
    int32_t start_bell_;
    bool pushed_ = false;
    size_t held_ =
        0;  ///< Pushed and not taken back: at most kCapacity, so that finished_ is never full.
    SpscQueue<Job> jobs_;
    SpscQueue<Job> finished_;
    std::thread thread_;
};

}  // namespace ringlog::io
