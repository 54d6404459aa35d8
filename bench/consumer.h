// A consumer of all partitions of one topic over one connection, one Fetch at a time: it drains a
// log, or waits at its tail. Non-blocking receive; owned by one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "bench/answers.h"
#include "bench/fd.h"
#include "bench/frame_reader.h"
#include "bench/requests.h"

namespace ringlog::bench {

class Consumer {
public:
    struct Spec {
        std::string topic;
        int32_t partition_count = 1;
        int32_t max_bytes = 8 << 20;
        int32_t max_wait_ms = 500;
        bool check_crc = false;
    };
    using OnBatch = std::function<void(const FetchedBatch&)>;

    Consumer(Fd fd, Spec spec);

    /// Sends one Fetch from where the last answer ended. Errors: closed, io_failed.
    Result<void> ask();

    /// Takes what the socket has. True if that completed the answer to ask(), whose whole batches
    /// were handed out. Errors: closed, io_failed, malformed, corrupt_batch (check_crc),
    /// invalid_argument with the broker's code in `at`.
    Result<bool> receive(const OnBatch& on_batch);

    /// True if every partition was read up to the high watermark that its last answer named.
    [[nodiscard]] bool at_end() const;

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] uint64_t batch_bytes() const { return batch_bytes_; }
    [[nodiscard]] uint64_t record_count() const { return record_count_; }
    /// Batches that did not start where the one before ended.
    [[nodiscard]] uint64_t gap_count() const { return gap_count_; }

private:
    Result<void> take_partition(const FetchedPartition& partition, const OnBatch& on_batch);

    Fd fd_;
    Spec spec_;
    std::vector<FetchFrom> from_;
    std::vector<int64_t> high_watermarks_;
    FrameReader reader_;
    int32_t next_correlation_ = 0;
    uint64_t batch_bytes_ = 0;
    uint64_t record_count_ = 0;
    uint64_t gap_count_ = 0;
};

}  // namespace ringlog::bench
