// Topic-level configuration: Kafka's names, defaults and ranges, and what the broker reads from
// them. Any core; pure. The table for people is docs/configuration.md, "Topics".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cluster/config_value.h"
#include "cluster/model.h"

namespace ringlog::cluster {

/// What setting a key does.
enum class KeyEffect : uint8_t {
    full,      ///< It is obeyed.
    none_yet,  ///< It is checked and kept, and not obeyed: what it asks for is not there yet.
    none,      ///< It has no meaning here, and will have none.
};

/// One topic-level key.
struct TopicConfigSpec {
    std::string_view name;
    ValueSpec value;
    std::string_view standard;    ///< The default where neither topic nor broker says otherwise.
    std::string_view broker_key;  ///< The broker-wide key that sets the default; empty: none.
    KeyEffect effect = KeyEffect::full;
};

/// Every key, ascending by name.
std::span<const TopicConfigSpec> topic_config_specs();
/// Null if there is no such key.
const TopicConfigSpec* find_topic_config(std::string_view name);
/// What is wrong with `name` = `value`, in Kafka's words; nothing if it may be set.
std::optional<std::string> topic_config_problem(std::string_view name, std::string_view value);

/// What the engine and the handlers need of a topic's configuration.
struct TopicConfig {
    bool compact = false;
    bool delete_old = true;
    bool log_append_time = false;
    std::string compression_type = "producer";
    int32_t max_message_bytes = 0;
    int32_t min_insync_replicas = 0;
    int64_t segment_bytes = 0;
    int64_t segment_ms = 0;
    int64_t segment_index_bytes = 0;
    int64_t index_interval_bytes = 0;
    int64_t retention_ms = 0;     ///< -1: for ever.
    int64_t retention_bytes = 0;  ///< -1: any size.
    int64_t file_delete_delay_ms = 0;
    int64_t timestamp_before_max_ms =
        0;  ///< How far a record's time may lie in the past, and in the future.
    int64_t timestamp_after_max_ms = 0;
};

/// Values of `overrides`, else of `defaults` (the broker's), else Kafka's. Both hold only valid
/// pairs.
TopicConfig resolve_topic_config(const ConfigMap& defaults, const ConfigMap& overrides);
/// The value of one key by the same rule, as text. `name` is in the table.
std::string topic_config_value(std::string_view name, const ConfigMap& defaults,
                               const ConfigMap& overrides);

}  // namespace ringlog::cluster
