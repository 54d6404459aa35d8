// Checking configuration values. See cluster/config_value.h.
#include "cluster/config_value.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace ringlog::cluster {

namespace {

template <typename T>
std::optional<T> parse_whole(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('+')) {
        text.remove_prefix(1);
    }
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
        return std::nullopt;
    }
    return value;
}

std::optional<std::string> number_problem(const ValueSpec& spec, std::string_view value) {
    const std::optional<int64_t> number = parse_integer(value);
    const bool fits = number.has_value() && (spec.type != ConfigType::int32 ||
                                             (*number >= INT32_MIN && *number <= INT32_MAX));
    if (!fits) {
        return fmt::format("Not a number of type {}",
                           spec.type == ConfigType::int32 ? "INT" : "LONG");
    }
    if (*number < spec.min) {
        return fmt::format("Value must be at least {}", spec.min);
    }
    if (*number > spec.max) {
        return fmt::format("Value must be no more than {}", spec.max);
    }
    return std::nullopt;
}

std::optional<std::string> real_problem(const ValueSpec& spec, std::string_view value) {
    const std::optional<double> number = parse_real(value);
    if (!number.has_value()) {
        return "Not a number of type DOUBLE";
    }
    if (!(*number >= static_cast<double>(spec.min))) {
        return fmt::format("Value must be at least {}", spec.min);
    }
    if (!(*number <= static_cast<double>(spec.max))) {
        return fmt::format("Value must be no more than {}", spec.max);
    }
    return std::nullopt;
}

std::optional<std::string> allowed_problem(const ValueSpec& spec, std::string_view value) {
    if (spec.allowed.empty() || std::ranges::find(spec.allowed, value) != spec.allowed.end()) {
        return std::nullopt;
    }
    return fmt::format("String must be one of: {}", fmt::join(spec.allowed, ", "));
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n\f";
    const size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::optional<int64_t> parse_integer(std::string_view text) {
    return parse_whole<int64_t>(text);
}

std::optional<double> parse_real(std::string_view text) {
    return parse_whole<double>(text);
}

std::optional<bool> parse_boolean(std::string_view text) {
    std::string lower(trimmed(text));
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (lower == "true" || lower == "false") {
        return lower == "true";
    }
    return std::nullopt;
}

std::optional<std::string> value_problem(const ValueSpec& spec, std::string_view value) {
    switch (spec.type) {
        case ConfigType::boolean:
            return parse_boolean(value).has_value()
                       ? std::nullopt
                       : std::optional<std::string>("Expected value to be either true or false");
        case ConfigType::int32:
        case ConfigType::int64: return number_problem(spec, value);
        case ConfigType::real: return real_problem(spec, value);
        case ConfigType::text: return allowed_problem(spec, trimmed(value));
        case ConfigType::list: break;
    }
    std::optional<std::string> problem;
    for_each_element(value, [&](std::string_view element) {
        if (!problem.has_value()) {
            problem = allowed_problem(spec, element);
        }
    });
    return problem;
}

}  // namespace ringlog::cluster
