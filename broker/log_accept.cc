// See broker/log_accept.h.
#include "broker/log_accept.h"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "base/log.h"
#include "broker/config.h"
#include "engine/inspect.h"
#include "engine/manifest.h"
#include "engine/store.h"
#include "io/block_on.h"
#include "io/runtime.h"

namespace ringlog::broker {

namespace {

template <typename... Arguments>
void say(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    const std::string line = fmt::format(text, std::forward<Arguments>(arguments)...);
    std::printf("%s\n", line.c_str());
}

template <typename... Arguments>
void complain(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    const std::string line = fmt::format(text, std::forward<Arguments>(arguments)...);
    std::fprintf(stderr, "ringlog: %s\n", line.c_str());
}

std::string range_text(const engine::OffsetRange& range) {
    return range.end - range.begin == 1
               ? fmt::format("offset {}", range.begin)
               : fmt::format("offsets {} to {}", range.begin, range.end - 1);
}

/// One run of the command over one data directory.
class Acceptance {
public:
    Acceptance(io::Reactor& reactor, LogAcceptCommand command, engine::Manifest manifest)
        : reactor_(reactor), command_(std::move(command)), manifest_(std::move(manifest)) {}

    io::Task<int> run();

private:
    [[nodiscard]] engine::StoreOptions store_options() const;
    [[nodiscard]] bool is_meant(const engine::Partition& partition) const;
    io::Task<bool> judge_journals();
    io::Task<bool> judge_journal(engine::JournalId journal);
    io::Task<int> judge_partitions(engine::OpenedStore& store);
    io::Task<Result<void>> judge_shard(engine::Shard& shard);
    io::Task<void> describe_damage(engine::Partition& partition);
    [[nodiscard]] int conclude() const;

