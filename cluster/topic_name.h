// Which names a topic may have, as Kafka decides it. Any core; pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringlog::cluster {

inline constexpr size_t kTopicNameBytesMax = 249;

/// Why `name` cannot be a topic's, in Kafka's words; nothing if it can.
std::optional<std::string> topic_name_problem(std::string_view name);

/// Whether two names differ only in '.' against '_', which Kafka refuses because metric names would
/// collide.
bool topic_names_collide(std::string_view a, std::string_view b);

/// The same for names that collide.
uint64_t topic_name_hash(std::string_view name);

}  // namespace ringlog::cluster
