// The journal's frame: header, bytes of its entries, table of entries, padding. Encoding and
// checking are pure.
//   [header 128][payload: the entries' bytes, back to back][table: 64 bytes per entry][zeros up to
//   a block]
// Everything is little-endian. Explained in docs/journal.md, "Frame".
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>

#include "base/bytes.h"
#include "base/error.h"
#include "engine/types.h"

namespace ringlog::engine {

constexpr uint64_t kFrameMagic = 0x314d5246474f4c52;  ///< "RLOGFRM1".
constexpr uint32_t kFrameVersion = 1;
constexpr uint32_t kFrameHeaderBytes = 128;
constexpr uint32_t kFrameEntryBytes = 64;

/// The first frame of a life of the journal: it carries the life's fresh salt and chains to the
/// frame it continues.
constexpr uint16_t kFrameFence = 1;

struct FrameHeader {
    uint64_t magic = kFrameMagic;
    uint32_t version = kFrameVersion;
    uint32_t header_bytes = kFrameHeaderBytes;
    uint64_t salt = 0;        ///< Of this life of the journal: all frames of one life share it.
    uint64_t sequence = 0;    ///< One more than the frame before.
    uint64_t generation = 0;  ///< Of the file that it was written to.
    uint64_t position = 0;    ///< In that file.
    uint64_t chain = 0;  ///< header_hash of the frame before; 0 for the first frame of a journal.
    uint64_t durable_through =
        0;                     ///< Frames up to this sequence were flushed when this one was built.
    uint32_t frame_bytes = 0;  ///< Of the whole frame, padding included: a multiple of kBlockBytes.
    uint32_t payload_bytes = 0;
    uint32_t entry_count = 0;
    uint16_t journal = 0;
    uint16_t flags = 0;
    uint64_t table_hash = 0;    ///< XXH3 of the table.
    uint64_t payload_hash = 0;  ///< XXH3 of the payload.
    uint64_t life = 0;  ///< Counts the lives of the journal: a frame of a later life proves that a
                        ///< former ended.
    std::array<uint64_t, 2> reserved{};
    uint64_t header_hash = 0;  ///< XXH3 of everything above.
};
static_assert(sizeof(FrameHeader) == kFrameHeaderBytes &&
              std::has_unique_object_representations_v<FrameHeader>);
static_assert(std::endian::native == std::endian::little,
              "frames are read and written in place, little-endian");

enum class EntryKind : uint8_t {
    open = 1,       ///< A number is bound to a partition: payload OpenPayload and the topic's name;
                    ///< base_offset is where its log begins: 0, as every log begins empty.
    remove = 2,     ///< The partition is deleted.
    batch = 3,      ///< Bytes of a record batch, whole or a piece of one.
    extent = 4,     ///< A batch whose blocks went straight to its segment. Not written by this
                    ///< version, refused in replay.
    tail = 5,       ///< Bytes of a segment's last block, put back before that block is rewritten.
    segment = 6,    ///< A roll: base_offset begins a new segment.
    truncate = 7,   ///< The log ends at base_offset now.
    epoch = 8,      ///< leader_epoch began at base_offset.
    log_start = 9,  ///< The log begins at base_offset now.
};

/// One row of a frame's table.
struct FrameEntry {
    uint32_t partition = 0;  ///< PartitionNumber.
    EntryKind kind = EntryKind::batch;
    uint8_t reserved0 = 0;
    uint16_t piece = 0;  ///< batch: which piece this is, from 0.
    uint32_t bytes_left =
        0;  ///< batch: bytes of it that follow in later frames; 0 on the last piece.
    int32_t leader_epoch = -1;
    int64_t base_offset = 0;
    int64_t last_offset = 0;        ///< batch: of the whole batch.
    int64_t segment_base = 0;       ///< batch, tail: the segment that the bytes belong to,
    uint64_t segment_position = 0;  ///< and where in it.
    uint32_t length = 0;            ///< Of this entry's bytes.
    uint32_t payload_offset = 0;    ///< Where in the payload they begin.
    int64_t timestamp = -1;         ///< batch: its max timestamp. segment: wall clock of the roll.
};
static_assert(sizeof(FrameEntry) == kFrameEntryBytes &&
              std::has_unique_object_representations_v<FrameEntry>);

/// What stands before the topic's name in the bytes of an `open` entry.
struct OpenPayload {
    std::array<std::byte, 16> topic_id{};
    int32_t partition = 0;
    uint32_t name_bytes = 0;
};
static_assert(sizeof(OpenPayload) == 24);

/// Where a frame stands: what all of its hashes are seeded with, so that bytes of a client, of
/// another journal or of another place never pass for a frame.
struct FramePlace {
    JournalId journal;
    Generation generation;
    uint64_t position = 0;
};
uint64_t frame_seed(const FramePlace& place);

/// Bytes of a frame on disk.
constexpr uint64_t frame_bytes_for(uint64_t payload_bytes, uint64_t entry_count) {
    return round_up(kFrameHeaderBytes + round_up(payload_bytes, 8) + entry_count * kFrameEntryBytes,
                    kBlockBytes);
}

/// Completes a frame in place: `frame` holds the payload at kFrameHeaderBytes; the table is written
/// behind it, the padding zeroed, the hashes computed, the header written. `header` needs salt,
/// sequence, chain, durable_through, payload_bytes and flags; the rest is filled in. Returns
/// header_hash, to which the next frame chains.
uint64_t seal_frame(Bytes frame, FrameHeader& header, const FramePlace& place,
                    std::span<const FrameEntry> entries);

/// What stands where a frame could begin.
enum class FrameFinding : uint8_t {
    valid,      ///< Everything holds.
    zero,       ///< A block of zeros: nothing was ever written here in this generation.
    no_header,  ///< Bytes that are not a frame of this place: another generation, a torn or damaged
                ///< header.
    payload_damaged,  ///< Header and table hold, the payload does not.
    table_damaged,    ///< The header holds, the table does not.
    newer_version,    ///< Written by a newer format.
};

struct FrameCheck {
    FrameFinding finding = FrameFinding::no_header;
    FrameHeader header{};                 ///< Set unless zero or no_header.
    std::span<const FrameEntry> entries;  ///< Into the bytes; set if valid or payload_damaged.
    ByteView payload;                     ///< Into the bytes; set if valid or payload_damaged.
};

/// Judges the bytes at `place`: `bytes` begins there, aligned to 8, and reaches to the end of what
/// was read of the file.
FrameCheck check_frame(ByteView bytes, const FramePlace& place);

}  // namespace ringlog::engine
