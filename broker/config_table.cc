// The table of honoured keys. See broker/config_table.h and docs/configuration.md.
#include "broker/config_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "broker/config_parse.h"
#include "cluster/config_value.h"

namespace ringlog::broker {

namespace {

/// Stores a parsed number if it lies in [min, max].
template <typename T>
std::string store(const Parsed<int64_t>& parsed, int64_t min, int64_t max, T& to) {
    if (!parsed.has_value()) {
        return parsed.error();
    }
    if (*parsed < min) {
        return fmt::format("{} is too small; at least {}", *parsed, min);
    }
    if (*parsed > max) {
        return fmt::format("{} is too large; at most {}", *parsed, max);
    }
    to = static_cast<T>(*parsed);
    return {};
}

template <auto Member, int64_t Min, int64_t Max = std::numeric_limits<int32_t>::max()>
std::string number(std::string_view value, BrokerConfig& config) {
    return store(parse_count(value, {}), Min, Max, config.*Member);
}
template <auto Member, int64_t Min, int64_t Max = std::numeric_limits<int64_t>::max()>
std::string milliseconds(std::string_view value, BrokerConfig& config) {
    return store(parse_count(value, "milliseconds"), Min, Max, config.*Member);
}
template <auto Member, int64_t Min, int64_t Max = std::numeric_limits<int32_t>::max()>
std::string kafka_bytes(std::string_view value, BrokerConfig& config) {
    return store(parse_bytes(value, false), Min, Max, config.*Member);
}
template <auto Member, int64_t Min>
std::string own_bytes(std::string_view value, BrokerConfig& config) {
    if (value == "auto") {
        config.*Member = 0;
        return {};
    }
    return store(parse_bytes(value, true), Min, int64_t{1} << 50, config.*Member);
}
template <auto Member>
std::string boolean(std::string_view value, BrokerConfig& config) {
    const std::optional<bool> parsed = cluster::parse_boolean(value);
    if (!parsed.has_value()) {
        return fmt::format("\"{}\" is neither true nor false", value);
    }
    config.*Member = *parsed;
    return {};
}

std::string data_directory(std::string_view value, BrokerConfig& config) {
    if (value.empty()) {
        return "name a directory";
    }
    if (value.find(',') != std::string_view::npos) {
        return fmt::format(
            "\"{}\" names several directories; Ringlog keeps all data of a node in one. Name one, "
            "or "
            "join the disks below it",
            value);
    }
    config.data_directory = value;
    return {};
}

std::string metadata(std::string_view value, BrokerConfig& config) {
    if (value.starts_with("etcd://") || value.starts_with("etcds://")) {
        return "this version keeps metadata in its own directory only; write embedded";
    }
    if (value != "embedded") {
        return fmt::format("\"{}\" is not a metadata store; write embedded", value);
    }
    config.metadata = value;
    return {};
}

std::string replication_listener(std::string_view value, BrokerConfig& config) {
    auto parsed = parse_host_port(value);
    if (!parsed.has_value()) {
        return parsed.error();
    }
    config.replication_listener = std::move(*parsed);
    return {};
}

std::string admin_listener(std::string_view value, BrokerConfig& config) {
    if (value == "none") {
        config.admin_listener.reset();
        return {};
    }
    auto parsed = parse_host_port(value);
    if (!parsed.has_value()) {
        return parsed.error() + ", or none";
    }
    config.admin_listener = std::move(*parsed);
    return {};
}

std::string cores(std::string_view value, BrokerConfig& config) {
    auto parsed = parse_cores(value);
    if (!parsed.has_value()) {
        return parsed.error();
    }
    config.cores = std::move(*parsed);
    return {};
}

std::string durability(std::string_view value, BrokerConfig& config) {
    if (value != "power" && value != "crash") {
        return fmt::format(
            "\"{}\" is not a durability; write power (survives power loss) or crash (survives a "
            "killed "
            "process or kernel)",
            value);
    }
    config.durability = value == "power" ? Durability::power : Durability::crash;
    return {};
}

std::string io_choice(std::string_view value, BrokerConfig& config) {
    for (const IoChoice io : {IoChoice::automatic, IoChoice::uring, IoChoice::epoll}) {
        if (value == io_choice_name(io)) {
            config.io = io;
            return {};
        }
    }
    return fmt::format("\"{}\" is not a way of I/O; write auto, uring or epoll", value);
}

std::string authorizer(std::string_view value, BrokerConfig&) {
    return value.empty() ? std::string()
                         : "this version does not authorise clients; it will not start as if it "
                           "did. Remove the key";
}

std::string partitions(std::string_view value, BrokerConfig& config) {
    return store(parse_count(value, {}), 1, cluster::kNewPartitionsMax,
                 config.topic_defaults.partition_count);
}

std::string replication_factor(std::string_view value, BrokerConfig& config) {
    return store(parse_count(value, {}), 1, INT16_MAX, config.topic_defaults.replication_factor);
}

using C = BrokerConfig;
constexpr int64_t kMiB = 1024 * 1024;

constexpr auto kNoneYet = cluster::KeyEffect::none_yet;

constexpr auto kRows = std::to_array<KeyRow>({
    {{"listeners", "PLAINTEXT://127.0.0.1:9092",
      "Where clients connect: NAME://host:port, several with commas. An empty host or 0.0.0.0 is "
      "every address and "
      "needs advertised.listeners; port 0 is any free one."},
     nullptr},
    {{"advertised.listeners", "as listeners",
      "What clients are told to connect to, per listener name."},
     nullptr},
    {{"listener.security.protocol.map", "each name is its protocol",
      "NAME:PROTOCOL for each listener name; only PLAINTEXT is there in this version."},
     nullptr},
    {{"controller.listener.names", "none",
      "Listeners that only Kafka's controllers use: not opened."},
     nullptr},
    {{"process.roles", "broker", "Accepted for Kafka's files; must include broker."}, nullptr},
    {{"log.dirs", "./ringlog-data",
      "The one directory with all data of this node; locked while in use."},
     data_directory},
    {{"log.dir", "./ringlog-data", "Another name for log.dirs, which counts if both are set."},
     data_directory},
    {{"node.id", "1", "The number of this node; stays with its data directory."},
     number<&C::node_id, 0>},
    {{"broker.id", "1", "Another name for node.id."}, number<&C::node_id, 0>},
    {{"broker.rack", "none", "Where this node stands, for clients and replicas."},
     [](std::string_view value, BrokerConfig& config) {
         config.rack = value;
         return std::string();
     }},
    {{"ringlog.metadata", "embedded",
      "Where topics and their state are kept: embedded, in the data directory."},
     metadata},
    {{"ringlog.replication.listener", "127.0.0.1:9645", "host:port of the brokers' own traffic.",
      kNoneYet},
     replication_listener},
    {{"ringlog.admin.listener", "127.0.0.1:9644",
      "host:port of /metrics, /healthz, /readyz and a page for people; none turns it off."},
     admin_listener},
    {{"ringlog.cores", "all",
      "A count, or a list of processors (0,2-3), each with a thread of its own; a single processor "
      "as a list is 3-3."},
     cores},
    {{"ringlog.journals", "one per core",
      "Fewer journals than cores, where a device serialises flushes."},
     number<&C::journals, 1, 1024>},
    {{"ringlog.durability", "power",
      "What an acknowledged record survives: power (power loss) or crash (a killed process, "
      "container or kernel)."},
     durability},
    {{"ringlog.io", "auto", "io_uring where the kernel allows it (auto), or uring or epoll."},
     io_choice},
    {{"ringlog.journal.bytes", "auto", "Size of one journal, as bytes or 256MiB; auto: by disk."},
     own_bytes<&C::journal_bytes, 16 * kMiB>},
    {{"ringlog.window.bytes", "auto",
      "Memory per core for recent records, as bytes or 64MiB; auto: by memory."},
     own_bytes<&C::window_bytes, 4 * kMiB>},
    {{"ringlog.flush.ms", "100", "At durability crash: how often the disk is told to flush."},
     milliseconds<&C::flush_ms, 1, 3'600'000>},
    {{"ringlog.connection.moves", "true",
      "A connection that keeps asking for partitions of one other core moves to that core."},
     boolean<&C::move_connections>},
    {{"num.partitions", "1", "Partitions of a topic whose creation names none."}, partitions},
    {{"default.replication.factor", "1", "Replicas of a topic whose creation names none."},
     replication_factor},
    {{"auto.create.topics.enable", "true",
      "A produce or metadata request may create a missing topic."},
     boolean<&C::auto_create_topics>},
    {{"delete.topic.enable", "true", "Topics may be deleted."}, boolean<&C::delete_topics>},
    {{"log.retention.hours", "168", "How long records are kept.", kNoneYet}, nullptr},
    {{"log.retention.minutes", "none", "The same in minutes; counts before hours.", kNoneYet},
     nullptr},
    {{"log.roll.hours", "168", "Age at which a new segment is begun.", kNoneYet}, nullptr},
    {{"log.roll.jitter.hours", "0", "Random part of that age.", kNoneYet}, nullptr},
    {{"log.retention.check.interval.ms", "300000", "How often old segments are looked for.",
      kNoneYet},
     milliseconds<&C::retention_check_interval_ms, 1>},
    {{"producer.id.expiration.ms", "86400000",
      "How long an idle idempotent producer is remembered."},
     milliseconds<&C::producer_id_expiration_ms, 1>},
    {{"socket.request.max.bytes", "104857600",
      "Largest request; a larger one closes its connection."},
     kafka_bytes<&C::request_bytes_max, 1024>},
    {{"fetch.max.bytes", "57671680", "Most bytes that one fetch answer carries."},
     kafka_bytes<&C::fetch_bytes_max, 1024>},
    {{"max.incremental.fetch.session.cache.slots", "1000", "Fetch sessions that are remembered."},
     number<&C::fetch_sessions_max, 0>},
    {{"max.connections", "10000",
      "Client connections at once (Kafka: 2147483647); more are closed at once."},
     number<&C::connections_max, 1>},
    {{"connections.max.idle.ms", "600000",
      "A connection that asks for nothing for so long is closed."},
     milliseconds<&C::connections_idle_ms, 1>},
    {{"authorizer.class.name", "none",
      "Refused unless empty: this version does not authorise clients."},
     authorizer},
});

constexpr auto kInfos = [] {
    std::array<KeyInfo, kRows.size()> infos{};
    std::ranges::transform(kRows, infos.begin(), &KeyRow::info);
    return infos;
}();

}  // namespace

const KeyRow* find_key(std::string_view name) {
    const auto* found =
        std::ranges::find_if(kRows, [name](const KeyRow& row) { return row.info.name == name; });
    return found == kRows.end() ? nullptr : found;
}

std::span<const KeyInfo> config_keys() {
    return kInfos;
}

}  // namespace ringlog::broker
