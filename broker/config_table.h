// The honoured keys: name, default, one sentence, and how the value is taken over. Any core; pure.
#pragma once

#include <string>
#include <string_view>

#include "broker/config.h"

namespace ringlog::broker {

struct KeyRow {
    KeyInfo info;
    /// Takes the trimmed value over; what is wrong with it, or empty. Null: read elsewhere
    /// (listeners, roles).
    std::string (*apply)(std::string_view value, BrokerConfig& config);
};

/// Null if `name` is not in the table.
const KeyRow* find_key(std::string_view name);

}  // namespace ringlog::broker
