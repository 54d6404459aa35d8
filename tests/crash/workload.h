// The log as a client of the engine uses it: a store with topics, producers that wait for their
// acks, readers. Runs on any Machine and tells a Trace what the clients saw. Explained in
// tests/crash/README.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/store.h"
#include "tests/crash/machine.h"
#include "tests/crash/trace.h"

namespace ringlog::crash {

/// How a log is built. Tiny limits, so that rolls, recycling, split batches and checkpoints happen
/// all the time.
struct LogShape {
    engine::Durability durability = engine::Durability::power;
    uint16_t cores = 1;  ///< Journals live on cores in turn.
    uint16_t journals = 1;
    uint64_t journal_bytes = 256 << 10;
    uint64_t journal_file_bytes = 32 << 10;
    uint64_t segment_bytes = 24 << 10;
};

/// A topic as the clients know it.
struct Topic {
    std::string name;
    Uuid id;
    int32_t partitions = 0;
};

/// What a producer sends to each partition of a topic.
struct Load {
    uint32_t batches = 20;        ///< Per client.
    uint32_t clients = 1;         ///< Per partition, at once; each waits for its ack.
    uint32_t bytes_max = 1800;    ///< Of a value, drawn below this;
    uint32_t large_every = 0;     ///< of every nth batch (0: none) instead
    uint32_t large_bytes = 9000;  ///< this, over several frames.
};

struct FoundBatch {
    int64_t base_offset = 0;
    int64_t last_offset = 0;
    int32_t epoch = 0;
    uint64_t body = 0;  ///< Hash of what a broker does not change.
};

/// The hash of FoundBatch::body. `batch` is one whole batch.
uint64_t body_hash(ByteView batch);

class Log {
public:
    /// `trace` may be null. `life` counts starts; it is the leaders' epoch and makes values unique.
    Log(const LogShape& shape, std::string directory, Trace* trace, uint32_t life)
        : shape_(shape), directory_(std::move(directory)), trace_(trace), life_(life) {}

    /// Opens the store. What was refused, in words; empty if nothing was.
    io::Task<std::string> open(io::Reactor& here);
    /// Opens the partitions of `topic`, which has this index in the trace; a new one is made.
    io::Task<Result<void>> open_topic(io::Reactor& here, uint32_t index, const Topic& topic);
    /// Sends `load` to every partition at once; returns when every client has its answers.
    io::Task<void> produce(io::Reactor& here, uint32_t index, const Topic& topic, Load load,
                           uint64_t seed);
    io::Task<Result<void>> delete_topic(io::Reactor& here, uint32_t index, const Topic& topic);
    /// Of every journal.
    io::Task<Result<void>> checkpoint(io::Reactor& here);
    io::Task<void> close(io::Reactor& here, bool clean);

    /// Null if there is none.
    engine::Partition* find(const Topic& topic, int32_t partition);
    [[nodiscard]] const std::vector<std::unique_ptr<engine::Shard>>& shards() const {
        return store_.shards;
    }
    [[nodiscard]] bool is_open() const { return !store_.shards.empty(); }
    /// Every whole batch up to the high watermark, each with its CRC checked. Errors: what a reader
    /// would get.
    static io::Task<Result<std::vector<FoundBatch>>> read(engine::Partition& partition);

private:
    struct Client {
        uint32_t topic;
        const Topic* about;
        int32_t partition;
        uint32_t number;
        Load load;
        uint64_t seed;
    };
    [[nodiscard]] engine::ShardOptions shard_options() const;
    [[nodiscard]] io::CoreId core_of(size_t journal) const {
        return io::CoreId(static_cast<uint16_t>(journal % shape_.cores));
    }
    [[nodiscard]] size_t journal_of(const Topic& topic, int32_t partition) const {
        return engine::placement_of(topic.id, partition, store_.shards.size());
    }
    void note(Event event) {
        if (trace_ != nullptr) {
            trace_->add(std::move(event));
        }
    }
    io::Task<bool> run_client(Client client);
    io::Task<void> client_on_its_core(io::Reactor& here, Client client);
    /// One batch; false if this client had better stop.
    io::Task<bool> send_one(const Client& client, uint32_t n, engine::Partition& partition);
    [[nodiscard]] std::vector<std::byte> make_batch(const Client& client, uint32_t n,
                                                    Random& random) const;

    LogShape shape_;
    std::string directory_;
    Trace* trace_;
    uint32_t life_;
    engine::OpenedStore store_;
    uint32_t next_client_ = 0;
};

}  // namespace ringlog::crash
