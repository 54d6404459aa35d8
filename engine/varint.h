// Zigzag varints, as the records of a batch have them. Internal to engine/.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace ringlog::engine {

/// Reads varints and bytes; what is malformed is remembered and gives zero, or no bytes.
class VarintReader {
public:
    explicit VarintReader(ByteView bytes) : rest_(bytes) {}

    int64_t take() {
        uint64_t bits = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
            if (rest_.empty() || (shift == 63 && rest_[0] > std::byte{1})) {
                break;
            }
            const auto byte = static_cast<uint64_t>(rest_[0]);
            rest_ = rest_.subspan(1);
            bits |= (byte & 0x7fU) << shift;
            if ((byte & 0x80U) == 0) {
                return static_cast<int64_t>(bits >> 1U) ^ -static_cast<int64_t>(bits & 1U);
            }
        }
        failed_ = true;
        rest_ = {};
        return 0;
    }
    ByteView take_bytes(int64_t count) {
        if (count < 0 || static_cast<uint64_t>(count) > rest_.size()) {
            failed_ = true;
            rest_ = {};
            return {};
        }
        const ByteView bytes = rest_.first(static_cast<size_t>(count));
        rest_ = rest_.subspan(static_cast<size_t>(count));
        return bytes;
    }
    [[nodiscard]] bool failed() const { return failed_; }

private:
    ByteView rest_;
    bool failed_ = false;
};

inline void put_varint(std::vector<std::byte>& to, int64_t value) {
    uint64_t bits = (static_cast<uint64_t>(value) << 1U) ^ static_cast<uint64_t>(value >> 63);
    for (; bits >= 0x80U; bits >>= 7U) {
        to.push_back(static_cast<std::byte>((bits & 0x7fU) | 0x80U));
    }
    to.push_back(static_cast<std::byte>(bits));
}

}  // namespace ringlog::engine
