#include "tests/crash/enumerator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/assert.h"

namespace ringlog::crash {

using simulation::SimDisk;

namespace {

double seconds_of_this_thread() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// What a start that follows a crash may not say: nothing was damaged.
std::string misjudged(const std::vector<engine::RecoveryFinding>& findings,
                      std::array<uint64_t, engine::kRecoveryCases.size()>* cases) {
    for (const engine::RecoveryFinding& finding : findings) {
        const auto index = static_cast<size_t>(finding.name);
        if (cases != nullptr) {
            ++(*cases)[index];
        }
        const engine::RecoveryAction action = engine::kRecoveryCases[index].action;
        if (action == engine::RecoveryAction::damage || action == engine::RecoveryAction::refuse) {
            return fmt::format("a crash is taken for damage: {}",
                               engine::kRecoveryCases[index].meaning);
        }
    }
    return {};
}

io::Task<void> read_everything(Log& log, const Oracle& oracle, Recovered& recovered,
                               std::array<uint64_t, engine::kRecoveryCases.size()>* cases) {
    for (const auto& shard : log.shards()) {
        recovered.problem = misjudged(shard->findings(), cases);
        if (!recovered.problem.empty()) {
            co_return;
        }
    }
    std::set<const engine::Partition*> expected;
    for (size_t i = 0; i < oracle.partitions().size(); ++i) {
        const PartitionStory& story = oracle.partitions()[i];
        engine::Partition* partition =
            log.find(oracle.topics()[story.topic].topic, story.partition);
        recovered.counts[i] = -1;
        if (partition == nullptr) {
            continue;
        }
        expected.insert(partition);
        auto read = co_await Log::read(*partition);
        if (!read) {
            recovered.problem = fmt::format("topic {} partition {} cannot be read: {}", story.topic,
                                            story.partition, describe(read.error()));
            co_return;
        }
        recovered.counts[i] = oracle.judge(story, *read, recovered.problem, recovered.stale);
        if (!recovered.problem.empty()) {
            co_return;
        }
        if (partition->refuses_appends()) {
            recovered.problem =
                fmt::format("topic {} partition {} refuses appends: {}", story.topic,
                            story.partition, describe(*partition->refuses_appends()));
            co_return;
        }
    }
    for (const auto& shard : log.shards()) {
        for (const engine::Partition* partition : shard->partitions()) {
            if (!expected.contains(partition)) {
                recovered.problem = fmt::format("a partition {}-{} that nobody knows",
                                                partition->id().topic, partition->id().partition);
            }
        }
    }
}

io::Task<void> open_and_read(io::Reactor& here, Log& log, const Oracle& oracle,
                             Recovered& recovered,
                             std::array<uint64_t, engine::kRecoveryCases.size()>* cases) {
    recovered.problem = co_await log.open(here);
    if (!recovered.problem.empty()) {
        recovered.problem = "the start was refused: " + recovered.problem;
        co_return;
    }
    co_await read_everything(log, oracle, recovered, cases);
    co_await log.close(here, false);
}

}  // namespace

void Totals::add(const Totals& other) {
    for (uint64_t Totals::* count :
         {&Totals::lives, &Totals::events, &Totals::writes, &Totals::flushes, &Totals::names,
          &Totals::boundaries, &Totals::images, &Totals::kills, &Totals::distinct,
          &Totals::second_lives, &Totals::second_images, &Totals::acked, &Totals::acked_checked,
          &Totals::lost, &Totals::stale, &Totals::failures}) {
        this->*count += other.*count;
    }
    for (size_t i = 0; i < cases.size(); ++i) {
        cases[i] += other.cases[i];
    }
    seconds += other.seconds;
}

void write_out(const SimDisk& disk, const std::string& directory) {
    for (const std::string& path : disk.list_tree()) {
        if (path.ends_with('/')) {
            std::filesystem::create_directories(directory + path);
            continue;
        }
        std::filesystem::create_directories(std::filesystem::path(directory + path).parent_path());
        const std::vector<std::byte> bytes = disk.read_all(path);
        std::ofstream file(directory + path, std::ios::binary);
        file.write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
    }
}

Recovered recover_image(SimDisk& disk, const LogShape& shape, const Oracle& oracle,
                        std::array<uint64_t, engine::kRecoveryCases.size()>* cases) {
    Recovered recovered;
    recovered.counts.assign(oracle.partitions().size(), -1);
    LogShape single = shape;
    single.cores = 1;
    auto machine = std::make_unique<ImageMachine>(disk, crash::ImageOptions{});
    auto log = std::make_unique<Log>(single, machine->directory(), nullptr, 0);
    const bool ended = machine->run(
        [&](io::Reactor& here) { return open_and_read(here, *log, oracle, recovered, cases); });
    if (!ended) {
        recovered.problem = "the start or a read never ended";
        // Its tasks still refer to these.
        (void)machine.release();
        (void)log.release();
    }
    return recovered;
}

Enumerator::Enumerator(const Life& life, const EnumerateOptions& options, Totals& totals)
    : life_(life),
      options_(options),
      totals_(totals),
      oracle_(life.before, life.trace.events(), life.shape.durability),
      model_(*life.base) {
    model_.set_lies(options_.lies);
    options_.limits = limits_of_moments();
}

ImageLimits Enumerator::limits_of_moments() const {
    ImageLimits limits = options_.limits;
    if (options_.images_per_life > 0) {
        // Every moment is visited, with as many images as the whole allows.
        const auto moments = static_cast<uint64_t>(std::ranges::count_if(
            life_.trace.events(), [](const Event& event) { return changes_disk(event.kind); }));
        const uint64_t share = options_.images_per_life / std::max<uint64_t>(moments, 1);
        limits.images_max = std::clamp<uint64_t>(share, 4, limits.images_max);
        limits.exhaustive = std::min(limits.exhaustive, 2 * limits.images_max);
    }
    return limits;
}

bool Enumerator::out_of_time() const {
    return options_.deadline && std::chrono::steady_clock::now() >= *options_.deadline;
}

bool Enumerator::run(const std::string& name) {
    name_ = name;
    const double started = seconds_of_this_thread();
    const std::vector<Event>& events = life_.trace.events();
    ++totals_.lives;
    bool held = visit(0);
    for (size_t i = 0; held && i < events.size() && !out_of_time(); ++i) {
        const Event& event = events[i];
        ++totals_.events;
        totals_.acked += event.kind == EventKind::acked ? 1 : 0;
        totals_.writes +=
            event.kind == EventKind::write_submitted || event.kind == EventKind::file_write ? 1 : 0;
        totals_.flushes += event.kind == EventKind::flush_completed ||
                                   event.kind == EventKind::file_sync ||
                                   event.kind == EventKind::sync_file_system ||
                                   event.kind == EventKind::prewrite_done ||
                                   (event.kind == EventKind::write_submitted && event.flushed)
                               ? 1
                               : 0;
        totals_.names += event.kind == EventKind::rename || event.kind == EventKind::remove ||
                                 event.kind == EventKind::make_directory ||
                                 event.kind == EventKind::sync_directory ||
                                 (event.kind == EventKind::open && event.create)
                             ? 1
                             : 0;
        const bool more_promised = oracle_.advance(i);
        if (event.kind < EventKind::opened) {
            model_.apply(event);
        }
        if (changes_disk(event.kind)) {
            held = visit(i);
        } else if (more_promised) {
            held = check_again(i);
        }
    }
    totals_.seconds += seconds_of_this_thread() - started;
    return held;
}

bool Enumerator::visit(size_t event) {
    ++totals_.boundaries;
    current_.clear();
    ImageLimits limits = options_.limits;
    limits.seed += event;
    for (const ImageRecipe& recipe : images_of(model_, limits)) {
        std::unique_ptr<SimDisk> disk = recipe.build();
        const uint64_t hash = image_hash(*disk);
        ++totals_.images;
        totals_.kills += recipe.kill ? 1 : 0;
        const auto found = known_.find(hash);
        const bool is_new = found == known_.end();
        const Recovered& recovered = is_new ? recover(std::move(disk), hash) : found->second;
        current_.push_back({.recovered = &recovered, .kill = recipe.kill});
        if (!check(recovered, &recipe, recipe.kill, event)) {
            return false;
        }
        if (is_new && options_.second_life_every > 0 &&
            totals_.distinct % options_.second_life_every == 0 &&
            !run_second_life(recipe, recovered)) {
            return false;
        }
    }
    return true;
}

bool Enumerator::check_again(size_t event) {
    // The same images as before, of which more is asked now.
    return std::ranges::all_of(current_, [&](const Pending& pending) {
        return check(*pending.recovered, nullptr, pending.kill, event);
    });
}

const Recovered& Enumerator::recover(std::unique_ptr<SimDisk> disk, uint64_t hash) {
    ++totals_.distinct;
    return known_[hash] = recover_image(*disk, life_.shape, oracle_, &totals_.cases);
}

bool Enumerator::check(const Recovered& recovered, const ImageRecipe* recipe, bool kill,
                       size_t event) {
    totals_.acked_checked += oracle_.promised_batches(kill);
    const std::string problem = oracle_.check(recovered, kill);
    if (problem.empty()) {
        return true;
    }
    ++totals_.failures;
    totals_.stale += recovered.stale ? 1 : 0;
    totals_.lost += recovered.problem.empty() ? 1 : 0;
    fmt::print("FAILED {}: after event {} of {} ({}), {}: {}\n", name_, event,
               life_.trace.events().size(),
               event < life_.trace.events().size() ? describe(life_.trace.events()[event]) : "",
               kill ? "a kill" : "a power loss", problem);
    keep(recipe, event, problem);
    return false;
}

void Enumerator::keep(const ImageRecipe* recipe, size_t event, const std::string& problem) const {
    if (options_.keep.empty()) {
        return;
    }
    const std::string directory = options_.keep + "/" + name_;
    std::filesystem::remove_all(directory);
    std::filesystem::create_directories(directory);
    if (recipe != nullptr) {
        write_out(*recipe->build(), directory + "/image");
    }
    std::ofstream story(directory + "/story.txt");
    story << problem << "\nThe image is of the moment behind the event that is marked.\n";
    for (size_t i = 0; i < life_.trace.events().size(); ++i) {
        story << (i == event ? ">>> " : "    ") << i << " " << describe(life_.trace.events()[i])
              << "\n";
    }
    fmt::print("  kept: {}\n", directory);
}

bool Enumerator::run_second_life(const ImageRecipe& recipe, const Recovered& recovered) {
    ++totals_.second_lives;
    Life second;
    second.number = life_.number + 1;
    second.base = recipe.build();
    second.before = oracle_.knowledge(recovered, recipe.kill);
    const std::unique_ptr<SimDisk> disk = second.base->copy(1);
    LogShape shape = life_.shape;
    shape.cores = 1;
    ImageMachine machine(*disk, {.trace = &second.trace, .refusals = &second.refusals});
    const std::string problem = second.run(
        machine, {.shape = shape, .script = [](Script& script) { return script.a_little(); }},
        life_.number);
    if (!problem.empty()) {
        fmt::print("FAILED {}: the life after the crash: {}\n", name_, problem);
        ++totals_.failures;
        return false;
    }
    EnumerateOptions options = options_;
    options.limits = options_.second_limits;
    options.second_life_every = 0;
    options.images_per_life = 0;
    Totals nested;
    const bool held = Enumerator(second, options, nested).run(name_ + "-second");
    totals_.second_images += nested.images;
    nested.lives = nested.events = nested.writes = nested.flushes = nested.names = 0;
    nested.acked = 0;
    nested.seconds = 0;
    totals_.add(nested);
    return held;
}

Crash Enumerator::crash_at(uint64_t from, uint64_t to, uint64_t seed) {
    const std::vector<Event>& events = life_.trace.events();
    Random random(seed);
    const size_t first = events.size() * from / 1000;
    const size_t target = first + random.below(events.size() * to / 1000 - first);
    size_t at = 0;
    for (size_t i = 0; i < events.size(); ++i) {
        at = i;
        oracle_.advance(i);
        if (events[i].kind < EventKind::opened) {
            model_.apply(events[i]);
        }
        // Where writes are on their way, a crash leaves most to find.
        if (i >= target && events[i].kind == EventKind::write_submitted) {
            break;
        }
    }
    const std::vector<ImageRecipe> recipes =
        images_of(model_, {.exhaustive = 64, .images_max = 400, .seed = seed});
    const ImageRecipe& recipe = recipes[random.below(recipes.size())];
    Crash crash{.disk = recipe.build(), .event = at, .kill = recipe.kill};
    const std::unique_ptr<SimDisk> looked_at = crash.disk->copy(1);
    const Recovered recovered = recover_image(*looked_at, life_.shape, oracle_, nullptr);
    crash.knowledge = oracle_.knowledge(recovered, crash.kill);
    return crash;
}

}  // namespace ringlog::crash
