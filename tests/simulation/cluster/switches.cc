#include "tests/simulation/cluster/switches.h"

#include <algorithm>

#include "base/assert.h"

namespace ringlog::simulation {
namespace {

constexpr std::array<SwitchRow, kSwitchCount> kRows{{
    {Switch::kill, "kill", "the process dies (kill -9)", 80},
    {Switch::power_loss, "power_loss", "the power goes; some losses leave garbage sectors", 60},
    {Switch::clean_stop, "clean_stop", "lives that end in order", 40},
    {Switch::crash_in_start, "crash_in_start", "lives that end while the broker starts", 40},
    {Switch::crash_at_operation, "crash_at_operation",
     "the process or the power ends in the middle of the Nth disk operation", 40},
    {Switch::restart_delay, "restart_delay", "a node stays down for up to two seconds", 30},
    {Switch::pause, "pause", "cores stand still for up to 400 ms", 30},
    {Switch::core_change, "core_change", "each start has another number of cores", 50},
    {Switch::write_error, "write_error", "a write fails with EIO", 15},
    {Switch::flush_error, "flush_error", "a flush fails with EIO and what was pending is gone", 10},
    {Switch::read_error, "read_error", "a read fails with EIO, but not while the broker starts",
     15},
    {Switch::torn, "torn", "a write fails with EIO and some of its sectors are there", 15},
    {Switch::short_io, "short_io", "reads and writes move fewer bytes than asked", 30},
    {Switch::slow, "slow", "operations that take a hundred times as long", 30},
    {Switch::hang, "hang", "operations that never complete", 6},
    {Switch::no_space, "no_space", "a write or a name is refused with ENOSPC", 15},
    {Switch::full_disk, "full_disk", "the disk is full for a while", 15},
    {Switch::lost_write, "lost_write", "a write or flush says that it succeeded and did nothing", 3,
     true},
    {Switch::misdirected_write, "misdirected_write", "a write lands at another place of its file",
     3, true},
    {Switch::bit_rot, "bit_rot", "bits of a file flip while nobody looks", 3, true},
    {Switch::latent_sector, "latent_sector", "sectors of a file cannot be read any more", 3, true},
    {Switch::read_corruption, "read_corruption", "a read arrives with one bit flipped", 3, true},
    {Switch::latency, "latency", "a slow network", 30},
    {Switch::clog, "clog", "one direction between a client and a broker is stopped for a while",
     30},
    {Switch::cut, "cut", "a client and a broker are parted for a while, both ways", 25},
    {Switch::reset, "reset", "connections break", 30},
    {Switch::tiny_segments, "tiny_segments", "the network carries a few bytes at a time", 20},
    {Switch::slow_reader, "slow_reader", "consumers that stop reading for a while", 25},
    {Switch::wall_step, "wall_step", "the wall clock jumps by up to half an hour, both ways", 25},
    {Switch::wall_drift, "wall_drift", "the wall clock runs up to a thousandth too fast or slow",
     25},
    {Switch::metadata_delay, "metadata_delay", "calls of the metadata store take their time", 30},
    {Switch::metadata_loss, "metadata_loss", "requests and answers of the metadata store get lost",
     10},
    {Switch::delete_topics, "delete_topics", "topics are deleted and made again under their name",
     40},
    {Switch::large_batches, "large_batches", "batches larger than a frame", 40},
    {Switch::fetch_sessions, "fetch_sessions", "consumers use incremental fetch sessions", 60},
    {Switch::pipelining, "pipelining", "producers have up to five requests under way", 80},
    {Switch::tiny_limits, "tiny_limits", "the smallest journal, frames and window there can be",
     60},
    {Switch::crash_rung, "crash_rung", "ringlog.durability=crash", 30},
}};

constexpr bool rows_are_in_order() {
    for (size_t i = 0; i < kSwitchCount; ++i) {
        if (kRows[i].name != static_cast<Switch>(i)) {
            return false;
        }
    }
    return true;
}
static_assert(rows_are_in_order());

}  // namespace

std::span<const SwitchRow> switch_rows() {
    return kRows;
}

const SwitchRow& switch_row(Switch name) {
    return kRows[static_cast<size_t>(name)];
}

std::optional<Switch> find_switch(std::string_view text) {
    const auto found = std::ranges::find(kRows, text, &SwitchRow::text);
    return found == kRows.end() ? std::nullopt : std::optional(found->name);
}

}  // namespace ringlog::simulation
