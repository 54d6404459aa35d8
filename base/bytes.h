// Views of bytes, and integers read from and written to them. Any core; no I/O, no allocation.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace ringlog {

using Bytes = std::span<std::byte>;
using ByteView = std::span<const std::byte>;

/// The bytes of `text`, not copied.
inline ByteView as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

/// `bytes` as text, not copied.
inline std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads a big-endian integer (the Kafka protocol and record batches). The caller has checked the
/// bounds.
template <std::integral T>
T load_be(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) {
        value = std::byteswap(value);
    }
    return value;
}

/// Writes a big-endian integer. The caller has checked the bounds.
template <std::integral T>
void store_be(std::byte* to, T value) {
    if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) {
        value = std::byteswap(value);
    }
    std::memcpy(to, &value, sizeof(T));
}

/// Reads a little-endian integer (our own files). The caller has checked the bounds.
template <std::integral T>
T load_le(const std::byte* from) {
    T value;
    std::memcpy(&value, from, sizeof(T));
    if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::big) {
        value = std::byteswap(value);
    }
    return value;
}

/// Writes a little-endian integer. The caller has checked the bounds.
template <std::integral T>
void store_le(std::byte* to, T value) {
    if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::big) {
        value = std::byteswap(value);
    }
    std::memcpy(to, &value, sizeof(T));
}

/// The smallest multiple of `unit` (a power of two) that is not below `value`.
constexpr uint64_t round_up(uint64_t value, uint64_t unit) {
    return (value + unit - 1) & ~(unit - 1);
}

/// The largest multiple of `unit` (a power of two) that is not above `value`.
constexpr uint64_t round_down(uint64_t value, uint64_t unit) {
    return value & ~(unit - 1);
}

}  // namespace ringlog
