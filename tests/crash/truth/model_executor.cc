#include "tests/crash/truth/model_executor.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/assert.h"
#include "tests/simulation/descriptors.h"
#include "tests/simulation/sim_disk.h"
#include "tests/simulation/sim_file_system.h"

namespace ringlog::truth {
namespace {

using simulation::Choices;
using simulation::SimDisk;
using Kind = Step::Kind;

class ModelExecutor {
public:
    ModelExecutor()
        : disk_(std::make_unique<SimDisk>(1, simulation::DiskOptions{})),
          files_(*disk_, descriptors_,
                 [](std::string_view, uint64_t, uint64_t, uint64_t, int64_t) {}) {}

    void run(const std::vector<Step>& steps) {
        for (const Step& step : steps) {
            const Result<void> done = run(step);
            RL_ASSERT(done.has_value(), "{}: {}", step.path, describe(done.error()));
        }
    }
    void sync() { (void)files_.sync_file_system("/"); }
    [[nodiscard]] const SimDisk& disk() const { return *disk_; }

private:
    Result<void> run(const Step& step) {
        switch (step.kind) {
            case Kind::make_directory: return files_.make_directory(step.path);
            case Kind::rename: return files_.rename(step.path, step.target);
            case Kind::remove: return files_.remove(step.path);
            case Kind::sync_directory: return files_.sync_directory(step.path);
            case Kind::sync_all: return files_.sync_file_system("/");
            case Kind::write_back:
            case Kind::commit: return {};
            default: break;
        }
        auto opened = files_.open(
            step.path, {.create = step.kind == Kind::create, .write = true, .direct = false});
        if (!opened) {
            return fail(opened.error());
        }
        const int32_t descriptor = opened->descriptor;
        const Result<void> done = run_on_file(step, descriptor);
        files_.close(descriptor);
        return done;
    }

    Result<void> run_on_file(const Step& step, int32_t descriptor) {
        const uint64_t end = step.position + step.length;
        switch (step.kind) {
            case Kind::write: {
                const std::vector<std::byte> bytes(step.length, static_cast<std::byte>(step.fill));
                auto landed = disk_->land_write(descriptors_.file(descriptor)->inode, step.position,
                                                bytes, step.durable, simulation::DiskEffect::none);
                return landed ? Result<void>{} : fail(landed.error());
            }
            case Kind::sync_data: return files_.sync_data(descriptor);
            case Kind::prewrite: return files_.prewrite(descriptor, step.position, end);
            case Kind::preallocate: return files_.preallocate(descriptor, step.position, end);
            case Kind::truncate: return files_.truncate(descriptor, step.length);
            default: return {};
        }
    }

    std::unique_ptr<SimDisk> disk_;
    simulation::Descriptors descriptors_;
    simulation::SimFileSystem files_;
};

/// Given answers about names and write-back (0 beyond them), and one version of every sector.
class Answers final : public Choices {
public:
    Answers(std::vector<uint64_t> given, uint64_t version)
        : given_(std::move(given)), version_(version) {}
    uint64_t below(uint64_t bound, About /*about*/) override {
        bounds_.push_back(bound);
        return bounds_.size() <= given_.size() ? given_[bounds_.size() - 1] : 0;
    }
    uint64_t version(uint64_t /*sector*/, std::span<const uint64_t> marks) override {
        versions_max_ = std::max<uint64_t>(versions_max_, marks.size());
        return std::min<uint64_t>(version_, marks.size());
    }
    [[nodiscard]] uint64_t versions_max() const { return versions_max_; }
    /// The next answers in order; nothing after the last.
    [[nodiscard]] std::optional<std::vector<uint64_t>> next() const {
        return simulation::next_answers(given_, bounds_);
    }

private:
    std::vector<uint64_t> given_;
    uint64_t version_;
    uint64_t versions_max_ = 0;
    std::vector<uint64_t> bounds_;
};

Tree tree_of(const SimDisk& disk) {
    Tree tree;
    for (const std::string& path : disk.list_tree()) {
        std::string& content = tree[path];
        if (!path.ends_with('/')) {
            const std::vector<std::byte> bytes = disk.read_all(path);
            content.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        }
    }
    return tree;
}

/// Whether each sector of `seen` is that of one of `versions`, which differ only in sectors.
bool is_mixture(const std::vector<Tree>& versions, const Tree& seen) {
    const auto same_shape = [&](const Tree& tree) {
        return std::ranges::equal(tree, seen, [](const auto& a, const auto& b) {
            return a.first == b.first && a.second.size() == b.second.size();
        });
    };
    if (!same_shape(versions.front())) {
        return false;
    }
    for (const auto& [path, content] : seen) {
        for (size_t at = 0; at < content.size(); at += simulation::kSectorBytes) {
            const std::string_view sector =
                std::string_view(content).substr(at, simulation::kSectorBytes);
            const bool known = std::ranges::any_of(versions, [&](const Tree& tree) {
                return std::string_view(tree.at(path)).substr(at, simulation::kSectorBytes) ==
                       sector;
            });
            if (!known) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace

Verdict judge(const TruthScenario& scenario, const Tree& seen) {
    ModelExecutor executor;
    executor.run(scenario.before);
    executor.sync();
    executor.run(scenario.steps);
    Verdict verdict;
    std::optional<std::vector<uint64_t>> answers{std::in_place};
    while (answers && !verdict.allowed) {
        std::vector<Tree> versions;
        uint64_t versions_max = 0;
        std::optional<std::vector<uint64_t>> next;
        for (uint64_t version = 0; version <= versions_max; ++version) {
            Answers choices(*answers, version);
            const std::unique_ptr<SimDisk> disk = executor.disk().copy(1);
            disk->lose_power({}, choices);
            versions.push_back(tree_of(*disk));
            versions_max = choices.versions_max();
            next = choices.next();
        }
        ++verdict.outcomes;
        verdict.allowed = is_mixture(versions, seen);
        verdict.nearest = describe(versions.back());
        answers = std::move(next);
    }
    return verdict;
}

}  // namespace ringlog::truth
