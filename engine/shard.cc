// Partitions of a shard, and what works behind them. Checkpoints are in shard_checkpoint.cc,
// starting in shard_start.cc. See engine/shard.h.
#include "engine/shard.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"
#include "engine/manifest.h"

namespace ringlog::engine {

namespace {

constexpr int64_t kSpaceIntervalNs = kSecondNs;
constexpr int64_t kExpiryIntervalNs = 60 * kSecondNs;
/// A full disk is left behind when this much more than the limit is free, so that it does not flap.
constexpr uint64_t kSpaceHysteresisDivisor = 4;

}  // namespace

Shard::Shard(io::Reactor& reactor, ShardOptions options)
    : reactor_(reactor),
      options_(std::move(options)),
      window_(reactor, options_.window, *this),
      segments_(reactor, {.directory = options_.directory,
                          .index_interval_bytes = options_.index_interval_bytes,
                          .preallocate_first_bytes = options_.segment_preallocate_bytes}),
      journal_(new Journal(reactor, journal_options(), window_, *this)),
      destager_({.reactor = reactor,
                 .journal = *journal_,
                 .window = window_,
                 .segments = segments_,
                 .dirty_line = dirty_line_,
                 .directory = options_.directory}),
      slots_(reactor, options_.directory, options_.journal),
      changed_(reactor),
      checkpoint_turn_(reactor, 1),
      checkpoint_work_(reactor),
      closing_event_(reactor) {
    if (!options_.directory_sync) {
        options_.directory_sync = std::make_shared<DirectorySync>();
    }
}

Shard::~Shard() {
    while (dirty_line_.pop_front() != nullptr) {
    }
}

std::string Shard::journal_directory() const {
    return options_.directory + "/" + journal_directory_name(options_.journal);
}

JournalOptions Shard::journal_options() const {
    return {.id = options_.journal,
            .durability = options_.durability,
            .files = {.directory = journal_directory(),
                      .file_bytes = options_.journal_file_bytes,
                      .bytes_max = options_.journal_bytes},
            .frame_bytes_max = options_.frame_bytes_max,
            .write_bytes_max = options_.write_bytes_max,
            .flush_interval_ns = options_.flush_interval_ns};
}

PartitionParts Shard::partition_parts() {
    return {.reactor = reactor_,
            .journal = *journal_,
            .window = window_,
            .segments = segments_,
            .dirty_line = dirty_line_,
            .space = space_};
}

void Shard::start_tasks() {
    tasks_.spawn(destager_.run());
    tasks_.spawn(checkpoint_loop());
    tasks_.spawn(space_loop());
    tasks_.spawn(expiry_loop());
}

PartitionNumber Shard::take_number() {
    // Numbers of one journal are congruent to its placement: unique over the directory without a
    // word between cores.
    const uint32_t step = options_.placements;
    const uint32_t next = next_number_.value();
    const uint32_t number = next + (options_.placement + step - next % step) % step;
    next_number_ = PartitionNumber(number + 1);
    return PartitionNumber(number);
}

Partition& Shard::add(PartitionLog log, const PartitionConfig& config) {
    auto partition = std::make_unique<Partition>(partition_parts(), std::move(log), config);
    Partition& added = *partition;
    by_number_[added.number()] = &added;
    partitions_[key_of(added.id())] = std::move(partition);
    return added;
}

Partition* Shard::find(const Uuid& topic_id, int32_t partition) {
    const auto found = partitions_.find(Key{topic_id, partition});
    return found == partitions_.end() ? nullptr : found->second.get();
}

std::vector<Partition*> Shard::partitions() {
    std::vector<Partition*> all;
    all.reserve(partitions_.size());
    for (const auto& [number, partition] : by_number_) {
        all.push_back(partition);
    }
    // Hash order must not show.
    std::ranges::sort(all, {}, [](const Partition* p) { return p->number(); });
    return all;
}

io::Task<Result<Sequence>> Shard::append_control(FrameEntry entry,
                                                 std::span<const ByteView> parts) {
    for (;;) {
        auto appended = journal_->append(entry, parts, std::nullopt);
        if (appended) {
            co_return appended->sequence;
        }
        if (appended.error().code != Errc::no_space) {
            co_return fail(appended.error());
        }
        co_await journal_->room().wait_until(reactor_.now() + kMillisecondNs);
    }
}

io::Task<Result<void>> Shard::announce(const OpenPartition& request, PartitionNumber number) {
    OpenPayload payload;
    payload.topic_id = request.id.topic_id.bytes;
    payload.partition = request.id.partition;
    payload.name_bytes = static_cast<uint32_t>(request.id.topic.size());
    FrameEntry entry;
    entry.partition = number.value();
    entry.kind = EntryKind::open;
    entry.leader_epoch = request.leader_epoch.value();
    entry.base_offset = 0;
    const std::array parts = {std::as_bytes(std::span(&payload, 1)), as_bytes(request.id.topic)};
    auto appended = co_await append_control(entry, parts);
    if (!appended) {
        co_return fail(appended.error());
    }
    co_return Result<void>{};
}

io::Task<Result<Partition*>> Shard::open_partition(OpenPartition request) {
    const Change change(*this);
    const Key key = key_of(request.id);
    while (opening_.contains(key)) {
        co_await changed_.wait();
    }
    if (closing_) {
        co_return fail(Errc::closed);
    }
    if (Partition* known = find(request.id.topic_id, request.id.partition)) {
        known->set_config(request.config);
        if (request.leader_epoch > known->leader_epoch() && !journal_->failure()) {
            auto begun = co_await known->begin_epoch(request.leader_epoch);
            if (!begun) {
                co_return fail(begun.error());
            }
        }
        co_return known;
    }
    opening_.insert(key);
    auto opened = co_await open_new(std::move(request));
    opening_.erase(key);
    co_return opened;
}

io::Task<Result<Partition*>> Shard::open_new(OpenPartition request) {
    PartitionState state;
    state.number = take_number();
    state.id = request.id;
    state.leader_epoch = request.leader_epoch;
    state.epochs = {{request.leader_epoch, 0}};
    // Announced before anyone can find it: its first batch is in the same frame or a later one.
    auto announced = co_await announce(request, state.number);
    if (!announced) {
        co_return fail(announced.error());
    }
    co_return &add(PartitionLog(state), request.config);
}

io::Task<Result<void>> Shard::remove_partition(TopicPartition id) {
    const Change change(*this);
    if (closing_) {
        co_return fail(Errc::closed);
    }
    Partition* partition = find(id.topic_id, id.partition);
    if (partition != nullptr && partition->deleted()) {
        // Someone else is at it.
        while (find(id.topic_id, id.partition) != nullptr && !journal_->failure() && !closing_) {
            co_await closing_event_.wait_until(reactor_.now() + kMillisecondNs);
        }
        if (journal_->failure()) {
            co_return fail(*journal_->failure());
        }
        if (closing_) {
            co_return fail(Errc::closed);
        }
    } else if (partition != nullptr) {
        auto removed = co_await remove_known(*partition);
        if (!removed) {
            co_return removed;
        }
    }
    auto renamed = co_await segments_.rename_deleted(id);
    co_return renamed;
}

io::Task<Result<void>> Shard::remove_known(Partition& partition) {
    partition.mark_deleted();
    destager_.forget(partition);
    FrameEntry entry;
    entry.partition = partition.number().value();
    entry.kind = EntryKind::remove;
    auto removed = co_await append_control(entry, {});
    if (!removed) {
        co_return fail(removed.error());
    }
    auto flushed = co_await journal_->flushed(*removed);
    if (!flushed) {
        co_return flushed;
    }
    co_await partition.quiesced();
    // A large append that was under way may have placed pieces after the first forget().
    destager_.forget(partition);
    const Key key = key_of(partition.id());
    by_number_.erase(partition.number());
    partitions_.erase(key);
    co_return Result<void>{};
}

void Shard::on_chunk_recycled(const Chunk& chunk) {
    for (const PartitionNumber number : chunk.partitions) {
        const auto found = by_number_.find(number);
        if (found != by_number_.end()) {
            found->second->forget_chunk(chunk.serial);
        }
    }
}

void Shard::on_frame_completed(std::span<const FrameNote> notes) {
    for (const FrameNote& note : notes) {
        const auto found = by_number_.find(note.partition);
        if (found != by_number_.end()) {
            found->second->on_durable(note.end_offset);
        }
    }
    destager_.poke();
    if (window_.wants_chunk()) {
        tasks_.spawn(window_.prepare());
    }
    if (journal_->wants_checkpoint()) {
        checkpoint_work_.notify_all();
    }
}

void Shard::on_journal_failed(const Error&) {
    for (const auto& [number, partition] : by_number_) {
        partition->wake_all();
    }
}

io::Task<void> Shard::space_loop() {
    auto& files = reactor_.files();
    while (!closing_) {
        const std::string directory = options_.directory;
        auto space = co_await reactor_.run_blocking([&] { return files.space(directory); });
        if (space) {
            uint64_t pending = 0;
            for (const auto& [number, partition] : by_number_) {
                pending += partition->pieces().undestaged_bytes();
            }
            const uint64_t limit = options_.reserve_bytes + pending;
            const uint64_t heal = limit + options_.reserve_bytes / kSpaceHysteresisDivisor;
            const bool full = space->free_bytes < (space_.full ? heal : limit);
            if (full != space_.full) {
                log_warn("shard", "{}: {} bytes are free: appends are {}", directory,
                         space->free_bytes, full ? "refused until there is room" : "taken again");
            }
            space_ = {.full = full, .free_bytes = space->free_bytes};
        }
        co_await closing_event_.wait_until(reactor_.now() + kSpaceIntervalNs);
    }
}

io::Task<void> Shard::expiry_loop() {
    while (!closing_) {
        co_await closing_event_.wait_until(reactor_.now() + kExpiryIntervalNs);
        const WallMs now = reactor_.wall_ms();
        for (Partition* partition : partitions()) {
            partition->expire_producers(now);
        }
    }
}

}  // namespace ringlog::engine
