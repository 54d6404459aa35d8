// Which encoding a message uses, and the ranges of versions that its fields belong to. Any core.
#pragma once

#include <cstdint>

namespace ringlog::kafka {

/// The encoding of one message: its version, and whether that version is a flexible one (compact
/// lengths, tagged fields).
struct Wire {
    int16_t version = 0;
    bool flexible = false;

    friend bool operator==(const Wire&, const Wire&) = default;
};

/// The versions of a message that have a field, both ends included, as Kafka writes them ("3+",
/// "0-5").
struct Versions {
    int16_t first = 0;
    int16_t last = INT16_MAX;

    [[nodiscard]] constexpr bool contains(int16_t version) const {
        return first <= version && version <= last;
    }
    friend bool operator==(const Versions&, const Versions&) = default;
};

/// "3+".
constexpr Versions since(int16_t first) {
    return {.first = first};
}

/// "0-5", both ends included.
constexpr Versions between(int16_t first, int16_t last) {
    return {.first = first, .last = last};
}

/// The longest string of the protocol, in bytes, compact or not.
inline constexpr uint32_t kStringBytesMax = INT16_MAX;

/// Array elements that one message may declare in sum (elements of a fixed size are not walked and
/// not counted). With it a frame of the largest size costs a bounded time to check.
inline constexpr uint32_t kElementsMax = 1U << 20;

}  // namespace ringlog::kafka
