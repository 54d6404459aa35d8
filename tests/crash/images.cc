#include "tests/crash/images.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "base/checksum.h"

namespace ringlog::crash {
namespace {

using simulation::Choices;
using simulation::InodePtr;
using simulation::SimDisk;

/// A write, as a power loss asks about it.
using WriteName = std::pair<uint64_t, uint64_t>;  // inode, mark

enum class Baseline : uint8_t {
    nothing,     ///< Nothing that is not durable is left.
    everything,  ///< All of it is, sizes and extents too.
    overwrites,  ///< Every name and every overwritten sector, nothing of what had grown.
};

/// What is asked about one sector of a write: whether it survives.
using Survives = std::function<bool(const WriteName&, uint64_t sector)>;

constexpr uint64_t kNoQuestion = UINT64_MAX;

/// Answers by write instead of by sector.
class ByWrite final : public Choices {
public:
    ByWrite(Baseline baseline, Survives survives, uint64_t question = kNoQuestion,
            uint64_t answer = 0)
        : baseline_(baseline),
          survives_(std::move(survives)),
          question_(question),
          answer_(answer) {}

    void begin(uint64_t inode) override { inode_ = inode; }
    uint64_t below(uint64_t bound, About about) override {
        bounds_.push_back(bound);
        if (bounds_.size() - 1 == question_) {
            return answer_ % bound;
        }
        const bool last = about != About::garbage &&
                          (baseline_ == Baseline::everything ||
                           (baseline_ == Baseline::overwrites && about == About::names));
        return last ? bound - 1 : 0;
    }
    uint64_t version(uint64_t sector, std::span<const uint64_t> marks) override {
        for (size_t i = marks.size(); i > 0; --i) {
            const WriteName name{inode_, marks[i - 1]};
            writes_[name].push_back(sector);
            if (survives_(name, sector)) {
                return i;
            }
        }
        return 0;
    }
    /// Sectors of each write that could be left or not.
    [[nodiscard]] const std::map<WriteName, std::vector<uint64_t>>& writes() const {
        return writes_;
    }
    [[nodiscard]] const std::vector<uint64_t>& bounds() const { return bounds_; }

private:
    Baseline baseline_;
    Survives survives_;
    uint64_t question_;
    uint64_t answer_;
    uint64_t inode_ = 0;
    std::map<WriteName, std::vector<uint64_t>> writes_;
    std::vector<uint64_t> bounds_;
};

/// Given answers, and 0 to what is asked beyond them.
class Given final : public Choices {
public:
    explicit Given(std::vector<uint64_t> answers) : answers_(std::move(answers)) {}
    uint64_t below(uint64_t bound, About /*about*/) override {
        bounds_.push_back(bound);
        const size_t at = bounds_.size() - 1;
        return at < answers_.size() ? answers_[at] : 0;
    }
    /// The answers of the next outcome in order; nothing after the last.
    [[nodiscard]] std::optional<std::vector<uint64_t>> next() const {
        return simulation::next_answers(answers_, bounds_);
    }
    /// Outcomes that differ in the answers to these very questions.
    [[nodiscard]] uint64_t outcomes() const {
        uint64_t product = 1;
        for (const uint64_t bound : bounds_) {
            product = product > UINT32_MAX ? product : product * bound;
        }
        return product;
    }

private:
    std::vector<uint64_t> answers_;
    std::vector<uint64_t> bounds_;
};

std::unique_ptr<SimDisk> lose_power(const Model& model, Choices& choices) {
    std::unique_ptr<SimDisk> disk = model.disk().copy(1);
    for (const Model::InFlight& write : model.writes_in_flight()) {
        if (InodePtr inode = disk->find_inode(write.inode)) {
            disk->add_late_write(std::move(inode), write.position, write.bytes, false);
        }
    }
    disk->lose_power({}, choices);
    return disk;
}

/// Kills the process: `survives` says which bytes of which write in flight have landed.
std::unique_ptr<SimDisk> kill(const Model& model,
                              const std::function<bool(size_t write, uint64_t sector)>& survives) {
    std::unique_ptr<SimDisk> disk = model.disk().copy(1);
    size_t number = 0;
    for (const Model::InFlight& write : model.writes_in_flight()) {
        const InodePtr inode = disk->find_inode(write.inode);
        for (uint64_t at = 0; inode && at < write.bytes.size(); at += simulation::kSectorBytes) {
            if (survives(number, at / simulation::kSectorBytes)) {
                const uint64_t part = std::min(simulation::kSectorBytes, write.bytes.size() - at);
                inode->file.write(write.position + at, write.bytes.subspan(at, part));
            }
        }
        ++number;
    }
    disk->lose_power({.data = simulation::Fate::kept, .names = simulation::Fate::kept});
    return disk;
}

class Planner {
public:
    Planner(const Model& model, const ImageLimits& limits)
        : model_(model), limits_(limits), random_(limits.seed) {}

    std::vector<ImageRecipe> plan() {
        add_kills();
        const size_t kills = recipes_.size();
        if (!add_every_outcome()) {
            add_exceptions();
            add_samples();
        }
        thin(kills);
        return std::move(recipes_);
    }

private:
    void add_power(Baseline baseline, Survives survives, uint64_t question = kNoQuestion,
                   uint64_t answer = 0) {
        recipes_.push_back({.build = [this_model = &model_, baseline,
                                      survives = std::move(survives), question, answer] {
            ByWrite choices(baseline, survives, question, answer);
            return lose_power(*this_model, choices);
        }});
    }
    void add_kill(std::function<bool(size_t, uint64_t)> survives) {
        recipes_.push_back(
            {.kill = true, .build = [this_model = &model_, survives = std::move(survives)] {
                 return kill(*this_model, survives);
             }});
    }
    static bool usual(Baseline baseline) { return baseline != Baseline::nothing; }

