#include "tests/simulation/disk_fault.h"

namespace ringlog::simulation {

const char* effect_name(DiskEffect effect) {
    switch (effect) {
        case DiskEffect::none: return "none";
        case DiskEffect::error: return "error";
        case DiskEffect::torn: return "torn";
        case DiskEffect::no_space: return "no_space";
        case DiskEffect::short_io: return "short_io";
        case DiskEffect::lost: return "lost";
        case DiskEffect::misdirected: return "misdirected";
        case DiskEffect::corrupt: return "corrupt";
        case DiskEffect::hang: return "hang";
        case DiskEffect::kill: return "kill";
        case DiskEffect::power_loss: return "power_loss";
    }
    return "unknown";
}

DiskEffect DiskRates::draw(DiskOps kind, Random& random) const {
    constexpr DiskOps kAnyRead = kReads | kFsReads;
    constexpr DiskOps kAnyWrite = kWrites | kFsWrites;
    constexpr DiskOps kAnyFlush = kFlushes | kFsSyncs;
    struct Row {
        uint32_t rate;
        DiskOps kinds;
        DiskEffect effect;
    };
    const Row rows[] = {
        {read_error, kAnyRead, DiskEffect::error},
        {write_error, kAnyWrite, DiskEffect::error},
        {flush_error, kAnyFlush, DiskEffect::error},
        {torn, kAnyWrite, DiskEffect::torn},
        {no_space, kAnyWrite | kFsNames, DiskEffect::no_space},
        {short_io, kReads | kWrites, DiskEffect::short_io},
        {lost, kAnyWrite | kAnyFlush, DiskEffect::lost},
        {misdirected, kAnyWrite, DiskEffect::misdirected},
        {corrupt, kAnyRead | kAnyWrite, DiskEffect::corrupt},
        {hang, kAllDiskOps, DiskEffect::hang},
    };
    for (const Row& row : rows) {
        if (row.rate > 0 && (kind & row.kinds) != 0 && random.chance(row.rate, 1'000'000)) {
            return row.effect;
        }
    }
    return DiskEffect::none;
}

}  // namespace ringlog::simulation
