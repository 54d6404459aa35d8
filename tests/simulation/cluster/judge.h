// What must hold in a simulated world, by number and name; the first thing that does not; and what
// a run has seen. The numbers are those of docs/testing.md, "Invariants". One thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "tests/simulation/sim_network.h"
#include "tests/simulation/sim_world.h"

namespace ringlog::simulation {

enum class Invariant : uint8_t {
    epoch_unique,
    high_watermark_bounds,
    high_watermark_monotone,
    offsets_dense,
    ack_durable,
    no_stale_frame,
    recovery_prefix,
    no_truncate_on_corruption,
    no_delete_without_record,
    space_accounting,
    index_consistent,
    exactly_once,
    sequence_no_gap,
    poll_contiguity,
    bounds,
    never_wrong_bytes,
    never_ack_unstored,
    unavailability_reported,
    requests_complete,
    produces_resolved,
    admission_order,
    duplicate_after_original,
    offset_once_per_epoch,
    nothing_durable_cut,
    topics_apart,
    answers_in_order,
    starts,
    end,
};
constexpr size_t kInvariantCount = static_cast<size_t>(Invariant::end);

struct InvariantRow {
    Invariant name;
    std::string_view number;  ///< "16", or "D3": a sentence of the design.
    std::string_view text;
    std::string_view where;  ///< The functions that check it.
};
std::span<const InvariantRow> invariant_rows();

/// What a run of many seeds must have seen: a test that never meets a state proves nothing of it.
enum class Met : uint8_t {
    starts,
    kills,
    power_losses,
    clean_stops,
    crashes_in_start,
    crashes_at_operation,
    core_changes,
    starts_refused,
    journals_failed,
    pauses,
    clogs,
    cuts,
    resets,
    wall_steps,
    full_disks,
    rotten_bits,
    latent_sectors,
    disk_errors,
    disk_torn,
    disk_no_space,
    disk_short,
    disk_lost,
    disk_misdirected,
    disk_corrupt,
    disk_hang,
    disk_slow,
    frames,
    split_batches,
    rolls,
    checkpoints,
    recycled_files,
    tails,
    rescues,
    recovered_frames,
    findings,
    damaged_partitions,
    acked_records,
    acks_checked_on_disk,
    duplicates_answered,
    resends,
    produce_errors,
    lost_in_honesty,
    records_read,
    reads_from_start,
    time_lookups,
    sessions,
    session_errors,
    topics_deleted,
    topics_recreated,
    images_probed,
    quiesced,
    audits,
    end,
};
constexpr size_t kMetCount = static_cast<size_t>(Met::end);

struct MetRow {
    Met name;
    std::string_view text;
    bool required = true;  ///< A long run in which it stays 0 has failed.
};
std::span<const MetRow> met_rows();

class Judge {
public:
    /// Gets lines of the story; `partition` is -1 for what concerns a whole topic or node.
    using Sink = std::function<void(const std::string& line)>;

    explicit Judge(SimWorld& world) : world_(world) {}

    /// Something that must hold does not. The first one ends the run.
    void violate(Invariant invariant, const std::string& text);
    [[nodiscard]] bool failed() const { return !failure_.empty(); }
    [[nodiscard]] const std::string& failure() const { return failure_; }

    void mark(Met mark, uint64_t times = 1) { marks_[static_cast<size_t>(mark)] += times; }
    [[nodiscard]] const std::array<uint64_t, kMetCount>& marks() const { return marks_; }

    /// What may keep requests from being answered goes on until then.
    void disturb_until(MonotonicNs time) { disturbed_until_ = std::max(disturbed_until_, time); }
    /// A broker is not serving: nobody counts the time of answers until it does.
    void set_serving(bool serving) { serving_ = serving; }
    /// It is slow all the time: nobody counts the time of answers.
    void set_lenient(bool lenient) { lenient_ = lenient; }
    /// A client gave a connection up because of its oldest request.
    void request_not_answered(HostId client, std::string_view api, MonotonicNs sent);

    // The story. Nothing is formatted unless somebody listens.
    void set_sink(Sink sink, int32_t topic = -1, int32_t partition = -1) {
        sink_ = std::move(sink);
        topic_ = topic;
        partition_ = partition;
    }
    [[nodiscard]] bool listens(int32_t topic, int32_t partition) const {
        return sink_ && (topic_ < 0 || topic < 0 ||
                         (topic == topic_ && (partition < 0 || partition == partition_)));
    }
    void tell(const std::string& line) const;

private:
    SimWorld& world_;
    std::string failure_;
    std::array<uint64_t, kMetCount> marks_{};
    MonotonicNs disturbed_until_ = -1;
    bool lenient_ = false;
    bool serving_ = false;
    Sink sink_;
    int32_t topic_ = -1;
    int32_t partition_ = -1;
};

/// `TELL(judge, topic, partition, "acked at {}", offset)`: a line of the story, if anybody listens.
#define RL_TELL(judge, topic, partition, ...)        \
    do {                                             \
        if ((judge).listens((topic), (partition))) { \
            (judge).tell(fmt::format(__VA_ARGS__));  \
        }                                            \
    } while (false)

}  // namespace ringlog::simulation
