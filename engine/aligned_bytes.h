// Memory for direct I/O: aligned to kBlockBytes, freed by its owner. One core at a time; no I/O.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#include "base/bytes.h"
#include "engine/types.h"

namespace ringlog::engine {

/// A block of memory whose address and size are multiples of kBlockBytes. Moves with its owner.
class AlignedBytes {
public:
    AlignedBytes() = default;
    /// `bytes` rounded up to kBlockBytes; the content is not defined.
    explicit AlignedBytes(uint64_t bytes)
        : size_(round_up(bytes, kBlockBytes)),
          data_(static_cast<std::byte*>(::operator new(size_, std::align_val_t{kBlockBytes}))) {}

    [[nodiscard]] uint64_t size() const { return size_; }
    [[nodiscard]] Bytes bytes() const { return {data_.get(), size_}; }
    [[nodiscard]] std::byte* data() const { return data_.get(); }
    void zero() const { std::memset(data_.get(), 0, size_); }

private:
    struct Free {
        void operator()(std::byte* data) const {
            ::operator delete(data, std::align_val_t{kBlockBytes});
        }
    };

    uint64_t size_ = 0;
    std::unique_ptr<std::byte, Free> data_;
};

}  // namespace ringlog::engine
