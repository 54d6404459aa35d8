// Applying frames to states. See engine/replay.h.
#include "engine/replay.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "base/mutant.h"

namespace ringlog::engine {

namespace {

class Replay {
public:
    Replay(const Checkpoint& checkpoint, const RecoveryPlan& plan, WallMs now)
        : plan_(plan), now_(now) {
        outcome_.next_number = checkpoint.next_number;
        outcome_.last = plan.resume.last;
        for (const PartitionState& state : checkpoint.partitions) {
            add(state);
        }
    }

    ReplayOutcome run();

private:
    void lose_proof(const AcceptedFrame& frame);
    void apply(const AcceptedFrame& frame, const FrameEntry& entry);
    static std::pair<Uuid, int32_t> id_of(const PartitionLog& log) {
        return {log.id().topic_id, log.id().partition};
    }
    void add(const PartitionState& state);
    void open(const AcceptedFrame& frame, const FrameEntry& entry);
    void batch(ReplayedPartition& partition, const AcceptedFrame& frame, const FrameEntry& entry);
    void finish_batch(ReplayedPartition& partition);
    void match_segment(ReplayedPartition& partition, const BatchHeader& header);
    void bridge_gap(ReplayedPartition& partition, const BatchHeader& header);
    void remove(PartitionNumber number, Sequence at);
    void drop_doubles();
    void apply_state(ReplayedPartition& partition, const FrameEntry& entry);
    [[nodiscard]] static bool has_all_bytes(const ReplayedPartition& partition);
    void close_holes(ReplayedPartition& partition) const;

