// A data directory on a simulated node of two cores, one client per partition, and an oracle that
// remembers what was acked: for tests that change the number of journals, and crash in between. The
// tiny limits are those of ShardHarness.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "engine/store.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {

struct DirectoryHarnessOptions {
    uint64_t seed = 1;
    int32_t partitions = 4;
    uint32_t value_bytes_max = 3000;
};

class DirectoryHarness {
public:
    explicit DirectoryHarness(DirectoryHarnessOptions options)
        : options_(options),
          shard_options_(ShardHarness({}).shard_options()),
          world_(options.seed),
          node_(world_.add_node({.cores = 2})),
          random_(options.seed * 7919 + 1),
          sent_(static_cast<size_t>(options.partitions)),
          removed_(static_cast<size_t>(options.partitions)) {}

    DirectoryHarness(const DirectoryHarness&) = delete;
    DirectoryHarness& operator=(const DirectoryHarness&) = delete;
    /// A store that was not closed goes the way of a killed process.
    ~DirectoryHarness() {
        if (node_.up()) {
            node_.crash(simulation::CrashKind::kill);
        }
    }

    simulation::SimWorld& world() { return world_; }
    simulation::SimNode& node() { return node_; }
    [[nodiscard]] OpenedStore& store() { return *store_; }
    [[nodiscard]] uint64_t acked_count() const { return acked_count_; }
    /// Why the last open() failed; empty if the node died in it.
    [[nodiscard]] const std::string& refusal() const { return refusal_; }

