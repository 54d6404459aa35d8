// Kafka's topic-level keys as a table. See cluster/topic_config.h.
#include "cluster/topic_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/assert.h"

namespace ringlog::cluster {

namespace {

constexpr std::array<std::string_view, 2> kPolicies = {"compact", "delete"};
constexpr std::array<std::string_view, 6> kCompression = {"uncompressed", "zstd", "lz4",
                                                          "snappy",       "gzip", "producer"};
constexpr std::array<std::string_view, 2> kTimestampTypes = {"CreateTime", "LogAppendTime"};

constexpr ValueSpec kBool{.type = ConfigType::boolean};
constexpr ValueSpec kList{.type = ConfigType::list};
constexpr std::string_view kLongMax = "9223372036854775807";

constexpr ValueSpec int_from(int64_t min, int64_t max = INT32_MAX) {
    return {.type = ConfigType::int32, .min = min, .max = max};
}
constexpr ValueSpec long_from(int64_t min) {
    return {.type = ConfigType::int64, .min = min};
}

constexpr KeyEffect kNone = KeyEffect::none;
constexpr KeyEffect kNoneYet = KeyEffect::none_yet;

constexpr auto kSpecs = std::to_array<TopicConfigSpec>({
    {"cleanup.policy",
     {.type = ConfigType::list, .allowed = kPolicies},
     "delete",
     "log.cleanup.policy",
     kNoneYet},
    {"compression.gzip.level", int_from(-1, 9), "-1", "compression.gzip.level", kNone},
    {"compression.lz4.level", int_from(1, 17), "9", "compression.lz4.level", kNone},
    {"compression.type", {.allowed = kCompression}, "producer", "compression.type", kNoneYet},
    {"compression.zstd.level", int_from(-131072, 22), "3", "compression.zstd.level", kNone},
    {"delete.retention.ms", long_from(0), "86400000", "log.cleaner.delete.retention.ms", kNoneYet},
    {"file.delete.delay.ms", long_from(0), "60000", "log.segment.delete.delay.ms", kNoneYet},
    {"flush.messages", long_from(1), kLongMax, "log.flush.interval.messages", kNone},
    {"flush.ms", long_from(0), kLongMax, "log.flush.interval.ms", kNone},
    {"follower.replication.throttled.replicas", kList, "", "", kNone},
    {"index.interval.bytes", int_from(0), "4096", "log.index.interval.bytes", kNoneYet},
    {"internal.segment.bytes", int_from(4096), "", ""},
    {"leader.replication.throttled.replicas", kList, "", "", kNone},
    {"local.retention.bytes", long_from(-2), "-2", "", kNone},
    {"local.retention.ms", long_from(-2), "-2", "", kNone},
    {"max.compaction.lag.ms", long_from(1), kLongMax, "log.cleaner.max.compaction.lag.ms",
     kNoneYet},
    {"max.message.bytes", int_from(0), "1048588", "message.max.bytes"},
    {"message.timestamp.after.max.ms", long_from(0), "3600000",
     "log.message.timestamp.after.max.ms"},
    {"message.timestamp.before.max.ms", long_from(0), kLongMax,
     "log.message.timestamp.before.max.ms", kNoneYet},
    {"message.timestamp.type",
     {.allowed = kTimestampTypes},
     "CreateTime",
     "log.message.timestamp.type"},
    {"min.cleanable.dirty.ratio",
     {.type = ConfigType::real, .min = 0, .max = 1},
     "0.5",
     "log.cleaner.min.cleanable.ratio",
     kNoneYet},
    {"min.compaction.lag.ms", long_from(0), "0", "log.cleaner.min.compaction.lag.ms", kNoneYet},
    {"min.insync.replicas", int_from(1), "1", "min.insync.replicas", kNoneYet},
    {"preallocate", kBool, "false", "log.preallocate", kNone},
    {"remote.log.copy.disable", kBool, "false", "", kNone},
    {"remote.log.delete.on.disable", kBool, "false", "", kNone},
    {"remote.storage.enable", kBool, "false", "", kNone},
    {"retention.bytes", long_from(-1), "-1", "log.retention.bytes", kNoneYet},
    {"retention.ms", long_from(-1), "604800000", "log.retention.ms", kNoneYet},
    {"segment.bytes", int_from(1024 * 1024), "1073741824", "log.segment.bytes"},
    {"segment.index.bytes", int_from(4), "10485760", "log.index.size.max.bytes", kNoneYet},
    {"segment.jitter.ms", long_from(0), "0", "log.roll.jitter.ms", kNoneYet},
    {"segment.ms", long_from(1), "604800000", "log.roll.ms", kNoneYet},
    {"unclean.leader.election.enable", kBool, "false", "unclean.leader.election.enable", kNoneYet},
});
static_assert(std::ranges::is_sorted(kSpecs, {}, &TopicConfigSpec::name), "found by binary search");

int64_t integer_value(std::string_view name, const ConfigMap& defaults,
                      const ConfigMap& overrides) {
    const std::string text = topic_config_value(name, defaults, overrides);
    const std::optional<int64_t> value = parse_integer(text);
    RL_ASSERT(value.has_value(), "{}={}", name, text);
    return *value;
}

bool list_contains(std::string_view list, std::string_view wanted) {
    bool found = false;
    for_each_element(list, [&](std::string_view element) { found = found || element == wanted; });
    return found;
}

}  // namespace

std::span<const TopicConfigSpec> topic_config_specs() {
    return kSpecs;
}

const TopicConfigSpec* find_topic_config(std::string_view name) {
    const auto* found = std::ranges::lower_bound(kSpecs, name, {}, &TopicConfigSpec::name);
    return found != kSpecs.end() && found->name == name ? found : nullptr;
}

std::optional<std::string> topic_config_problem(std::string_view name, std::string_view value) {
    const TopicConfigSpec* spec = find_topic_config(name);
    if (spec == nullptr) {
        return fmt::format("Unknown topic config name: {}", name);
    }
    const std::optional<std::string> problem = value_problem(spec->value, value);
    if (!problem.has_value()) {
        return std::nullopt;
    }
    return fmt::format("Invalid value {} for configuration {}: {}", value, name, *problem);
}

std::string topic_config_value(std::string_view name, const ConfigMap& defaults,
                               const ConfigMap& overrides) {
    for (const ConfigMap* map : {&overrides, &defaults}) {
        const auto found = map->find(name);
        if (found != map->end()) {
            return std::string(trimmed(found->second));
        }
    }
    const TopicConfigSpec* spec = find_topic_config(name);
    RL_ASSERT(spec != nullptr, "{}", name);
    return std::string(spec->standard);
}

TopicConfig resolve_topic_config(const ConfigMap& defaults, const ConfigMap& overrides) {
    const auto integer = [&](std::string_view name) {
        return integer_value(name, defaults, overrides);
    };
    const std::string policy = topic_config_value("cleanup.policy", defaults, overrides);
    const std::string internal_segment =
        topic_config_value("internal.segment.bytes", defaults, overrides);
    return {
        .compact = list_contains(policy, "compact"),
        .delete_old = list_contains(policy, "delete"),
        .log_append_time =
            topic_config_value("message.timestamp.type", defaults, overrides) == "LogAppendTime",
        .compression_type = topic_config_value("compression.type", defaults, overrides),
        .max_message_bytes = static_cast<int32_t>(integer("max.message.bytes")),
        .min_insync_replicas = static_cast<int32_t>(integer("min.insync.replicas")),
        .segment_bytes =
            internal_segment.empty() ? integer("segment.bytes") : integer("internal.segment.bytes"),
        .segment_ms = integer("segment.ms"),
        .segment_index_bytes = integer("segment.index.bytes"),
        .index_interval_bytes = integer("index.interval.bytes"),
        .retention_ms = integer("retention.ms"),
        .retention_bytes = integer("retention.bytes"),
        .file_delete_delay_ms = integer("file.delete.delay.ms"),
        .timestamp_before_max_ms = integer("message.timestamp.before.max.ms"),
        .timestamp_after_max_ms = integer("message.timestamp.after.max.ms"),
    };
}

}  // namespace ringlog::cluster
