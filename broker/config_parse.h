// Texts of configuration values to their types. Errors are sentences that say what would be right.
// Any core; pure.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/config.h"

namespace ringlog::broker {

template <typename T>
using Parsed = std::expected<T, std::string>;

/// A count of bytes. With `units` also "64MiB", "1 GiB", "512K"; without, a number with a unit is
/// refused and the plain number named.
Parsed<int64_t> parse_bytes(std::string_view text, bool units);
/// A plain number of `unit` ("milliseconds"); "5s" and the like are refused and what is meant is
/// named where it is clear.
Parsed<int64_t> parse_count(std::string_view text, std::string_view unit);
/// "all", a count, or a list of processors such as "0,2-3".
Parsed<CoreChoice> parse_cores(std::string_view text);
/// "host:port", "[::1]:port", ":port" (an empty host).
Parsed<HostPort> parse_host_port(std::string_view text);

/// What the keys about listeners say, as texts; null where a key is not set.
struct ListenerKeys {
    const Property* listeners = nullptr;
    const Property* advertised = nullptr;
    const Property* protocols = nullptr;         ///< listener.security.protocol.map
    const Property* controller_names = nullptr;  ///< controller.listener.names
};
/// Fills listeners and notices of `config`; appends to `problems` what is wrong.
void build_listeners(const ListenerKeys& keys, BrokerConfig& config, ConfigProblems& problems);

/// Why `key` is accepted and ignored; empty if it is not such a key.
std::string_view ignored_key_reason(std::string_view key);
/// Every key that is accepted and ignored, for suggestions and documentation.
std::vector<std::string_view> ignored_keys();

/// The candidate that `key` was probably meant to be; empty if none is near.
std::string_view nearest_key(std::string_view key, const std::vector<std::string_view>& candidates);

}  // namespace ringlog::broker
