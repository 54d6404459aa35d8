#include "tests/simulation/cluster/image_probe.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <vector>

#include "engine/store.h"
#include "io/mesh.h"
#include "tests/simulation/cluster/cluster.h"
#include "tests/simulation/cluster/consumer.h"
#include "tests/simulation/cluster/node_driver.h"

namespace ringlog::simulation {
namespace {

constexpr uint32_t kReadBytes = 1 << 20;

/// A partition that must be there.
struct Promise {
    uint16_t topic = 0;
    int32_t partition = 0;
    Uuid id;
    int64_t required = 0;
};

/// What a recovery found of it.
struct Found {
    int64_t log_end = 0;
    std::vector<std::byte> bytes;
    std::string problem;
};

io::Task<Found> read_partition(engine::Shard& shard, Uuid id, int32_t index) {
    Found found;
    engine::Partition* const partition = shard.find(id, index);
    if (partition == nullptr) {
        co_return found;
    }
    found.log_end = partition->log_end_offset();
    int64_t at = partition->log_start_offset();
    while (at < found.log_end) {
        const auto data = co_await partition->read(at, kReadBytes, found.log_end);
        if (!data) {
            found.problem = "cannot be read: " + describe(data.error());
            co_return found;
        }
        std::vector<std::byte> bytes = data->owned;
        for (const engine::Slice& slice : data->slices) {
            bytes.insert(bytes.end(), slice.bytes().begin(), slice.bytes().end());
        }
        if (bytes.empty()) {
            found.problem = fmt::format("has nothing at offset {}", at);
            co_return found;
        }
        for (ByteView rest(bytes); !rest.empty();) {
            const auto header = engine::decode_batch_header(rest);
            if (!header || header->total_bytes > rest.size()) {
                found.problem = fmt::format("has no whole batch at offset {}", at);
                co_return found;
            }
            at = header->last_offset() + 1;
            rest = rest.subspan(header->total_bytes);
        }
        found.bytes.insert(found.bytes.end(), bytes.begin(), bytes.end());
    }
    co_return found;
}

/// One recovery of the image.
class Recovery {
public:
    Recovery(const Cluster& cluster, SimNode& node) : cluster_(cluster), node_(node) {}

    /// Why it was refused; nothing if it was not.
    std::optional<std::string> open() {
        engine::StoreOptions options;
        options.directory = "data";
        for (uint16_t i = 0; i < node_.core_count(); ++i) {
            options.cores.emplace_back(i);
        }
        options.shard = cluster_.swarm.shard;
        options.shard.journal_bytes = cluster_.swarm.journal_bytes;
        options.shard.durability = cluster_.swarm.durability;
        auto failure = node_.run(0, open_store(this, options));
        return failure ? *failure : "the recovery does not end";
    }
    Found read(const Promise& promise) {
        const uint16_t core = engine::placement_of(promise.id, promise.partition, shards_.size());
        auto found = node_.run(core, read_partition(*shards_[core], promise.id, promise.partition));
        return found ? std::move(*found) : Found{.bytes = {}, .problem = "a read does not end"};
    }

private:
    static io::Task<std::optional<std::string>> open_store(Recovery* self,
                                                           engine::StoreOptions options) {
        auto opened = co_await engine::open_store(self->node_.reactor(), std::move(options));
        if (!opened) {
            co_return opened.error().message;
        }
        auto& store = self->node_.own(std::make_unique<engine::OpenedStore>(std::move(*opened)));
        for (const auto& shard : store.shards) {
            self->shards_.push_back(shard.get());
        }
        co_return std::nullopt;
    }

    const Cluster& cluster_;
    SimNode& node_;
    std::vector<engine::Shard*> shards_;
};

std::vector<Promise> promises_of(const Cluster& cluster, const NodeDriver& node) {
    std::vector<Promise> promises;
    const auto topics = static_cast<uint16_t>(cluster.oracle.topic_count());
    for (uint16_t topic = 0; topic < topics; ++topic) {
        const auto id = cluster.oracle.life(topic) == Oracle::TopicLife::alive
                            ? cluster.inspector.topic_id(node, topic)
                            : std::nullopt;
        for (int32_t i = 0; id && i < cluster.oracle.partition_count(topic); ++i) {
            if (!cluster.oracle.is_damaged(topic, i)) {
                promises.push_back({.topic = topic,
                                    .partition = i,
                                    .id = *id,
                                    .required = cluster.oracle.required_end(topic, i)});
            }
        }
    }
    return promises;
}

/// What is wrong with what was found, if anything.
std::optional<std::pair<Invariant, std::string>> judge_found(const Cluster& cluster,
                                                             const Promise& promise,
                                                             const Found& found) {
    const std::string name = fmt::format("t{}-{}", promise.topic, promise.partition);
    if (!found.problem.empty()) {
        return std::pair{Invariant::recovery_prefix, name + " " + found.problem};
    }
    if (found.log_end < promise.required) {
        return std::pair{Invariant::ack_durable,
                         fmt::format("{} would end at {}; {} was promised", name, found.log_end,
                                     promise.required)};
    }
    ReadRun run;
    for (ByteView rest(found.bytes); !rest.empty();) {
        const auto batch = read_batch(rest);
        if (!batch) {
            return std::pair{Invariant::recovery_prefix, name + ": " + batch.error()};
        }
        if (auto wrong = run.next(*batch)) {
            return wrong;
        }
        if (auto wrong = cluster.oracle.disagrees(promise.topic, promise.partition, *batch)) {
            return std::pair{Invariant::no_stale_frame, name + ": " + *wrong};
        }
        rest = rest.subspan(batch->header.total_bytes);
    }
    return std::nullopt;
}

}  // namespace

void probe_image(Cluster& cluster, NodeDriver& node, uint64_t seed) {
    if (!node.serving() || cluster.swarm.honesty() ||
        cluster.swarm.durability != engine::Durability::power) {
        return;
    }
    const std::vector<Promise> promises = promises_of(cluster, node);
    std::unique_ptr<SimDisk> disk = node.node().copy_disk(seed);
    Random random(seed);
    const Fate data = random.chance(1, 2) ? Fate::lost : Fate::random;
    disk->set_capacity(UINT64_MAX);
    disk->lose_power({.data = data, .names = data, .garbage_per_thousand = 20});
    SimWorld world(seed);
    SimNode& copy =
        world.add_node({.cores = static_cast<uint16_t>(1 + random.below(cluster.swarm.cores_max))},
                       std::move(disk));
    std::vector<int64_t> ends;
    for (int time = 0; time < 2 && !cluster.judge.failed(); ++time) {
        Recovery recovery(cluster, copy);
        if (const auto refused = recovery.open()) {
            cluster.judge.violate(Invariant::starts, "an image is refused: " + *refused);
            return;
        }
        for (size_t i = 0; i < promises.size(); ++i) {
            const Found found = recovery.read(promises[i]);
            if (auto wrong = judge_found(cluster, promises[i], found)) {
                cluster.judge.violate(wrong->first, "an image: " + wrong->second);
            }
            if (time == 0) {
                ends.push_back(found.log_end);
            } else if (found.log_end != ends[i]) {
                cluster.judge.violate(
                    Invariant::recovery_prefix,
                    fmt::format("t{}-{}: recovered up to {}, and up to {} the second time",
                                promises[i].topic, promises[i].partition, ends[i], found.log_end));
            }
        }
        copy.crash(CrashKind::kill);
        if (time == 0) {
            copy.restart();
        }
    }
    cluster.judge.mark(Met::images_probed);
}

}  // namespace ringlog::simulation
