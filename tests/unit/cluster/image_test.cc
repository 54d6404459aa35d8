// The image folds exactly what the store holds, and shares what a change does not touch.
#include "cluster/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "base/bytes.h"
#include "cluster/memory_store.h"
#include "cluster/topic_name.h"
#include "tests/unit/cluster/test_core.h"

namespace ringlog::cluster {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TestCore;

Uuid id_of(uint8_t number) {
    Uuid id;
    id.bytes[0] = std::byte{number};
    return id;
}

PartitionState led_by(int32_t node, int32_t epoch) {
    return {.replicas = {node, node + 1},
            .isr = {node},
            .leader = node,
            .leader_epoch = epoch,
            .partition_epoch = epoch + 1};
}

Change put(Revision revision, std::string key, std::string value) {
    return {.entry = {.key = std::move(key), .value = std::move(value), .mod_revision = revision}};
}
Change removed(Revision revision, std::string key) {
    return {.entry = {.key = std::move(key), .mod_revision = revision}, .deleted = true};
}

/// A topic with one partition in one revision, its chunk before its record as the keys sort.
std::vector<Change> creation(Revision revision, const std::string& name, Uuid id, int32_t leader) {
    return {put(revision, keys::partition_chunk(id, 0),
                encode(PartitionChunkRecord{.partitions = {led_by(leader, 0)}})),
            put(revision, keys::topic(name),
                encode(TopicRecord{.name = name, .id = id, .partition_count = 1})),
            put(revision, keys::topic_config(id), encode(ConfigMap{{"retention.ms", "5"}}))};
}

ImagePtr apply(const ImagePtr& image, Revision revision, std::vector<Change> changes) {
    auto next = image->apply({.revision = revision, .changes = std::move(changes)});
    RL_ASSERT(next.has_value(), "{}", describe(next.error()));
    return *next;
}

ImagePtr empty_image() {
    return *MetadataImage::load({});
}

TEST(MetadataImage, FindsATopicByNameAndByIdWithItsPartitions) {
    const ImagePtr image = apply(empty_image(), 1, creation(1, "a", id_of(1), 7));
    const TopicPtr topic = image->topic("a");
    ASSERT_NE(topic, nullptr);
    EXPECT_EQ(image->topic(id_of(1)), topic);
    EXPECT_EQ(image->topic("b"), nullptr);
    EXPECT_EQ(topic->configs->at("retention.ms"), "5");
    const auto partition = topic->partition(0);
    ASSERT_TRUE(partition.has_value());
    EXPECT_THAT(partition->replicas, ElementsAre(7, 8));
    EXPECT_THAT(partition->isr, ElementsAre(7));
    EXPECT_EQ(partition->leader, 7);
    EXPECT_EQ(partition->partition_epoch, 1);
    EXPECT_FALSE(topic->partition(1).has_value());
    EXPECT_FALSE(topic->partition(-1).has_value());
    EXPECT_EQ(topic->chunks[0]->record().partitions[0], led_by(7, 0));
    EXPECT_EQ(image->topic_count(), 1U);
    EXPECT_EQ(image->partition_count(), 1);
}

TEST(MetadataImage, AChangeLeavesTheOldImageAndSharesOtherTopics) {
    const ImagePtr first = apply(empty_image(), 1, creation(1, "a", id_of(1), 1));
    const ImagePtr second = apply(first, 2, creation(2, "b", id_of(2), 1));
    const ImagePtr third = apply(second, 3,
                                 {put(3, keys::partition_chunk(id_of(2), 0),
                                      encode(PartitionChunkRecord{.partitions = {led_by(2, 5)}}))});
    EXPECT_EQ(first->topic("b"), nullptr);
    EXPECT_EQ(second->topic("b")->partition(0)->leader_epoch, 0);
    EXPECT_EQ(third->topic("b")->partition(0)->leader_epoch, 5);
    EXPECT_EQ(third->topic(id_of(2))->partition(0)->leader_epoch, 5);
    EXPECT_EQ(third->topic("a"), first->topic("a"));
    EXPECT_EQ(third->revision(), 3);
}

TEST(MetadataImage, ATopicThatIsDeletedAndCreatedAgainInOneBatchIsTheNewOne) {
    const ImagePtr first = apply(empty_image(), 1, creation(1, "a", id_of(1), 1));
    std::vector<Change> changes = {
        removed(2, keys::partition_chunk(id_of(1), 0)), removed(2, keys::topic("a")),
        removed(2, keys::topic_config(id_of(1))),
        put(2, keys::deleted_topic(id_of(1)),
            encode(DeletedTopicRecord{.name = "a", .partition_count = 1}))};
    std::ranges::copy(creation(3, "a", id_of(2), 4), std::back_inserter(changes));
    const ImagePtr image = apply(first, 3, std::move(changes));
    EXPECT_EQ(image->topic(id_of(1)), nullptr);
    EXPECT_EQ(image->topic("a")->id, id_of(2));
    EXPECT_EQ(image->topic("a")->partition(0)->leader, 4);
    EXPECT_EQ(image->topic_count(), 1U);
    EXPECT_EQ(image->partition_count(), 1);
    EXPECT_EQ(image->deleted_topics().at(id_of(1)).record.name, "a");
    const ImagePtr later = apply(image, 4, {removed(4, keys::deleted_topic(id_of(1)))});
    EXPECT_TRUE(later->deleted_topics().empty());
}

/// How long one group takes that leaves `count` deleted topics behind, and one that forgets them.
std::chrono::nanoseconds time_of_deletions(uint16_t count) {
    std::vector<Change> gone;
    std::vector<Change> forgotten;
    for (uint16_t i = 0; i < count; ++i) {
        Uuid id;
        store_be<uint16_t>(id.bytes.data(), i);
        gone.push_back(put(1, keys::deleted_topic(id),
                           encode(DeletedTopicRecord{.name = "a", .partition_count = 1})));
        forgotten.push_back(removed(2, keys::deleted_topic(id)));
    }
    const auto begun = std::chrono::steady_clock::now();
    const ImagePtr image = apply(empty_image(), 1, std::move(gone));
    const ImagePtr last = apply(image, 2, std::move(forgotten));
    const auto end = std::chrono::steady_clock::now();
    EXPECT_EQ(image->deleted_topics().size(), count);
    EXPECT_TRUE(last->deleted_topics().empty());
    return end - begun;
}

TEST(MetadataImage, AGroupOfDeletionsCopiesWhatIsDeletedOnce) {
    const auto best = [](uint16_t count) {
        return std::min(
            {time_of_deletions(count), time_of_deletions(count), time_of_deletions(count)});
    };
    // 16 times the topics; 256 times the time if each deletion copied all others.
    EXPECT_LT(best(8000) / best(500), 64);
}

TEST(MetadataImage, KeysAndFieldsOfANewerVersionAreSkipped) {
    const ImagePtr image =
        apply(empty_image(), 1,
              {put(1, "acl/7", "?"), put(1, "partitions/short", "?"),
               put(1, keys::broker(3),
                   R"({"v":1,"node_id":3,"epoch":9,"incarnation":"AAAAAAAAAAAAAAAAAAAAAQ",)"
                   R"("rack":"r","endpoints":[],"fenced":true})")});
    ASSERT_NE(image->broker(3), nullptr);
    EXPECT_EQ(image->broker(3)->epoch, 9);
    EXPECT_EQ(image->broker(4), nullptr);
}

TEST(MetadataImage, AValueThatCannotBeReadIsAnError) {
    const auto code = [](std::string value) {
        return empty_image()
            ->apply({.revision = 1, .changes = {put(1, keys::topic("a"), value)}})
            .error()
            .code;
    };
    EXPECT_EQ(code("not json"), Errc::malformed);
    EXPECT_EQ(code(R"({"name":"a"})"), Errc::malformed);
    EXPECT_EQ(code(R"({"v":1,"name":"a","id":"short","partition_count":1})"), Errc::malformed);
    EXPECT_EQ(
        code(R"({"v":1,"name":"a","id":"AAAAAAAAAAAAAAAAAAAAAQ","partition_count":4294967296})"),
        Errc::malformed);
    EXPECT_EQ(code(R"({"v":2})"), Errc::version_unknown);
}

// Goal: following a store change by change gives the same image as reading it at once.
// Method: random creations, deletions and leader changes against the simulated store; compare after
// each.
TEST(MetadataImage, FollowingEqualsReading) {
    TestCore core;
    MemoryStoreState state(core.clock());
    MemoryStore store(core.reactor(), state);
    Random random(20'261'122);
    ImagePtr followed = empty_image();
    auto watch = core.run(store.watch(keys::everything(), 1));
    for (int step = 0; step < 300; ++step) {
        const auto number = static_cast<uint8_t>(random.below(20));
        const std::string name = "t" + std::to_string(number);
        const TopicPtr topic = followed->topic(name);
        std::vector<Write> writes;
        if (topic == nullptr) {
            const Uuid id = Uuid::random(random);
            for (const Change& change :
                 creation(0, name, id, static_cast<int32_t>(random.below(3)))) {
                writes.push_back({.key = change.entry.key, .value = change.entry.value});
            }
        } else if (random.chance(1, 3)) {
            writes = {{.key = keys::topic(name)},
                      {.key = keys::partition_chunk(topic->id, 0)},
                      {.key = keys::topic_config(topic->id)}};
        } else {
            writes = {{.key = keys::partition_chunk(topic->id, 0),
                       .value = encode(PartitionChunkRecord{.partitions = {led_by(1, step)}})}};
        }
        ASSERT_TRUE(core.run(store.write({}, writes)).has_value());
        followed = *followed->apply(*core.run((*watch)->next()));
        const ImagePtr read = *MetadataImage::load(*core.run(store.read(keys::everything())));
        ASSERT_EQ(read->revision(), followed->revision());
        ASSERT_EQ(read->topic_count(), followed->topic_count());
        ASSERT_EQ(read->partition_count(), followed->partition_count());
        size_t seen = 0;
        read->for_each_topic([&](const TopicPtr& expected) {
            const TopicPtr found = followed->topic(expected->id);
            ASSERT_NE(found, nullptr);
            EXPECT_EQ(found, followed->topic(expected->name));
            EXPECT_EQ(*found->configs, *expected->configs);
            EXPECT_EQ(found->chunks[0]->record(), expected->chunks[0]->record());
            ++seen;
        });
        ASSERT_EQ(seen, read->topic_count());
    }
    watch->reset();
    core.run(store.close());
}

TEST(Keys, AreReadBack) {
    const Uuid id = id_of(0xab);
    EXPECT_EQ(keys::parse(keys::broker(2147483647))->number, 2147483647);
    EXPECT_EQ(keys::parse(keys::topic("a.b"))->name, "a.b");
    const auto chunk = keys::parse(keys::partition_chunk(id, 12));
    EXPECT_EQ(chunk->id, id);
    EXPECT_EQ(chunk->number, 12);
    EXPECT_EQ(keys::parse(keys::deleted_topic(id))->kind, keys::Parsed::Kind::deleted_topic);
    for (const std::string key : {"", "broker/", "broker/-1", "broker/9999999999",
                                  "topic_config/12", "partitions/", "controller"}) {
        EXPECT_FALSE(keys::parse(key).has_value()) << key;
    }
    for (const std::string& key :
         {keys::broker(1), keys::topic("a"), keys::partition_chunk(id, 0)}) {
        EXPECT_TRUE(keys::everything().contains(key));
    }
}

TEST(TopicName, FollowsKafkasRules) {
    for (const std::string_view name : {"a", "A-b_c.9", "__consumer_offsets", "..."}) {
        EXPECT_FALSE(topic_name_problem(name).has_value()) << name;
    }
    EXPECT_FALSE(topic_name_problem(std::string(249, 'x')).has_value());
    EXPECT_THAT(*topic_name_problem(std::string(250, 'x')), HasSubstr("249"));
    for (const std::string_view name : {"", ".", "..", "a b", "a/b", "caf\xc3\xa9", "a\n"}) {
        EXPECT_TRUE(topic_name_problem(name).has_value()) << name;
    }
    EXPECT_TRUE(topic_names_collide("a.b", "a_b"));
    EXPECT_FALSE(topic_names_collide("a.b", "a-b"));
    EXPECT_EQ(topic_name_hash("a.b_c"), topic_name_hash("a_b.c"));
}

}  // namespace
}  // namespace ringlog::cluster