    const RecoveryPlan& plan_;
    WallMs now_;
    ReplayOutcome outcome_;
    /// Numbers of each partition: one, but where it was opened twice.
    std::multimap<std::pair<Uuid, int32_t>, PartitionNumber> by_id_;
    std::set<PartitionNumber> removed_;
    std::map<PartitionNumber, uint64_t> unknown_;  ///< Entries of numbers that nothing explains.
};

ByteView bytes_of(const AcceptedFrame& frame, const FrameEntry& entry) {
    return frame.payload.subspan(entry.payload_offset, entry.length);
}

/// Whether `bytes`, of a damaged payload, are the whole batch that the entry was written for: by
/// the CRC, and by the entry where the CRC does not cover them (base offset, leader epoch).
bool is_batch_of(const FrameEntry& entry, ByteView bytes) {
    const auto header = verify_stored_batch(bytes);
    return header && header->total_bytes == bytes.size() &&
           header->base_offset == entry.base_offset &&
           header->leader_epoch.value() == entry.leader_epoch;
}

void Replay::lose_proof(const AcceptedFrame& frame) {
    if (frame.payload_damaged) {
        return;  // the table says whom it concerns; each batch is judged by its CRC
    }
    for (auto& [number, partition] : outcome_.partitions) {
        partition.proven = false;
        partition.unfinished.clear();
    }
}

void Replay::add(const PartitionState& state) {
    const auto [added, news] = outcome_.partitions.emplace(state.number, ReplayedPartition(state));
    if (news) {
        by_id_.emplace(id_of(added->second.log), state.number);
    }
}

void Replay::open(const AcceptedFrame& frame, const FrameEntry& entry) {
    const ByteView bytes = bytes_of(frame, entry);
    OpenPayload payload;
    if (bytes.size() < sizeof(payload) || frame.payload_damaged) {
        ++outcome_.unknown_entries;
        return;
    }
    std::memcpy(&payload, bytes.data(), sizeof(payload));
    if (bytes.size() != sizeof(payload) + payload.name_bytes) {
        ++outcome_.unknown_entries;
        return;
    }
    const PartitionNumber number(entry.partition);
    PartitionState state;
    state.number = number;  // the stamp stays 0: what follows in this same frame is news
    state.id.topic = as_text(bytes.subspan(sizeof(payload)));
    state.id.topic_id.bytes = payload.topic_id;
    state.id.partition = payload.partition;
    state.leader_epoch = LeaderEpoch(entry.leader_epoch);
    state.log_start_offset = state.log_end_offset = entry.base_offset;
    state.destaging_base_offset = entry.base_offset;
    if (state.leader_epoch >= LeaderEpoch(0)) {
        state.epochs = {{state.leader_epoch, entry.base_offset}};
    }
    add(state);
    outcome_.next_number = std::max(outcome_.next_number, number + 1);
}

void Replay::apply_state(ReplayedPartition& partition, const FrameEntry& entry) {
    switch (entry.kind) {
        case EntryKind::segment:
            partition.log.begin_segment(entry.base_offset, entry.timestamp);
            break;
        case EntryKind::truncate:
            partition.log.truncate(entry.base_offset, entry.segment_base, entry.segment_position);
            std::erase_if(partition.pieces, [&entry](const ReplayedPiece& piece) {
                return piece.entry.base_offset >= entry.base_offset;
            });
            break;
        case EntryKind::epoch:
            partition.log.begin_epoch(LeaderEpoch(entry.leader_epoch), entry.base_offset);
            break;
        case EntryKind::log_start: partition.log.move_log_start(entry.base_offset); break;
        default: break;
    }
}

void Replay::bridge_gap(ReplayedPartition& partition, const BatchHeader& header) {
    // Batches are missing. What follows is kept, in a segment of its own, and the partition is
    // read-only until the operator accepts the loss.
    partition.log.set_damage(Damage::journal_gap);
    partition.log.skip_to(header.base_offset);
    const FrameEntry& first = partition.unfinished.front().entry;
    partition.rebase = ReplayedPartition::Rebase{.from_base = first.segment_base,
                                                 .to_base = header.base_offset,
                                                 .position = first.segment_position};
    partition.log.begin_segment(header.base_offset, now_);
}

void Replay::match_segment(ReplayedPartition& partition, const BatchHeader& header) {
    FrameEntry first = partition.unfinished.front().entry;
    if (partition.rebase && first.segment_base == partition.rebase->from_base) {
        first.segment_base = partition.rebase->to_base;
        first.segment_position -= partition.rebase->position;
    }
    PartitionLog& log = partition.log;
    if (header.base_offset == log.log_end_offset()) {
        // The roll itself may have been in a lost frame.
        if (log.segments().empty() || first.segment_base > log.segments().back().base_offset) {
            log.begin_segment(first.segment_base, now_);
        }
        if (log.segments().back().base_offset == first.segment_base &&
            log.segments().back().bytes == first.segment_position) {
            return;
        }
    }
    bridge_gap(partition, header);
}

void Replay::finish_batch(ReplayedPartition& partition) {
    auto pieces = std::move(partition.unfinished);
    partition.unfinished.clear();
    auto header = decode_batch_header(pieces.front().bytes);
    if (!header) {
        partition.log.set_damage(Damage::journal_gap);
        return;
    }
    const bool news = pieces.back().sequence > partition.stamp;
    if (news) {
        partition.unfinished = std::move(pieces);
        if (header->base_offset < partition.log.log_end_offset()) {
            // Cannot be of this log: entries of one number are written in order of offset.
            partition.log.set_damage(Damage::journal_gap);
            partition.unfinished.clear();
            return;
        }
        match_segment(partition, *header);
        pieces = std::move(partition.unfinished);
        partition.unfinished.clear();
        partition.log.append(*header, now_);
        partition.proven = true;
    }
    for (ReplayedPiece& piece : pieces) {
        FrameEntry& entry = piece.entry;
        if (partition.rebase && entry.segment_base == partition.rebase->from_base) {
            entry.segment_base = partition.rebase->to_base;
            entry.segment_position -= partition.rebase->position;
        }
    }
    // By whole batches: one of which a part is not in the segment is read from the window.
    const FrameEntry& end = pieces.back().entry;
    const bool destaged = end.segment_base < partition.destaging_base_offset ||
                          (end.segment_base == partition.destaging_base_offset &&
                           end.segment_position + end.length <= partition.destaged_bytes);
    if (!destaged) {
        partition.pieces.insert(partition.pieces.end(), pieces.begin(), pieces.end());
    }
}

void Replay::batch(ReplayedPartition& partition, const AcceptedFrame& frame,
                   const FrameEntry& entry) {
    const ByteView bytes = bytes_of(frame, entry);
    if (entry.piece == 0) {
        partition.unfinished.clear();
    } else if (partition.unfinished.empty() ||
               partition.unfinished.back().entry.piece + 1 != entry.piece) {
        return;  // its beginning was dropped or lost
    }
    const bool whole = entry.piece == 0 && entry.bytes_left == 0;
    if (frame.payload_damaged && (!whole || !is_batch_of(entry, bytes))) {
        // Lost; what follows in this partition shows a gap, and if nothing follows nothing proves
        // that it is whole.
        partition.unfinished.clear();
        partition.proven = false;
        return;
    }
    partition.unfinished.push_back({.entry = entry,
                                    .file = frame.file,
                                    .bytes = bytes,
                                    .sequence = Sequence(frame.header.sequence)});
    if (entry.bytes_left == 0) {
        finish_batch(partition);
    }
}

void Replay::apply(const AcceptedFrame& frame, const FrameEntry& entry) {
    const PartitionNumber number(entry.partition);
    if (entry.kind == EntryKind::open) {
        const auto known = outcome_.partitions.find(number);
        if (known == outcome_.partitions.end()) {
            open(frame, entry);
        }
        return;
    }
    const auto found = outcome_.partitions.find(number);
    if (found == outcome_.partitions.end()) {
        // Deleted before the checkpoint's view of it was taken: its `remove` is here or comes,
        // unless frames were lost.
        if (entry.kind == EntryKind::remove) {
            removed_.insert(number);
            unknown_.erase(number);
        } else if (plan_.gap && !removed_.contains(number)) {
            ++unknown_[number];
        }
        return;
    }
    ReplayedPartition& partition = found->second;
    if (entry.kind == EntryKind::batch) {
        batch(partition, frame, entry);
    } else if (entry.kind == EntryKind::tail) {
        // Only the block in which the synced bytes end can be torn: whatever lies behind comes from
        // the pieces.
        const uint64_t block = round_down(partition.destaged_bytes, kBlockBytes);
        const bool wanted = entry.segment_base == partition.destaging_base_offset &&
                            entry.segment_position == block &&
                            entry.length >= partition.destaged_bytes - block;
        if (wanted && !frame.payload_damaged) {
            partition.tail = ReplayedPiece{.entry = entry,
                                           .file = frame.file,
                                           .bytes = bytes_of(frame, entry),
                                           .sequence = Sequence(frame.header.sequence)};
        }
    } else if (Sequence(frame.header.sequence) <= partition.stamp) {
        return;
    } else if (entry.kind == EntryKind::remove) {
        remove(number, Sequence(frame.header.sequence));
    } else {
        apply_state(partition, entry);
    }
}

/// With every other number of the same partition that this frame can know of.
void Replay::remove(PartitionNumber number, Sequence at) {
    const auto [first, last] = by_id_.equal_range(id_of(outcome_.partitions.at(number).log));
    for (auto other = first; other != last;) {
        const auto found = outcome_.partitions.find(other->second);
        if (other->second != number && found->second.stamp >= at) {
            ++other;
            continue;
        }
        removed_.insert(other->second);
        outcome_.partitions.erase(found);
        other = by_id_.erase(other);
    }
}

/// Of several numbers of one partition, the latest that was used is kept (where several were, the
/// `remove` of the former was in a lost frame). The others count as removed.
void Replay::drop_doubles() {
    const auto rank = [this](PartitionNumber number) {
        const PartitionLog& log = outcome_.partitions.at(number).log;
        return std::pair(!log.segments().empty() || log.log_end_offset() > 0, log.leader_epoch());
    };
    auto kept = by_id_.begin();
    for (auto at = kept; at != by_id_.end(); ++at) {
        if (at == kept || at->first != kept->first) {
            kept = at;
            continue;
        }
        const auto dropped = rank(at->second) >= rank(kept->second) ? std::exchange(kept, at) : at;
        removed_.insert(dropped->second);
        outcome_.partitions.erase(dropped->second);
    }
}

/// Whether segments and pieces hold every byte up to the end of the log: offsets alone do not tell,
/// where the checkpoint knew of a batch whose bytes stood in a lost frame.
bool Replay::has_all_bytes(const ReplayedPartition& partition) {
    int64_t base = partition.destaging_base_offset;
    uint64_t position = partition.destaged_bytes;
    const auto bytes_of_segment = [&partition](int64_t base_offset) -> uint64_t {
        const auto& segments = partition.log.segments();
        const auto found = std::ranges::find(segments, base_offset, &SegmentState::base_offset);
        return found == segments.end() ? 0 : found->bytes;
    };
    for (const ReplayedPiece& piece : partition.pieces) {
        if (piece.entry.segment_base != base) {
            if (position < bytes_of_segment(base)) {
                return false;
            }
            base = piece.entry.segment_base;
            position = 0;
        }
        if (piece.entry.segment_position > position) {
            return false;
        }
        position = std::max(position, piece.entry.segment_position + piece.entry.length);
    }
    return std::ranges::all_of(partition.log.segments(), [&](const SegmentState& segment) {
        return segment.bytes == 0 || segment.base_offset < base ||
               (segment.base_offset == base && position >= segment.bytes);
    });
}

/// Begins a segment behind each hole, so that segments hold what there is, back to back: a hole
/// would be written as whatever the memory held, or waited for.
void Replay::close_holes(ReplayedPartition& partition) const {
    std::vector<SegmentState> segments;
    for (const SegmentState& segment : partition.log.segments()) {
        if (segment.base_offset <= partition.destaging_base_offset) {
            segments.push_back(segment);
        }
    }
    // Where the next byte of the log as it was written is expected; its segment here begins at
    // `shift` there.
    int64_t base = partition.destaging_base_offset;
    uint64_t position = partition.destaged_bytes;
    uint64_t shift = 0;
    bool begun = !segments.empty() && segments.back().base_offset == base;
    if (begun) {
        partition.cut = segments.back().bytes > position;
        segments.back().bytes = std::min(segments.back().bytes, position);
    }
    for (ReplayedPiece& piece : partition.pieces) {
        FrameEntry& entry = piece.entry;
        const bool hole = entry.segment_base != base || entry.segment_position > position;
        if (entry.piece == 0 && (hole || !begun)) {
            base = entry.segment_base;
            position = shift = entry.segment_position;
            segments.push_back(
                {.base_offset = shift == 0 ? base : entry.base_offset, .created_ms = now_});
            begun = true;
        }
        position = std::max(position, entry.segment_position + entry.length);
        partition.cut =
            partition.cut && segments.back().base_offset != partition.destaging_base_offset;
        SegmentState& segment = segments.back();
        segment.bytes = std::max(segment.bytes, position - shift);
        segment.max_timestamp = std::max(segment.max_timestamp, entry.timestamp);
        entry.segment_base = segment.base_offset;
        entry.segment_position -= shift;
    }
    std::erase_if(segments, [](const SegmentState& segment) { return segment.bytes == 0; });
    partition.log.set_segments(std::move(segments));
}

ReplayOutcome Replay::run() {
    for (const AcceptedFrame& frame : plan_.frames) {
        if (frame.after_gap) {
            lose_proof(frame);
        }
        for (const FrameEntry& entry : frame.entries) {
            if (entry.kind == EntryKind::extent || entry.kind > EntryKind::log_start) {
                outcome_.refused = true;
                outcome_.findings.push_back({.name = RecoveryCase::extent_unsupported,
                                             .generation = Generation(frame.header.generation),
                                             .position = frame.position,
                                             .sequence = Sequence(frame.header.sequence)});
                return std::move(outcome_);
            }
            apply(frame, entry);
        }
    }
    drop_doubles();
    for (auto& [number, partition] : outcome_.partitions) {
        if (mutant(Mutant::incomplete_batch_kept) && !partition.unfinished.empty()) {
            finish_batch(partition);
        }
        if (plan_.gap && !has_all_bytes(partition)) {
            partition.log.set_damage(Damage::journal_gap);
            close_holes(partition);
        }
    }
    for (const auto& [number, count] : unknown_) {
        outcome_.unknown_entries += count;
    }
    // A loss with nothing behind it in the journal at all: no partition can be proven.
    const RecoveryAction last =
        kRecoveryCases[static_cast<size_t>(plan_.findings.back().name)].action;
    for (auto& [number, partition] : outcome_.partitions) {
        partition.unfinished.clear();
        if (plan_.gap && (!partition.proven || last == RecoveryAction::damage)) {
            partition.log.set_damage(Damage::journal_gap);
        }
    }
    return std::move(outcome_);
}

}  // namespace

ReplayOutcome replay(const Checkpoint& checkpoint, const RecoveryPlan& plan, WallMs now) {
    return Replay(checkpoint, plan, now).run();
}

}  // namespace ringlog::engine