    /// Opens the directory with one journal on each of the first `journals` cores, then all
    /// partitions. False if it was refused (see refusal()) or the node died.
    bool open(uint16_t journals) {
        refusal_.clear();
        ++epoch_;
        const auto opened = node_.run(0, open_task(this, journals));
        if (!opened.value_or(false)) {
            return false;
        }
        for (int32_t p = 0; p < options_.partitions; ++p) {
            if (!node_.up() || !(removed(p) ? finish_removal(p) : open_partition(p))) {
                return false;
            }
        }
        return true;
    }
    /// Removes partition `p` for good. Where that is interrupted, the next open() finishes it, as a
    /// broker does for whom a topic's deletion is decided. False if it failed or the node died.
    bool remove(int32_t p) {
        removed_[static_cast<size_t>(p)] = true;
        return finish_removal(p);
    }
    /// Clients append in each partition until `acks` more were seen, or nothing moves any more.
    void produce(uint64_t acks) {
        stop_at_ = acked_count_ + acks;
        for (int32_t p = 0; p < options_.partitions; ++p) {
            if (removed(p)) {
                continue;
            }
            ++clients_;
            node_.spawn(place(p), client_task(this, p, life_));
        }
        world_.run_until([&] { return !node_.up() || clients_ == 0; },
                         {.steps = 4'000'000, .duration_ns = 600 * kSecondNs});
    }
    void crash(simulation::CrashKind kind) {
        if (node_.up()) {
            node_.crash(kind);
        }
        store_ = nullptr;
        clients_ = 0;
        ++life_;
    }
    void restart() { node_.restart(); }
    /// Closes every journal, as at a clean stop. False if one said an error or the node died.
    bool close() {
        bool good = true;
        for (size_t i = 0; node_.up() && i < store_->shards.size(); ++i) {
            const auto closed = node_.run(static_cast<uint16_t>(i), store_->shards[i]->close(true));
            good = good && closed.has_value() && closed->has_value();
        }
        if (!node_.up()) {
            crash(simulation::CrashKind::kill);  // what it leaves here ends, too
            return false;
        }
        node_.stop();
        store_ = nullptr;
        ++life_;
        return good;
    }
    /// Everything acked is there, once, at its offset, byte for byte, and nothing that was not
    /// sent. What does not hold, in words; empty if all does.
    [[nodiscard]] std::string verify() {
        for (int32_t p = 0; p < options_.partitions; ++p) {
            if (removed(p)) {
                continue;
            }
            auto log = node_.run(place(p), read_all(this, p));
            if (!log.has_value()) {
                return fmt::format("partition {}: the node died while it was read", p);
            }
            if (!log->has_value()) {
                return fmt::format("partition {}: {}", p, describe(log->error()));
            }
            if (std::string problem = compare(p, **log); !problem.empty()) {
                return fmt::format("partition {}: {}", p, problem);
            }
        }
        return {};
    }
    [[nodiscard]] Partition* find(int32_t p) const {
        return store_->shards[place(p)]->find(topic_id(), p);
    }

private:
    [[nodiscard]] static Uuid topic_id() {
        Uuid id;
        id.bytes[0] = std::byte{9};
        return id;
    }
    [[nodiscard]] bool removed(int32_t p) const { return removed_[static_cast<size_t>(p)]; }
    [[nodiscard]] static TopicPartition id_of(int32_t p) {
        return {.topic = "places", .topic_id = topic_id(), .partition = p};
    }
    bool finish_removal(int32_t p) {
        Shard& shard = *store_->shards[place(p)];
        const auto done = node_.run(place(p), shard.remove_partition(id_of(p)));
        return done.has_value() && done->has_value();
    }
    [[nodiscard]] uint16_t place(int32_t p) const {
        return placement_of(topic_id(), p, store_->shards.size());
    }
    static io::Task<bool> open_task(DirectoryHarness* self, uint16_t journals) {
        StoreOptions options;
        options.directory = "/data";
        options.cluster_id = "cluster";
        for (uint16_t core = 0; core < journals; ++core) {
            options.cores.emplace_back(core);
        }
        options.shard = self->shard_options_;
        auto opened = co_await open_store(self->node_.reactor(), options);
        if (!opened) {
            self->refusal_ = opened.error().message;
            co_return false;
        }
        self->store_ = &self->node_.own(std::make_unique<OpenedStore>(std::move(*opened)));
        co_return true;
    }
    bool open_partition(int32_t p) {
        OpenPartition request;
        request.id = id_of(p);
        request.config.segment_bytes = 96 << 10;
        request.leader_epoch = LeaderEpoch(epoch_);
        const auto opened = node_.run(place(p), store_->shards[place(p)]->open_partition(request));
        return opened.has_value() && opened->has_value();
    }
    std::vector<std::byte> next_batch(int32_t p) {
        std::string value = fmt::format("p{} n{} ", p, sent_[static_cast<size_t>(p)].size());
        const uint64_t bytes = random_.below(options_.value_bytes_max);
        while (value.size() < bytes) {
            value.push_back(static_cast<char>('a' + random_.below(26)));
        }
        return BatchBuilder().record(1'700'000'000'000, value).build();
    }
    static io::Task<void> client_task(DirectoryHarness* self, int32_t p, uint64_t life) {
        Partition* partition = self->find(p);
        auto& sent = self->sent_[static_cast<size_t>(p)];
        while (self->acked_count_ < self->stop_at_ && self->life_ == life) {
            const size_t index = sent.size();
            sent.push_back({.bytes = self->next_batch(p)});
            std::vector<std::byte> bytes = sent[index].bytes;
            auto appended = co_await partition->append(bytes, {});
            if (!appended) {
                break;
            }
            auto durable = co_await partition->wait_durable(*appended);
            if (!durable) {
                break;
            }
            sent[index].base_offset = appended->base_offset;
            ++self->acked_count_;
        }
        --self->clients_;
    }
    static io::Task<Result<std::vector<std::byte>>> read_all(DirectoryHarness* self, int32_t p) {
        Partition* partition = self->find(p);
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
            size_t at = 0;
            while (at < bytes.size()) {
                auto header = verify_stored_batch(ByteView(bytes).subspan(at));
                if (!header) {
                    co_return fail(header.error());
                }
                offset = header->last_offset() + 1;
                at += header->total_bytes;
            }
            if (bytes.empty()) {
                co_return fail(Errc::short_read, 0, offset);
            }
            log.insert(log.end(), bytes.begin(), bytes.end());
        }
        co_return log;
    }
    /// One client per partition sends one batch after the other, so the log has them in that order.
    [[nodiscard]] std::string compare(int32_t p, const std::vector<std::byte>& log) const {
        const auto& sent = sent_[static_cast<size_t>(p)];
        size_t next = 0;
        int64_t expected = 0;
        for (size_t at = 0; at < log.size();) {
            const auto header = decode_batch_header(ByteView(log).subspan(at));
            if (!header || header->base_offset != expected) {
                return fmt::format("no batch at offset {}", expected);
            }
            // The broker changes nothing behind offset, length and epoch.
            const auto body =
                ByteView(log).subspan(at, header->total_bytes).subspan(batch_field::kCrc);
            const auto is_this = [body](const SentBatch& batch) {
                return std::ranges::equal(ByteView(batch.bytes).subspan(batch_field::kCrc), body);
            };
            for (; next < sent.size() && !is_this(sent[next]); ++next) {
                if (sent[next].base_offset >= 0) {
                    return fmt::format("acked at offset {} and lost", sent[next].base_offset);
                }
            }
            if (next == sent.size()) {
                return fmt::format("the batch at offset {} was not sent, or is in it twice",
                                   expected);
            }
            if (sent[next].base_offset >= 0 && sent[next].base_offset != expected) {
                return fmt::format("acked at offset {} and found at {}", sent[next].base_offset,
                                   expected);
            }
            ++next;
            expected = header->last_offset() + 1;
            at += header->total_bytes;
        }
        const auto lost = std::find_if(sent.begin() + static_cast<std::ptrdiff_t>(next), sent.end(),
                                       [](const SentBatch& b) { return b.base_offset >= 0; });
        return lost == sent.end() ? std::string{}
                                  : fmt::format("acked at offset {} and lost", lost->base_offset);
    }

    DirectoryHarnessOptions options_;
    ShardOptions shard_options_;
    simulation::SimWorld world_;
    simulation::SimNode& node_;
    Random random_;
    OpenedStore* store_ = nullptr;
    std::vector<std::vector<SentBatch>> sent_;
    std::vector<bool> removed_;
    std::string refusal_;
    uint64_t acked_count_ = 0;
    uint64_t stop_at_ = 0;
    uint64_t life_ = 0;
    int32_t epoch_ = 0;
    int clients_ = 0;
};

}  // namespace ringlog::engine::test
