// Building frames, and the life of a journal. Writing them out is in engine/journal_writer.cc. See
// engine/journal.h.
#include "engine/journal.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "base/mutant.h"
#include "engine/journal_large.h"

namespace ringlog::engine {

namespace {

/// What a large append puts into one frame at a time, so that several of them and the small ones
/// share it.
constexpr uint32_t kPieceBytes = 64 << 10;

/// Gives back what was taken of a semaphore.
class Budget {
public:
    Budget(io::Semaphore& semaphore, int64_t amount) : semaphore_(semaphore), amount_(amount) {}
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;
    ~Budget() { semaphore_.give(amount_); }

private:
    io::Semaphore& semaphore_;
    int64_t amount_;
};

}  // namespace

Journal::Journal(io::Reactor& reactor, JournalOptions options, Window& window,
                 JournalObserver& observer)
    : reactor_(reactor),
      options_(std::move(options)),
      window_(window),
      observer_(observer),
      files_(reactor, options_.files),
      large_budget_(reactor, static_cast<int64_t>(large_bytes_max() / 2)),
      work_(reactor),
      flush_work_(reactor) {
    RL_ASSERT(options_.files.file_bytes >= options_.frame_bytes_max);
}

Journal::~Journal() {
    RL_ASSERT(!started_, "a journal is closed before it is destroyed");
}

io::Task<Result<void>> Journal::create() {
    auto created = co_await files_.create();
    if (!created) {
        co_return created;
    }
    co_return co_await begin_life();
}

io::Task<Result<void>> Journal::resume(Resume from) {
    auto opened = co_await files_.open(
        {.oldest = from.oldest, .active = from.generation, .end = from.end, .last = from.last});
    if (!opened) {
        files_.close_files();
        co_return opened;
    }
    building_sequence_ = from.last + 1;
    completed_ = flushed_ = recorded_durable_ = from.last;
    chain_ = from.last_hash;
    life_ = from.life + 1;
    co_return co_await begin_life();
}

io::Task<Result<void>> Journal::begin_life() {
    // Never 0, so that zeros are no salt.
    salt_ = reactor_.random().next() | 1;
    started_ = true;
    tasks_.spawn(files_.maintain([this](Error error) { fail_with(error); }));
    tasks_.spawn(write_loop());
    if (options_.durability == Durability::crash) {
        tasks_.spawn(flush_loop());
    }
    while (!begin_frame(true)) {
        co_await window_.space().wait();
    }
    building_->flags = mutant(Mutant::skip_fence) ? 0 : kFrameFence;
    const Sequence fence = building_->sequence;
    work_.notify_all();
    auto written = co_await flushed(fence);
    if (!written) {
        co_await close();
    }
    co_return written;
}

io::Task<void> Journal::close() {
    ending_ = closing_ = true;
    drop_large(Error{Errc::closed});
    work_.notify_all();
    flush_work_.notify_all();
    co_await tasks_.close();
    files_.close_files();
    started_ = false;
}

Generation Journal::generation_behind(Sequence sequence) const {
    for (const auto& file : files_.live()) {
        if (file->last > sequence) {
            return file->generation;
        }
    }
    return files_.live().back()->generation;
}

bool Journal::begin_frame(bool reserve) {
    Chunk* chunk = window_.current();
    const uint64_t needed = frame_bytes_for(small_bytes_max(), 1);
    if (chunk == nullptr || chunk->bytes - chunk->used < needed) {
        if (!window_.advance(reserve)) {
            ++counters_.waits_for_space;
            return false;
        }
        chunk = window_.current();
    }
    Frame frame;
    if (!recycled_frames_.empty()) {
        frame = std::move(recycled_frames_.back());
        recycled_frames_.pop_back();
    }
    frame.chunk = chunk;
    frame.offset = chunk->used;
    frame.capacity = std::min(options_.frame_bytes_max, chunk->bytes - chunk->used);
    frame.payload_bytes = 0;
    frame.flags = 0;
    frame.sequence = building_sequence_;
    ++chunk->unwritten_frames;
    building_ = std::move(frame);
    return true;
}

bool Journal::room_for_batch() {
    // The rest is for what frees it, and for large batches that have begun: without them nothing
    // could move any more.
    const uint64_t limit = files_.bytes_max() - files_.bytes_max() / 8 * 3;
    const size_t chunks = window_.chunks_max() - window_.chunks_max() / 4;
    return window_.fits(chunks) && files_.live_bytes() + unwritten_bytes_ < limit;
}

uint64_t Journal::large_bytes_max() const {
    const uint64_t window_bytes = window_.chunks_max() * window_.chunk_bytes();
    return std::min({window_bytes / 4, options_.files.bytes_max / 8, kNumberedBytesMax});
}

Journal::LargeAppend* Journal::next_large() {
    const bool may_begin = !large_.empty() && room_for_batch();
    LargeAppend* at = large_.front();
    while (at != nullptr && at->placed == 0 && !may_begin) {
        at = large_.next(*at);
    }
    return at;
}

void Journal::drop_large(const Error& error) {
    while (LargeAppend* large = large_.pop_front()) {
        large->error = error;
        large->progress.notify_all();
    }
}

bool Journal::fits(uint64_t bytes, bool large) const {
    const Frame& frame = *building_;
    // While large appends wait, small ones leave them half of each frame.
    const uint64_t capacity = large || large_.empty() ? frame.capacity : frame.capacity / 2;
    return frame_bytes_for(frame.payload_bytes + bytes, frame.entries.size() + 1) <= capacity;
}

Appended Journal::place(const FrameEntry& entry, std::span<const ByteView> parts) {
    Frame& frame = *building_;
    std::byte* const begin =
        frame.chunk->data + frame.offset + kFrameHeaderBytes + frame.payload_bytes;
    std::byte* to = begin;
    for (const ByteView part : parts) {
        if (!part.empty()) {
            std::memcpy(to, part.data(), part.size());
        }
        to += part.size();
    }
    FrameEntry& row = frame.entries.emplace_back(entry);
    row.length = static_cast<uint32_t>(to - begin);
    row.payload_offset = frame.payload_bytes;
    frame.payload_bytes += row.length;
    ++counters_.entries;
    counters_.payload_bytes += row.length;
    return {.sequence = frame.sequence, .chunk = frame.chunk, .bytes = Bytes(begin, row.length)};
}

Result<Appended> Journal::append(FrameEntry entry, std::span<const ByteView> parts,
                                 std::optional<FrameNote> note) {
    if (failure_) {
        return fail(*failure_);
    }
    if (closing_) {
        return fail(Errc::closed);
    }
    uint64_t bytes = 0;
    for (const ByteView part : parts) {
        bytes += part.size();
    }
    RL_ASSERT(bytes <= small_bytes_max(), "{} > {}", bytes, small_bytes_max());
    const bool reserve = entry.kind != EntryKind::batch;
    if (!reserve && !room_for_batch()) {
        ++counters_.waits_for_space;
        return fail(Errc::no_space);
    }
    if (building_ && !fits(bytes, false)) {
        place_large_pieces();
        seal_building();
    }
    if (!building_ && !begin_frame(reserve)) {
        return fail(Errc::no_space);
    }
    const Appended appended = place(entry, parts);
    if (note) {
        building_->notes.push_back(*note);
    }
    work_.notify_one();
    return appended;
}

io::Task<Result<Sequence>> Journal::append_large(FrameEntry entry, ByteView bytes, PieceSink& sink,
                                                 FrameNote note) {
    if (failure_) {
        co_return fail(*failure_);
    }
    if (closing_) {
        co_return fail(Errc::closed);
    }
    if (bytes.size() > large_bytes_max()) {
        co_return fail(Errc::message_too_large);
    }
    co_await large_budget_.take(static_cast<int64_t>(bytes.size()));
    const Budget budget(large_budget_, static_cast<int64_t>(bytes.size()));
    if (failure_ || closing_) {
        co_return fail(failure_.value_or(Error{Errc::closed}));
    }
    LargeAppend large(reactor_, entry, bytes, sink, note);
    large_.push_back(large);
    work_.notify_one();
    while (!large.finished()) {
        co_await large.progress.wait();
    }
    if (large.error) {
        co_return fail(*large.error);
    }
    co_return large.last;
}

void Journal::place_large_pieces() {
    while (LargeAppend* large = next_large()) {
        const uint64_t used =
            frame_bytes_for(building_->payload_bytes, building_->entries.size() + 1);
        const uint64_t left = large->bytes.size() - large->placed;
        const uint64_t room = building_->capacity - std::min<uint64_t>(used, building_->capacity);
        const uint64_t take = std::min({left, uint64_t{kPieceBytes}, room});
        if (take == 0 || (take < left && take < kPieceBytesMin)) {
            return;
        }
        FrameEntry entry = large->entry;
        entry.piece = large->pieces++;
        entry.segment_position += large->placed;
        entry.bytes_left = static_cast<uint32_t>(left - take);
        const ByteView part = large->bytes.subspan(large->placed, take);
        const Appended appended = place(entry, std::span(&part, 1));
        large->placed += take;
        entry.length = static_cast<uint32_t>(take);
        large->sink.on_piece(entry, appended);
        large->unlink();
        if (take == left) {
            building_->notes.push_back(large->note);
            large->last = appended.sequence;
            large->progress.notify_all();
        } else {
            large_.push_back(*large);
        }
    }
}

void Journal::seal_building() {
    Frame& frame = *building_;
    frame.frame_bytes =
        static_cast<uint32_t>(frame_bytes_for(frame.payload_bytes, frame.entries.size()));
    RL_ASSERT(frame.frame_bytes <= frame.capacity);
    frame.chunk->used = frame.offset + frame.frame_bytes;
    unwritten_bytes_ += frame.frame_bytes;
    if (!frame.entries.empty()) {
        last_with_entries_ = frame.sequence;
    }
    sealed_.push_back(std::move(frame));
    building_.reset();
    ++building_sequence_;
}

Sequence Journal::cut() {
    if (building_) {
        place_large_pieces();
        seal_building();
        work_.notify_one();
    }
    return building_sequence_ - 1;
}

void Journal::fail_with(const Error& error) {
    if (failure_) {
        return;
    }
    failure_ = error;
    if (error.code == Errc::no_space) {
        failure_->code = Errc::io_failed;  // no_space asks to wait for room, and none will come
    }
    log_error("journal", "journal {} is closed for writing: {}", options_.id.value(),
              describe(error));
    drop_large(*failure_);
    wake(waiters_, Sequence(UINT64_MAX));
    wake(flush_waiters_, Sequence(UINT64_MAX));
    window_.space().notify_all();
    work_.notify_all();
    flush_work_.notify_all();
    observer_.on_journal_failed(*failure_);
}

void Journal::SequenceWait::await_suspend(std::coroutine_handle<> awaiting) {
    handle = awaiting;
    // In order of sequence; nearly always the new one is the last.
    SequenceWait* before = nullptr;
    for (SequenceWait* at = line.back(); at != nullptr && at->sequence > sequence;
         at = line.previous(*at)) {
        before = at;
    }
    if (before == nullptr) {
        line.push_back(*this);
    } else {
        line.insert_before(*before, *this);
    }
}

Result<void> Journal::SequenceWait::await_resume() const {
    if (reached >= sequence) {
        return {};
    }
    return fail(*journal.failure_);
}

void Journal::wake(IntrusiveList<SequenceWait>& line, Sequence reached) {
    while (SequenceWait* first = line.front()) {
        if (first->sequence > reached) {
            return;
        }
        first->unlink();
        reactor_.schedule(first->handle);
    }
}

}  // namespace ringlog::engine
