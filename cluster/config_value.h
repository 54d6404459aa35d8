// Values of configuration keys: their types, ranges, and what is wrong with one, in Kafka's words.
// Any core; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringlog::cluster {

/// Kafka's types of configuration values.
enum class ConfigType : uint8_t { boolean, int32, int64, real, text, list };

/// What a value must be.
struct ValueSpec {
    ConfigType type = ConfigType::text;
    int64_t min = INT64_MIN;  ///< int32, int64, real (whole numbers suffice).
    int64_t max = INT64_MAX;
    std::span<const std::string_view>
        allowed{};  ///< text, list: each element is one of these; empty: anything.
};

/// What is wrong with `value` ("Not a number of type LONG", "Value must be at least 1", ...);
/// nothing if it is right.
std::optional<std::string> value_problem(const ValueSpec& spec, std::string_view value);

/// Whole-text conversions; nothing if `text` is not one. Spaces at both ends are ignored, as in
/// Kafka.
std::optional<int64_t> parse_integer(std::string_view text);
std::optional<double> parse_real(std::string_view text);
std::optional<bool> parse_boolean(std::string_view text);

std::string_view trimmed(std::string_view text);

/// Calls `use(element)` for each trimmed element of a comma separated list; none for an empty one.
template <typename F>
void for_each_element(std::string_view list, F&& use) {
    while (!trimmed(list).empty()) {
        const size_t comma = list.find(',');
        use(trimmed(list.substr(0, comma)));
        list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    }
}

}  // namespace ringlog::cluster
