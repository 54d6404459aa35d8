#include "kafka/writer.h"

#include <array>
#include <cstring>

#include "base/assert.h"

namespace ringlog::kafka {
namespace {

constexpr size_t kVarlongBytesMax = 10;

/// The bytes of a varint; returns how many.
size_t put_uvarlong(std::array<std::byte, kVarlongBytesMax>& out, uint64_t value) {
    size_t count = 0;
    while (value >= 0x80) {
        out[count++] = static_cast<std::byte>(value | 0x80U);
        value >>= 7;
    }
    out[count++] = static_cast<std::byte>(value);
    return count;
}

}  // namespace

std::vector<std::byte> Writer::take() {
    std::vector<std::byte> taken = std::move(buffer_);
    clear();
    return taken;
}

void Writer::clear() {
    buffer_.clear();
    splices_.clear();
    spliced_bytes_ = 0;
    spliced_before_frame_ = 0;
    ok_ = true;
}

std::byte* Writer::extend(size_t count) {
    const size_t before = buffer_.size();
    buffer_.resize(before + count);
    return buffer_.data() + before;
}

void Writer::write_raw(ByteView bytes) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void Writer::write_uvarlong(uint64_t value) {
    std::array<std::byte, kVarlongBytesMax> encoded;
    const size_t count = put_uvarlong(encoded, value);
    write_raw(ByteView(encoded).first(count));
}

void Writer::write_varint(int32_t value) {
    const auto bits = static_cast<uint32_t>(value);
    write_uvarint((bits << 1) ^ static_cast<uint32_t>(value >> 31));
}

void Writer::write_varlong(int64_t value) {
    const auto bits = static_cast<uint64_t>(value);
    write_uvarlong((bits << 1) ^ static_cast<uint64_t>(value >> 63));
}

void Writer::write_string(std::string_view text) {
    if (text.size() > kStringBytesMax) {
        fail();
        return;
    }
    if (flexible()) {
        write_uvarint(static_cast<uint32_t>(text.size()) + 1);
    } else {
        write_int(static_cast<int16_t>(text.size()));
    }
    write_raw(as_bytes(text));
}

void Writer::write_null_string() {
    if (flexible()) {
        write_uvarint(0);
    } else {
        write_int<int16_t>(-1);
    }
}

void Writer::write_long_length(size_t size) {
    if (size > INT32_MAX) {
        fail();
        return;
    }
    if (flexible()) {
        write_uvarint(static_cast<uint32_t>(size) + 1);
    } else {
        write_int(static_cast<int32_t>(size));
    }
}

void Writer::write_bytes(ByteView bytes) {
    write_long_length(bytes.size());
    write_raw(bytes);
}

void Writer::write_spliced_bytes(size_t size_bytes) {
    write_long_length(size_bytes);
    if (size_bytes > 0) {
        splices_.push_back({.position = buffer_.size(), .size_bytes = size_bytes});
        spliced_bytes_ += size_bytes;
    }
}

void Writer::write_null_bytes() {
    if (flexible()) {
        write_uvarint(0);
    } else {
        write_int<int32_t>(-1);
    }
}

void Writer::write_count(size_t count) {
    write_long_length(count);
}

size_t Writer::begin_frame() {
    const size_t begun = buffer_.size();
    write_int<int32_t>(0);
    spliced_before_frame_ = spliced_bytes_;
    return begun;
}

void Writer::end_frame(size_t begun) {
    RL_ASSERT(begun + sizeof(int32_t) <= buffer_.size());
    const size_t size =
        buffer_.size() - begun - sizeof(int32_t) + spliced_bytes_ - spliced_before_frame_;
    if (size > INT32_MAX) {
        fail();
        return;
    }
    store_be(buffer_.data() + begun, static_cast<int32_t>(size));
}

void Writer::insert_size(size_t begun) {
    RL_ASSERT(begun <= buffer_.size());
    RL_ASSERT(splices_.empty() || splices_.back().position <= begun);
    std::array<std::byte, kVarlongBytesMax> encoded;
    const size_t count = put_uvarlong(encoded, buffer_.size() - begun);
    buffer_.insert(buffer_.begin() + static_cast<ptrdiff_t>(begun), encoded.begin(),
                   encoded.begin() + static_cast<ptrdiff_t>(count));
}

}  // namespace ringlog::kafka
