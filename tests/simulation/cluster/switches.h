// The classes of faults and of load that a seed turns on or off, by name. Pure. Explained in
// tests/simulation/cluster/README.md.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ringlog::simulation {

enum class Switch : uint8_t {
    // Processes.
    kill,
    power_loss,
    clean_stop,
    crash_in_start,
    crash_at_operation,
    restart_delay,
    pause,
    core_change,
    // Disk.
    write_error,
    flush_error,
    read_error,
    torn,
    short_io,
    slow,
    hang,
    no_space,
    full_disk,
    // Disks that lie or forget.
    lost_write,
    misdirected_write,
    bit_rot,
    latent_sector,
    read_corruption,
    // Network.
    latency,
    clog,
    cut,
    reset,
    tiny_segments,
    slow_reader,
    // Clocks.
    wall_step,
    wall_drift,
    // Metadata store.
    metadata_delay,
    metadata_loss,
    // Load.
    delete_topics,
    large_batches,
    fetch_sessions,
    pipelining,
    tiny_limits,
    crash_rung,
    end,
};
constexpr size_t kSwitchCount = static_cast<size_t>(Switch::end);

struct SwitchRow {
    Switch name;
    std::string_view text;   ///< As `--switch` takes it.
    std::string_view about;  ///< One sentence.
    uint32_t percent = 0;    ///< Of the seeds that have it on, where nobody says otherwise.
    bool lies = false;       ///< The disk may lose what was durable: only honesty can be asked for.
};
std::span<const SwitchRow> switch_rows();
const SwitchRow& switch_row(Switch name);
std::optional<Switch> find_switch(std::string_view text);

class SwitchSet {
public:
    [[nodiscard]] bool has(Switch name) const { return bits_.test(static_cast<size_t>(name)); }
    void set(Switch name, bool on) { bits_.set(static_cast<size_t>(name), on); }
    [[nodiscard]] size_t count() const { return bits_.count(); }
    friend bool operator==(const SwitchSet&, const SwitchSet&) = default;

private:
    std::bitset<kSwitchCount> bits_;
};

/// What the command line says about the switches of a seed.
struct SwitchOrders {
    SwitchSet forced;
    SwitchSet excluded;  ///< Wins over `forced`.
};

}  // namespace ringlog::simulation