    io::Reactor& reactor_;
    LogAcceptCommand command_;
    engine::Manifest manifest_;
    bool named_found_ = false;    ///< The named partition is in this directory.
    size_t damaged_ = 0;          ///< Partitions that are meant and read-only.
    size_t others_ = 0;           ///< Read-only ones that are not meant.
    bool journal_found_ = false;  ///< A start refuses what stands in a journal.
};

engine::StoreOptions Acceptance::store_options() const {
    engine::StoreOptions options;
    options.directory = command_.data_directory;
    options.node_id = manifest_.node_id;
    options.cores.assign(manifest_.journals.size(), io::CoreId(0));
    options.shard.accept_loss = journal_found_;
    return options;
}

bool Acceptance::is_meant(const engine::Partition& partition) const {
    if (command_.journal) {
        return false;
    }
    return !command_.topic || (partition.id().topic == *command_.topic &&
                               partition.id().partition == command_.partition);
}

io::Task<void> Acceptance::describe_damage(engine::Partition& partition) {
    const std::string name = engine::partition_directory_name(partition.id());
    const bool segment = partition.log().damage() == engine::Damage::segment_failed;
    say("{}: read-only, because {}", name,
        segment ? "a segment of it could not be written; its bytes are in the directory rescue"
                : "damage to the journal may have taken records of it");
    const auto missing = co_await engine::find_missing_offsets(partition);
    for (const engine::OffsetRange& range : missing) {
        say("{}: {} cannot be read", name, range_text(range));
    }
    say("{}: {}{}", name, missing.empty() ? "every record is there " : "all others are there ",
        fmt::format("from offset {} to {}; if there were later ones, they are lost",
                    partition.log_start_offset(), partition.log_end_offset() - 1));
}

io::Task<Result<void>> Acceptance::judge_shard(engine::Shard& shard) {
    bool accepted = false;
    for (engine::Partition* const partition : shard.partitions()) {
        const bool meant = is_meant(*partition);
        named_found_ = named_found_ || (meant && command_.topic);
        if (partition->log().damage() == engine::Damage::none) {
            continue;
        }
        if (!meant) {
            ++others_;
            continue;
        }
        ++damaged_;
        co_await describe_damage(*partition);
        if (command_.confirmed) {
            partition->accept_damage();
            accepted = true;
        }
    }
    // Into both slots: neither may bring the damage back.
    for (int i = 0; i < 2 && accepted; ++i) {
        const auto kept = co_await shard.checkpoint();
        if (!kept) {
            co_return kept;
        }
    }
    co_return Result<void>{};
}

io::Task<int> Acceptance::judge_partitions(engine::OpenedStore& store) {
    int status = kExitOk;
    for (const auto& shard : store.shards) {
        const auto judged = co_await judge_shard(*shard);
        if (!judged) {
            complain("not accepted: {}", describe(judged.error()));
            status = kExitFailed;
        }
        const auto closed = co_await shard->close(true);
        if (!closed) {
            complain("not closed in order: {}", describe(closed.error()));
            status = kExitFailed;
        }
    }
    store.shards.clear();
    co_return status;
}

/// Looks at one journal before it is opened; false if it cannot be opened, whatever is accepted.
io::Task<bool> Acceptance::judge_journal(engine::JournalId journal) {
    const auto found = co_await engine::inspect_journal(reactor_, command_.data_directory, journal);
    if (!found) {
        complain("journal {}: {}", journal.value(), describe(found.error()));
        co_return false;
    }
    if (found->replay_lost) {
        journal_found_ = true;
        say("journal {}: the broker does not start: {}. What stands in segments is kept, what "
            "stands "
            "only in the journal is lost; a partition without a segment begins empty",
            journal.value(),
            engine::kRecoveryCases[static_cast<size_t>(found->findings.back().name)].meaning);
    } else if (found->refused) {
        const auto name = found->findings.back().name;
        complain(
            "journal {} cannot be replayed: {}; this command cannot mend that. Restore the "
            "directory from a copy",
            journal.value(), engine::kRecoveryCases[static_cast<size_t>(name)].meaning);
        co_return false;
    }
    if (found->unknown_entries > 0) {
        journal_found_ = true;
        say("journal {}: the broker does not start, because {} entries belong to partitions whose "
            "opening is lost",
            journal.value(), found->unknown_entries);
    }
    for (const engine::UnexplainedBatches& batches : found->unexplained) {
        say("journal {}: partition number {}, whose name is lost: {} ({} batches)", journal.value(),
            batches.number.value(), range_text(batches.offsets), batches.batches);
    }
    co_return true;
}

/// Under a lock of its own: the one that open_store() takes stays with the reactor.
io::Task<bool> Acceptance::judge_journals() {
    auto& files = reactor_.files();
    const std::string path = command_.data_directory + "/" + std::string(engine::kLockName);
    const auto lock = co_await reactor_.run_blocking([&] { return files.lock(path); });
    if (!lock) {
        complain("{}: {}", command_.data_directory,
                 lock.error().code == Errc::locked
                     ? "another process uses this data directory; stop it first"
                     : describe(lock.error()));
        co_return false;
    }
    bool usable = true;
    for (const engine::JournalId journal : manifest_.journals) {
        const bool one = co_await judge_journal(journal);
        usable = usable && one;
    }
    co_return usable;
}

int Acceptance::conclude() const {
    if (command_.topic && !named_found_) {
        complain("there is no {}-{} in {}", *command_.topic, command_.partition,
                 command_.data_directory);
        return kExitFailed;
    }
    if (damaged_ == 0 && !journal_found_) {
        say("nothing to accept: {}",
            command_.topic
                ? fmt::format("{}-{} is not damaged", *command_.topic, command_.partition)
            : command_.journal ? "no journal keeps the broker from starting"
                               : "no partition is damaged");
    } else if (!command_.confirmed) {
        say("nothing was given up; --yes does it");
    } else {
        if (journal_found_) {
            say("accepted: nothing in the journals keeps the broker from starting any more");
        }
        if (damaged_ > 0) {
            say("accepted: {} partitions take writes again", damaged_);
        }
    }
    if (others_ > 0) {
        say("{} {}partitions are read-only because of damage", others_,
            command_.journal ? "" : "other ");
    }
    return kExitOk;
}

io::Task<int> Acceptance::run() {
    const bool usable = co_await judge_journals();
    if (!usable) {
        co_return kExitFailed;
    }
    if (journal_found_ && command_.topic) {
        complain("nothing was given up; --journal instead of --topic accepts this loss");
        co_return kExitFailed;
    }
    if (journal_found_ && !command_.confirmed) {
        say("nothing was given up; --yes does it, and says then which partitions are damaged");
        co_return kExitOk;
    }
    auto opened = co_await engine::open_store(reactor_, store_options());
    if (!opened) {
        complain("{}", opened.error().message);
        co_return kExitFailed;
    }
    const int status = co_await judge_partitions(*opened);
    co_return status == kExitOk ? conclude() : status;
}

io::Task<int> accept_there(io::Reactor& reactor, LogAcceptCommand command) {
    auto& files = reactor.files();
    const std::string directory = command.data_directory;
    const auto manifest =
        co_await reactor.run_blocking([&] { return engine::read_manifest(files, directory); });
    if (!manifest) {
        complain("{} is not a data directory of Ringlog: {}", directory,
                 describe(manifest.error()));
        co_return kExitFailed;
    }
    if (manifest->journals.empty()) {
        say("nothing to accept: {} was never used", directory);
        co_return kExitOk;
    }
    Acceptance acceptance(reactor, std::move(command), *manifest);
    co_return co_await acceptance.run();
}

}  // namespace

int accept_log(const LogAcceptCommand& command) {
    LogAcceptCommand resolved = command;
    if (command.config_file) {
        const auto config = load_config(command.config_file, {});
        if (!config) {
            for (const std::string& problem : config.error()) {
                complain("{}", problem);
            }
            return kExitFailed;
        }
        resolved.data_directory = config->data_directory;
    }
    auto runtime = io::Runtime::create({.cpus = {io::allowed_cpus().front()}, .pin = false});
    if (!runtime) {
        complain("{}", describe(runtime.error()));
        return kExitFailed;
    }
    io::Reactor& reactor = (*runtime)->reactor(io::CoreId(0));
    return io::block_on(reactor, accept_there(reactor, std::move(resolved)));
}

}  // namespace ringlog::broker
