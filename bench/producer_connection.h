// One connection of the load client: requests in the order they were queued, answers matched to
// them in the same order. Requests are built from a shared batch at the moment they are written, so
// that nothing is copied but a header, and may be written in pieces. Non-blocking; owned by one
// worker thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "bench/answers.h"
#include "bench/fd.h"
#include "bench/frame_reader.h"
#include "bench/requests.h"

namespace ringlog::bench {

/// What every connection of a run sends.
struct ProduceContent {
    ProduceHeader header;
    std::vector<Batch> batches;  ///< Variants, taken in turn; all of one size.
    bool stamped = false;        ///< Each batch carries its intended time (stamp_batch).
    int16_t acks = -1;
};

class ProducerConnection {
public:
    /// One request that was queued and not yet answered.
    struct Request {
        MonotonicNs intended_ns = 0;
        MonotonicNs sent_ns = 0;  ///< When its first byte was handed to the kernel; 0 before.
        int32_t partition = 0;
    };
    /// Called for each answer, in order. Under acks=0 for each request that was written whole, with
    /// error code 0 and offset -1.
    using OnAnswer = std::function<void(ProducerConnection&, const Request&, const ProduceAnswer&)>;

    ProducerConnection(Fd fd, const ProduceContent& content, std::vector<int32_t> partitions);

    /// Queues one request for the connection's next partition; flush() writes it.
    void queue(MonotonicNs intended_ns);

    /// Writes what the socket takes. True if all is written, false if the socket is full.
    /// Errors: closed, io_failed.
    Result<bool> flush(const OnAnswer& on_answer);

    /// Takes what the socket has and hands out answers. Errors: closed, io_failed, malformed (also
    /// an answer out of order).
    Result<void> receive(const OnAnswer& on_answer);

    [[nodiscard]] int fd() const { return fd_.get(); }
    /// Requests that were queued and not yet answered.
    [[nodiscard]] size_t open_count() const { return requests_.size(); }
    [[nodiscard]] uint64_t sent_count() const { return next_written_; }

    bool waits_for_room = false;  ///< The worker's note: it has asked epoll for writability.
    bool touched = false;         ///< The worker's note: something was queued since the last flush.

private:
    class Gather;

    void gather(Gather& gather, MonotonicNs now);
    void written(size_t bytes, const OnAnswer& on_answer);
    Result<void> answered(ByteView frame, const OnAnswer& on_answer);

    Fd fd_;
    const ProduceContent& content_;
    std::vector<int32_t> partitions_;
    size_t next_partition_ = 0;
    std::deque<Request> requests_;
    uint64_t first_open_ = 0;    ///< Sequence number of requests_.front().
    uint64_t next_written_ = 0;  ///< Of the request that is being written or comes next.
    size_t written_bytes_ = 0;   ///< Of that request.
    FrameReader reader_;
    std::vector<std::byte> scratch_;  ///< Headers (and stamped batches) of one gathered write.
};

}  // namespace ringlog::bench
