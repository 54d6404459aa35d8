// The walk over the journal that a start makes. See engine/recovery.h and docs/journal.md,
// "Recovery".
#include "engine/recovery.h"

#include <algorithm>

#include "base/assert.h"
#include "base/mutant.h"

namespace ringlog::engine {

namespace {

struct Place {
    size_t file = 0;
    uint64_t position = 0;
};

/// One walk. Its state is the last frame that was accepted and where the next one is expected.
class Walk {
public:
    Walk(JournalId journal, const Checkpoint& checkpoint, std::span<const FileView> files)
        : journal_(journal), checkpoint_(checkpoint), files_(files) {
        plan_.durable_through = checkpoint.durable_through;
    }

    RecoveryPlan run();

private:
    [[nodiscard]] FrameCheck check(Place at) const;
    [[nodiscard]] bool unreadable(Place at, uint64_t bytes) const;
    [[nodiscard]] bool follows(const FrameHeader& header) const;
    [[nodiscard]] bool same_life(const FrameHeader& header) const;
    [[nodiscard]] bool same_or_later_life(const FrameHeader& header) const;
    [[nodiscard]] Sequence expected() const;
    [[nodiscard]] std::optional<Place> continuation_in_later_file() const;
    void accept(Place at, const FrameCheck& checked, bool after_gap);
    /// The first frame of the first file may be damaged and not needed: begins at the next one that
    /// proves it.
    void skip_to_anchor();
    /// Looks for frames of this life behind `at_`, raises D by what they say, gives the first by
    /// sequence.
    std::optional<Place> find_later();
    /// At a place where no good frame follows. True if the walk goes on.
    bool meet_bad(const FrameCheck& checked);
    void end(RecoveryCase name);
    void note(RecoveryCase name);
    [[nodiscard]] RecoveryCase describe_end(const FrameCheck& checked, bool later) const;
    [[nodiscard]] RecoveryCase describe_damage(const FrameCheck& checked, bool later) const;

