// Appends Kafka's primitive types to a growable buffer, and leaves gaps for bytes that the sender
// adds without a copy. Any core; no I/O. Explained in docs/protocol.md, "Answers that are not
// copied".
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/uuid.h"
#include "kafka/wire.h"

namespace ringlog::kafka {

/// A gap: before byte `position` of the writer's buffer the sender puts `size_bytes` bytes of its
/// own.
struct Splice {
    size_t position = 0;
    size_t size_bytes = 0;

    friend bool operator==(const Splice&, const Splice&) = default;
};

/// Builds one or several frames. The first failure sticks (a message that its version cannot carry:
/// a string that is too long, null where the version has none); the bytes are then of no use and
/// `ok()` says so.
class Writer {
public:
    explicit Writer(Wire wire = {}) : wire_(wire) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] Wire wire() const { return wire_; }
    [[nodiscard]] int16_t version() const { return wire_.version; }
    [[nodiscard]] bool flexible() const { return wire_.flexible; }
    void set_wire(Wire wire) { wire_ = wire; }

    /// What was written, without the spliced bytes.
    [[nodiscard]] ByteView bytes() const { return buffer_; }
    /// Gaps in ascending order of position, in the order in which they were written.
    [[nodiscard]] const std::vector<Splice>& splices() const { return splices_; }
    /// Size on the wire: bytes() and all spliced bytes.
    [[nodiscard]] size_t total_bytes() const { return buffer_.size() + spliced_bytes_; }
    /// The buffer, moved out; the writer is as new.
    std::vector<std::byte> take();
    /// Forgets the content, keeps the capacity.
    void clear();
    void reserve(size_t count) { buffer_.reserve(buffer_.size() + count); }

    template <std::integral T>
    void write_int(T value) {
        store_be(extend(sizeof(T)), value);
    }
    void write_bool(bool value) { write_int<uint8_t>(value ? 1 : 0); }
    void write_uuid(const Uuid& id) { write_raw(id.bytes); }
    void write_uvarint(uint32_t value) { write_uvarlong(value); }
    void write_uvarlong(uint64_t value);
    void write_varint(int32_t value);
    void write_varlong(int64_t value);

    /// Strings, bytes and array counts, compact in a flexible version.
    void write_string(std::string_view text);
    void write_null_string();
    void write_bytes(ByteView bytes);
    /// The length of a bytes field whose `size_bytes` bytes the sender adds: see splices().
    void write_spliced_bytes(size_t size_bytes);
    /// Null bytes, null records and null arrays look alike.
    void write_null_bytes();
    void write_count(size_t count);

    /// `bytes` as they are.
    void write_raw(ByteView bytes);

    /// Starts a frame: a size that `end_frame` fills in. Returns what `end_frame` needs.
    size_t begin_frame();
    /// Fills in the size of the frame begun at `begun`, spliced bytes included. Fails if it passes
    /// INT32_MAX.
    void end_frame(size_t begun);

    /// Puts the size of everything since `begun` (a value of bytes().size()), as a uvarint, before
    /// it. No splice may have been written since.
    void insert_size(size_t begun);

    /// Records that the message cannot be encoded.
    void fail() { ok_ = false; }

private:
    std::byte* extend(size_t count);
    void write_long_length(size_t size);

    std::vector<std::byte> buffer_;
    std::vector<Splice> splices_;
    size_t spliced_bytes_ = 0;
    size_t spliced_before_frame_ = 0;  ///< spliced_bytes_ when the open frame began.
    Wire wire_;
    bool ok_ = true;
};

}  // namespace ringlog::kafka
