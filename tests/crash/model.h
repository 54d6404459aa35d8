// The simulated disk under a recorded trace: what is there and what is durable after each event.
// Its rules are those that the kernel was checked against (disk_truth). Explained in
// tests/crash/README.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "tests/crash/trace.h"
#include "tests/simulation/descriptors.h"
#include "tests/simulation/sim_disk.h"
#include "tests/simulation/sim_file_system.h"

namespace ringlog::crash {

/// What a device or a product that is wrong would do: for the proof that the checks can fail.
struct Lies {
    bool writes = false;  ///< Flushed writes are plain ones: an ack before its flush.
    bool syncs = false;   ///< Syncs of files and of the file system do nothing,
    bool names = false;   ///< nor do those of directories.
};

class Model {
public:
    /// Begins with what is durable on `base`.
    explicit Model(const simulation::SimDisk& base);

    void apply(const Event& event);
    [[nodiscard]] const simulation::SimDisk& disk() const { return *disk_; }
    /// A write that has begun and not ended: how a crash leaves it is open.
    struct InFlight {
        uint64_t inode = 0;
        uint64_t position = 0;
        ByteView bytes;
    };
    [[nodiscard]] std::vector<InFlight> writes_in_flight() const;
    void set_lies(const Lies& lies) { lies_ = lies; }

private:
    struct Submitted {
        simulation::InodePtr inode;
        bool write = false;
        uint64_t position = 0;
        std::vector<std::byte> bytes;
        bool flushed = false;
        simulation::Mark sync_to = 0;  ///< flush.
    };
    void apply_name(const Event& event);
    void apply_completion(const Event& event);
    [[nodiscard]] const simulation::InodePtr& inode(int32_t descriptor) const {
        return inodes_.at(descriptor);
    }

    std::unique_ptr<simulation::SimDisk> disk_;
    simulation::Descriptors descriptors_;
    simulation::SimFileSystem names_;
    std::map<int32_t, simulation::InodePtr> inodes_;
    std::map<uint64_t, Submitted> submitted_;  ///< By operation.
    Lies lies_;
};

}  // namespace ringlog::crash
