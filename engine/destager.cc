// From the window into segments. See engine/destager.h.
#include "engine/destager.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "base/mutant.h"

namespace ringlog::engine {

namespace {

/// One write to a segment. Large enough for the device's bandwidth, small enough not to delay the
/// journal's writes much.
constexpr uint64_t kDestageBytesMax = 1 << 20;
/// Partitions that are destaged at once for a checkpoint.
constexpr uint32_t kParallelMax = 16;
constexpr int kWriteAttempts = 3;
constexpr int64_t kWriteRetryNs = 20 * kMillisecondNs;
constexpr int64_t kFullDiskRetryNs = 200 * kMillisecondNs;

/// Buffers of kWriteBufferBytes that are kept for the next write.
constexpr size_t kKeptBuffersMax = 2;
/// A write begins on a block's start: one more block than what is new, and one piece at least.
constexpr uint64_t kWriteBufferBytes = kDestageBytesMax + kBlockBytes;

}  // namespace

/// One write: which bytes of which segment.
struct Destager::Plan {
    int64_t segment_base = 0;
    uint64_t from = 0;        ///< First byte that is not in the segment yet.
    uint64_t write_from = 0;  ///< From, rounded down to a block.
    uint64_t write_to = 0;    ///< A multiple of a block; zeros stand behind `to`.
    uint64_t to = 0;          ///< Bytes of the segment that are in it afterwards.
    int64_t new_from = SegmentStore::kNothingNew;  ///< Offset of the first batch not wholly in it.
    bool ends_segment = false;
    [[nodiscard]] bool empty() const { return to <= from && !ends_segment; }
};

Destager::Destager(const Parts& parts)
    : parts_(parts), work_(parts.reactor), released_(parts.reactor) {}

void Destager::stop() {
    stopping_ = true;
    work_.notify_all();
}

void Destager::poke() {
    if (parts_.window.pressure_serial() > 0) {
        work_.notify_all();
    }
}

io::Task<void> Destager::run() {
    while (!stopping_) {
        Partition* oldest = parts_.dirty_line.front();
        const uint64_t pressure = parts_.window.pressure_serial();
        const bool wanted = oldest != nullptr && pressure > 0 &&
                            oldest->pieces()[oldest->pieces().destaged()].chunk->serial <= pressure;
        if (!wanted) {
            // By event, and now and then by itself: nothing is lost if a notification came while we
            // worked.
            co_await work_.wait_until(parts_.reactor.now() + kFullDiskRetryNs);
            continue;
        }
        const uint64_t before = oldest->pieces().undestaged_bytes();
        auto done = co_await destage(*oldest, pressure, Sequence(0));
        if (!done) {
            ++counters_.waits_for_disk;
            co_await parts_.reactor.sleep_for(kFullDiskRetryNs);
        } else if (oldest_waits_for_flush(before)) {
            // At `crash` nobody else may be asking for a flush.
            auto flushed = co_await parts_.journal.flushed(parts_.journal.completed());
            if (!flushed) {
                co_await parts_.reactor.sleep_for(kFullDiskRetryNs);
            }
        } else {
            co_await parts_.reactor.yield();
        }
    }
}

bool Destager::oldest_waits_for_flush(uint64_t bytes_before) {
    const Partition* oldest = parts_.dirty_line.front();
    return oldest != nullptr && oldest->pieces().undestaged_bytes() == bytes_before &&
           oldest->pieces()[oldest->pieces().destaged()].sequence >
               parts_.journal.flushed_through();
}

io::Task<Result<void>> Destager::destage_through(Sequence sequence) {
    // Several at once, so that their `tail` entries share frames and their waits overlap.
    // Partitions that become dirty meanwhile hold later frames only: those that are in line now are
    // enough.
    Result<void> result{};
    io::TaskGroup group;
    for (;;) {
        Partition* found = nullptr;
        for (Partition* at = parts_.dirty_line.front(); at != nullptr && result;
             at = parts_.dirty_line.next(*at)) {
            if (at->pieces()[at->pieces().destaged()].sequence <= sequence) {
                found = at;
                break;
            }
        }
        if (found != nullptr && busy_ < kParallelMax) {
            group.spawn(destage_into(*found, sequence, result));
        } else if (found != nullptr || busy_ > 0) {
            co_await released_.wait();
        } else {
            break;
        }
    }
    co_await group.close();
    co_return result;
}

io::Task<void> Destager::destage_into(Partition& partition, Sequence sequence,
                                      Result<void>& result) {
    auto done = co_await destage(partition, 0, sequence);
    if (!done) {
        result = done;
    }
}

void Destager::release(Partition& partition) {
    partition.destaging = false;
    --busy_;
    if (partition.pieces().undestaged() > 0 && !partition.deleted()) {
        // In line by the age of its oldest piece, so that the front is always the one whose bytes
        // pin the most.
        const auto serial = [](const Partition& p) {
            return p.pieces()[p.pieces().destaged()].chunk->serial;
        };
        Partition* behind = nullptr;
        for (Partition* at = parts_.dirty_line.back();
             at != nullptr && serial(*at) > serial(partition);
             at = parts_.dirty_line.previous(*at)) {
            behind = at;
        }
        if (behind == nullptr) {
            parts_.dirty_line.push_back(partition);
        } else {
            parts_.dirty_line.insert_before(*behind, partition);
        }
    }
    released_.notify_all();
}

io::Task<Result<void>> Destager::destage(Partition& partition, uint64_t force_serial,
                                         Sequence force_sequence) {
    // Out of the line while we work on it: one writer per partition.
    partition.unlink();
    partition.destaging = true;
    ++busy_;
    const Partition::Hold hold(partition);
    Result<void> result{};
    for (;;) {
        auto more = co_await step(partition, force_serial, force_sequence);
        if (!more) {
            result = fail(more.error());
            break;
        }
        if (!*more) {
            break;
        }
    }
    release(partition);
    co_return result;
}

Destager::Plan Destager::plan(const Partition& partition, uint64_t force_serial,
                              Sequence force_sequence) const {
    const PieceQueue& pieces = partition.pieces();
    const Sequence flushed =
        mutant(Mutant::destage_unflushed) ? Sequence(UINT64_MAX) : parts_.journal.flushed_through();
    Plan plan;
    plan.segment_base = partition.destaged.segment_base;
    plan.from = plan.to = partition.destaged.bytes;
    if (pieces.undestaged() > 0) {
        plan.new_from = pieces[pieces.destaged()].base_offset;
    }
    bool force = false;
    bool rolled = false;
    // A batch whose last piece is not flushed may never have been: nothing of it goes to a segment.
    size_t whole = pieces.destaged();
    for (size_t at = whole; at < pieces.size() && pieces[at].sequence <= flushed; ++at) {
        whole = pieces[at].last ? at + 1 : whole;
    }
    for (size_t at = pieces.destaged(); at < whole; ++at) {
        const Piece& piece = pieces[at];
        if (piece.segment_base != plan.segment_base) {
            rolled = true;
            break;
        }
        const uint64_t end = piece.segment_position + piece.bytes.size();
        if (end - round_down(plan.from, kBlockBytes) > kDestageBytesMax && plan.to > plan.from) {
            break;
        }
        plan.to = std::max(plan.to, end);
        force = force || piece.chunk->serial <= force_serial || piece.sequence <= force_sequence;
    }
    const auto& segments = partition.log().segments();
    const auto own = std::ranges::find(segments, plan.segment_base, &SegmentState::base_offset);
    const bool sealed = own == segments.end() || std::next(own) != segments.end();
    plan.ends_segment = rolled && sealed && (own == segments.end() || plan.to >= own->bytes);
    plan.write_from = round_down(plan.from, kBlockBytes);
    if (force || plan.ends_segment) {
        plan.write_to = round_up(plan.to, kBlockBytes);
    } else {
        plan.write_to = round_down(plan.to, kBlockBytes);
        plan.to = std::max(plan.from, plan.write_to);
    }
    return plan;
}

bool Destager::checkpoint_counts_on(const Partition& partition, const Plan& plan) {
    const auto claims = [&plan](const Partition::DestageProgress& progress) {
        return progress.segment_base == plan.segment_base && progress.bytes > plan.write_from;
    };
    return claims(partition.synced) || claims(partition.syncing);
}

io::Task<Result<void>> Destager::refill_block(Partition& partition, const Plan& plan,
                                              Bytes buffer) {
    const uint64_t bytes = plan.from - plan.write_from;
    if (!partition.tail.empty()) {
        std::memcpy(buffer.data(), partition.tail.data(), bytes);
    } else {
        // Into a block of its own: the buffer has the new bytes behind these already.
        const AlignedBytes block(kBlockBytes);
        auto read = co_await parts_.segments.read_block(partition.id(), plan.segment_base,
                                                        plan.write_from, block.bytes());
        if (!read) {
            co_return read;
        }
        std::memcpy(buffer.data(), block.data(), bytes);
    }
    if (!checkpoint_counts_on(partition, plan) || mutant(Mutant::skip_tail)) {
        co_return Result<void>{};  // a replay brings these bytes back anyway
    }
    // A checkpoint says that they are in the segment. The block is rewritten and may be torn: until
    // that is synced and counted, the bytes must stand in a flushed frame again.
    FrameEntry entry;
    entry.partition = partition.number().value();
    entry.kind = EntryKind::tail;
    entry.segment_base = plan.segment_base;
    entry.segment_position = plan.write_from;
    const ByteView view = buffer.first(bytes);
    ++counters_.tails;
    for (;;) {
        auto appended = parts_.journal.append(entry, std::span(&view, 1), std::nullopt);
        if (appended) {
            co_return co_await parts_.journal.flushed(appended->sequence);
        }
        if (appended.error().code != Errc::no_space) {
            co_return fail(appended.error());
        }
        co_await parts_.journal.room().wait_until(parts_.reactor.now() + kMillisecondNs);
    }
}

void Destager::mark_destaged(Partition& partition, const Plan& plan) {
    partition.destaged = {.segment_base = plan.segment_base, .bytes = plan.to};
    partition.tail.clear();
    PieceQueue& pieces = partition.pieces();
    // By whole batches: a batch of which a part is not in the segment is read from the window.
    size_t whole = pieces.destaged();
    for (size_t at = whole; at < pieces.size(); ++at) {
        const Piece& piece = pieces[at];
        if (piece.segment_base != plan.segment_base ||
            piece.segment_position + piece.bytes.size() > plan.to) {
            break;
        }
        if (piece.last) {
            whole = at + 1;
        }
    }
    uint64_t batch_position = 0;
    while (pieces.destaged() < whole) {
        const Piece& piece = pieces[pieces.destaged()];
        if (piece.first) {
            batch_position = piece.segment_position;
        }
        if (piece.last) {
            parts_.segments.index(partition.id(), plan.segment_base,
                                  {.base_offset = piece.base_offset,
                                   .last_offset = piece.last_offset,
                                   .position = batch_position,
                                   .max_timestamp = piece.max_timestamp});
        }
        parts_.window.piece_destaged(*piece.chunk);
        pieces.advance_destaged();
    }
}

io::Task<Result<void>> Destager::finish_segment(Partition& partition, const Plan& plan) {
    const auto& segments = partition.log().segments();
    const auto own = std::ranges::find(segments, plan.segment_base, &SegmentState::base_offset);
    if (own != segments.end() && own->bytes > 0) {
        const SegmentState segment = *own;  // the list may grow while we wait
        auto sealed = co_await parts_.segments.seal(partition.id(), segment);
        if (!sealed) {
            // It stays longer than its log, with zeros behind it: nothing is lost, and nobody else
            // must wait for it.
            log_warn("destager", "{}: segment {} is not cut to its length: {}",
                     partition_directory_name(partition.id()), segment.base_offset,
                     describe(sealed.error()));
        }
    }
    const PieceQueue& pieces = partition.pieces();
    if (partition.deleted() || pieces.undestaged() == 0) {
        co_return Result<void>{};
    }
    const Piece& next = pieces[pieces.destaged()];
    partition.destaged = {.segment_base = next.segment_base, .bytes = next.segment_position};
    co_return Result<void>{};
}

void Destager::copy_pieces(const Partition& partition, const Plan& plan, Bytes buffer) {
    std::ranges::fill(buffer.subspan(plan.to - plan.write_from), std::byte{0});
    const PieceQueue& pieces = partition.pieces();
    for (size_t at = pieces.destaged(); at < pieces.size(); ++at) {
        const Piece& piece = pieces[at];
        const uint64_t begin = piece.segment_position;
        if (piece.segment_base != plan.segment_base || begin >= plan.to) {
            break;
        }
        const uint64_t first = std::max(begin, plan.from);
        const uint64_t last = std::min(begin + piece.bytes.size(), plan.to);
        if (first < last) {
            std::memcpy(buffer.data() + (first - plan.write_from),
                        piece.bytes.data() + (first - begin), last - first);
        }
    }
}

io::Task<Result<void>> Destager::put_into_segment(Partition& partition, const Plan& plan,
                                                  Bytes buffer) {
    if (!partition.directory_ready) {
        auto made = co_await parts_.segments.create_partition(partition.id());
        if (!made) {
            co_return made;
        }
        partition.directory_ready = true;
    }
    if (plan.from > plan.write_from) {
        auto kept = co_await refill_block(partition, plan, buffer);
        if (!kept) {
            co_return kept;
        }
    }
    if (partition.deleted()) {
        co_return Result<void>{};
    }
    co_return co_await parts_.segments.write(partition.id(), plan.segment_base, plan.write_from,
                                             buffer, plan.new_from);
}

io::Task<Result<bool>> Destager::step(Partition& partition, uint64_t force_serial,
                                      Sequence force_sequence) {
    const Plan planned = plan(partition, force_serial, force_sequence);
    if (planned.empty() || partition.deleted()) {
        co_return false;
    }
    if (planned.to > planned.from) {
        auto done = co_await write_pieces(partition, planned);
        if (partition.deleted()) {
            co_return false;
        }
        if (!done) {
            co_return fail(done.error());
        }
        mark_destaged(partition, planned);
    }
    if (planned.ends_segment) {
        auto finished = co_await finish_segment(partition, planned);
        if (!finished) {
            co_return fail(finished.error());
        }
    }
    co_return true;
}

AlignedBytes Destager::take_buffer(uint64_t bytes) {
    if (bytes > kWriteBufferBytes) {
        return AlignedBytes(bytes);
    }
    if (kept_buffers_.empty()) {
        return AlignedBytes(kWriteBufferBytes);  // memory that is not touched costs nothing
    }
    AlignedBytes buffer = std::move(kept_buffers_.back());
    kept_buffers_.pop_back();
    return buffer;
}

void Destager::give_back(AlignedBytes buffer) {
    if (buffer.size() == kWriteBufferBytes && kept_buffers_.size() < kKeptBuffersMax) {
        kept_buffers_.push_back(std::move(buffer));
    }
}

io::Task<Result<void>> Destager::write_pieces(Partition& partition, const Plan& plan) {
    const uint64_t bytes = plan.write_to - plan.write_from;
    AlignedBytes memory = take_buffer(bytes);
    const Bytes buffer = memory.bytes().first(bytes);
    copy_pieces(partition, plan, buffer);
    ++counters_.writes;
    counters_.bytes += bytes;
    auto written = co_await write_segment(partition, plan, buffer);
    const bool may_heal =
        !written && (written.error().code == Errc::no_space ||
                     written.error().code == Errc::closed || parts_.journal.failure());
    if (!written && !may_heal && !partition.deleted()) {
        const ByteView news =
            ByteView(buffer).subspan(plan.from - plan.write_from, plan.to - plan.from);
        auto rescued = co_await rescue(partition, plan, news);
        if (rescued) {
            written = Result<void>{};
        }
    }
    give_back(std::move(memory));
    co_return written;
}

io::Task<Result<void>> Destager::write_segment(Partition& partition, const Plan& plan,
                                               Bytes buffer) {
    // The bytes are still ours, in the window and in the journal: writing them again is safe,
    // unlike a journal's frame.
    Result<void> written{};
    for (int attempt = 0; attempt < kWriteAttempts && !partition.deleted(); ++attempt) {
        if (attempt > 0) {
            co_await parts_.reactor.sleep_for(kWriteRetryNs);
        }
        written = co_await put_into_segment(partition, plan, buffer);
        if (written || written.error().code == Errc::no_space) {
            break;
        }
    }
    co_return written;
}

io::Task<Result<void>> Destager::rescue(Partition& partition, const Plan& plan, ByteView bytes) {
    // A segment that cannot be written must not pin the journal for the others: its bytes go to a
    // file beside it.
    const std::string directory = parts_.directory + "/rescue";
    const std::string path =
        fmt::format("{}/{}.{}.{}", directory, partition_directory_name(partition.id()),
                    segment_file_name(plan.segment_base, ".log"), plan.from);
    log_error("destager", "{}: the segment cannot be written; its bytes go to {}, read-only now",
              partition_directory_name(partition.id()), path);
    partition.set_damage(Damage::segment_failed);
    counters_.rescued_bytes += bytes.size();
    auto& files = parts_.reactor.files();
    auto saved = co_await parts_.reactor.run_blocking([&]() -> Result<void> {
        auto made = files.make_directory(directory);
        if (!made && made.error().code != Errc::exists) {
            return made;
        }
        auto opened = files.open(path, {.create = true, .write = true, .direct = false});
        if (!opened) {
            return fail(opened.error());
        }
        auto done = files.write(opened->descriptor, bytes, 0);
        if (done) {
            done = files.sync_data(opened->descriptor);
        }
        if (done) {
            done = files.sync_directory(directory);
        }
        files.close(opened->descriptor);
        return done;
    });
    co_return saved;
}

io::Task<Result<void>> Destager::repair_tail(Partition& partition) {
    if (partition.tail.empty()) {
        co_return Result<void>{};
    }
    const uint64_t position = round_down(partition.destaged.bytes, kBlockBytes);
    const AlignedBytes block(kBlockBytes);
    block.zero();
    std::memcpy(block.data(), partition.tail.data(), partition.tail.size());
    co_return co_await parts_.segments.write(partition.id(), partition.destaged.segment_base,
                                             position, block.bytes(), SegmentStore::kNothingNew);
}

void Destager::forget(Partition& partition) {
    partition.unlink();
    PieceQueue& pieces = partition.pieces();
    while (pieces.undestaged() > 0) {
        parts_.window.piece_destaged(*pieces[pieces.destaged()].chunk);
        pieces.advance_destaged();
    }
    pieces.clear();
}

}  // namespace ringlog::engine