    JournalId journal_;
    const Checkpoint& checkpoint_;
    std::span<const FileView> files_;
    Place at_;
    std::optional<FrameHeader> last_;
    RecoveryPlan plan_;
};

FrameCheck Walk::check(Place at) const {
    const FileView& file = files_[at.file];
    if (at.position + kBlockBytes > file.bytes.size()) {
        return {};
    }
    return check_frame(file.bytes.subspan(at.position), {journal_, file.generation, at.position});
}

bool Walk::unreadable(Place at, uint64_t bytes) const {
    const auto& blocks = files_[at.file].unreadable;
    const auto first = std::ranges::lower_bound(blocks, at.position);
    return first != blocks.end() && *first < at.position + bytes;
}

bool Walk::same_life(const FrameHeader& header) const {
    return !last_ || header.salt == last_->salt;
}

bool Walk::same_or_later_life(const FrameHeader& header) const {
    // A life that began later proves that this one had ended: its frames count even where its fence
    // is damaged.
    return same_life(header) || header.life > last_->life;
}

bool Walk::follows(const FrameHeader& header) const {
    if (!last_) {
        // The first frame of the file that the checkpoint names: its generation proves it. It may
        // be older than what is replayed, never newer.
        return header.sequence <= checkpoint_.replay_after.value() + 1;
    }
    const bool chained = header.chain == last_->header_hash || mutant(Mutant::chain_unchecked);
    const bool linked = header.sequence == last_->sequence + 1 && chained;
    return linked && (same_life(header) || (header.flags & kFrameFence) != 0);
}

Sequence Walk::expected() const {
    return last_ ? Sequence(last_->sequence + 1) : checkpoint_.replay_after + 1;
}

std::optional<Place> Walk::continuation_in_later_file() const {
    // Not the next file alone: one that was stale at an earlier start may still stand in between.
    for (size_t file = at_.file + 1; last_ && file < files_.size(); ++file) {
        const FrameCheck there = check({file, 0});
        if (there.finding == FrameFinding::valid && follows(there.header)) {
            return Place{file, 0};
        }
    }
    return std::nullopt;
}

void Walk::note(RecoveryCase name) {
    plan_.findings.push_back({.name = name,
                              .generation = files_[at_.file].generation,
                              .position = at_.position,
                              .sequence = expected()});
}

void Walk::accept(Place at, const FrameCheck& checked, bool after_gap) {
    last_ = checked.header;
    plan_.resume.life = std::max(plan_.resume.life, checked.header.life);
    plan_.durable_through =
        std::max(plan_.durable_through, Sequence(checked.header.durable_through));
    if (Sequence(checked.header.sequence) > checkpoint_.replay_after) {
        plan_.frames.push_back({.file = at.file,
                                .position = at.position,
                                .header = checked.header,
                                .entries = checked.entries,
                                .payload = checked.payload,
                                .payload_damaged = checked.finding == FrameFinding::payload_damaged,
                                .after_gap = after_gap});
    }
    at_ = {at.file, at.position + checked.header.frame_bytes};
}

void Walk::skip_to_anchor() {
    for (Place at; at.position + kBlockBytes <= files_.front().bytes.size();
         at.position += kBlockBytes) {
        const FrameCheck checked = check(at);
        if (checked.finding == FrameFinding::valid) {
            if (follows(checked.header)) {
                at_ = at;
            }
            return;
        }
    }
}

std::optional<Place> Walk::find_later() {
    std::optional<Place> first;
    uint64_t first_sequence = UINT64_MAX;
    uint64_t first_life = 0;
    const uint64_t reached = expected().value();
    Place at{at_.file, at_.position + kBlockBytes};
    while (at.file < files_.size()) {
        if (at.position + kBlockBytes > files_[at.file].bytes.size()) {
            at = {at.file + 1, 0};
            continue;
        }
        const FrameCheck checked = check(at);
        const bool ours = checked.header.frame_bytes > 0 && same_or_later_life(checked.header) &&
                          checked.header.sequence > reached;
        if (ours) {
            plan_.durable_through =
                std::max(plan_.durable_through, Sequence(checked.header.durable_through));
            plan_.resume.life = std::max(plan_.resume.life, checked.header.life);
            const bool earlier = checked.header.sequence < first_sequence;
            const bool newer_twin =
                checked.header.sequence == first_sequence && checked.header.life > first_life;
            if (earlier || newer_twin) {
                first_sequence = checked.header.sequence;
                first_life = checked.header.life;
                first = at;
            }
        }
        at.position += ours ? checked.header.frame_bytes : kBlockBytes;
    }
    return first;
}

RecoveryCase Walk::describe_end(const FrameCheck& checked, bool later) const {
    const bool of_this_life = checked.header.frame_bytes > 0 && follows(checked.header);
    if (of_this_life) {
        return RecoveryCase::end_torn;
    }
    if (later) {
        return RecoveryCase::end_hole;
    }
    if (checked.header.frame_bytes > 0) {
        return RecoveryCase::end_stale_life;
    }
    if (checked.finding == FrameFinding::zero) {
        return RecoveryCase::end_zero;
    }
    return at_.position + kBlockBytes > files_[at_.file].bytes.size()
               ? RecoveryCase::end_of_files
               : RecoveryCase::end_unknown_bytes;
}

RecoveryCase Walk::describe_damage(const FrameCheck& checked, bool later) const {
    if (checked.header.frame_bytes > 0 && follows(checked.header)) {
        return RecoveryCase::table_damaged;
    }
    if (!last_) {
        return RecoveryCase::replay_start_lost;
    }
    return later ? RecoveryCase::header_damaged : RecoveryCase::frames_lost;
}

void Walk::end(RecoveryCase name) {
    note(name);
    plan_.resume.generation = files_[at_.file].generation;
    plan_.resume.end = at_.position;
    if (last_) {
        plan_.resume.last = Sequence(last_->sequence);
        plan_.resume.last_hash = last_->header_hash;
    } else {
        plan_.resume.last = checkpoint_.replay_after;
    }
}

bool Walk::meet_bad(const FrameCheck& checked) {
    const uint64_t extent = std::max<uint64_t>(checked.header.frame_bytes, kBlockBytes);
    const bool at_end_of_file = at_.position + kBlockBytes > files_[at_.file].bytes.size();
    const bool cannot_read = !at_end_of_file && unreadable(at_, extent);
    const std::optional<Place> later = find_later();
    const bool below = expected() <= plan_.durable_through && !mutant(Mutant::damage_cut_off);
    if (!below) {
        if (cannot_read) {
            plan_.gap = true;
            end(RecoveryCase::unreadable_above);
            plan_.resume.end = files_[at_.file].bytes.size();  // nothing more goes into this file
        } else {
            end(describe_end(checked, later.has_value()));
        }
        return false;
    }
    plan_.gap = true;
    if (checked.finding == FrameFinding::payload_damaged && follows(checked.header)) {
        note(RecoveryCase::payload_damaged);
        accept(at_, checked, true);
        return true;
    }
    const RecoveryCase name =
        cannot_read ? RecoveryCase::unreadable_below : describe_damage(checked, later.has_value());
    if (!later) {
        end(name);
        return false;
    }
    note(name);
    // Generations of neighbours need not be consecutive: a file is missed only where the one before
    // had ended, not where a frame of it may be what is damaged.
    const bool ended = at_end_of_file || (checked.finding == FrameFinding::zero && !cannot_read) ||
                       (checked.header.frame_bytes > 0 && !follows(checked.header));
    const uint64_t step = files_[later->file].generation - files_[at_.file].generation;
    if (ended && step != later->file - at_.file) {
        note(RecoveryCase::file_missing);
    }
    accept(*later, check(*later), true);
    return true;
}

RecoveryPlan Walk::run() {
    if (files_.empty() || files_.front().generation != checkpoint_.replay_generation) {
        plan_.refused = true;
        plan_.findings.push_back({.name = RecoveryCase::no_files,
                                  .generation = checkpoint_.replay_generation,
                                  .sequence = expected()});
        return std::move(plan_);
    }
    skip_to_anchor();
    for (;;) {
        FrameCheck checked = check(at_);
        Place place = at_;
        const auto good = [&] {
            return checked.finding == FrameFinding::valid && follows(checked.header);
        };
        if (!good()) {
            if (const auto next = continuation_in_later_file()) {
                checked = check(*next);
                place = *next;
            }
        }
        if (checked.finding == FrameFinding::newer_version) {
            plan_.refused = true;
            note(RecoveryCase::newer_version);
            return std::move(plan_);
        }
        if (good()) {
            accept(place, checked, false);
            continue;
        }
        if (!meet_bad(checked)) {
            break;
        }
    }
    const bool nothing_new = plan_.frames.empty() && !plan_.gap && last_ &&
                             Sequence(last_->sequence) == checkpoint_.last_stamp;
    const RecoveryAction end_action =
        kRecoveryCases[static_cast<size_t>(plan_.findings.back().name)].action;
    if (nothing_new && end_action == RecoveryAction::accept) {
        plan_.findings.back().name = RecoveryCase::clean;
    }
    return std::move(plan_);
}

}  // namespace

std::string_view recovery_case_name(RecoveryCase name) {
    constexpr std::array<std::string_view, 20> kNames = {"clean",
                                                         "end_zero",
                                                         "end_stale_life",
                                                         "end_torn",
                                                         "end_unknown_bytes",
                                                         "end_hole",
                                                         "end_of_files",
                                                         "header_damaged",
                                                         "frames_lost",
                                                         "payload_damaged",
                                                         "table_damaged",
                                                         "unreadable_below",
                                                         "unreadable_above",
                                                         "file_missing",
                                                         "checkpoint_slot_bad",
                                                         "checkpoint_slots_bad",
                                                         "newer_version",
                                                         "no_files",
                                                         "extent_unsupported",
                                                         "replay_start_lost"};
    static_assert(kNames.size() == kRecoveryCases.size());
    return kNames[static_cast<size_t>(name)];
}

std::optional<Checkpoint> choose_checkpoint(std::vector<SlotReading> slots,
                                            std::vector<RecoveryFinding>& findings) {
    std::optional<Checkpoint> chosen;
    size_t bad = 0;
    for (SlotReading& slot : slots) {
        if (!slot.checkpoint) {
            const bool empty = slot.error && slot.error->code == Errc::not_found;
            bad += empty ? 0 : 1;
            continue;
        }
        if (!chosen || slot.checkpoint->number > chosen->number) {
            chosen = std::move(slot.checkpoint);
        }
    }
    if (!chosen) {
        findings.push_back(
            {.name = RecoveryCase::checkpoint_slots_bad, .generation = Generation(0)});
    } else if (bad > 0) {
        findings.push_back(
            {.name = RecoveryCase::checkpoint_slot_bad, .generation = chosen->replay_generation});
    }
    return chosen;
}

RecoveryPlan plan_recovery(JournalId journal, const Checkpoint& checkpoint,
                           std::span<const FileView> files) {
    return Walk(journal, checkpoint, files).run();
}

}  // namespace ringlog::engine
