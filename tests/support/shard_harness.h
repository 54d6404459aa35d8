// One shard on a simulated node, clients that append to it, and an oracle that remembers what was
// acked: for tests that crash, damage and restart it. Tiny limits, so that rolls, recycling,
// checkpoints and split batches happen all the time.
#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/record_batch.h"
#include "engine/shard.h"
#include "tests/simulation/sim_world.h"
#include "tests/unit/engine/batch_builder.h"

namespace ringlog::engine::test {

struct HarnessOptions {
    uint64_t seed = 1;
    Durability durability = Durability::power;
    int32_t partitions = 3;
    uint32_t batch_bytes_max = 3000;  ///< Values are drawn up to this;
    uint32_t large_bytes = 40'000;    ///< and now and then this large, over several frames.
    uint64_t journal_bytes = 512 << 10;
    simulation::DiskOptions disk;
};

/// What a client sent and, perhaps, what it was told.
struct SentBatch {
    std::vector<std::byte> bytes;  ///< As sent: offset and epoch are stamped later.
    int64_t base_offset = -1;      ///< Of the ack; -1 if there was none.
};

class ShardHarness {
public:
    explicit ShardHarness(const HarnessOptions& options)
        : options_(options),
          world_(options.seed),
          node_(world_.add_node({.disk = options.disk})),
          random_(options.seed * 7919 + 1) {}

    ShardHarness(const ShardHarness&) = delete;
    ShardHarness& operator=(const ShardHarness&) = delete;
    /// A shard that was not closed has tasks that never end: it goes the way of a killed process.
    ~ShardHarness() {
        if (node_.up()) {
            node_.crash(simulation::CrashKind::kill);
        }
    }

    simulation::SimWorld& world() { return world_; }
    simulation::SimNode& node() { return node_; }
    [[nodiscard]] Shard* shard() { return shard_; }
    /// What the shard syncs through, as the shards of other cores would.
    [[nodiscard]] DirectorySync& directory_sync() { return *directory_sync_; }
    [[nodiscard]] uint64_t acked_count() const { return acked_count_; }

    [[nodiscard]] ShardOptions shard_options() const {
        ShardOptions options;
        options.directory = "/data";
        options.journal = JournalId(0);
        options.durability = options_.durability;
        options.journal_bytes = options_.journal_bytes;
        options.journal_file_bytes = 64 << 10;
        options.frame_bytes_max = 16 << 10;
        options.write_bytes_max = 48 << 10;
        options.flush_interval_ns = 5 * kMillisecondNs;
        options.window = {.bytes = 512 << 10, .chunk_bytes = 64 << 10, .spare_chunks = 2};
        options.segment_preallocate_bytes = 16 << 10;
        options.index_interval_bytes = 512;
        options.reserve_bytes = 0;
        options.directory_sync = directory_sync_;
        return options;
    }

    /// A new directory and shard. False if the node died or the disk refused.
    bool create() {
        auto made = node_.run(0, create_task(this));
        return made.has_value() && *made && open_partitions();
    }
    /// A start on what is there. `error` tells why not.
    bool recover(Error* error = nullptr, bool accept_loss = false) {
        auto recovered = node_.run(0, recover_task(this, accept_loss));
        if (!recovered.has_value()) {
            return false;
        }
        if (!*recovered) {
            if (error != nullptr) {
                *error = recovered->error();
            }
            return false;
        }
        return open_partitions();
    }
    /// Clients append in each partition until the world has seen `acks` more acks, or nothing moves
    /// any more.
    void produce(uint64_t acks) { produce_for(acks, 600 * kSecondNs); }
    /// The same, for so long at the most.
    void produce_for(uint64_t acks, int64_t duration_ns) {
        const uint64_t goal = acked_count_ + acks;
        stop_at_ = goal;
        for (int32_t p = 0; p < options_.partitions; ++p) {
            for (int client = 0; client < 2; ++client) {
                ++clients_;
                node_.spawn(0, client_task(this, shard_, p, life_));
            }
        }
        world_.run_until([&] { return !node_.up() || clients_ == 0; },
                         {.steps = 4'000'000, .duration_ns = duration_ns});
    }
    /// Like produce(), cut short by a crash after a random number of steps.
    void produce_and_crash(uint64_t acks, simulation::CrashKind kind) {
        const uint64_t goal = acked_count_ + acks;
        stop_at_ = UINT64_MAX;
        for (int32_t p = 0; p < options_.partitions; ++p) {
            for (int client = 0; client < 2; ++client) {
                ++clients_;
                node_.spawn(0, client_task(this, shard_, p, life_));
            }
        }
        world_.run_until([&] { return !node_.up() || clients_ == 0 || acked_count_ >= goal; },
                         {.steps = 4'000'000, .duration_ns = 600 * kSecondNs});
        crash(kind);
    }
    void crash(simulation::CrashKind kind) {
        if (node_.up()) {
            node_.crash(kind);
        }
        after_death();
    }
    /// The node died or was stopped: a new life begins.
    void after_death() {
        shard_ = nullptr;
        clients_ = 0;
        ++life_;
    }
    void restart() {
        node_.restart();
        directory_sync_ = std::make_shared<DirectorySync>();
        ++epoch_;
    }
    /// Closes the shard; false if the node died in it.
    bool close(bool clean) {
        stop_at_ = 0;
        auto closed = node_.run(0, shard_->close(clean));
        const bool ok = closed.has_value() && closed->has_value();
        if (closed.has_value()) {
            node_.stop();
            after_death();
        }
        return ok;
    }

