// 16 opaque bytes, and Kafka's text form of them (URL-safe base64 without padding, 22 characters).
// Any core.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"

namespace ringlog {

/// A topic id or directory id. All zero means "none", as in Kafka.
struct Uuid {
    std::array<std::byte, 16> bytes{};

    [[nodiscard]] bool is_zero() const { return *this == Uuid{}; }
    /// Kafka's form: "MkUuZ0bQR7yZvQmZkN8p5Q".
    [[nodiscard]] std::string to_base64() const;
    /// 32 lower-case hexadecimal digits, for names of directories.
    [[nodiscard]] std::string to_hex() const;
    /// Nothing if `text` is not 22 characters of that alphabet.
    static std::optional<Uuid> from_base64(std::string_view text);
    /// A random version 4 UUID that does not begin with '-' in its text form (Kafka avoids it for
    /// command lines).
    static Uuid random(Random& random);

    friend auto operator<=>(const Uuid&, const Uuid&) = default;
    friend bool operator==(const Uuid&, const Uuid&) = default;
};

}  // namespace ringlog

template <>
struct std::hash<ringlog::Uuid> {
    size_t operator()(const ringlog::Uuid& id) const noexcept;
};