    void add_kills() {
        const std::vector<Model::InFlight> writes = model_.writes_in_flight();
        add_kill([](size_t, uint64_t) { return true; });
        if (writes.empty()) {
            return;
        }
        add_kill([](size_t, uint64_t) { return false; });
        for (size_t w = 0; w < writes.size(); ++w) {
            const uint64_t sectors = writes[w].bytes.size() / simulation::kSectorBytes;
            if (writes.size() > 1) {
                add_kill([w](size_t write, uint64_t) { return write == w; });
                add_kill([w](size_t write, uint64_t) { return write != w; });
            }
            for (uint64_t cut = 1; cut < std::min<uint64_t>(sectors, 16); ++cut) {
                add_kill([w, cut](size_t write, uint64_t sector) {
                    return write < w || (write == w && sector < cut);
                });
            }
        }
    }

    bool add_every_outcome() {
        std::vector<std::vector<uint64_t>> all;
        std::optional<std::vector<uint64_t>> answers{std::in_place};
        while (answers) {
            Given given(*answers);
            lose_power(model_, given);
            if (given.outcomes() > limits_.exhaustive || all.size() == limits_.exhaustive) {
                return false;
            }
            all.push_back(std::move(*answers));
            answers = given.next();
        }
        for (std::vector<uint64_t>& outcome : all) {
            recipes_.push_back({.build = [this_model = &model_, outcome = std::move(outcome)] {
                Given given(outcome);
                return lose_power(*this_model, given);
            }});
        }
        return true;
    }

    void add_exceptions() {
        for (const Baseline baseline :
             {Baseline::nothing, Baseline::everything, Baseline::overwrites}) {
            const bool kept = usual(baseline);
            add_power(baseline, [kept](const WriteName&, uint64_t) { return kept; });
            // Without write-back, so that every write is asked about.
            ByWrite probe(baseline == Baseline::everything ? Baseline::overwrites : baseline,
                          [](const WriteName&, uint64_t) { return false; });
            lose_power(model_, probe);
            for (uint64_t question = 0; question < probe.bounds().size(); ++question) {
                for (uint64_t answer = 0; answer < probe.bounds()[question]; ++answer) {
                    add_power(
                        baseline, [kept](const WriteName&, uint64_t) { return kept; }, question,
                        answer);
                }
            }
            if (baseline == Baseline::everything) {
                continue;  // all of it was written back
            }
            for (const auto& [name, sectors] : probe.writes()) {
                add_write(baseline, name, sectors);
            }
        }
    }

    /// One write that differs from all others: dropped or kept whole, torn at each sector, without
    /// or with one sector.
    void add_write(Baseline baseline, const WriteName& name, const std::vector<uint64_t>& sectors) {
        const bool kept = usual(baseline);
        add_power(baseline, [kept, name](const WriteName& asked, uint64_t) {
            return asked == name ? !kept : kept;
        });
        if (sectors.size() < 2) {
            return;
        }
        for (const uint64_t sector : sectors) {
            add_power(baseline, [kept, name, sector](const WriteName& asked, uint64_t at) {
                return asked == name ? at < sector : kept;
            });
            for (const bool alone : {true, false}) {
                add_power(baseline,
                          [kept, name, sector, alone](const WriteName& asked, uint64_t at) {
                              return asked == name ? (at == sector) == alone : kept;
                          });
            }
        }
    }

    void add_samples() {
        const uint64_t count = limits_.images_max / 4;
        for (uint64_t i = 0; i < count; ++i) {
            const uint64_t salt = random_.next();
            const bool by_sector = i % 2 == 1;
            add_power(i % 4 < 2 ? Baseline::overwrites : Baseline::nothing,
                      [salt, by_sector](const WriteName& name, uint64_t sector) {
                          const std::array<uint64_t, 3> key = {name.first, name.second,
                                                               by_sector ? sector : 0};
                          return (xxh3(std::as_bytes(std::span(key)), salt) & 1U) == 1;
                      });
        }
    }

    void thin(size_t first) {
        while (recipes_.size() > first + limits_.images_max) {
            const size_t victim = first + random_.below(recipes_.size() - first);
            std::swap(recipes_[victim], recipes_.back());
            recipes_.pop_back();
        }
    }

    const Model& model_;
    ImageLimits limits_;
    Random random_;
    std::vector<ImageRecipe> recipes_;
};

uint64_t hash_of(const simulation::Inode& inode) {
    if (!inode.is_directory) {
        return inode.file.content_hash() | 1U;
    }
    uint64_t hash = 2;
    for (const auto& [name, child] : inode.directory.entries()) {
        hash = xxh3(as_bytes(name), hash ^ hash_of(*child) * 0x9e3779b97f4a7c15);
    }
    return hash;
}

}  // namespace

std::vector<ImageRecipe> images_of(const Model& model, const ImageLimits& limits) {
    return Planner(model, limits).plan();
}

uint64_t image_hash(const SimDisk& disk) {
    return hash_of(*disk.find("/"));
}

}  // namespace ringlog::crash
