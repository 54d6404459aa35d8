// Keys to text and back. Explained in cluster/keys.h.
#include "cluster/keys.h"

#include <fmt/format.h>

#include <charconv>

namespace ringlog::cluster::keys {

namespace {

constexpr std::string_view kBroker = "broker/";
constexpr std::string_view kTopic = "topic/";
constexpr std::string_view kTopicConfig = "topic_config/";
constexpr std::string_view kPartitions = "partitions/";
constexpr std::string_view kDeletedTopic = "deleted_topic/";
constexpr size_t kHexDigits = 32;

/// The whole of `text` as a number that is not negative.
std::optional<int32_t> number_of(std::string_view text) {
    int32_t value = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0) {
        return std::nullopt;
    }
    return value;
}

std::optional<Uuid> uuid_of(std::string_view hex) {
    if (hex.size() != kHexDigits) {
        return std::nullopt;
    }
    Uuid id;
    for (size_t i = 0; i < id.bytes.size(); ++i) {
        uint8_t value = 0;
        const char* from = hex.data() + 2 * i;
        const auto [end, error] = std::from_chars(from, from + 2, value, 16);
        if (error != std::errc() || end != from + 2) {
            return std::nullopt;
        }
        id.bytes[i] = std::byte{value};
    }
    return id;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) {
        return false;
    }
    text.remove_prefix(prefix.size());
    return true;
}

std::optional<Parsed> with_id(Parsed::Kind kind, std::string_view hex) {
    const std::optional<Uuid> id = uuid_of(hex);
    return id.has_value() ? std::optional(Parsed{.kind = kind, .id = *id}) : std::nullopt;
}

std::optional<Parsed> parse_chunk(std::string_view rest) {
    if (rest.size() < kHexDigits + 2 || rest[kHexDigits] != '/') {
        return std::nullopt;
    }
    std::optional<Parsed> parsed =
        with_id(Parsed::Kind::partition_chunk, rest.substr(0, kHexDigits));
    const std::optional<int32_t> chunk = number_of(rest.substr(kHexDigits + 1));
    if (!parsed.has_value() || !chunk.has_value()) {
        return std::nullopt;
    }
    parsed->number = *chunk;
    return parsed;
}

}  // namespace

std::string broker(int32_t node_id) {
    return fmt::format("{}{:010}", kBroker, node_id);
}
std::string topic(std::string_view name) {
    return fmt::format("{}{}", kTopic, name);
}
std::string topic_config(const Uuid& id) {
    return fmt::format("{}{}", kTopicConfig, id.to_hex());
}
std::string partition_chunk(const Uuid& id, int32_t chunk) {
    return fmt::format("{}{}/{:06}", kPartitions, id.to_hex(), chunk);
}
std::string deleted_topic(const Uuid& id) {
    return fmt::format("{}{}", kDeletedTopic, id.to_hex());
}

KeyRange everything() {
    return {.begin = std::string(1, '\x01'), .end = "\xff"};
}

std::optional<Parsed> parse(std::string_view key) {
    if (key == kCluster) {
        return Parsed{.kind = Parsed::Kind::cluster};
    }
    if (key == kProducerIds) {
        return Parsed{.kind = Parsed::Kind::producer_ids};
    }
    std::string_view rest = key;
    if (take_prefix(rest, kBroker)) {
        const std::optional<int32_t> node_id = number_of(rest);
        return node_id.has_value()
                   ? std::optional(Parsed{.kind = Parsed::Kind::broker, .number = *node_id})
                   : std::nullopt;
    }
    if (take_prefix(rest, kTopic)) {
        return Parsed{.kind = Parsed::Kind::topic, .name = rest};
    }
    if (take_prefix(rest, kTopicConfig)) {
        return with_id(Parsed::Kind::topic_config, rest);
    }
    if (take_prefix(rest, kDeletedTopic)) {
        return with_id(Parsed::Kind::deleted_topic, rest);
    }
    if (take_prefix(rest, kPartitions)) {
        return parse_chunk(rest);
    }
    return std::nullopt;
}

}  // namespace ringlog::cluster::keys
