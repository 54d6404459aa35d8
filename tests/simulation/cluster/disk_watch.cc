#include "tests/simulation/cluster/disk_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace ringlog::simulation {
namespace {

std::string_view kind_name(engine::EntryKind kind) {
    switch (kind) {
        case engine::EntryKind::open: return "open";
        case engine::EntryKind::remove: return "remove";
        case engine::EntryKind::batch: return "batch";
        case engine::EntryKind::extent: return "extent";
        case engine::EntryKind::tail: return "tail";
        case engine::EntryKind::segment: return "segment";
        case engine::EntryKind::truncate: return "truncate";
        case engine::EntryKind::epoch: return "epoch";
        case engine::EntryKind::log_start: return "log_start";
    }
    return "unknown";
}

}  // namespace

void DiskWatch::landed(const Inode& inode, uint64_t position, ByteView bytes) {
    const auto begun = unfinished_.find(inode.number);
    if (begun == unfinished_.end() || begun->second >= position) {
        unfinished_.erase(inode.number);
        parse(inode.number, position, bytes);
        return;
    }
    // The rest of a write that fell short.
    const uint64_t from = begun->second;
    unfinished_.erase(begun);
    std::vector<std::byte> whole(position + bytes.size() - from);
    inode.file.read(whole, from);
    parse(inode.number, from, whole);
}

void DiskWatch::parse(uint64_t inode, uint64_t position, ByteView bytes) {
    for (uint64_t at = 0; at + sizeof(engine::FrameHeader) <= bytes.size();) {
        engine::FrameHeader claimed;
        std::memcpy(&claimed, bytes.data() + at, sizeof(claimed));
        if (claimed.magic != engine::kFrameMagic || claimed.position != position + at) {
            return;  // no journal
        }
        if (at + claimed.frame_bytes > bytes.size()) {
            unfinished_[inode] = position + at;
            return;
        }
        const engine::FramePlace place{.journal = engine::JournalId(claimed.journal),
                                       .generation = engine::Generation(claimed.generation),
                                       .position = claimed.position};
        const engine::FrameCheck check = engine::check_frame(bytes.subspan(at), place);
        if (check.finding != engine::FrameFinding::valid) {
            return;  // a lying disk changed it
        }
        judge_.mark(Met::frames);
        for (const engine::FrameEntry& entry : check.entries) {
            take(check.header, entry);
        }
        at += check.header.frame_bytes;
    }
}

void DiskWatch::take(const engine::FrameHeader& header, const engine::FrameEntry& entry) {
    if (entry.kind != engine::EntryKind::batch) {
        RL_TELL(judge_, -1, -1, "disk: frame {} of journal {}: {} of partition number {}",
                header.sequence, header.journal, kind_name(entry.kind), entry.partition);
        judge_.mark(Met::rolls, entry.kind == engine::EntryKind::segment ? 1 : 0);
        judge_.mark(Met::tails, entry.kind == engine::EntryKind::tail ? 1 : 0);
        return;
    }
    judge_.mark(Met::split_batches, entry.piece > 0 ? 1 : 0);
    if (entry.bytes_left > 0) {
        return;
    }
    const engine::PartitionNumber number(entry.partition);
    const int64_t end = entry.last_offset + 1;
    int64_t& known = ends_[number];
    known = std::max(known, end);
    frames_[number].push_back({.journal = engine::JournalId(header.journal),
                               .sequence = engine::Sequence(header.sequence),
                               .end = end});
}

void DiskWatch::recovered(engine::PartitionNumber number, int64_t end) {
    int64_t& known = ends_[number];
    known = std::max(known, end);
}

std::optional<int64_t> DiskWatch::end(engine::PartitionNumber number) const {
    const auto found = ends_.find(number);
    return found == ends_.end() ? std::nullopt : std::optional(found->second);
}

int64_t DiskWatch::end_through(engine::PartitionNumber number, engine::JournalId journal,
                               engine::Sequence sequence) const {
    int64_t end = 0;
    const auto found = frames_.find(number);
    if (found != frames_.end()) {
        for (const Piece& piece : found->second) {
            end = piece.journal == journal && piece.sequence <= sequence ? std::max(end, piece.end)
                                                                         : end;
        }
    }
    return end;
}

}  // namespace ringlog::simulation
