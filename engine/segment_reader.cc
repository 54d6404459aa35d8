// Walking the batches of a segment file. See engine/segment_reader.h.
#include "engine/segment_reader.h"

#include <algorithm>
#include <limits>

#include "base/checksum.h"
#include "engine/whole_io.h"

namespace ringlog::engine {

SegmentReader::SegmentReader(io::File& file, io::Semaphore& budget, const SegmentRange& range)
    : file_(file), budget_(budget), range_(range), expected_offset_(range.segment_base) {}

SegmentReader::~SegmentReader() {
    budget_.give(static_cast<int64_t>(buffer_.size()));
}

void SegmentReader::seek(uint64_t position, int64_t expected_offset) {
    position_ = position;
    expected_offset_ = expected_offset;
    suspect_offset_.reset();
}

Error SegmentReader::corrupt() const {
    return {.code = Errc::corrupt_batch, .at = suspect_offset_.value_or(expected_offset_)};
}

bool SegmentReader::plausible(const BatchHeader& header) const {
    // The first comparison bounds the base offset from above, so that the last offset cannot
    // overflow.
    constexpr int64_t kRelativeMax = std::numeric_limits<int32_t>::max();
    return header.magic == 2 && header.base_offset >= expected_offset_ &&
           header.base_offset - range_.segment_base <= kRelativeMax &&
           header.last_offset_delta >= 0;
}

io::Task<Result<std::optional<StoredBatch>>> SegmentReader::next() {
    using Answer = Result<std::optional<StoredBatch>>;
    if (position_ + kBatchHeaderBytes > range_.valid_bytes) {
        const bool cut = position_ < range_.valid_bytes && range_.valid_bytes == range_.whole_bytes;
        co_return cut ? Answer(fail(corrupt())) : Answer(std::nullopt);
    }
    auto bytes = co_await fill(position_, kBatchHeaderBytes);
    if (!bytes) {
        co_return fail(bytes.error());
    }
    const auto header = decode_batch_header(*bytes);
    if (!header || !plausible(*header)) {
        co_return fail(corrupt());
    }
    const uint64_t end = position_ + header->total_bytes;
    if (end > range_.valid_bytes) {
        co_return end > range_.whole_bytes ? Answer(fail(corrupt())) : Answer(std::nullopt);
    }
    bytes = co_await fill(position_, header->total_bytes + kBatchHeaderBytes);
    if (!bytes) {
        co_return fail(bytes.error());
    }
    if (bytes->size() < header->total_bytes) {
        co_return fail(corrupt());
    }
    // The base offset is outside the CRC. Where offsets are missing in front of it, the next batch
    // must confirm it.
    const ByteView behind = bytes->subspan(header->total_bytes);
    if (header->base_offset > expected_offset_ && behind.size() >= kBatchHeaderBytes &&
        load_be<int64_t>(behind.data()) <= header->last_offset()) {
        co_return fail(corrupt());
    }
    StoredBatch batch{
        .header = *header, .position = position_, .bytes = bytes->first(header->total_bytes)};
    batch.crc_ok = crc32c(batch.bytes.subspan(batch_field::kAttributes)) == header->crc;
    if (batch.crc_ok) {
        suspect_offset_.reset();
    } else if (!suspect_offset_) {
        suspect_offset_ = header->base_offset;
    }
    position_ = end;
    expected_offset_ = header->last_offset() + 1;
    co_return Answer(batch);
}

io::Task<Result<ByteView>> SegmentReader::fill(uint64_t position, uint64_t length) {
    const uint64_t end = std::min(position + length, range_.valid_bytes);
    if (position < buffer_begin_ || end > buffer_begin_ + buffer_bytes_) {
        const uint64_t begin = round_down(position, kBlockBytes);
        const uint64_t wanted = round_up(std::max(end - begin, range_.chunk_bytes), kBlockBytes);
        const uint64_t useful = round_up(range_.valid_bytes, kBlockBytes) - begin;
        co_await grow(std::min(wanted, useful));
        buffer_bytes_ = 0;
        const Bytes to = buffer_.bytes().first(std::min(buffer_.size(), useful));
        const auto count = co_await read_whole(file_, to, begin);
        if (!count) {
            co_return fail(count.error());
        }
        buffer_begin_ = begin;
        buffer_bytes_ = *count;
    }
    const uint64_t filled = buffer_begin_ + buffer_bytes_;
    if (filled < std::min(end, position + kBatchHeaderBytes)) {
        co_return fail(corrupt());  // The file ends before what must be in it.
    }
    const ByteView all = buffer_.bytes();
    co_return all.subspan(position - buffer_begin_, std::min(end, filled) - position);
}

io::Task<void> SegmentReader::grow(uint64_t bytes) {
    if (bytes <= buffer_.size()) {
        co_return;
    }
    // Given back before more is taken: nobody waits for the budget while holding a part of it.
    budget_.give(static_cast<int64_t>(buffer_.size()));
    buffer_ = AlignedBytes();
    co_await budget_.take(static_cast<int64_t>(bytes));
    buffer_ = AlignedBytes(bytes);
}

}  // namespace ringlog::engine
