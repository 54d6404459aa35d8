// A consumer of a simulated world: reads whole partitions from their start again and again, with
// and without fetch sessions, looks times up, and judges everything that it gets. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "kafka/fetch.h"
#include "kafka/list_offsets.h"
#include "tests/simulation/cluster/cluster.h"
#include "tests/simulation/cluster/wire_client.h"

namespace ringlog::simulation {

/// Batches of one partition read one behind the other.
class ReadRun {
public:
    /// Begins at `offset`, which may be within a batch.
    void seek(int64_t offset);
    [[nodiscard]] int64_t position() const { return position_; }
    /// True if it has read everything from the start of the log on.
    [[nodiscard]] bool from_start() const { return from_start_; }
    /// What is wrong with `batch` as the next one; nothing if all is well.
    std::optional<std::pair<Invariant, std::string>> next(const ReadBatch& batch);

private:
    struct Sequence {
        int16_t epoch;
        int64_t next;
    };
    int64_t position_ = 0;
    bool from_start_ = true;
    bool begun_ = false;
    int32_t epoch_ = -1;
    std::map<int64_t, Sequence> sequences_;  ///< By producer id.
};

class Consumer {
public:
    Consumer(Cluster& cluster, const ConsumerPlan& plan);
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;
    ~Consumer();

    void start();
    /// Reads every partition from its start to its end, once; done when all_read().
    void begin_audit();
    [[nodiscard]] bool all_read() const;
    [[nodiscard]] std::string unread() const;
    [[nodiscard]] HostId host() const { return wire_.host(); }
    /// Reads nothing from its connection for so long.
    void stall(int64_t duration_ns);

private:
    using Place = std::pair<uint16_t, int32_t>;
    struct Reading {
        ReadRun run;
        Ticket ticket;
        bool read_to_end = false;
        uint32_t errors = 0;
    };
    struct Asked {
        Place place;
        Ticket ticket;
        int64_t position = 0;
        int64_t high_watermark = 0;  ///< What clients had been told when it was asked,
        int64_t required = 0;        ///< and what they had been promised,
        uint64_t cuts = 0;           ///< and how often a crash had taken back some of that.
    };
    /// What the broker knows of our incremental fetch session.
    struct Session {
        int32_t id = 0;
        int32_t epoch = 0;
        std::map<Place, int64_t> offsets;
    };

    void connect_later(int64_t delay_ns);
    void connect();
    void lost();
    void next_later(int64_t delay_ns);
    void next();
    [[nodiscard]] std::vector<Asked> choose();
    void fetch();
    [[nodiscard]] kafka::FetchRequest make_request(const std::vector<Asked>& asked);
    void fetched(const std::vector<Asked>& asked, std::optional<ByteView> frame);
    void take_partition(const Asked& asked, const kafka::FetchPartitionResponse& partition);
    void take_records(const Asked& asked, ByteView bytes, int64_t high_watermark);
    void take_error(const Asked& asked, kafka::ErrorCode error);
    void look_up_time();
    void looked_up(const Asked& asked, WallMs time, std::optional<ByteView> frame);
    void seek_somewhere();

    Cluster& cluster_;
    ConsumerPlan plan_;
    Random random_;
    WireClient wire_;
    std::map<Place, Reading> readings_;
    Session session_;
    bool connecting_ = false;
    bool planned_ = false;
    bool audit_ = false;
    uint64_t life_ = 0;  ///< Of the node that it read from last.
};

}  // namespace ringlog::simulation
