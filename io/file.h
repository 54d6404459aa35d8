// An open file of one core: positioned reads and writes as awaitable operations without allocation.
#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/error.h"
#include "io/backend.h"
#include "io/file_system.h"
#include "io/reactor.h"

namespace ringlog::io {

/// One awaited operation on a file. Its frame must outlive the operation: it is awaited to its end,
/// never abandoned.
class [[nodiscard]] FileOp : private Op {
public:
    FileOp(Reactor& reactor, const Op& op) : Op(op), reactor_(reactor) {}
    FileOp(const FileOp&) = delete;
    FileOp& operator=(const FileOp&) = delete;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> awaiting);
    /// Bytes moved (less than asked at the end of a file), or io_failed / no_space with the errno.
    Result<uint32_t> await_resume() const;

private:
    Reactor& reactor_;
    std::coroutine_handle<> waiter_;
    int32_t result_ = 0;
};

/// Whether a write completes before or after it is on stable media.
enum class WriteMode : uint8_t { plain, flushed };

/// Moves with its owner; close() before it is destroyed.
class File {
public:
    File() = default;
    /// Takes over `opened`. Errors: limit_exceeded when the table of the core is full.
    static Result<File> attach(Reactor& reactor, const OpenedFile& opened);
    File(File&& other) noexcept { swap(other); }
    File& operator=(File&& other) noexcept {
        swap(other);
        return *this;
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() { RL_ASSERT(!is_open()); }

    [[nodiscard]] bool is_open() const { return handle_ >= 0; }
    /// False where O_DIRECT was refused.
    [[nodiscard]] bool direct() const { return direct_; }
    [[nodiscard]] uint32_t block_bytes() const { return block_bytes_; }

    /// Reads into `to` at `position`; all three aligned to block_bytes() if direct(). A short count
    /// is possible.
    FileOp read(Bytes to, uint64_t position, int16_t buffer_index = -1);
    /// Writes `from` at `position`; aligned as read(). `flushed` completes when the bytes are on
    /// stable media; where direct() is false every write is flushed. A short count is possible: the
    /// rest is the caller's to write.
    FileOp write(ByteView from, uint64_t position, WriteMode mode, int16_t buffer_index = -1);
    /// Everything whose write has completed is on stable media when this completes (fdatasync).
    FileOp flush();
    /// No operation may be in flight.
    void close();

private:
    void swap(File& other) noexcept {
        std::swap(reactor_, other.reactor_);
        std::swap(handle_, other.handle_);
        std::swap(direct_, other.direct_);
        std::swap(block_bytes_, other.block_bytes_);
    }

    Reactor* reactor_ = nullptr;
    Handle handle_ = -1;
    bool direct_ = false;
    uint32_t block_bytes_ = 4096;
};

}  // namespace ringlog::io
