// The buffers of one ring into which the kernel receives from all sockets of a core: it takes one
// when bytes arrive, and gets it back when the callback has returned. One core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "io/uring_compat.h"

namespace ringlog::io {

class UringBuffers {
public:
    /// The group that receiving operations name.
    static constexpr uint16_t kGroup = 1;
    static constexpr uint32_t kBufferBytes = 64 * 1024;

    /// Registers `count` buffers (a power of two) with `ring`, which outlives them. Errors:
    /// io_failed (ENOMEM, EINVAL).
    static Result<std::unique_ptr<UringBuffers>> create(io_uring* ring, uint16_t count);
    UringBuffers(const UringBuffers&) = delete;
    UringBuffers& operator=(const UringBuffers&) = delete;
    ~UringBuffers();

    /// The first `length` bytes of buffer `index`.
    [[nodiscard]] ByteView view(uint16_t index, uint32_t length) const {
        return {buffer(index), length};
    }
    /// Lets the kernel fill buffer `index` again.
    void give_back(uint16_t index);

private:
    UringBuffers(std::byte* memory, uint16_t count) : memory_(memory), count_(count) {}
    [[nodiscard]] std::byte* buffer(uint16_t index) const {
        return memory_ + size_t{index} * kBufferBytes;
    }
    /// The kernel's ring of descriptions stands behind the buffers, in the same mapping.
    [[nodiscard]] io_uring_buf_ring* entries() const {
        return reinterpret_cast<io_uring_buf_ring*>(memory_ + buffers_bytes());
    }
    [[nodiscard]] size_t buffers_bytes() const { return size_t{count_} * kBufferBytes; }
    [[nodiscard]] size_t mapping_bytes() const {
        return buffers_bytes() + round_up(count_ * sizeof(io_uring_buf), 4096);
    }

    std::byte* memory_;
    uint16_t count_;
};

}  // namespace ringlog::io
