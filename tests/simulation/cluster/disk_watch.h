// What the disk of one node holds of its partitions' journals, read from the writes themselves as
// they land: an oracle that does not believe the broker. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "engine/frame.h"
#include "tests/simulation/cluster/judge.h"
#include "tests/simulation/sim_disk.h"

namespace ringlog::simulation {

class DiskWatch {
public:
    explicit DiskWatch(Judge& judge) : judge_(judge) {}

    /// A write landed on the disk.
    void landed(const Inode& inode, uint64_t position, ByteView bytes);
    /// A start found partition `number` with its log up to `end`.
    void recovered(engine::PartitionNumber number, int64_t end);
    /// Before the partitions of a start are told.
    void forget() {
        ends_.clear();
        frames_.clear();
    }
    /// The end of what is on disk of a partition, as far as is known.
    [[nodiscard]] std::optional<int64_t> end(engine::PartitionNumber number) const;
    /// The end of what frames of `journal` through `sequence` hold of a partition.
    [[nodiscard]] int64_t end_through(engine::PartitionNumber number, engine::JournalId journal,
                                      engine::Sequence sequence) const;

private:
    struct Piece {
        engine::JournalId journal;
        engine::Sequence sequence;
        int64_t end;
    };
    void parse(uint64_t inode, uint64_t position, ByteView bytes);
    void take(const engine::FrameHeader& header, const engine::FrameEntry& entry);

    Judge& judge_;
    /// Where a frame begins of which the rest has not landed, by file.
    std::map<uint64_t, uint64_t> unfinished_;
    std::map<engine::PartitionNumber, int64_t> ends_;
    std::map<engine::PartitionNumber, std::vector<Piece>> frames_;  ///< Ends of batches, in order.
};

}  // namespace ringlog::simulation
