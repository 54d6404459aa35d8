// Appends to a partition and waits on it. Reads are in engine/partition_read.cc. See
// engine/partition.h.
#include "engine/partition.h"

#include <algorithm>

#include "base/mutant.h"

namespace ringlog::engine {

namespace {

/// How often an append that waits for window space looks again by itself: readers on other cores
/// release slices without a word.
constexpr int64_t kRoomRetryNs = 2 * kMillisecondNs;

}  // namespace

/// The right to append: handed on in the order in which it was asked for.
class Partition::Admission {
public:
    explicit Admission(io::Semaphore& turn) : turn_(turn) {}
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;
    ~Admission() { turn_.give(1); }

private:
    io::Semaphore& turn_;
};

Partition::Hold::~Hold() {
    if (--partition_.users_ == 0) {
        partition_.idle_.notify_all();
    }
}

Partition::Partition(const PartitionParts& parts, PartitionLog log, const PartitionConfig& config)
    : reactor_(parts.reactor),
      journal_(parts.journal),
      window_(parts.window),
      segments_(parts.segments),
      log_(std::move(log)),
      config_(config),
      dirty_line_(parts.dirty_line),
      space_(parts.space),
      turn_(parts.reactor, 1),
      idle_(parts.reactor) {}

Partition::~Partition() {
    while (listeners_.pop_front() != nullptr) {
    }
}

bool Partition::gone() const {
    return deleted_ || journal_.failure().has_value();
}

std::optional<Error> Partition::refuses_appends() const {
    if (deleted_) {
        return Error{Errc::unknown_partition};
    }
    if (journal_.failure()) {
        return journal_.failure();
    }
    if (log_.damage() != Damage::none) {
        return Error{Errc::read_only};
    }
    if (space_.full) {
        return Error{Errc::no_space};
    }
    return std::nullopt;
}

FrameEntry Partition::entry_of(EntryKind kind) const {
    FrameEntry entry;
    entry.partition = log_.number().value();
    entry.kind = kind;
    entry.leader_epoch = log_.leader_epoch().value();
    return entry;
}

io::Task<Result<Appended>> Partition::journal_append(FrameEntry entry, ByteView bytes,
                                                     std::optional<FrameNote> note) {
    for (;;) {
        auto appended = journal_.append(entry, std::span(&bytes, 1), note);
        if (appended || appended.error().code != Errc::no_space) {
            co_return appended;
        }
        co_await journal_.room().wait_until(reactor_.now() + kRoomRetryNs);
    }
}

io::Task<Result<void>> Partition::begin_epoch(LeaderEpoch epoch) {
    const Hold hold(*this);
    co_await turn_.take(1);
    const Admission admission(turn_);
    FrameEntry entry = entry_of(EntryKind::epoch);
    entry.leader_epoch = epoch.value();
    entry.base_offset = log_.log_end_offset();
    auto appended = co_await journal_append(entry, {}, std::nullopt);
    if (!appended) {
        co_return fail(appended.error());
    }
    log_.begin_epoch(epoch, log_.log_end_offset());
    co_return Result<void>{};
}

io::Task<Result<void>> Partition::roll_if_needed(uint64_t batch_bytes) {
    if (!log_.needs_roll(batch_bytes, config_.segment_bytes)) {
        co_return Result<void>{};
    }
    FrameEntry entry = entry_of(EntryKind::segment);
    entry.base_offset = log_.log_end_offset();
    entry.timestamp = reactor_.wall_ms();
    auto appended = co_await journal_append(entry, {}, std::nullopt);
    if (!appended) {
        co_return fail(appended.error());
    }
    log_.begin_segment(entry.base_offset, entry.timestamp);
    co_return Result<void>{};
}

io::Task<Result<AppendResult>> Partition::append(Bytes batch, AppendOptions options) {
    const Hold hold(*this);
    auto header = options.validated
                      ? decode_batch_header(batch)
                      : validate_client_batch(batch, {.max_bytes = config_.max_message_bytes,
                                                      .zstd_allowed = options.zstd_allowed});
    if (!header) {
        co_return fail(header.error());
    }
    if (batch.size() > journal_.large_bytes_max()) {
        co_return fail(Errc::message_too_large);
    }
    co_await turn_.take(1);
    const Admission admission(turn_);
    if (const auto refusal = refuses_appends()) {
        co_return fail(*refusal);
    }
    if (header->has_producer()) {
        auto verdict = log_.producers().check(*header);
        if (!verdict) {
            co_return fail(verdict.error());
        }
        if (verdict->duplicate) {
            const ProducerBatch& original = *verdict->duplicate;
            const int64_t wrong = mutant(Mutant::duplicate_at_wrong_offset) ? 1 : 0;
            co_return AppendResult{
                .base_offset = original.base_offset + wrong,
                .end_offset = original.last_offset + 1,
                .log_append_time = config_.log_append_time ? original.timestamp : WallMs{-1},
                .duplicate = true};
        }
    }
    co_return co_await append_admitted(batch, *header);
}

io::Task<Result<AppendResult>> Partition::append_admitted(Bytes batch, BatchHeader header) {
    auto rolled = co_await roll_if_needed(batch.size());
    if (!rolled) {
        co_return fail(rolled.error());
    }
    AppendResult result;
    if (config_.log_append_time) {
        result.log_append_time = reactor_.wall_ms();
        stamp_log_append_time(batch, result.log_append_time);
        header.max_timestamp = result.log_append_time;
    }
    header.base_offset = log_.log_end_offset();
    header.leader_epoch = log_.leader_epoch();
    stamp_batch(batch, header.base_offset, header.leader_epoch);
    result.base_offset = header.base_offset;
    result.end_offset = header.last_offset() + 1;

    FrameEntry entry = entry_of(EntryKind::batch);
    entry.base_offset = header.base_offset;
    entry.last_offset = header.last_offset();
    entry.segment_base = log_.segments().back().base_offset;
    entry.segment_position = log_.segments().back().bytes;
    entry.timestamp = header.max_timestamp;
    const FrameNote note{.partition = log_.number(), .end_offset = result.end_offset};
    if (batch.size() <= journal_.small_bytes_max()) {
        auto appended = co_await journal_append(entry, batch, note);
        if (!appended) {
            co_return fail(appended.error());
        }
        add_piece(entry, *appended);
        log_.append(header, reactor_.wall_ms());
        result.sequence = appended->sequence;
        co_return result;
    }
    large_ = header;
    auto sequence = co_await journal_.append_large(entry, batch, *this, note);
    if (!sequence) {
        large_.reset();
        co_return fail(sequence.error());
    }
    result.sequence = *sequence;
    co_return result;
}

void Partition::add_piece(const FrameEntry& entry, const Appended& appended) {
    Chunk& chunk = *appended.chunk;
    if (chunk.partitions.empty() || chunk.partitions.back() != log_.number()) {
        chunk.partitions.push_back(log_.number());
    }
    ++chunk.undestaged_pieces;
    const bool was_clean = pieces_.undestaged() == 0;
    pieces_.push({.chunk = &chunk,
                  .bytes = appended.bytes,
                  .sequence = appended.sequence,
                  .base_offset = entry.base_offset,
                  .last_offset = entry.last_offset,
                  .segment_base = entry.segment_base,
                  .segment_position = entry.segment_position,
                  .max_timestamp = entry.timestamp,
                  .first = entry.piece == 0,
                  .last = entry.bytes_left == 0});
    if (was_clean && !destaging) {
        dirty_line_.push_back(*this);
    }
}

void Partition::on_piece(const FrameEntry& entry, const Appended& appended) {
    add_piece(entry, appended);
    if (entry.bytes_left == 0) {
        // Here, not when the append resumes: a checkpoint taken in between has the batch or not,
        // never half.
        log_.append(*large_, reactor_.wall_ms());
        large_.reset();
    }
}

void Partition::OffsetWait::await_suspend(std::coroutine_handle<> awaiting) {
    handle = awaiting;
    auto& line = partition.waits_;
    OffsetWait* before = nullptr;
    for (OffsetWait* at = line.back(); at != nullptr && at->end_offset > end_offset;
         at = line.previous(*at)) {
        before = at;
    }
    if (before == nullptr) {
        line.push_back(*this);
    } else {
        line.insert_before(*before, *this);
    }
}

io::Task<Result<void>> Partition::wait_high_watermark(int64_t end_offset) {
    const Hold hold(*this);
    co_await OffsetWait(*this, end_offset);
    if (high_watermark_ >= end_offset) {
        co_return Result<void>{};
    }
    co_return fail(deleted_ ? Error{Errc::unknown_partition} : *journal_.failure());
}

io::Task<Result<void>> Partition::wait_durable(AppendResult result) {
    const Hold hold(*this);
    if (durable_end_ >= result.end_offset) {
        co_return Result<void>{};
    }
    if (result.duplicate) {
        // Its original is in a frame that nobody remembers; when that is durable, so is everything
        // below.
        co_return co_await wait_high_watermark(result.end_offset);
    }
    co_return co_await journal_.durable(result.sequence);
}

void Partition::on_durable(int64_t end_offset) {
    RL_ASSERT(end_offset >= durable_end_, "{} < {}", end_offset, durable_end_);
    durable_end_ = end_offset;
    high_watermark_ = mutant(Mutant::high_watermark_ahead) ? log_.log_end_offset() : durable_end_;
    while (OffsetWait* first = waits_.front()) {
        if (first->end_offset > high_watermark_) {
            break;
        }
        first->unlink();
        reactor_.schedule(first->handle);
    }
    for (HighWatermarkListener* at = listeners_.front(); at != nullptr;) {
        HighWatermarkListener* next = listeners_.next(*at);
        at->on_high_watermark();
        at = next;
    }
}

void Partition::cut_destaged(uint64_t bytes, WallMs max_timestamp) {
    RL_ASSERT(bytes <= destaged.bytes && pieces_.empty());
    std::vector<SegmentState> segments = log_.segments();
    const auto own = std::ranges::find(segments, destaged.segment_base, &SegmentState::base_offset);
    if (own != segments.end() && bytes == 0) {
        segments.erase(own);
    } else if (own != segments.end()) {
        own->bytes = bytes;
        own->max_timestamp = max_timestamp;
    }
    log_.set_segments(std::move(segments));
    const uint64_t block = round_down(bytes, kBlockBytes);
    tail.resize(block == round_down(destaged.bytes, kBlockBytes) && !tail.empty() ? bytes - block
                                                                                  : 0);
    destaged.bytes = synced.bytes = bytes;
}

void Partition::restored() {
    durable_end_ = high_watermark_ = log_.log_end_offset();
}

void Partition::wake_all() {
    while (OffsetWait* first = waits_.pop_front()) {
        reactor_.schedule(first->handle);
    }
    for (HighWatermarkListener* at = listeners_.front(); at != nullptr;) {
        HighWatermarkListener* next = listeners_.next(*at);
        at->on_high_watermark();
        at = next;
    }
}

void Partition::mark_deleted() {
    deleted_ = true;
    wake_all();
}

io::Task<void> Partition::quiesced() {
    while (users_ > 0) {
        co_await idle_.wait();
    }
}

size_t Partition::expire_producers(WallMs now) {
    return log_.expire_producers(now, config_.producer_expiration_ms);
}

}  // namespace ringlog::engine
