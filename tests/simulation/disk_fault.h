// What can go wrong with one operation on a simulated disk: planned (the Nth operation of a kind)
// or by chance. One thread.
#pragma once

#include <cstdint>
#include <optional>

#include "base/random.h"

namespace ringlog::simulation {

/// Kinds of disk operations, as a set.
using DiskOps = uint32_t;
constexpr DiskOps kReads = 1U << 0U;     ///< Op::Kind::read of a core.
constexpr DiskOps kWrites = 1U << 1U;    ///< Op::Kind::write of a core.
constexpr DiskOps kFlushes = 1U << 2U;   ///< Op::Kind::flush of a core.
constexpr DiskOps kFsReads = 1U << 3U;   ///< FileSystem::read, list.
constexpr DiskOps kFsWrites = 1U << 4U;  ///< FileSystem::write, prewrite, preallocate, truncate.
constexpr DiskOps kFsSyncs =
    1U << 5U;  ///< FileSystem::sync_data, sync_directory, sync_file_system.
constexpr DiskOps kFsNames = 1U << 6U;  ///< FileSystem::open, make_directory, rename, remove, lock.
constexpr DiskOps kChanges = kWrites | kFlushes | kFsWrites | kFsSyncs | kFsNames;
constexpr DiskOps kAllDiskOps = kChanges | kReads | kFsReads;

enum class DiskEffect : uint8_t {
    none,
    error,     ///< EIO and nothing happens; of a flush or sync: what was not durable never will be,
               ///< later ones succeed.
    torn,      ///< A write: EIO, and some of its sectors are there. Else as error.
    no_space,  ///< A write or a name: ENOSPC and nothing happens. Else nothing goes wrong.
    short_io,  ///< A core's read or write moves some sectors only and says so. Else nothing goes
               ///< wrong.
    lost,  ///< A write or flush says that it succeeded and did nothing. Else nothing goes wrong.
    misdirected,  ///< A write lands at another aligned place of its file. Else nothing goes wrong.
    corrupt,  ///< A write lands, or a read arrives, with one bit flipped. Else nothing goes wrong.
    hang,     ///< A core's operation never completes. Else as error.
    kill,     ///< The process dies while this operation is under way.
    power_loss,  ///< The power goes while this operation is under way.
};
constexpr size_t kDiskEffectCount = 11;

/// "error", "torn", ...
const char* effect_name(DiskEffect effect);

/// The Nth operation among `kinds` (from 1), and `times` - 1 more after it.
struct DiskFault {
    DiskEffect effect = DiskEffect::none;
    DiskOps kinds = kAllDiskOps;
    uint64_t nth = 1;
    uint64_t times = 1;
};

/// A fault and how far it has come. May be shared by the disks of several nodes and by several
/// lives.
class FaultPlan {
public:
    explicit FaultPlan(DiskFault fault) : fault_(fault) {}

    [[nodiscard]] const DiskFault& fault() const { return fault_; }
    /// Operations of its kinds so far.
    [[nodiscard]] uint64_t seen() const { return seen_; }
    /// The fault has happened at least once.
    [[nodiscard]] bool fired() const { return seen_ >= fault_.nth; }

    /// Counts an operation of `kind` and says what happens to it.
    DiskEffect next(DiskOps kind) {
        if ((kind & fault_.kinds) == 0) {
            return DiskEffect::none;
        }
        ++seen_;
        return seen_ >= fault_.nth && seen_ - fault_.nth < fault_.times ? fault_.effect
                                                                        : DiskEffect::none;
    }

private:
    DiskFault fault_;
    uint64_t seen_ = 0;
};

/// Faults by chance: of a million operations that the fault can happen to.
struct DiskRates {
    uint32_t read_error = 0;
    uint32_t write_error = 0;
    uint32_t flush_error = 0;
    uint32_t torn = 0;
    uint32_t no_space = 0;
    uint32_t short_io = 0;
    uint32_t lost = 0;
    uint32_t misdirected = 0;
    uint32_t corrupt = 0;
    uint32_t hang = 0;
    uint32_t slow = 0;  ///< Takes a hundred times as long.

    /// Draws what happens to an operation of `kind`.
    DiskEffect draw(DiskOps kind, Random& random) const;
};

}  // namespace ringlog::simulation
