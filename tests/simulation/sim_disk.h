// The disk of one simulated node: a tree of directories and files that outlives the node's lives,
// with what is durable of it, and the faults that it is told to have. One thread. Explained in
// tests/simulation/README.md.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "tests/simulation/disk_fault.h"
#include "tests/simulation/sim_file.h"

namespace ringlog::simulation {

/// How a disk is built.
struct DiskOptions {
    uint32_t block_bytes = 4096;           ///< Alignment of direct I/O.
    bool direct = true;                    ///< False: O_DIRECT is refused.
    uint64_t capacity_bytes = UINT64_MAX;  ///< Of all files together.
    int64_t operation_ns = 20'000;         ///< The least that a read or write takes.
    int64_t flush_ns = 200'000;            ///< The least that a flush takes, beyond that.
    int64_t jitter_ns = 200'000;           ///< Added to each: uniform below this.
};

struct Inode;
using InodePtr = std::shared_ptr<Inode>;

/// The names in one directory: now, and what is durable of them.
class SimDirectory {
public:
    [[nodiscard]] const std::map<std::string, InodePtr>& entries() const { return entries_; }
    [[nodiscard]] InodePtr find(const std::string& name) const;
    /// Sets (or, with null, removes) names in one step.
    void change(std::vector<std::pair<std::string, InodePtr>> names);
    void make_durable();
    void lose_power(Fate names, Choices& choices);
    /// The same names for the files of a copied disk.
    void repoint(const std::function<InodePtr(const InodePtr&)>& copy_of);

private:
    using Change = std::vector<std::pair<std::string, InodePtr>>;
    static void apply(const Change& change, std::map<std::string, InodePtr>& to);

    std::map<std::string, InodePtr> entries_;
    std::map<std::string, InodePtr> durable_;
    std::vector<Change> changes_;  ///< Not durable, oldest first.
};

/// A file or a directory.
struct Inode {
    uint64_t number = 0;
    bool is_directory = false;
    SimFile file;
    SimDirectory directory;
};

class SimDisk {
public:
    SimDisk(uint64_t seed, DiskOptions options);

    [[nodiscard]] const DiskOptions& options() const { return options_; }

    // Faults.
    /// The next operations are counted by `plan` (shared: it may count other disks too); null ends
    /// it.
    void arm(std::shared_ptr<FaultPlan> plan) { plan_ = std::move(plan); }
    /// Arms a plan of its own and gives it.
    std::shared_ptr<FaultPlan> arm(DiskFault fault);
    void set_rates(const DiskRates& rates) { rates_ = rates; }
    void set_capacity(uint64_t bytes) { options_.capacity_bytes = bytes; }
    /// Each operation of a core takes this much longer, until set to 0.
    void set_extra_latency(int64_t ns) { extra_ns_ = ns; }

    /// How often each effect happened.
    [[nodiscard]] uint64_t effect_count(DiskEffect effect) const {
        return effect_counts_[static_cast<size_t>(effect)];
    }
    /// Operations that took a hundred times as long.
    [[nodiscard]] uint64_t slow_count() const { return slow_count_; }
    /// Told of every write that landed, with what landed of it; `durably`: it is on stable media.
    using OnLanded =
        std::function<void(const Inode& inode, uint64_t position, ByteView bytes, bool durably)>;
    void set_on_landed(OnLanded on_landed) { on_landed_ = std::move(on_landed); }

    // What the file system and the backend ask.
    /// Counts one operation and says what happens to it. After a crash began, every one is an
    /// error.
    DiskEffect begin(DiskOps kind);
    /// The kill or power_loss that an operation caused and that the node has not died of yet.
    [[nodiscard]] DiskEffect crash_requested() const { return crash_; }
    /// True if a call since the last question hangs: its helper never comes back.
    bool take_hung_call() { return std::exchange(call_hangs_, false); }
    /// Grows with everything that may change what a power loss would leave.
    [[nodiscard]] uint64_t activity() const { return activity_; }
    [[nodiscard]] int64_t draw_latency(bool flush);
    Random& random() { return random_; }
    /// Where `effect` lets a write of `bytes` to `inode` land; io_failed, no_space, or the count of
    /// bytes that it reports.
    Result<uint64_t> land_write(const InodePtr& inode, uint64_t position, ByteView bytes,
                                bool durably, DiskEffect effect);
    /// A sync of `inode`: everything up to `mark`.
    Result<void> land_sync(const InodePtr& inode, Mark mark, DiskEffect effect);
    [[nodiscard]] bool has_room_for(uint64_t bytes) const;
    [[nodiscard]] uint64_t used_bytes() const;
    InodePtr make_inode(bool directory);
    InodePtr root() { return root_; }
    /// "/a/b" or "a/b". Null if there is none.
    InodePtr find(std::string_view path) const;
    /// By its number; null if no name leads to it.
    [[nodiscard]] InodePtr find_inode(uint64_t number) const;
    /// Every file and directory below `from`.
    void visit(const InodePtr& from, const std::function<void(const InodePtr&)>& each) const;

    // Crashes. The node calls these.
    /// A write that the kernel still held when its process died: it lands later, or with the next
    /// sync of its file.
    uint64_t add_late_write(InodePtr inode, uint64_t position, ByteView bytes, bool durably);
    /// Nothing if it has landed before.
    void land_late_write(uint64_t id);
    /// Lands what dead processes left for `inode`, in some order.
    void land_late_writes_of(const Inode& inode);
    [[nodiscard]] size_t late_writes() const { return late_.size(); }
    /// The process is dead: its descriptors are gone; the disk works again.
    void process_died();
    /// Leaves what a power loss leaves.
    void lose_power(const PowerLoss& how);
    void lose_power(const PowerLoss& how, Choices& choices);
    /// A disk with the same content, durable or not, and no faults. Draws from a stream of its own.
    [[nodiscard]] std::unique_ptr<SimDisk> copy(uint64_t seed) const;

    // For tests: what is there, and damage to it. The path must name a file.
    [[nodiscard]] bool exists(std::string_view path) const { return find(path) != nullptr; }
    [[nodiscard]] std::vector<std::byte> read_all(std::string_view path) const;
    /// Everything on the disk, as paths in order; directories end in '/'.
    [[nodiscard]] std::vector<std::string> list_tree() const;
    SimFile& file(std::string_view path);

private:
    struct LateWrite {
        InodePtr inode;
        uint64_t position;
        std::vector<std::byte> bytes;
        bool durably;
    };
    Result<uint64_t> land_torn(SimFile& file, uint64_t position, ByteView bytes);
    void write_to(const InodePtr& inode, uint64_t position, ByteView bytes, bool durably);

    DiskOptions options_;
    Random random_;
    Random latency_;
    uint64_t next_inode_ = 1;
    InodePtr root_;
    std::shared_ptr<FaultPlan> plan_;
    DiskRates rates_;
    int64_t extra_ns_ = 0;
    DiskEffect crash_ = DiskEffect::none;
    bool call_hangs_ = false;
    uint64_t activity_ = 0;
    uint64_t next_late_ = 1;
    std::map<uint64_t, LateWrite> late_;
    OnLanded on_landed_;
    std::array<uint64_t, kDiskEffectCount> effect_counts_{};
    uint64_t slow_count_ = 0;
};

/// The parts of a path.
std::vector<std::string> split_path(std::string_view path);

}  // namespace ringlog::simulation