    /// Everything acked is there, once, at its offset, byte for byte; the logs are continuous;
    /// nothing that was not sent. What does not hold, in words; empty if all does.
    [[nodiscard]] std::string verify() {
        for (int32_t p = 0; p < options_.partitions; ++p) {
            auto log = node_.run(0, read_all(this, p));
            if (!log.has_value()) {
                return fmt::format("partition {}: the node died while it was read", p);
            }
            if (!log->has_value()) {
                return fmt::format("partition {}: {}", p, describe(log->error()));
            }
            if (std::string problem = verify_partition(p, **log); !problem.empty()) {
                return fmt::format("partition {}: {}", p, problem);
            }
        }
        return {};
    }

    std::map<int32_t, std::vector<SentBatch>>& sent() { return sent_; }
    [[nodiscard]] Uuid topic_id() const {
        Uuid id;
        id.bytes[0] = std::byte{7};
        return id;
    }

private:
    static io::Task<bool> create_task(ShardHarness* self) {
        auto& files = self->node_.files();
        auto& reactor = self->node_.reactor();
        auto made = co_await reactor.run_blocking([&files]() -> Result<void> {
            auto directory = files.make_directory("/data");
            return directory ? files.sync_directory("/") : directory;
        });
        if (!made) {
            co_return false;
        }
        auto shard = co_await Shard::create(reactor, self->shard_options(), {});
        if (!shard) {
            co_return false;
        }
        self->shard_ = &self->node_.own(std::move(*shard));
        co_return true;
    }
    static io::Task<Result<void>> recover_task(ShardHarness* self, bool accept_loss) {
        ShardOptions options = self->shard_options();
        options.accept_loss = accept_loss;
        auto shard = co_await Shard::recover(self->node_.reactor(), options);
        if (!shard) {
            co_return fail(shard.error());
        }
        self->shard_ = &self->node_.own(std::move(*shard));
        co_return Result<void>{};
    }
    bool open_partitions() {
        for (int32_t p = 0; p < options_.partitions; ++p) {
            if (!node_.up()) {
                return false;  // its disk's fault came between two steps
            }
            OpenPartition request;
            request.id = {.topic = "words", .topic_id = topic_id(), .partition = p};
            request.config.segment_bytes = 96 << 10;
            request.leader_epoch = LeaderEpoch(epoch_);
            auto opened = node_.run(0, shard_->open_partition(request));
            if (!opened.has_value() || !*opened) {
                return false;
            }
        }
        return true;
    }
    std::vector<std::byte> next_batch(int32_t p, size_t index) {
        const bool large = random_.chance(1, 40);
        const uint64_t bytes =
            large ? options_.large_bytes : random_.below(options_.batch_bytes_max);
        std::string value = fmt::format("p{} n{} ", p, index);
        while (value.size() < bytes) {
            value.push_back(static_cast<char>('a' + random_.below(26)));
        }
        BatchBuilder builder;
        const uint64_t records = 1 + random_.below(3);
        for (uint64_t i = 0; i < records; ++i) {
            builder.record(1'700'000'000'000 + static_cast<int64_t>(index), value);
            value = "more";
        }
        return builder.build();
    }
    static io::Task<void> client_task(ShardHarness* self, Shard* shard, int32_t p, uint64_t life) {
        while (self->acked_count_ < self->stop_at_ && self->life_ == life) {
            Partition* partition = shard->find(self->topic_id(), p);
            auto& sent = self->sent_[p];
            const size_t index = sent.size();
            sent.push_back({.bytes = self->next_batch(p, index)});
            std::vector<std::byte> bytes = sent.back().bytes;
            auto appended = co_await partition->append(bytes, {});
            if (!appended && appended.error().code == Errc::message_too_large) {
                continue;  // refused for good: the next one
            }
            if (!appended) {
                break;
            }
            auto durable = co_await partition->wait_high_watermark(appended->end_offset);
            if (!durable) {
                break;
            }
            self->sent_[p][index].base_offset = appended->base_offset;
            ++self->acked_count_;
        }
        --self->clients_;
    }
    static io::Task<Result<std::vector<std::byte>>> read_all(ShardHarness* self, int32_t p) {
        Partition* partition = self->shard_->find(self->topic_id(), p);
        std::vector<std::byte> log;
        int64_t offset = partition->log_start_offset();
        while (offset < partition->high_watermark()) {
            auto data = co_await partition->read(offset, 10'000, partition->high_watermark());
            if (!data) {
                co_return fail(data.error());
            }
            std::vector<std::byte> bytes = data->owned;
            for (const Slice& slice : data->slices) {
                bytes.insert(bytes.end(), slice.bytes().begin(), slice.bytes().end());
            }
            if (bytes.empty()) {
                co_return fail(Errc::short_read, 0, offset);
            }
            size_t at = 0;
            while (at < bytes.size()) {
                auto header = verify_stored_batch(ByteView(bytes).subspan(at));
                if (!header) {
                    co_return fail(header.error());
                }
                offset = header->last_offset() + 1;
                at += header->total_bytes;
            }
            log.insert(log.end(), bytes.begin(), bytes.end());
        }
        co_return log;
    }
    std::string verify_partition(int32_t p, const std::vector<std::byte>& log) {
        // What the client sent and the broker may not change: everything behind offset, length and
        // epoch.
        std::map<std::vector<std::byte>, size_t> by_content;
        const auto& sent = sent_[p];
        for (size_t i = 0; i < sent.size(); ++i) {
            const auto body = ByteView(sent[i].bytes).subspan(batch_field::kCrc);
            by_content[std::vector<std::byte>(body.begin(), body.end())] = i;
        }
        std::map<size_t, int64_t> found;
        int64_t expected = 0;
        LeaderEpoch last_epoch(-1);
        for (size_t at = 0; at < log.size();) {
            const auto header = decode_batch_header(ByteView(log).subspan(at));
            if (!header) {
                return fmt::format("no batch at offset {}", expected);
            }
            if (header->base_offset != expected || header->leader_epoch < last_epoch) {
                return fmt::format("offset {} of epoch {} follows offset {} of epoch {}",
                                   header->base_offset, header->leader_epoch.value(), expected - 1,
                                   last_epoch.value());
            }
            last_epoch = header->leader_epoch;
            const auto body =
                ByteView(log).subspan(at, header->total_bytes).subspan(batch_field::kCrc);
            const auto content = by_content.find(std::vector<std::byte>(body.begin(), body.end()));
            if (content == by_content.end()) {
                return fmt::format("the batch at offset {} was never sent", expected);
            }
            if (!found.emplace(content->second, header->base_offset).second) {
                return fmt::format("the batch at offset {} is in the log twice", expected);
            }
            expected = header->last_offset() + 1;
            at += header->total_bytes;
        }
        for (size_t i = 0; i < sent.size(); ++i) {
            const auto there = found.find(i);
            const bool kept = there != found.end() && there->second == sent[i].base_offset;
            if (sent[i].base_offset >= 0 && !kept) {
                return fmt::format("acked at offset {} and lost", sent[i].base_offset);
            }
        }
        return {};
    }

    HarnessOptions options_;
    std::shared_ptr<DirectorySync> directory_sync_ = std::make_shared<DirectorySync>();
    simulation::SimWorld world_;
    simulation::SimNode& node_;
    Random random_;
    Shard* shard_ = nullptr;
    std::map<int32_t, std::vector<SentBatch>> sent_;
    uint64_t acked_count_ = 0;
    uint64_t stop_at_ = 0;
    uint64_t life_ = 0;
    int32_t epoch_ = 0;
    int clients_ = 0;
};

}  // namespace ringlog::engine::test
