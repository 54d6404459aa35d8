// Sealing and judging frames. See engine/frame.h.
#include "engine/frame.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "base/checksum.h"
#include "base/mutant.h"

namespace ringlog::engine {

namespace {

constexpr size_t kHashedHeaderBytes = offsetof(FrameHeader, header_hash);

uint64_t table_position(uint64_t payload_bytes) {
    return kFrameHeaderBytes + round_up(payload_bytes, 8);
}

bool all_zero(ByteView bytes) {
    return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

/// Whether the lengths of a header whose hash holds fit each other and what was read.
bool lengths_fit(const FrameHeader& header, size_t available) {
    const uint64_t table_bytes = uint64_t{header.entry_count} * kFrameEntryBytes;
    return header.frame_bytes % kBlockBytes == 0 && header.frame_bytes <= available &&
           table_position(header.payload_bytes) + table_bytes <= header.frame_bytes;
}

/// Whether every entry's bytes lie inside the payload.
bool entries_fit(std::span<const FrameEntry> entries, uint32_t payload_bytes) {
    return std::ranges::all_of(entries, [payload_bytes](const FrameEntry& entry) {
        return uint64_t{entry.payload_offset} + entry.length <= payload_bytes;
    });
}

}  // namespace

uint64_t frame_seed(const FramePlace& place) {
    struct {
        uint64_t journal;
        uint64_t generation;
        uint64_t position;
    } const words = {place.journal.value(),
                     mutant(Mutant::seed_without_generation) ? 0 : place.generation.value(),
                     place.position};
    return xxh3(std::as_bytes(std::span(&words, 1)));
}

uint64_t seal_frame(Bytes frame, FrameHeader& header, const FramePlace& place,
                    std::span<const FrameEntry> entries) {
    const uint64_t seed = frame_seed(place);
    const uint64_t table_at = table_position(header.payload_bytes);
    header.generation = place.generation.value();
    header.position = place.position;
    header.journal = place.journal.value();
    header.entry_count = static_cast<uint32_t>(entries.size());
    header.frame_bytes =
        static_cast<uint32_t>(frame_bytes_for(header.payload_bytes, entries.size()));
    RL_ASSERT(header.frame_bytes <= frame.size(), "{} > {}", header.frame_bytes, frame.size());

    const uint64_t payload_end = kFrameHeaderBytes + header.payload_bytes;
    std::memset(frame.data() + payload_end, 0, table_at - payload_end);
    if (!entries.empty()) {
        std::memcpy(frame.data() + table_at, entries.data(), entries.size_bytes());
    }
    const uint64_t table_end = table_at + entries.size_bytes();
    std::memset(frame.data() + table_end, 0, header.frame_bytes - table_end);

    header.payload_hash = xxh3(frame.subspan(kFrameHeaderBytes, header.payload_bytes), seed);
    header.table_hash = xxh3(std::as_bytes(entries), seed);
    header.header_hash = xxh3(std::as_bytes(std::span(&header, 1)).first(kHashedHeaderBytes), seed);
    std::memcpy(frame.data(), &header, kFrameHeaderBytes);
    return header.header_hash;
}

FrameCheck check_frame(ByteView bytes, const FramePlace& place) {
    FrameCheck check;
    if (bytes.size() < kBlockBytes) {
        return check;
    }
    FrameHeader header;
    std::memcpy(&header, bytes.data(), kFrameHeaderBytes);
    const uint64_t seed = frame_seed(place);
    const uint64_t hash = xxh3(bytes.first(kHashedHeaderBytes), seed);
    if (header.magic != kFrameMagic || header.header_hash != hash) {
        check.finding =
            all_zero(bytes.first(kBlockBytes)) ? FrameFinding::zero : FrameFinding::no_header;
        return check;
    }
    check.header = header;
    if (header.version > kFrameVersion) {
        check.finding = FrameFinding::newer_version;
        return check;
    }
    if (!lengths_fit(header, bytes.size())) {
        check.finding = FrameFinding::table_damaged;  // the file ends inside the frame
        return check;
    }
    const auto* first =
        reinterpret_cast<const FrameEntry*>(bytes.data() + table_position(header.payload_bytes));
    const std::span entries(first, header.entry_count);
    if (xxh3(std::as_bytes(entries), seed) != header.table_hash ||
        !entries_fit(entries, header.payload_bytes)) {
        check.finding = FrameFinding::table_damaged;
        return check;
    }
    check.entries = entries;
    check.payload = bytes.subspan(kFrameHeaderBytes, header.payload_bytes);
    const bool unchecked = mutant(Mutant::payload_unchecked);
    check.finding = unchecked || xxh3(check.payload, seed) == header.payload_hash
                        ? FrameFinding::valid
                        : FrameFinding::payload_damaged;
    return check;
}

}  // namespace ringlog::engine
