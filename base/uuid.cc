// Text forms of a UUID. See base/uuid.h.
#include "base/uuid.h"

#include "base/bytes.h"

namespace ringlog {

namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr size_t kBase64Chars = 22;

}  // namespace

std::string Uuid::to_base64() const {
    std::string text;
    text.reserve(kBase64Chars);
    uint32_t bits = 0;
    int bit_count = 0;
    for (const std::byte b : bytes) {
        bits = (bits << 8) | std::to_integer<uint32_t>(b);
        bit_count += 8;
        while (bit_count >= 6) {
            bit_count -= 6;
            text += kBase64[(bits >> bit_count) & 63U];
        }
    }
    text += kBase64[(bits << (6 - bit_count)) & 63U];
    return text;
}

std::string Uuid::to_hex() const {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string text;
    text.reserve(32);
    for (const std::byte b : bytes) {
        text += kHex[std::to_integer<unsigned>(b) >> 4];
        text += kHex[std::to_integer<unsigned>(b) & 15U];
    }
    return text;
}

std::optional<Uuid> Uuid::from_base64(std::string_view text) {
    if (text.size() != kBase64Chars) {
        return std::nullopt;
    }
    Uuid id;
    uint32_t bits = 0;
    int bit_count = 0;
    size_t at = 0;
    for (const char c : text) {
        const size_t value = kBase64.find(c);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        bits = (bits << 6) | static_cast<uint32_t>(value);
        bit_count += 6;
        if (bit_count >= 8 && at < id.bytes.size()) {
            bit_count -= 8;
            id.bytes[at++] = static_cast<std::byte>((bits >> bit_count) & 255U);
        }
    }
    return id;
}

Uuid Uuid::random(Random& random) {
    for (;;) {
        Uuid id;
        store_be(id.bytes.data(), random.next());
        store_be(id.bytes.data() + 8, random.next());
        id.bytes[6] = (id.bytes[6] & std::byte{0x0f}) | std::byte{0x40};
        id.bytes[8] = (id.bytes[8] & std::byte{0x3f}) | std::byte{0x80};
        if (id.to_base64().front() != '-') {
            return id;
        }
    }
}

}  // namespace ringlog

size_t std::hash<ringlog::Uuid>::operator()(const ringlog::Uuid& id) const noexcept {
    return ringlog::load_le<uint64_t>(id.bytes.data()) ^
           (ringlog::load_le<uint64_t>(id.bytes.data() + 8) * 0x9e3779b97f4a7c15ULL);
}
