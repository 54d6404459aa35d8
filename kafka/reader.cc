#include "kafka/reader.h"

#include <cstring>

#include "base/assert.h"

namespace ringlog::kafka {

std::string_view decode_error_name(DecodeError error) {
    switch (error) {
        case DecodeError::none: return "none";
        case DecodeError::truncated: return "truncated";
        case DecodeError::negative_length: return "negative_length";
        case DecodeError::string_too_long: return "string_too_long";
        case DecodeError::count_too_large: return "count_too_large";
        case DecodeError::too_many_elements: return "too_many_elements";
        case DecodeError::varint_too_long: return "varint_too_long";
        case DecodeError::varint_not_minimal: return "varint_not_minimal";
        case DecodeError::null_not_allowed: return "null_not_allowed";
        case DecodeError::tags_not_ascending: return "tags_not_ascending";
        case DecodeError::tag_size_mismatch: return "tag_size_mismatch";
        case DecodeError::trailing_bytes: return "trailing_bytes";
    }
    return "unknown";
}

Error Reader::to_error() const {
    return {.code = Errc::malformed, .at = static_cast<int64_t>(position())};
}

Uuid Reader::read_uuid() {
    Uuid id;
    if (const std::byte* from = take(id.bytes.size())) {
        std::memcpy(id.bytes.data(), from, id.bytes.size());
    }
    return id;
}

uint64_t Reader::read_varint_bits(int bits_max) {
    uint64_t value = 0;
    for (int shift = 0; shift < bits_max; shift += 7) {
        const std::byte* from = take(1);
        if (from == nullptr) {
            return 0;
        }
        const auto group = static_cast<uint8_t>(*from);
        const uint64_t bits = group & 0x7FU;
        const int room = bits_max - shift;
        if (room < 7 && (bits >> room) != 0) {
            fail(DecodeError::varint_too_long);
            return 0;
        }
        value |= bits << shift;
        if ((group & 0x80U) == 0) {
            if (group == 0 && shift > 0) {
                fail(DecodeError::varint_not_minimal);
                return 0;
            }
            return value;
        }
    }
    fail(DecodeError::varint_too_long);
    return 0;
}

uint32_t Reader::read_uvarint() {
    return static_cast<uint32_t>(read_varint_bits(32));
}

uint64_t Reader::read_uvarlong() {
    return read_varint_bits(64);
}

int32_t Reader::read_varint() {
    const uint32_t bits = read_uvarint();
    return static_cast<int32_t>((bits >> 1) ^ (~(bits & 1) + 1));
}

int64_t Reader::read_varlong() {
    const uint64_t bits = read_uvarlong();
    return static_cast<int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
}

int64_t Reader::read_string_length() {
    if (!flexible()) {
        const int64_t length = read_int<int16_t>();
        if (length < -1) {
            fail(DecodeError::negative_length);
        }
        return length;
    }
    const int64_t length = int64_t{read_uvarint()} - 1;
    if (length > kStringBytesMax) {
        fail(DecodeError::string_too_long);
    }
    return length;
}

int64_t Reader::read_long_length() {
    if (flexible()) {
        return int64_t{read_uvarint()} - 1;
    }
    const int64_t length = read_int<int32_t>();
    if (length < -1) {
        fail(DecodeError::negative_length);
    }
    return length;
}

std::optional<std::string_view> Reader::read_nullable_string() {
    const int64_t length = read_string_length();
    if (length < 0 || !ok()) {
        return std::nullopt;
    }
    const std::byte* from = take(static_cast<size_t>(length));
    if (from == nullptr) {
        return std::nullopt;
    }
    return as_text({from, static_cast<size_t>(length)});
}

std::string_view Reader::read_string() {
    const auto text = read_nullable_string();
    if (!text) {
        fail(DecodeError::null_not_allowed);
        return {};
    }
    return *text;
}

std::optional<ByteView> Reader::read_nullable_bytes() {
    const int64_t length = read_long_length();
    if (length < 0 || !ok()) {
        return std::nullopt;
    }
    const std::byte* from = take(static_cast<size_t>(length));
    if (from == nullptr) {
        return std::nullopt;
    }
    return ByteView{from, static_cast<size_t>(length)};
}

ByteView Reader::read_bytes() {
    const auto bytes = read_nullable_bytes();
    if (!bytes) {
        fail(DecodeError::null_not_allowed);
        return {};
    }
    return *bytes;
}

std::optional<uint32_t> Reader::read_count(uint32_t element_bytes_min) {
    RL_ASSERT(element_bytes_min > 0);
    const int64_t count = read_long_length();
    if (count < 0 || !ok()) {
        return std::nullopt;
    }
    if (static_cast<uint64_t>(count) * element_bytes_min > remaining()) {
        fail(DecodeError::count_too_large);
        return std::nullopt;
    }
    return static_cast<uint32_t>(count);
}

void Reader::charge_elements(uint32_t count) {
    if (count > elements_left_) {
        fail(DecodeError::too_many_elements);
        return;
    }
    elements_left_ -= count;
}

uint32_t Reader::read_tag_count() {
    constexpr uint64_t kTagBytesMin = 2;  // a tag and a size
    const uint32_t count = read_uvarint();
    if (count * kTagBytesMin > remaining()) {
        fail(DecodeError::count_too_large);
        return 0;
    }
    charge_elements(count);
    return ok() ? count : 0;
}

void Reader::skip_tags() {
    int64_t previous = -1;
    for (uint32_t left = read_tag_count(); left > 0 && ok(); --left) {
        const int64_t tag = read_uvarint();
        if (tag <= previous) {
            fail(DecodeError::tags_not_ascending);
        }
        previous = tag;
        skip(read_uvarint());
    }
}

const std::byte* Reader::narrow(size_t count) {
    const std::byte* end = end_;
    if (count > remaining()) {
        fail(DecodeError::truncated);
    } else {
        end_ = at_ + count;
    }
    return end;
}

void Reader::widen(const std::byte* end) {
    if (at_ != end_) {
        fail(DecodeError::tag_size_mismatch);
    }
    end_ = end;
}

void Reader::expect_end() {
    if (remaining() != 0) {
        fail(DecodeError::trailing_bytes);
    }
}

}  // namespace ringlog::kafka
