// A server that answers every Produce at once and keeps nothing: against it the load client shows
// its own ceiling. It also creates one topic of any name, and names itself the leader of its
// partitions. One thread of its own; loopback only.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "bench/fd.h"

namespace ringlog::bench {

/// What the server does wrong, so that tests see the client notice; each in every so-manieth
/// answer, 0: never.
struct NullFaults {
    uint64_t refuse_every = 0;         ///< Answers NOT_LEADER_OR_FOLLOWER (6).
    uint64_t repeat_offset_every = 0;  ///< Gives an offset a second time.
    uint64_t skip_offset_every = 0;    ///< Leaves an offset out.
    uint64_t hang_up_after = 0;        ///< Closes the connection instead of this answer.
};

class NullServer {
public:
    /// Listens on 127.0.0.1 (port 0: any free port) and starts serving. Errors: io_failed.
    static Result<std::unique_ptr<NullServer>> start(uint16_t port, NullFaults faults = {});

    /// Ends the thread; open connections are closed.
    ~NullServer();
    NullServer(const NullServer&) = delete;
    NullServer& operator=(const NullServer&) = delete;

    [[nodiscard]] uint16_t port() const { return port_; }

private:
    /// A connection's frame in progress: its first bytes are kept, the rest only counted.
    struct Peer {
        Fd fd;
        std::vector<std::byte> head;
        size_t frame_left = 0;  ///< Bytes of the current frame that have not come yet; 0 before its
                                ///< length is known.
        std::vector<std::byte> answers;
    };

    NullServer(Fd listener, Fd wake, NullFaults faults);
    void serve();
    void accept_peer(int epoll_fd);
    bool readable(Peer& peer);
    bool take(Peer& peer, ByteView bytes);
    bool frame_complete(Peer& peer);
    bool answer_produce(Peer& peer);
    void answer_create(Peer& peer);
    void answer_metadata(Peer& peer);

    Fd listener_;
    Fd wake_;
    uint16_t port_;
    std::map<int, std::unique_ptr<Peer>> peers_;
    std::vector<std::byte> received_;
    std::vector<int64_t> end_offsets_;  ///< By partition.
    int32_t partition_count_ = 1;
    NullFaults faults_;
    uint64_t produce_count_ = 0;
    std::thread thread_;
};

}  // namespace ringlog::bench
