// Writing frames to the files and making them count. One write is in flight; what arrives meanwhile
// joins the next: the device's own latency is the linger. See engine/journal.h.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/mutant.h"
#include "engine/journal.h"
#include "engine/journal_large.h"

namespace ringlog::engine {

namespace {

/// How often large appends that wait for room are looked at again.
constexpr int64_t kRoomRetryNs = kMillisecondNs;
/// How long a write waits for a file before it looks again, and an end before it goes without.
constexpr int64_t kFilePatienceNs = kSecondNs;
/// Writes in a row that may move less than a block before the device counts as broken.
constexpr int kShortWritesMax = 3;

}  // namespace

io::Task<void> Journal::write_loop() {
    while (!failure_) {
        const bool work = co_await wait_for_work();
        if (!work) {
            break;
        }
        const bool written = co_await write_run();
        if (!written) {
            break;
        }
    }
    files_.stop();  // only now: the last frames may need another file
}

io::Task<bool> Journal::wait_for_work() {
    for (;;) {
        if (failure_) {
            co_return false;
        }
        if (!sealed_.empty() || building_) {
            co_return true;
        }
        if (!large_.empty()) {
            if (next_large() != nullptr && begin_frame(true)) {
                co_return true;
            }
            co_await work_.wait_until(reactor_.now() + kRoomRetryNs);
            continue;
        }
        if (closing_) {
            co_return false;
        }
        const bool unrecorded = last_with_entries_ > recorded_durable_;
        const MonotonicNs deadline =
            unrecorded ? last_completion_ + options_.idle_frame_ns : INT64_MAX;
        const bool notified = co_await work_.wait_until(deadline);
        if (!notified && sealed_.empty() && !building_ && flushed_ >= last_with_entries_ &&
            begin_frame(true)) {
            ++counters_.idle_frames;
        } else if (!notified) {
            // At `crash` the flush comes first; without room for a frame there is nothing idle
            // about us.
            last_completion_ = reactor_.now();
        }
    }
}

size_t Journal::take_run(uint64_t room) const {
    const Frame& first = sealed_.front();
    uint64_t bytes = 0;
    size_t count = 0;
    for (const Frame& frame : sealed_) {
        const bool side_by_side =
            frame.chunk == first.chunk && frame.offset == first.offset + bytes;
        const uint64_t total = bytes + frame.frame_bytes;
        if (!side_by_side || total > room || (count > 0 && total > options_.write_bytes_max)) {
            break;
        }
        bytes = total;
        ++count;
    }
    return count;
}

void Journal::seal_for_write() {
    if (building_) {
        place_large_pieces();
        seal_building();
    }
    // Large appends that wait fill the rest of the write, frame by frame.
    while (unwritten_bytes_ + options_.frame_bytes_max <= options_.write_bytes_max &&
           next_large() != nullptr && begin_frame(true)) {
        place_large_pieces();
        seal_building();
    }
}

io::Task<bool> Journal::write_run() {
    seal_for_write();
    JournalFile* file = &files_.active();
    while (file->bytes - file->end < sealed_.front().frame_bytes) {
        if (files_.advance()) {
            file = &files_.active();
            continue;
        }
        ++counters_.waits_for_files;
        const bool ends = ending_;
        waiting_for_file_ = true;
        const bool ready = co_await files_.ready().wait_until(reactor_.now() + kFilePatienceNs);
        waiting_for_file_ = false;
        if (ends && !ready) {
            fail_with(Error{Errc::no_space});  // a full disk: an end does not wait for its healing
        }
        if (failure_) {
            co_return false;
        }
    }
    const size_t frame_count = take_run(file->bytes - file->end);
    const Frame& first = sealed_.front();
    std::byte* const begin = first.chunk->data + first.offset;
    const int16_t buffer_index = first.chunk->buffer_index;
    uint64_t run_bytes = 0;
    for (size_t i = 0; i < frame_count; ++i) {
        const Frame& frame = sealed_[i];
        FrameHeader header;
        header.salt = salt_;
        header.life = life_;
        header.sequence = frame.sequence.value();
        header.chain = chain_;
        header.durable_through =
            mutant(Mutant::durable_through_ahead) ? header.sequence : flushed_.value();
        header.payload_bytes = frame.payload_bytes;
        header.flags = frame.flags;
        const FramePlace place{options_.id, file->generation, file->end + run_bytes};
        chain_ =
            seal_frame(Bytes(begin + run_bytes, frame.frame_bytes), header, place, frame.entries);
        run_bytes += frame.frame_bytes;
    }
    recorded_durable_ = flushed_;
    file->last = sealed_[frame_count - 1].sequence;
    if (mutant(Mutant::ack_before_write)) {
        observer_.on_frame_completed(std::exchange(sealed_.front().notes, {}));
    }
    auto written = co_await write_all(*file, ByteView(begin, run_bytes), buffer_index);
    if (!written && !mutant(Mutant::write_error_ignored)) {
        fail_with(written.error());
        co_return false;
    }
    file->end += run_bytes;
    unwritten_bytes_ -= run_bytes;
    counters_.frames += frame_count;
    counters_.frame_bytes += run_bytes;
    complete_run(frame_count);
    co_return true;
}

io::Task<Result<void>> Journal::write_all(JournalFile& file, ByteView bytes, int16_t buffer_index) {
    const io::WriteMode mode =
        options_.durability == Durability::power && !mutant(Mutant::ack_before_flush)
            ? io::WriteMode::flushed
            : io::WriteMode::plain;
    const MonotonicNs started = reactor_.exact_now();
    uint64_t done = 0;
    int without_progress = 0;
    while (done < bytes.size()) {
        ++counters_.writes;
        auto count =
            co_await file.file.write(bytes.subspan(done), file.end + done, mode, buffer_index);
        if (!count) {
            co_return fail(count.error());
        }
        const uint64_t whole = round_down(*count, file.file.block_bytes());
        without_progress = whole == 0 ? without_progress + 1 : 0;
        if (without_progress > kShortWritesMax) {
            co_return fail(Errc::short_write, 0, static_cast<int64_t>(file.end + done));
        }
        done += whole;
    }
    counters_.write_ns.record(static_cast<uint64_t>(reactor_.exact_now() - started));
    co_return Result<void>{};
}

void Journal::complete_run(size_t frame_count) {
    last_completion_ = reactor_.exact_now();
    if (mutant(Mutant::frames_out_of_order)) {
        std::swap(sealed_[0].notes, sealed_[frame_count - 1].notes);
    }
    for (size_t i = 0; i < frame_count; ++i) {
        Frame frame = std::move(sealed_.front());
        sealed_.pop_front();
        completed_ = frame.sequence;
        window_.frame_written(*frame.chunk);
        observer_.on_frame_completed(frame.notes);
        frame.entries.clear();
        frame.notes.clear();
        recycled_frames_.push_back(std::move(frame));
    }
    if (options_.durability == Durability::power || !files_.active().file.direct()) {
        advance_flushed(completed_);
    }
    flush_work_.notify_all();  // there is more to flush, or at an end nothing any more
    wake(waiters_, completed_);
}

void Journal::advance_flushed(Sequence through) {
    flushed_ = std::max(flushed_, through);
    wake(flush_waiters_, flushed_);
}

void Journal::request_flush() {
    flush_requested_ = true;
    flush_work_.notify_all();
}

io::Task<void> Journal::flush_loop() {
    MonotonicNs next = reactor_.now() + options_.flush_interval_ns;
    while (!failure_) {
        const bool behind = flushed_ < completed_;
        const bool due = behind && (flush_requested_ || closing_ || reactor_.now() >= next);
        if (due) {
            flush_requested_ = flush_requested_ && !flush_waiters_.empty();
            next = reactor_.now() + options_.flush_interval_ns;
            const Sequence through = completed_;
            auto flushed = co_await flush_files(through);
            if (!flushed) {
                fail_with(flushed.error());
                co_return;
            }
            advance_flushed(mutant(Mutant::flush_counts_what_came_later) ? completed_ : through);
            flush_requested_ = !flush_waiters_.empty();
        } else if (closing_ && sealed_.empty() && !building_ && large_.empty()) {
            co_return;
        } else {
            co_await flush_work_.wait_until(behind ? next : INT64_MAX);
        }
    }
}

io::Task<Result<void>> Journal::flush_files(Sequence through) {
    // By generation, for the list of files changes while we wait.
    for (;;) {
        JournalFile* behind = nullptr;
        for (const auto& file : files_.live()) {
            if (file->last > Sequence(0) && file->flushed < std::min(file->last, through)) {
                behind = file.get();
                break;
            }
        }
        if (behind == nullptr) {
            co_return Result<void>{};
        }
        const Generation generation = behind->generation;
        const Sequence covered = std::min(behind->last, completed_);
        ++counters_.flushes;
        auto done = co_await behind->file.flush();
        if (!done) {
            co_return fail(done.error());
        }
        for (const auto& file : files_.live()) {
            if (file->generation == generation) {
                file->flushed = covered;
            }
        }
    }
}

}  // namespace ringlog::engine
