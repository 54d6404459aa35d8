// A segment store on a simulated disk beside a model that keeps every batch: what the segment tests
// share.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/record_batch.h"
#include "engine/segment_store.h"
#include "tests/simulation/sim_world.h"
#include "tests/unit/engine/batch_builder.h"

namespace ringlog::engine::test {

/// A batch as the model knows it.
struct ModelBatch {
    std::vector<std::byte> bytes;
    IndexedBatch place;
};

/// One segment of one partition: batches in order, and what of them is in the file.
class ModelSegment {
public:
    explicit ModelSegment(int64_t base_offset) : next_offset_(base_offset) {
        state_.base_offset = base_offset;
    }

    /// A batch of `value_bytes` and a few records; with `jump`, offsets are missing in front of it.
    void add(Random& random, uint64_t value_bytes, int64_t timestamp, int64_t jump = 0) {
        BatchBuilder builder;
        const uint64_t records = 1 + random.below(4);
        next_offset_ += jump;
        builder.base_offset(next_offset_).leader_epoch(3);
        for (uint64_t i = 0; i < records; ++i) {
            builder.record(timestamp - static_cast<int64_t>(random.below(3)),
                           std::string(value_bytes / records + random.below(20), 'v'));
        }
        auto bytes = builder.build();
        const auto header = decode_batch_header(bytes);
        ASSERT_TRUE(header);
        const uint64_t size = bytes.size();
        batches_.push_back({std::move(bytes),
                            {.base_offset = header->base_offset,
                             .last_offset = header->last_offset(),
                             .position = state_.bytes,
                             .max_timestamp = header->max_timestamp}});
        state_.bytes += size;
        state_.max_timestamp = std::max(state_.max_timestamp, header->max_timestamp);
        next_offset_ = header->last_offset() + 1;
    }

    /// Random batches, timestamps mostly rising.
    void fill(Random& random, size_t count, uint64_t value_bytes_max, bool jumps = false) {
        int64_t time = 1'000'000;
        for (size_t i = 0; i < count; ++i) {
            time += static_cast<int64_t>(random.below(20));
            const int64_t late = random.chance(1, 5) ? static_cast<int64_t>(random.below(300)) : 0;
            const int64_t jump =
                jumps && random.chance(1, 6) ? static_cast<int64_t>(random.below(9)) : 0;
            add(random, random.below(value_bytes_max), time - late, jump);
        }
    }

    /// The bytes of the file, zeros behind the last batch up to a block.
    [[nodiscard]] std::vector<std::byte> image() const {
        std::vector<std::byte> all;
        for (const ModelBatch& batch : batches_) {
            all.insert(all.end(), batch.bytes.begin(), batch.bytes.end());
        }
        all.resize(round_up(all.size(), kBlockBytes));
        return all;
    }

    /// The batch that contains `offset`, or the first behind it.
    [[nodiscard]] std::optional<size_t> find(int64_t offset) const {
        for (size_t i = 0; i < batches_.size(); ++i) {
            if (batches_[i].place.last_offset >= offset) {
                return i;
            }
        }
        return std::nullopt;
    }

    /// What a read must give.
    [[nodiscard]] std::vector<std::byte> expected(int64_t offset, uint32_t max_bytes,
                                                  uint64_t valid_bytes) const {
        std::vector<std::byte> bytes;
        const auto first = find(offset);
        for (size_t i = first.value_or(batches_.size()); i < batches_.size(); ++i) {
            const ModelBatch& batch = batches_[i];
            const bool ends = batch.place.position + batch.bytes.size() > valid_bytes;
            if (ends || (!bytes.empty() && bytes.size() + batch.bytes.size() > max_bytes)) {
                break;
            }
            bytes.insert(bytes.end(), batch.bytes.begin(), batch.bytes.end());
        }
        return bytes;
    }

    [[nodiscard]] const SegmentState& state() const { return state_; }
    [[nodiscard]] const std::vector<ModelBatch>& batches() const { return batches_; }
    [[nodiscard]] int64_t next_offset() const { return next_offset_; }

private:
    SegmentState state_;
    int64_t next_offset_;
    std::vector<ModelBatch> batches_;
};

/// One node, its disk, and a store on it.
class StoreHarness {
public:
    explicit StoreHarness(uint64_t seed, SegmentStoreOptions options = {})
        : world_(seed), node_(world_.add_node()), options_(std::move(options)) {
        options_.directory = "/data";
        EXPECT_TRUE(node_.files().make_directory("/data"));
        EXPECT_TRUE(node_.files().sync_directory("/"));
        open();
    }
    ~StoreHarness() {
        if (node_.up() && store_ != nullptr) {
            close();
        }
    }
    StoreHarness(const StoreHarness&) = delete;
    StoreHarness& operator=(const StoreHarness&) = delete;

    [[nodiscard]] SegmentStore& store() const { return *store_; }
    simulation::SimNode& node() { return node_; }
    simulation::SimDisk& disk() { return node_.disk(); }
    simulation::SimWorld& world() { return world_; }

