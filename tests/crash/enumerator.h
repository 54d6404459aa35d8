// Builds every image that a crash could leave at every moment of a recorded life, recovers each
// with the product's code in this process, and compares what it finds with what had been promised.
// Explained in tests/crash/README.md.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/recovery.h"
#include "tests/crash/images.h"
#include "tests/crash/life.h"
#include "tests/crash/oracle.h"

namespace ringlog::crash {

struct Totals {
    uint64_t lives = 0;
    uint64_t events = 0;
    uint64_t writes = 0;
    uint64_t flushes = 0;  ///< And flushed writes.
    uint64_t names = 0;    ///< Operations on names, and syncs of directories.
    uint64_t boundaries = 0;
    uint64_t images = 0;    ///< Built.
    uint64_t kills = 0;     ///< Of them: of kills.
    uint64_t distinct = 0;  ///< Recovered: no other image of its life had the same bytes and names.
    uint64_t second_lives = 0;   ///< Images that a further life was recorded on,
    uint64_t second_images = 0;  ///< and images of those lives.
    uint64_t acked = 0;          ///< Batches that clients had an ack for.
    uint64_t acked_checked = 0;  ///< Acked batches compared, over all images and moments.
    uint64_t lost = 0;
    uint64_t stale = 0;
    uint64_t failures = 0;
    std::array<uint64_t, engine::kRecoveryCases.size()> cases{};  ///< What recoveries met.
    double seconds = 0;  ///< Of the core's time in enumerating, without recording.

    void add(const Totals& other);
};

struct EnumerateOptions {
    ImageLimits limits;
    uint64_t images_per_life = 0;    ///< Lowers limits.images_max so that about so many are built.
    uint64_t second_life_every = 0;  ///< A life is recorded on every nth distinct image (0: none).
    ImageLimits second_limits = {.exhaustive = 16, .images_max = 8};
    Lies lies;
    std::optional<std::chrono::steady_clock::time_point> deadline;  ///< Stops early.
    std::string keep;  ///< A directory for what a failure leaves; empty: none.
};

/// A moment and an image of it, chosen to go on from.
struct Crash {
    std::unique_ptr<simulation::SimDisk> disk;
    Knowledge knowledge;
    size_t event = 0;
    bool kill = false;
};

class Enumerator {
public:
    Enumerator(const Life& life, const EnumerateOptions& options, Totals& totals);

    /// True if every image held. Prints what did not.
    bool run(const std::string& name);
    /// One crash at a moment in the part of the life between `from` and `to` thousandths, drawn
    /// from `seed`.
    Crash crash_at(uint64_t from, uint64_t to, uint64_t seed);

private:
    struct Pending {
        const Recovered* recovered;
        bool kill;
    };
    [[nodiscard]] ImageLimits limits_of_moments() const;
    bool visit(size_t event);
    bool check_again(size_t event);
    const Recovered& recover(std::unique_ptr<simulation::SimDisk> disk, uint64_t hash);
    bool check(const Recovered& recovered, const ImageRecipe* recipe, bool kill, size_t event);
    bool run_second_life(const ImageRecipe& recipe, const Recovered& recovered);
    void keep(const ImageRecipe* recipe, size_t event, const std::string& problem) const;
    [[nodiscard]] bool out_of_time() const;

    const Life& life_;
    EnumerateOptions options_;
    Totals& totals_;
    std::string name_;
    Oracle oracle_;
    Model model_;
    std::unordered_map<uint64_t, Recovered> known_;  ///< By image: recovery is deterministic.
    std::vector<Pending> current_;  ///< Images of the moment since the disk last changed.
};

/// Writes the files of `disk` below `directory`.
void write_out(const simulation::SimDisk& disk, const std::string& directory);

/// Recovers `disk` (which changes) and reads everything.
Recovered recover_image(simulation::SimDisk& disk, const LogShape& shape, const Oracle& oracle,
                        std::array<uint64_t, engine::kRecoveryCases.size()>* cases);

}  // namespace ringlog::crash
