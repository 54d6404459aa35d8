// Opening a data directory. See engine/store.h.
#include "engine/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/checksum.h"
#include "base/log.h"
#include "base/mutant.h"
#include "engine/inspect.h"
#include "engine/rebuild.h"
#include "io/mesh.h"

namespace ringlog::engine {

namespace {

using Opened = std::expected<OpenedStore, StoreFailure>;

/// What Journal::large_bytes_max() counts with.
constexpr uint64_t kWindowChunksMin = 3;
constexpr uint64_t kWindowPart = 4;
constexpr uint64_t kJournalPart = 8;

StoreFailure failure(const Error& error, std::string message) {
    return {.error = error, .message = std::move(message)};
}

ShardOptions shard_options(const StoreOptions& options, JournalId journal, size_t placement,
                           size_t placements) {
    ShardOptions shard = options.shard;
    shard.directory = options.directory;
    shard.journal = journal;
    shard.placement = static_cast<uint16_t>(placement);
    shard.placements = static_cast<uint16_t>(placements);
    return shard;
}

/// Blocking: lock, look, read or refuse.
struct Found {
    std::unique_ptr<io::DirectoryLock> lock;
    DirectoryKind kind = DirectoryKind::empty;
    Manifest manifest;
};
using FoundResult = std::expected<Found, StoreFailure>;

FoundResult lock_and_look(io::FileSystem& files, const std::string& directory, int32_t node_id) {
    auto made = files.make_directory(directory);
    if (!made && made.error().code != Errc::exists) {
        return std::unexpected(
            failure(made.error(), fmt::format("{}: cannot make the data directory: {}", directory,
                                              describe(made.error()))));
    }
    Found found;
    auto lock = files.lock(directory + "/.lock");
    if (!lock) {
        return std::unexpected(
            failure(lock.error(),
                    lock.error().code == Errc::locked
                        ? fmt::format("{}: another process uses this data directory; stop it, "
                                      "or set log.dirs to another one",
                                      directory)
                        : fmt::format("{}: cannot lock: {}", directory, describe(lock.error()))));
    }
    found.lock = std::move(*lock);
    auto kind = classify_directory(files, directory);
    if (!kind) {
        return std::unexpected(failure(
            kind.error(), fmt::format("{}: cannot read: {}", directory, describe(kind.error()))));
    }
    found.kind = *kind;
    if (found.kind == DirectoryKind::kafka) {
        return std::unexpected(failure(
            Error{Errc::invalid_argument},
            fmt::format(
                "{}: this is a log directory of Apache Kafka (meta.properties); it is not "
                "touched. Import it with `ringlog log import`, or set log.dirs to another one",
                directory)));
    }
    if (found.kind == DirectoryKind::foreign) {
        return std::unexpected(failure(
            Error{Errc::invalid_argument},
            fmt::format(
                "{}: not empty and not a data directory of Ringlog (no manifest); nothing is "
                "touched. Set log.dirs to an empty directory",
                directory)));
    }
    if (found.kind == DirectoryKind::ours) {
        auto manifest = read_manifest(files, directory);
        if (!manifest) {
            return std::unexpected(failure(
                manifest.error(),
                manifest.error().code == Errc::version_unknown
                    ? fmt::format("{}: written by a newer Ringlog; nothing was touched", directory)
                    : fmt::format("{}/ringlog.manifest: {}; nothing was touched", directory,
                                  describe(manifest.error()))));
        }
        found.manifest = std::move(*manifest);
        if (found.manifest.node_id != node_id) {
            return std::unexpected(
                failure(Error{Errc::invalid_argument},
                        fmt::format("{}: belongs to node.id {}, this is node.id {}", directory,
                                    found.manifest.node_id, node_id)));
        }
    }
    return found;
}

/// Recovers one journal of a layout that is left, brings everything into segments, gives its
/// states.
io::Task<Result<std::vector<PartitionState>>> drain_journal(io::Reactor& here,
                                                            ShardOptions options) {
    auto shard = co_await Shard::recover(here, std::move(options));
    if (!shard) {
        co_return fail(shard.error());
    }
    auto done = co_await (*shard)->checkpoint();
    std::vector<PartitionState> states = (*shard)->states();
    (void)co_await (*shard)->close(
        false);  // everything is in synced segments, or `done` says why not
    if (!done) {
        co_return fail(done.error());
    }
    co_return states;
}

/// What `call_on` carries back from another core.
struct ShardBox {
    Result<std::unique_ptr<Shard>> shard;
};

io::Task<ShardBox> recover_there(io::Reactor& there, ShardOptions options) {
    auto shard = co_await Shard::recover(there, std::move(options));
    co_return ShardBox{std::move(shard)};
}

io::Task<ShardBox> create_there(io::Reactor& there, ShardOptions options,
                                std::vector<PartitionState> states) {
    auto shard = co_await Shard::create(there, std::move(options), std::move(states));
    co_return ShardBox{std::move(shard)};
}

/// Each journal on its own core, all at once; what became of it goes to `box`, which outlives the
/// task.
io::Task<void> recover_into(io::Reactor& here, io::CoreId core, ShardOptions options,
                            ShardBox& box) {
    auto starter = [options](io::Reactor& there) { return recover_there(there, options); };
    box = co_await io::call_on(here, core, std::move(starter));
}

io::Task<void> create_into(io::Reactor& here, io::CoreId core, ShardOptions options,
                           std::vector<PartitionState> states, ShardBox& box) {
    auto starter = [options, part = std::move(states)](io::Reactor& there) mutable {
        return create_there(there, std::move(options), std::move(part));
    };
    box = co_await io::call_on(here, core, std::move(starter));
}

std::vector<ShardBox> empty_boxes(size_t count) {
    std::vector<ShardBox> boxes;
    boxes.reserve(count);
    for (size_t i = 0; i < count; ++i) {
        boxes.push_back({fail(Errc::closed)});
    }
    return boxes;
}

/// Moves the shards to the store, nothing where there is none; the first that failed, if any did.
std::optional<size_t> collect(std::vector<ShardBox>& boxes, OpenedStore& store) {
    std::optional<size_t> bad;
    for (size_t i = 0; i < boxes.size(); ++i) {
        const bool good = boxes[i].shard.has_value();
        store.shards.push_back(good ? std::move(*boxes[i].shard) : nullptr);
        bad = !good && !bad ? i : bad;
    }
    return bad;
}

StoreFailure recovery_failure(const std::string& directory, JournalId journal, const Error& error) {
    const std::string found = fmt::format(
        "{}: journal {} cannot be used: {}; the log lines above "
        "say what was found. Nothing was removed",
        directory, journal.value(), describe(error));
    if (error.code != Errc::corrupt_file) {
        return failure(error, found);
    }
    return failure(error, fmt::format("{}. `ringlog log accept --dir {} --journal` says what would "
                                      "be lost by a start without it, and with --yes accepts that",
                                      found, directory));
}

io::Task<Result<void>> save_manifest(io::Reactor& here, std::string directory, Manifest manifest) {
    auto& files = here.files();
    co_return co_await here.run_blocking(
        [&] { return write_manifest(files, directory, manifest); });
}

/// Removes journals that the manifest does not name: of a layout that is left, or that never began.
Result<void> remove_stale_journals(io::FileSystem& files, const std::string& directory,
                                   const Manifest& manifest) {
    auto listed = files.list(directory);
    if (!listed) {
        return fail(listed.error());
    }
    const auto counts = [&manifest](JournalId id) {
        return std::ranges::count(manifest.journals, id) != 0;
    };
    const auto slot_counts = [&manifest](std::string_view name) {
        return std::ranges::any_of(manifest.journals, [name](JournalId id) {
            return name.starts_with(fmt::format("checkpoint-{}.", id.value()));
        });
    };
    for (const io::DirectoryEntry& entry : *listed) {
        const std::string path = directory + "/" + entry.name;
        const auto id = entry.directory ? journal_of_directory(entry.name) : std::nullopt;
        const bool journal = id && !counts(*id);
        const bool slot =
            !entry.directory && entry.name.starts_with("checkpoint-") && !slot_counts(entry.name);
        if (!slot && !journal) {
            continue;
        }
        if (journal) {
            auto inside = files.list(path);
            for (const io::DirectoryEntry& file :
                 inside.value_or(std::vector<io::DirectoryEntry>{})) {
                auto removed = files.remove(path + "/" + file.name);
                if (!removed) {
                    return removed;
                }
            }
        }
        auto removed = files.remove(path);
        if (!removed) {
            return removed;
        }
    }
    return files.sync_directory(directory);
}

io::Task<Result<void>> attach_there(io::Reactor& there, int32_t descriptor) {
    auto attached = there.backend().attach(descriptor);
    if (!attached) {
        (void)::close(descriptor);  // a copy of ours; the error that matters is returned
        co_return fail(attached.error());
    }
    co_return Result<void>{};
}

/// Gives every journal's ring a reference to the lock: the kernel keeps it until the last write of
/// this process has landed, however the process ends.
io::Task<Result<void>> hold_lock_in_rings(io::Reactor& here, const StoreOptions& options,
                                          int32_t descriptor) {
    for (const io::CoreId core : options.cores) {
        const int32_t copy = descriptor < 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
        if (copy < 0) {
            continue;
        }
        auto holder = [copy](io::Reactor& there) { return attach_there(there, copy); };
        auto held = co_await io::call_on(here, core, holder);
        if (!held) {
            co_return held;
        }
    }
    co_return Result<void>{};
}

/// Closes what was opened of a store that cannot be used.
io::Task<void> abandon(io::Reactor& here, const StoreOptions& options, OpenedStore& store) {
    for (size_t i = 0; i < store.shards.size(); ++i) {
        Shard* shard = store.shards[i].get();
        if (shard == nullptr) {
            continue;
        }
        auto closer = [shard](io::Reactor&) { return shard->close(false); };
        (void)co_await io::call_on(here, options.cores[i], closer);
    }
    store.shards.clear();
}

/// Makes the journals of a new layout, holding `states`, and then the manifest that names them.
io::Task<Opened> make_layout(io::Reactor& here, const StoreOptions& options, OpenedStore store,
                             std::vector<PartitionState> states) {
    const size_t count = options.cores.size();
    std::vector<std::vector<PartitionState>> placed(count);
    for (PartitionState& state : states) {
        const uint16_t at = placement_of(state.id.topic_id, state.id.partition, count);
        placed[at].push_back(std::move(state));
    }
    Manifest next = store.manifest;
    next.journals.clear();
    next.journals.reserve(count);
    for (size_t i = 0; i < count; ++i) {
        next.journals.push_back(JournalId(next.next_journal++));
    }
    ++next.layout_generation;
    // Ids are spent before they are used: what a crash leaves of these journals is never taken for
    // later ones, and a new directory is known to be ours before there is anything in it. (Without
    // journals, it counts as new at the next start.)
    store.manifest.next_journal = next.next_journal;
    auto spent = co_await save_manifest(here, options.directory, store.manifest);
    if (!spent) {
        co_return std::unexpected(
            failure(spent.error(),
                    options.directory + ": cannot write the manifest: " + describe(spent.error())));
    }
    std::vector<ShardBox> boxes = empty_boxes(count);
    io::TaskGroup group;
    for (size_t i = 0; i < count; ++i) {
        ShardOptions shard = shard_options(options, next.journals[i], i, count);
        group.spawn(
            create_into(here, options.cores[i], std::move(shard), std::move(placed[i]), boxes[i]));
    }
    co_await group.close();
    if (const auto bad = collect(boxes, store)) {
        const Error error = boxes[*bad].shard.error();
        co_await abandon(here, options, store);
        co_return std::unexpected(
            failure(error, fmt::format("{}: cannot make journal {}: {}", options.directory,
                                       next.journals[*bad].value(), describe(error))));
    }
    store.manifest = next;
    auto written = co_await save_manifest(here, options.directory, next);
    if (!written) {
        co_await abandon(here, options, store);
        co_return std::unexpected(failure(
            written.error(),
            options.directory + ": cannot write the manifest: " + describe(written.error())));
    }
    co_return store;
}

io::Task<Opened> recover_layout(io::Reactor& here, const StoreOptions& options, OpenedStore store) {
    const auto& journals = store.manifest.journals;
    std::vector<ShardBox> boxes = empty_boxes(journals.size());
    io::TaskGroup group;
    for (size_t i = 0; i < journals.size(); ++i) {
        ShardOptions shard = shard_options(options, journals[i], i, journals.size());
        group.spawn(recover_into(here, options.cores[i], std::move(shard), boxes[i]));
    }
    co_await group.close();
    if (const auto bad = collect(boxes, store)) {
        const Error error = boxes[*bad].shard.error();
        co_await abandon(here, options, store);
        co_return std::unexpected(recovery_failure(options.directory, journals[*bad], error));
    }
    co_return store;
}

/// Journals that cannot be replayed, where the operator gives them up.
io::Task<std::vector<JournalId>> find_lost(io::Reactor& here, const StoreOptions& options,
                                           const Manifest& manifest) {
    std::vector<JournalId> lost;
    for (const JournalId journal : manifest.journals) {
        if (!options.shard.accept_loss) {
            break;
        }
        const auto found = co_await inspect_journal(here, options.directory, journal);
        if (found && found->replay_lost) {
            lost.push_back(journal);
        }
    }
    co_return lost;
}

/// What a journal that is given up leaves; its files are set aside.
io::Task<Result<std::vector<PartitionState>>> rebuild_journal(io::Reactor& here,
                                                              const StoreOptions& options,
                                                              JournalId journal,
                                                              JournalPlace place) {
    auto states = co_await rebuild_states(here, options.directory, place);
    if (!states) {
        co_return states;
    }
    auto& files = here.files();
    const std::string& directory = options.directory;
    const auto aside =
        co_await here.run_blocking([&] { return set_journal_aside(files, directory, journal); });
    if (!aside) {
        co_return fail(aside.error());
    }
    co_return states;
}

/// Brings everything into segments, and deals the states out to new journals.
io::Task<Opened> change_layout(io::Reactor& here, const StoreOptions& options, OpenedStore store,
                               std::vector<JournalId> lost) {
    const std::vector<JournalId> journals = store.manifest.journals;
    log_info("store", "{}: {} journals become {}: everything is brought into segments first",
             options.directory, journals.size(), options.cores.size());
    std::vector<PartitionState> states;
    const size_t count =
        journals.size() - (mutant(Mutant::journal_dropped_at_layout_change) ? 1 : 0);
    for (size_t i = 0; i < count; ++i) {
        const bool given_up = std::ranges::count(lost, journals[i]) != 0;
        const JournalPlace place{.place = i, .count = journals.size()};
        ShardOptions shard = shard_options(options, journals[i], i, journals.size());
        Result<std::vector<PartitionState>> drained = fail(Errc::closed);
        if (given_up) {
            drained = co_await rebuild_journal(here, options, journals[i], place);
        } else {
            drained = co_await drain_journal(here, std::move(shard));
        }
        if (!drained) {
            co_return std::unexpected(
                recovery_failure(options.directory, journals[i], drained.error()));
        }
        std::ranges::move(*drained, std::back_inserter(states));
    }
    store.layout_changed = true;
    co_return co_await make_layout(here, options, std::move(store), std::move(states));
}

}  // namespace

uint16_t placement_of(const Uuid& topic_id, int32_t partition, size_t journals) {
    std::array<std::byte, 20> key;
    std::memcpy(key.data(), topic_id.bytes.data(), topic_id.bytes.size());
    store_le(key.data() + 16, partition);
    return static_cast<uint16_t>(xxh3(key) % journals);
}

BatchBytesMax batch_bytes_max(const ShardOptions& options) {
    const uint64_t chunk_bytes = options.window.chunk_bytes;
    const uint64_t chunks =
        std::max<uint64_t>(kWindowChunksMin, options.window.bytes / chunk_bytes);
    return {.by_window = chunks * chunk_bytes / kWindowPart,
            .by_journal = options.journal_bytes / kJournalPart,
            .by_format = kNumberedBytesMax};
}

uint64_t window_bytes_for_batch(uint64_t batch_bytes, const ShardOptions& options) {
    return round_up(batch_bytes * kWindowPart, options.window.chunk_bytes);
}

uint64_t journal_bytes_for_batch(uint64_t batch_bytes) {
    return batch_bytes * kJournalPart;
}

io::Task<Opened> open_store(io::Reactor& here, StoreOptions options) {
    RL_ASSERT(!options.cores.empty());
    options.shard.directory_sync = std::make_shared<DirectorySync>();
    auto& files = here.files();
    const std::string directory = options.directory;
    const int32_t node_id = options.node_id;
    FoundResult found =
        co_await here.run_blocking([&] { return lock_and_look(files, directory, node_id); });
    if (!found) {
        co_return std::unexpected(std::move(found.error()));
    }
    OpenedStore store;
    store.lock = std::move(found->lock);
    store.manifest = std::move(found->manifest);
    store.created = found->kind == DirectoryKind::empty || store.manifest.journals.empty();
    auto held = co_await hold_lock_in_rings(here, options, store.lock->descriptor());
    if (!held) {
        co_return std::unexpected(
            failure(held.error(), directory + ": cannot hold the lock: " + describe(held.error())));
    }
    Opened opened = std::unexpected(StoreFailure{});
    if (store.created) {
        store.manifest.node_id = options.node_id;
        store.manifest.cluster_id = options.cluster_id;
        opened = co_await make_layout(here, options, std::move(store), {});
    } else {
        const auto lost = co_await find_lost(here, options, store.manifest);
        if (lost.empty() && store.manifest.journals.size() == options.cores.size()) {
            opened = co_await recover_layout(here, options, std::move(store));
        } else {
            opened = co_await change_layout(here, options, std::move(store), lost);
        }
    }
    if (!opened) {
        co_return opened;
    }
    const Manifest manifest = opened->manifest;
    auto cleaned = co_await here.run_blocking(
        [&] { return remove_stale_journals(files, directory, manifest); });
    if (!cleaned) {
        log_warn("store", "{}: journals of an earlier layout stay: {}", directory,
                 describe(cleaned.error()));
    }
    co_return opened;
}

}  // namespace ringlog::engine
