// Walks the batches of one segment file forward, in large aligned reads into memory of its own
// under a shared budget. One core. Nothing that the file says is believed before it is checked.
// Explained in docs/on_disk_format.md, "Reading".
#pragma once

#include <cstdint>
#include <optional>

#include "engine/aligned_bytes.h"
#include "engine/record_batch.h"
#include "io/event.h"
#include "io/file.h"
#include "io/task.h"

namespace ringlog::engine {

/// A batch as it stands in the file.
struct StoredBatch {
    BatchHeader header;
    uint64_t position = 0;
    ByteView bytes;  ///< Whole; valid until the next call of the reader.
    bool crc_ok = false;
};

struct SegmentRange {
    int64_t segment_base = 0;           ///< Base offset of the segment.
    uint64_t valid_bytes = 0;           ///< Nothing at or behind it is looked at.
    uint64_t whole_bytes = UINT64_MAX;  ///< Where the last batch of the segment ends, if known.
    uint64_t chunk_bytes = 0;           ///< How much to read at once.
};

class SegmentReader {
public:
    SegmentReader(io::File& file, io::Semaphore& budget, const SegmentRange& range);
    ~SegmentReader();
    SegmentReader(const SegmentReader&) = delete;
    SegmentReader& operator=(const SegmentReader&) = delete;

    /// Goes to `position`, where a batch begins whose base offset is at least `expected_offset`.
    void seek(uint64_t position, int64_t expected_offset);
    /// The batch here, and goes behind it; nothing at the end of what is valid. A batch that does
    /// not end below valid_bytes is not valid yet. Errors: corrupt_batch `at` the offset that was
    /// expected here, if the bytes cannot be a batch or its offsets do not fit those around it (the
    /// CRC is for the caller to judge); io_failed.
    io::Task<Result<std::optional<StoredBatch>>> next();

    [[nodiscard]] uint64_t position() const { return position_; }

private:
    /// Makes [position, position + length) lie in the buffer, or as much of it as is valid.
    io::Task<Result<ByteView>> fill(uint64_t position, uint64_t length);
    io::Task<void> grow(uint64_t bytes);
    [[nodiscard]] Error corrupt() const;
    [[nodiscard]] bool plausible(const BatchHeader& header) const;

    io::File& file_;
    io::Semaphore& budget_;
    SegmentRange range_;
    AlignedBytes buffer_;
    uint64_t buffer_begin_ = 0;  ///< Position of the buffer's first byte.
    uint64_t buffer_bytes_ = 0;  ///< How many of its bytes are read.
    uint64_t position_ = 0;
    int64_t expected_offset_ = 0;
    /// Of the first damaged batch since the last good one: its header may have led to a wrong
    /// place.
    std::optional<int64_t> suspect_offset_;
};

}  // namespace ringlog::engine
