// Java properties. See broker/properties.h.
#include "broker/properties.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>

#include "cluster/config_value.h"

namespace ringlog::broker {

namespace {

constexpr std::string_view kBlank = " \t\f";

/// Natural lines joined where one ends with an odd number of backslashes.
class LogicalLines {
public:
    explicit LogicalLines(std::string_view text) : rest_(text) {}

    struct Line {
        std::string text;
        int number;
    };

    std::optional<Line> next() {
        while (!rest_.empty()) {
            Line line{.text = {}, .number = number_ + 1};
            bool joined = false;
            bool more = true;
            while (more && !rest_.empty()) {
                std::string_view natural = take_natural();
                natural.remove_prefix(std::min(natural.find_first_not_of(kBlank), natural.size()));
                if (!joined && (natural.empty() || natural[0] == '#' || natural[0] == '!')) {
                    natural = {};
                }
                const size_t text_end = natural.find_last_not_of('\\');
                const size_t slashes =
                    natural.size() - (text_end == std::string_view::npos ? 0 : text_end + 1);
                more = slashes % 2 == 1;
                line.text += more ? natural.substr(0, natural.size() - 1) : natural;
                joined = true;
            }
            if (!line.text.empty()) {
                return line;
            }
        }
        return std::nullopt;
    }

private:
    std::string_view take_natural() {
        const size_t end = rest_.find('\n');
        std::string_view line = rest_.substr(0, end);
        rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
        ++number_;
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        return line;
    }

    std::string_view rest_;
    int number_ = 0;
};

void append_utf8(std::string& to, uint32_t point) {
    if (point < 0x80) {
        to += static_cast<char>(point);
    } else if (point < 0x800) {
        to += static_cast<char>(0xc0 | (point >> 6));
        to += static_cast<char>(0x80 | (point & 0x3f));
    } else {
        to += static_cast<char>(0xe0 | (point >> 12));
        to += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
        to += static_cast<char>(0x80 | (point & 0x3f));
    }
}

/// Nothing if a \u escape is not four hexadecimal digits.
std::optional<std::string> unescaped(std::string_view text) {
    std::string result;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            result += text[i];
            continue;
        }
        ++i;
        switch (text[i]) {
            case 't': result += '\t'; break;
            case 'n': result += '\n'; break;
            case 'r': result += '\r'; break;
            case 'f': result += '\f'; break;
            case 'u': {
                const std::string_view digits = text.substr(i + 1, 4);
                uint32_t point = 0;
                const char* last = digits.data() + digits.size();
                const auto [end, error] = std::from_chars(digits.data(), last, point, 16);
                if (digits.size() != 4 || error != std::errc() || end != last) {
                    return std::nullopt;
                }
                append_utf8(result, point);
                i += 4;
                break;
            }
            default: result += text[i]; break;
        }
    }
    return result;
}

/// Where the key ends: the first '=', ':' or blank that no backslash escapes.
size_t key_end(std::string_view line) {
    for (size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '\\') {
            ++i;
        } else if (line[i] == '=' || line[i] == ':' ||
                   kBlank.find(line[i]) != std::string_view::npos) {
            return i;
        }
    }
    return line.size();
}

}  // namespace

std::expected<std::vector<Property>, std::string> parse_properties(std::string_view text,
                                                                   std::string_view name) {
    if (text.starts_with("\xef\xbb\xbf")) {
        text.remove_prefix(3);
    }
    std::vector<Property> properties;
    LogicalLines lines(text);
    while (const auto line = lines.next()) {
        const std::string_view whole = line->text;
        const size_t end = key_end(whole);
        std::string_view rest = whole.substr(end);
        rest.remove_prefix(std::min(rest.find_first_not_of(kBlank), rest.size()));
        if (rest.starts_with('=') || rest.starts_with(':')) {
            rest.remove_prefix(1);
        } else if (rest.empty()) {
            return std::unexpected(fmt::format("{}:{}: \"{}\" has no value; write key=value", name,
                                               line->number, whole.substr(0, 80)));
        }
        const auto key = unescaped(whole.substr(0, end));
        const auto value = unescaped(cluster::trimmed(rest));
        if (!key.has_value() || !value.has_value() || key->empty()) {
            return std::unexpected(fmt::format("{}:{}: {}", name, line->number,
                                               key.has_value() && key->empty()
                                                   ? "the key before the = is missing"
                                                   : "\\u needs four hexadecimal digits"));
        }
        properties.push_back(
            {.key = *key, .value = *value, .where = fmt::format("{}:{}", name, line->number)});
    }
    return properties;
}

std::expected<Property, std::string> parse_override(std::string_view text) {
    const size_t equals = text.find('=');
    const std::string_view key = cluster::trimmed(text.substr(0, equals));
    if (equals == std::string_view::npos || key.empty()) {
        return std::unexpected(fmt::format("--override {}: write --override key=value", text));
    }
    return Property{.key = std::string(key),
                    .value = std::string(cluster::trimmed(text.substr(equals + 1))),
                    .where = "--override"};
}

}  // namespace ringlog::broker
