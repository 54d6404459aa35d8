// Whether `message.max.bytes`, or a topic's `max.message.bytes`, is more than this broker's journal
// and window can take. Any core; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/shard.h"

namespace ringlog::broker {

/// A sentence that names `key`, its value, what is the limit and what to raise; nothing if a batch
/// of `bytes` can be taken.
std::optional<std::string> batch_limit_problem(std::string_view key, uint64_t bytes,
                                               const engine::ShardOptions& options);

}  // namespace ringlog::broker