    template <typename T>
    T run(io::Task<T> task) {
        auto outcome = node_.run(0, std::move(task));
        EXPECT_TRUE(outcome.has_value()) << "the node died or the task never ended";
        return std::move(*outcome);
    }
    void run(io::Task<void> task) { EXPECT_TRUE(node_.run(0, std::move(task))); }

    void close() {
        run(store_->close());
        store_ = nullptr;
    }
    /// A new store over the same directory, in the same process.
    void reopen() {
        close();
        open();
    }
    void crash_and_reopen(simulation::CrashKind kind) {
        node_.crash(kind);
        node_.restart();
        open();
    }

    /// Writes the whole image in a few pieces, its tail block again with each, and tells the index.
    void destage(const TopicPartition& id, const ModelSegment& segment, Random& random) {
        ASSERT_TRUE(run(store_->create_partition(id)));
        const auto image = segment.image();
        uint64_t done = 0;
        size_t told = 0;
        const auto& batches = segment.batches();
        while (told < batches.size()) {
            const size_t upto = std::min(batches.size(), told + 1 + random.below(40));
            const auto& last = batches[upto - 1];
            const uint64_t end = last.place.position + last.bytes.size();
            const uint64_t from = round_down(done, kBlockBytes);
            std::vector<std::byte> piece(image.begin() + static_cast<int64_t>(from),
                                         image.begin() + static_cast<int64_t>(end));
            piece.resize(round_up(piece.size(), kBlockBytes));
            ASSERT_TRUE(run(store_->write(id, segment.state().base_offset, from, piece,
                                          batches[told].place.base_offset)));
            for (; told < upto; ++told) {
                store_->index(id, segment.state().base_offset, batches[told].place);
            }
            done = end;
        }
    }

    Result<SegmentRead> read(const TopicPartition& id, const ModelSegment& segment, int64_t offset,
                             uint32_t max_bytes, uint64_t valid_bytes = UINT64_MAX) {
        return run(store_->read(id, segment.state(), offset, max_bytes, valid_bytes));
    }

    /// Reads from every offset and compares with the model.
    void expect_every_offset(const TopicPartition& id, const ModelSegment& segment,
                             uint32_t max_bytes) {
        for (int64_t offset = segment.state().base_offset; offset < segment.next_offset();
             ++offset) {
            const auto read = this->read(id, segment, offset, max_bytes);
            ASSERT_TRUE(read) << describe(read.error()) << " for offset " << offset;
            ASSERT_EQ(read->batches_bytes, read->bytes.size());
            ASSERT_EQ(read->bytes, segment.expected(offset, max_bytes, UINT64_MAX)) << offset;
        }
        const auto behind = read(id, segment, segment.next_offset(), max_bytes);
        ASSERT_FALSE(behind);
        ASSERT_EQ(behind.error().code, Errc::short_read);
    }

    /// Looks up times around every batch and compares with the model.
    void expect_every_timestamp(const TopicPartition& id, const ModelSegment& segment) {
        for (const ModelBatch& batch : segment.batches()) {
            for (const int64_t delta : {-1, 0, 1}) {
                const int64_t timestamp = batch.place.max_timestamp + delta;
                const auto& all = segment.batches();
                const auto expected = std::ranges::find_if(
                    all, [&](const ModelBatch& b) { return b.place.max_timestamp >= timestamp; });
                const auto found =
                    run(store_->find_timestamp(id, segment.state(), timestamp, UINT64_MAX));
                if (expected == all.end()) {
                    ASSERT_FALSE(found);
                    ASSERT_EQ(found.error().code, Errc::not_found);
                    continue;
                }
                ASSERT_TRUE(found) << describe(found.error()) << " for time " << timestamp;
                ASSERT_EQ(found->base_offset, expected->place.base_offset) << timestamp;
                ASSERT_EQ(found->position, expected->place.position);
                ASSERT_EQ(found->max_timestamp, expected->place.max_timestamp);
            }
        }
    }

    [[nodiscard]] std::string path(const TopicPartition& id, int64_t base_offset,
                                   std::string_view suffix) const {
        return "/data/" + partition_directory_name(id) + "/" +
               segment_file_name(base_offset, suffix);
    }
    [[nodiscard]] std::vector<std::byte> content(const std::string& path) {
        return node_.disk().read_all(path);
    }

    void open() { store_ = &node_.own(std::make_unique<SegmentStore>(node_.reactor(), options_)); }

private:
    simulation::SimWorld world_;
    simulation::SimNode& node_;
    SegmentStoreOptions options_;
    SegmentStore* store_ = nullptr;
};

inline TopicPartition some_partition(uint64_t seed = 1, std::string topic = "orders") {
    Random random(seed);
    return {.topic = std::move(topic), .topic_id = Uuid::random(random), .partition = 0};
}

}  // namespace ringlog::engine::test
