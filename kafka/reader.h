// A bounded reader of Kafka's primitive types over the bytes of one message. Any core; no I/O, no
// allocation. Explained in docs/protocol.md, "Bytes that are not trusted".
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/uuid.h"
#include "kafka/wire.h"

namespace ringlog::kafka {

/// Why bytes are not a message.
enum class DecodeError : uint8_t {
    none = 0,
    truncated,           ///< The bytes end inside a field.
    negative_length,     ///< A length or count below -1.
    string_too_long,     ///< A compact string over kStringBytesMax.
    count_too_large,     ///< More elements or tags than the remaining bytes can hold.
    too_many_elements,   ///< More than kElementsMax elements in one message.
    varint_too_long,     ///< A varint with more bits than its type.
    varint_not_minimal,  ///< A varint padded with zero groups.
    null_not_allowed,    ///< Null where this version has no null.
    tags_not_ascending,  ///< Tagged fields out of order, or one of them twice.
    tag_size_mismatch,   ///< A known tagged field that is shorter than its declared size.
    trailing_bytes,      ///< Bytes behind the message (`expect_end`).
};

/// The stable name of `error`, for log lines.
std::string_view decode_error_name(DecodeError error);

/// Reads big-endian Kafka types from `bytes`, never beyond them. The first failure sticks: from
/// then on every call returns zero, empty or nullopt and reads nothing, so a decoder checks `ok()`
/// once, at its end. Returned views point into `bytes`, which outlive them. Nothing allocates.
class Reader {
public:
    explicit Reader(ByteView bytes, Wire wire = {})
        : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()), wire_(wire) {}

    [[nodiscard]] bool ok() const { return error_ == DecodeError::none; }
    [[nodiscard]] DecodeError error() const { return error_; }
    /// The failure as Errc::malformed, `at` the position where it was found. Requires !ok().
    [[nodiscard]] Error to_error() const;
    /// Bytes consumed so far; after a failure, where it was found.
    [[nodiscard]] size_t position() const { return static_cast<size_t>(at_ - begin_); }
    [[nodiscard]] size_t remaining() const { return ok() ? static_cast<size_t>(end_ - at_) : 0; }

    [[nodiscard]] Wire wire() const { return wire_; }
    [[nodiscard]] int16_t version() const { return wire_.version; }
    [[nodiscard]] bool flexible() const { return wire_.flexible; }
    /// The encoding of what follows (a header says which one its body has).
    void set_wire(Wire wire) { wire_ = wire; }

    template <std::integral T>
    T read_int() {
        const std::byte* from = take(sizeof(T));
        return from != nullptr ? load_be<T>(from) : T{0};
    }
    bool read_bool() { return read_int<uint8_t>() != 0; }
    Uuid read_uuid();

    /// At most 5 bytes.
    uint32_t read_uvarint();
    /// At most 10 bytes.
    uint64_t read_uvarlong();
    /// Zigzag, at most 5 bytes.
    int32_t read_varint();
    /// Zigzag, at most 10 bytes.
    int64_t read_varlong();

    /// Strings, bytes and arrays, compact in a flexible version. Null where it is not allowed is a
    /// failure.
    std::string_view read_string();
    std::optional<std::string_view> read_nullable_string();
    ByteView read_bytes();
    std::optional<ByteView> read_nullable_bytes();
    /// The number of elements of an array, nullopt for null (or after a failure). Fails unless
    /// `count` elements of at least `element_bytes_min` bytes (not 0) fit into what remains:
    /// nothing may be reserved before this call.
    std::optional<uint32_t> read_count(uint32_t element_bytes_min);
    /// Takes `count` from the budget of kElementsMax elements per message.
    void charge_elements(uint32_t count);

    /// The number of tagged fields that follow; fails unless they fit.
    uint32_t read_tag_count();
    /// Skips a whole section of tagged fields, keeping nothing, checking their order and sizes.
    void skip_tags();

    /// The next `count` bytes, or nullptr if there are fewer.
    const std::byte* take(size_t count) {
        if (static_cast<size_t>(end_ - at_) < count || !ok()) [[unlikely]] {
            fail(DecodeError::truncated);
            return nullptr;
        }
        const std::byte* taken = at_;
        at_ += count;
        return taken;
    }
    void skip(size_t count) { take(count); }

    /// Hides all but the next `count` bytes until `widen`; fails (and hides nothing) if there are
    /// fewer. Returns the end to give back to `widen`.
    const std::byte* narrow(size_t count);
    /// Ends `narrow`. What was hidden in must have been read to its last byte, else
    /// tag_size_mismatch.
    void widen(const std::byte* end);

    /// Fails with trailing_bytes if anything remains.
    void expect_end();

    /// Records the first failure; later ones are dropped.
    void fail(DecodeError error) {
        if (error_ == DecodeError::none) {
            error_ = error;
        }
    }

private:
    uint64_t read_varint_bits(int bits_max);
    /// A length, -1 for null: int16 or uvarint - 1 of a string; int32 or uvarint - 1 of bytes and
    /// arrays.
    int64_t read_string_length();
    int64_t read_long_length();

    const std::byte* begin_;
    const std::byte* at_;
    const std::byte* end_;
    Wire wire_;
    DecodeError error_ = DecodeError::none;
    uint32_t elements_left_ = kElementsMax;
};

}  // namespace ringlog::kafka
