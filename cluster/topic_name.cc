// Kafka's rules for topic names. See cluster/topic_name.h.
#include "cluster/topic_name.h"

#include <fmt/format.h>

#include <algorithm>

namespace ringlog::cluster {

namespace {

bool allowed(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

char folded(char c) {
    return c == '.' ? '_' : c;
}

}  // namespace

std::optional<std::string> topic_name_problem(std::string_view name) {
    if (name.empty()) {
        return "Topic name is invalid: the empty string is not allowed";
    }
    if (name == "." || name == "..") {
        return fmt::format("Topic name is invalid: '{}' is not allowed", name);
    }
    if (name.size() > kTopicNameBytesMax) {
        return fmt::format(
            "Topic name is invalid: its length {} is longer than the max allowed length {}",
            name.size(), kTopicNameBytesMax);
    }
    if (!std::ranges::all_of(name, allowed)) {
        return "Topic name is invalid: it contains one or more characters other than ASCII "
               "alphanumerics, "
               "'.', '_' and '-'";
    }
    return std::nullopt;
}

bool topic_names_collide(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return folded(x) == folded(y); });
}

uint64_t topic_name_hash(std::string_view name) {
    uint64_t hash =
        0xcbf29ce484222325;  // FNV-1a: names are short, and the value must be the same everywhere.
    for (const char c : name) {
        hash = (hash ^ static_cast<unsigned char>(folded(c))) * 0x100000001b3;
    }
    return hash ^ (hash >> 32);
}

}  // namespace ringlog::cluster
