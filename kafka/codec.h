// How every field type of a message is read and written. A message is a struct with one function
// `fields`, which names its fields in wire order with the versions that have them; reading,
// writing, the smallest size and tagged fields all follow from it. Any core; no I/O, no allocation
// when reading. Explained in docs/protocol.md, "Adding an API".
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "base/bytes.h"
#include "base/uuid.h"
#include "kafka/reader.h"
#include "kafka/wire.h"
#include "kafka/writer.h"

namespace ringlog::kafka {

/// What is known of a type's encoding before its bytes are seen.
struct SizeBound {
    uint32_t smallest = 0;  ///< Bytes that every value has at least.
    bool fixed = true;  ///< Every value has exactly `smallest` bytes, and all of them are valid.
};

/// Reading and writing of one field type. This one is for schema structs (a static `fields`); its
/// functions are defined in codec_impl.h and instantiated in one source file per message, so that
/// users of a message do not compile them again.
template <typename T>
struct Codec {
    static void read(Reader& reader, T& value);
    static void write(Writer& writer, const T& value);
    static SizeBound bound(Wire wire);
};

template <std::integral T>
struct Codec<T> {
    static void read(Reader& reader, T& value) { value = reader.read_int<T>(); }
    static void write(Writer& writer, T value) { writer.write_int(value); }
    static SizeBound bound(Wire) { return {.smallest = sizeof(T)}; }
};

template <>
struct Codec<bool> {
    static void read(Reader& reader, bool& value) { value = reader.read_bool(); }
    static void write(Writer& writer, bool value) { writer.write_bool(value); }
    static SizeBound bound(Wire) { return {.smallest = 1}; }
};

/// Enumerations travel as their number; a number that is not named is kept.
template <typename T>
    requires std::is_enum_v<T>
struct Codec<T> {
    using Number = std::underlying_type_t<T>;
    static void read(Reader& reader, T& value) {
        value = static_cast<T>(reader.read_int<Number>());
    }
    static void write(Writer& writer, T value) { writer.write_int(static_cast<Number>(value)); }
    static SizeBound bound(Wire) { return {.smallest = sizeof(Number)}; }
};

template <>
struct Codec<Uuid> {
    static void read(Reader& reader, Uuid& value) { value = reader.read_uuid(); }
    static void write(Writer& writer, const Uuid& value) { writer.write_uuid(value); }
    static SizeBound bound(Wire) { return {.smallest = 16}; }
};

template <>
struct Codec<std::string_view> {
    static void read(Reader& reader, std::string_view& value) { value = reader.read_string(); }
    static void read_nullable(Reader& reader, std::optional<std::string_view>& value) {
        value = reader.read_nullable_string();
    }
    static void write(Writer& writer, std::string_view value) { writer.write_string(value); }
    static void write_null(Writer& writer) { writer.write_null_string(); }
    static SizeBound bound(Wire wire) {
        return {.smallest = wire.flexible ? 1U : 2U, .fixed = false};
    }
};

/// Opaque bytes of a field (records and the like): in the message itself, or added by the sender
/// (writing only).
struct Blob {
    ByteView bytes;  ///< Points into the request when read.
    size_t spliced_bytes =
        0;  ///< Size of bytes that the sender puts into the gap; `bytes` is empty then.

    Blob() = default;
    Blob(ByteView view) : bytes(view) {}  // NOLINT: a blob is a view with one more form
    static Blob spliced(size_t size_bytes) {
        Blob blob;
        blob.spliced_bytes = size_bytes;
        return blob;
    }
    [[nodiscard]] size_t size() const { return bytes.size() + spliced_bytes; }

    friend bool operator==(const Blob& left, const Blob& right) {
        return left.spliced_bytes == right.spliced_bytes &&
               std::ranges::equal(left.bytes, right.bytes);
    }
};

template <>
struct Codec<Blob> {
    static void read(Reader& reader, Blob& value) { value = Blob(reader.read_bytes()); }
    static void read_nullable(Reader& reader, std::optional<Blob>& value) {
        const auto bytes = reader.read_nullable_bytes();
        value = bytes ? std::optional(Blob(*bytes)) : std::nullopt;
    }
    static void write(Writer& writer, const Blob& value) {
        if (value.spliced_bytes > 0) {
            writer.write_spliced_bytes(value.spliced_bytes);
        } else {
            writer.write_bytes(value.bytes);
        }
    }
    static void write_null(Writer& writer) { writer.write_null_bytes(); }
    static SizeBound bound(Wire wire) {
        return {.smallest = wire.flexible ? 1U : 4U, .fixed = false};
    }
};

}  // namespace ringlog::kafka
