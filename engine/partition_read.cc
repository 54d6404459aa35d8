// Reads of a partition: from the window without a copy where that pays, else from segments. See
// engine/partition.h.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/mutant.h"
#include "engine/partition.h"

namespace ringlog::engine {

namespace {

/// Slices smaller than this are cheaper to copy than to pin and to send on their own.
constexpr uint64_t kCopyBelowBytes = 4096;

/// How many of `bytes` (whole batches) lie below `limit_offset`.
uint64_t bytes_below(ByteView bytes, int64_t limit_offset) {
    uint64_t at = 0;
    while (at < bytes.size()) {
        const auto header = decode_batch_header(bytes.subspan(at));
        if (!header || header->last_offset() >= limit_offset ||
            at + header->total_bytes > bytes.size()) {
            break;
        }
        at += header->total_bytes;
    }
    return at;
}

/// Where the first batch of what was read begins.
int64_t first_offset(const ReadData& data) {
    const ByteView first = data.slices.empty() ? ByteView(data.owned) : data.slices.front().bytes();
    return load_be<int64_t>(first.data());
}

}  // namespace

std::vector<std::byte> ReadData::to_bytes() const {
    std::vector<std::byte> whole = owned;
    for (const Slice& slice : slices) {
        whole.insert(whole.end(), slice.bytes().begin(), slice.bytes().end());
    }
    return whole;
}

uint64_t Partition::valid_bytes(const SegmentState& segment) const {
    if (segment.base_offset < destaged.segment_base) {
        return segment.bytes;
    }
    return segment.base_offset == destaged.segment_base ? destaged.bytes : 0;
}

uint64_t Partition::available_bytes(int64_t offset, uint64_t enough) const {
    if (offset >= high_watermark_ || offset < log_.log_start_offset()) {
        return 0;
    }
    size_t at = pieces_.find(offset);
    if (at == pieces_.size()) {
        return enough;  // in segments: there is something, how much is not worth a lookup
    }
    uint64_t bytes = 0;
    for (; at < pieces_.size() && bytes < enough; ++at) {
        if (pieces_[at].last_offset >= high_watermark_) {
            break;
        }
        bytes += pieces_[at].bytes.size();
    }
    return bytes;
}

ReadData Partition::read_window(size_t first, uint32_t max_bytes, int64_t limit_offset) const {
    // Which pieces: whole batches below the limit, at least one batch.
    size_t end = first;
    uint64_t bytes = 0;
    uint64_t batch_bytes = 0;
    for (size_t at = first; at < pieces_.size(); ++at) {
        const Piece& piece = pieces_[at];
        if (end > first && piece.first && piece.base_offset != pieces_[end - 1].last_offset + 1) {
            break;  // a hole: the next read tells of it
        }
        batch_bytes += piece.bytes.size();
        if (!piece.last) {
            continue;
        }
        const bool over = end > first && bytes + batch_bytes > max_bytes;
        if (piece.last_offset >= limit_offset || over) {
            break;
        }
        bytes += batch_bytes;
        batch_bytes = 0;
        end = at + 1;
    }
    ReadData data;
    data.bytes = bytes;
    // Neighbours in memory become one slice.
    struct Run {
        Chunk* chunk;
        ByteView bytes;
    };
    std::vector<Run> runs;
    for (size_t at = first; at < end; ++at) {
        const Piece& piece = pieces_[at];
        const bool joins =
            !runs.empty() && runs.back().chunk == piece.chunk &&
            runs.back().bytes.data() + runs.back().bytes.size() == piece.bytes.data();
        if (joins) {
            runs.back().bytes = {runs.back().bytes.data(),
                                 runs.back().bytes.size() + piece.bytes.size()};
        } else {
            runs.push_back({piece.chunk, piece.bytes});
        }
    }
    // Asked once per chunk, and only where it matters: the answer looks at every chunk of the
    // window.
    const Chunk* asked = nullptr;
    const auto may_pin = [&](const Run& run) {
        return std::exchange(asked, run.chunk) == run.chunk || window_.may_pin(*run.chunk);
    };
    if (bytes < kCopyBelowBytes * runs.size() || !std::ranges::all_of(runs, may_pin)) {
        data.owned.reserve(bytes);
        for (const Run& run : runs) {
            data.owned.insert(data.owned.end(), run.bytes.begin(), run.bytes.end());
        }
    } else {
        data.slices.reserve(runs.size());
        for (const Run& run : runs) {
            data.slices.emplace_back(*run.chunk, run.bytes);
        }
    }
    return data;
}

io::Task<Result<ReadData>> Partition::read_segment(int64_t offset, uint32_t max_bytes,
                                                   int64_t limit_offset) {
    ReadData data;
    data.from_window = false;
    const SegmentState* found = log_.segment_of(offset);
    while (found != nullptr) {
        const SegmentState segment = *found;
        auto read =
            co_await segments_.read(log_.id(), segment, offset, max_bytes, valid_bytes(segment));
        if (read) {
            data.owned = std::move(read->bytes);
            data.bytes = bytes_below(ByteView(data.owned).first(read->batches_bytes), limit_offset);
            data.owned.resize(data.bytes);
            co_return data;
        }
        if (read.error().code != Errc::short_read) {
            co_return fail(read.error());
        }
        // Nothing of it at or behind the offset: the next one, if the log goes on there behind a
        // hole.
        found = log_.segment_behind(segment.base_offset);
    }
    co_return data;
}

io::Task<Result<ReadData>> Partition::read(int64_t offset, uint32_t max_bytes,
                                           int64_t limit_offset) {
    const Hold hold(*this);
    if (deleted_) {
        co_return fail(Errc::unknown_partition);
    }
    if (offset < log_.log_start_offset() || offset > log_.log_end_offset()) {
        co_return fail(Errc::offset_out_of_range, 0, offset);
    }
    limit_offset = std::min(limit_offset, log_.log_end_offset());
    if (mutant(Mutant::read_beyond_high_watermark)) {
        limit_offset = log_.log_end_offset();
    }
    if (offset >= limit_offset) {
        co_return ReadData{};
    }
    const size_t first = pieces_.find(offset);
    if (first < pieces_.size()) {
        co_return read_window(first, max_bytes, limit_offset);
    }
    auto data = co_await read_segment(offset, max_bytes, limit_offset);
    if (deleted_) {
        co_return fail(Errc::unknown_partition);
    }
    if (data && data->bytes == 0) {
        // Not in segments (any more than when the read began): what the window has from there on.
        const size_t behind = pieces_.find_behind(offset);
        if (behind < pieces_.size()) {
            data = read_window(behind, max_bytes, limit_offset);
        }
    }
    // A reader passes a hole, or waits behind the last record for what is lost, only after the
    // operator has accepted it.
    if (data && log_.damage() == Damage::journal_gap &&
        (data->bytes == 0 ? limit_offset == log_.log_end_offset() : first_offset(*data) > offset)) {
        co_return fail(Errc::corrupt_batch, 0, offset);
    }
    co_return data;
}

io::Task<Result<TimestampOffset>> Partition::find_timestamp(WallMs timestamp) {
    const Hold hold(*this);
    // The list may change while we wait, and so may what a segment holds: what is asked of its
    // index is of one moment, the latest.
    for (const SegmentState* next = log_.segments().empty() ? nullptr : &log_.segments().front();
         next != nullptr;) {
        const SegmentState segment = *next;
        const uint64_t valid = valid_bytes(segment);
        if (segment.max_timestamp < timestamp || valid == 0) {
            next = log_.segment_behind(segment.base_offset);
            continue;
        }
        auto batch = co_await segments_.find_timestamp(log_.id(), segment, timestamp, valid);
        if (batch && batch->base_offset < high_watermark_) {
            auto data = co_await read(batch->base_offset, 1, high_watermark_);
            if (!data) {
                co_return fail(data.error());
            }
            co_return find_timestamp_in_batch(data->to_bytes(), timestamp);
        }
        if (!batch && batch.error().code != Errc::not_found) {
            co_return fail(batch.error());
        }
        next = log_.segment_behind(segment.base_offset);
    }
    // All of the window: what was destaged while we searched the segments is still here.
    for (size_t at = 0; at < pieces_.size(); ++at) {
        const Piece& piece = pieces_[at];
        if (piece.first && piece.max_timestamp >= timestamp &&
            piece.last_offset < high_watermark_) {
            co_return find_timestamp_in_batch(read_window(at, 1, high_watermark_).to_bytes(),
                                              timestamp);
        }
    }
    co_return TimestampOffset{};
}

io::Task<Result<TimestampOffset>> Partition::find_max_timestamp() {
    WallMs latest = -1;
    for (const SegmentState& segment : log_.segments()) {
        latest = std::max(latest, segment.max_timestamp);
    }
    if (latest < 0) {
        co_return TimestampOffset{};
    }
    auto found = co_await find_timestamp(latest);
    if (!found || found->offset >= 0) {
        co_return found;
    }
    // What has it is not below the high watermark yet, or was lost with the end of a segment: the
    // largest that is there, by halves of what is left between one that is and one that is not.
    TimestampOffset best;
    for (WallMs below = 0, beyond = latest; below < beyond;) {
        const WallMs middle = below + (beyond - below) / 2;
        found = co_await find_timestamp(middle);
        if (!found) {
            co_return found;
        }
        if (found->offset < 0) {
            beyond = middle;
        } else {
            best = *found;
            below = std::max(best.timestamp, middle) + 1;
        }
    }
    co_return best;
}

}  // namespace ringlog::engine
