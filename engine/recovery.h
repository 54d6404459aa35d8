// What a start makes of the journal that it finds: a pure function from the bytes of the files and
// the checkpoint to the frames that count, the place where the next life begins, and what was lost.
// No I/O; the bytes come from journal_scan.h. Every case has a row in docs/journal.md, "Recovery",
// and in kRecoveryCases.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/frame.h"
#include "engine/journal.h"
#include "engine/types.h"

namespace ringlog::engine {

/// What recovery met. The numbers are printed and counted: append, never renumber.
enum class RecoveryCase : uint8_t {
    clean = 0,           ///< The log ends where the checkpoint says: nothing to replay.
    end_zero = 1,        ///< Zeros behind the last frame.
    end_stale_life = 2,  ///< A frame of an earlier life, or of an earlier place in this one.
    end_torn = 3,        ///< A header of this life, above D, whose table or payload does not hold.
    end_unknown_bytes = 4,  ///< Bytes that are no frame of this generation (the file was used
                            ///< before), and no frame of this life behind them.
    end_hole = 5,  ///< As before, above D, but later frames of this life stand behind: all are cut.
    end_of_files = 6,    ///< The last file is full to its end.
    header_damaged = 7,  ///< Below D: a header does not hold, later frames of this life do.
    frames_lost = 8,     ///< Below D: nothing of this life stands here or behind.
    payload_damaged =
        9,  ///< Below D: the table holds, the payload does not: batches are checked one by one.
    table_damaged = 10,     ///< Below D: the header holds, the table does not.
    unreadable_below = 11,  ///< Below D: the device does not give the bytes.
    unreadable_above =
        12,  ///< Above D: the device does not give the bytes; what stood there cannot be known.
    file_missing = 13,          ///< Below D: a generation between two others is gone.
    checkpoint_slot_bad = 14,   ///< One slot does not hold; the other one is used.
    checkpoint_slots_bad = 15,  ///< Neither slot holds: refused.
    newer_version = 16,         ///< Written by a newer format: refused.
    no_files = 17,  ///< The checkpoint's journal file is gone and nothing proves that it was not
                    ///< needed: refused.
    extent_unsupported = 18,  ///< An entry that this version cannot replay: refused.
    replay_start_lost = 19,   ///< The first frames behind the checkpoint are damaged.
};

/// How a case is met.
enum class RecoveryAction : uint8_t { accept, cut, damage, refuse };

struct RecoveryRow {
    RecoveryCase name;
    RecoveryAction action;
    std::string_view meaning;  ///< One line for the log.
};

constexpr std::array<RecoveryRow, 20> kRecoveryCases = {{
    {RecoveryCase::clean, RecoveryAction::accept, "the journal ends where the checkpoint says"},
    {RecoveryCase::end_zero, RecoveryAction::accept, "zeros behind the last frame"},
    {RecoveryCase::end_stale_life, RecoveryAction::accept, "an earlier life behind the last frame"},
    {RecoveryCase::end_torn, RecoveryAction::cut, "a torn frame that was never acknowledged"},
    {RecoveryCase::end_unknown_bytes, RecoveryAction::accept,
     "bytes of an earlier use of the file"},
    {RecoveryCase::end_hole, RecoveryAction::cut, "frames behind a hole, never flushed"},
    {RecoveryCase::end_of_files, RecoveryAction::accept, "the last file is full"},
    {RecoveryCase::header_damaged, RecoveryAction::damage, "a flushed frame lost its header"},
    {RecoveryCase::frames_lost, RecoveryAction::damage, "flushed frames are gone"},
    {RecoveryCase::payload_damaged, RecoveryAction::damage, "a flushed frame lost payload"},
    {RecoveryCase::table_damaged, RecoveryAction::damage, "a flushed frame lost its table"},
    {RecoveryCase::unreadable_below, RecoveryAction::damage, "flushed frames cannot be read"},
    {RecoveryCase::unreadable_above, RecoveryAction::damage,
     "the end of the journal cannot be read"},
    {RecoveryCase::file_missing, RecoveryAction::damage, "a journal file is missing"},
    {RecoveryCase::checkpoint_slot_bad, RecoveryAction::accept,
     "one checkpoint slot does not hold"},
    {RecoveryCase::checkpoint_slots_bad, RecoveryAction::refuse, "both checkpoint slots are bad"},
    {RecoveryCase::newer_version, RecoveryAction::refuse, "written by a newer version"},
    {RecoveryCase::no_files, RecoveryAction::refuse, "the journal files are gone"},
    {RecoveryCase::extent_unsupported, RecoveryAction::refuse, "an entry of a newer version"},
    {RecoveryCase::replay_start_lost, RecoveryAction::damage,
     "frames behind the checkpoint are gone"},
}};

/// The bytes of one journal file as they were read.
struct FileView {
    Generation generation;
    ByteView bytes;
    std::vector<uint64_t> unreadable;  ///< Positions of blocks that could not be read, sorted;
                                       ///< zeros stand in for them.
};

/// A frame that counts.
struct AcceptedFrame {
    size_t file = 0;  ///< Index in the views.
    uint64_t position = 0;
    FrameHeader header;
    std::span<const FrameEntry> entries;
    ByteView payload;
    bool payload_damaged = false;  ///< Each batch is to be checked by its own CRC.
    bool after_gap = false;        ///< Flushed frames before it are lost.
};

struct RecoveryFinding {
    RecoveryCase name;
    Generation generation;
    uint64_t position = 0;
    Sequence sequence{0};  ///< The frame that was expected there.
};

struct RecoveryPlan {
    std::vector<AcceptedFrame> frames;  ///< Behind the checkpoint's replay_after, in order.
    std::vector<RecoveryFinding>
        findings;  ///< What was met, in order; the last one says how the log ends.
    Journal::Resume resume;
    Sequence durable_through{0};  ///< D: frames up to here were flushed.
    bool gap = false;      ///< Flushed frames are lost: partitions must prove that they are whole.
    bool refused = false;  ///< Nothing may be served; the last finding says why.
};

/// Chooses the newer of the slots that hold. Findings go to `findings`. Nothing if neither holds.
std::optional<Checkpoint> choose_checkpoint(std::vector<SlotReading> slots,
                                            std::vector<RecoveryFinding>& findings);

/// `files` in order of generation, from the checkpoint's replay_generation on (older ones are not
/// needed).
RecoveryPlan plan_recovery(JournalId journal, const Checkpoint& checkpoint,
                           std::span<const FileView> files);

std::string_view recovery_case_name(RecoveryCase name);

}  // namespace ringlog::engine
