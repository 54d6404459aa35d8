// The controller of one node: what it refuses and in which words' code, what survives a restart,
// and that an answer comes only when everybody has the image.
#include "cluster/controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "cluster/memory_store.h"
#include "cluster/topic_config.h"
#include "tests/unit/cluster/test_core.h"

namespace ringlog::cluster {
namespace {

using kafka::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TestCore;

/// Counts images, and takes its time with each.
class SlowListener final : public ImageListener {
public:
    explicit SlowListener(io::Reactor& reactor) : reactor_(reactor) {}
    io::Task<void> image_changed(ImagePtr image) override {
        co_await reactor_.sleep_for(5 * kMillisecondNs);
        last = std::move(image);
    }
    ImagePtr last;

private:
    io::Reactor& reactor_;
};

class ControllerTest : public ::testing::Test {
protected:
    ControllerTest() { open(); }
    ~ControllerTest() override {
        close();
        core_.run(store_.close());
    }

    Controller::Opened try_open(ControllerOptions options) {
        return core_.run(Controller::open(core_.reactor(), store_, std::move(options), &listener_));
    }
    void open(ControllerOptions options = {}) {
        auto opened = try_open(std::move(options));
        RL_ASSERT(opened.has_value(), "{}", opened.error().text);
        controller_ = std::move(*opened);
    }
    void close() {
        if (controller_ != nullptr) {
            core_.run(controller_->close());
            controller_.reset();
        }
    }
    CreatedTopic create(NewTopic topic, bool validate_only = false) {
        return core_.run(controller_->create_topics({std::move(topic)}, validate_only)).at(0);
    }
    ErrorCode create_error(NewTopic topic) { return create(std::move(topic)).error.code; }
    DeletedTopic erase(TopicReference topic) {
        return core_.run(controller_->delete_topics({std::move(topic)})).at(0);
    }

    TestCore core_;
    MemoryStoreState state_{core_.clock()};
    MemoryStore store_{core_.reactor(), state_};
    SlowListener listener_{core_.reactor()};
    std::unique_ptr<Controller> controller_;
};

TEST_F(ControllerTest, TheClusterIdIsMadeOnceAndStays) {
    const std::string id = controller_->image()->cluster_id();
    EXPECT_EQ(id.size(), 22U);
    close();
    open();
    EXPECT_EQ(controller_->image()->cluster_id(), id);
}

TEST_F(ControllerTest, EachStartRegistersUnderANewEpoch) {
    EXPECT_EQ(controller_->broker_epoch(), 1);
    close();
    open({.rack = "r1", .endpoints = {{"PLAINTEXT", "PLAINTEXT", "h", 9092}}});
    EXPECT_EQ(controller_->broker_epoch(), 2);
    const BrokerRecord* broker = controller_->image()->broker(1);
    ASSERT_NE(broker, nullptr);
    EXPECT_EQ(broker->rack, "r1");
    EXPECT_EQ(broker->endpoints.at(0).port, 9092);
}

TEST_F(ControllerTest, ADirectoryOfAnotherNodeIsRefused) {
    close();
    const auto refused = try_open({.node_id = 2});
    ASSERT_FALSE(refused.has_value());
    EXPECT_THAT(refused.error().text, HasSubstr("belongs to node.id 1"));
    open();
}

TEST_F(ControllerTest, ACreatedTopicIsSeenByEveryCoreBeforeTheAnswer) {
    const CreatedTopic topic = create({.name = "a", .partition_count = 3});
    EXPECT_EQ(topic.error.code, ErrorCode::none);
    EXPECT_EQ(topic.partition_count, 3);
    EXPECT_EQ(topic.replication_factor, 1);
    ASSERT_NE(listener_.last->topic("a"), nullptr);
    EXPECT_EQ(listener_.last->topic("a")->id, topic.id);
    const auto partition = listener_.last->topic("a")->partition(2);
    EXPECT_THAT(partition->replicas, ElementsAre(1));
    EXPECT_THAT(partition->isr, ElementsAre(1));
    EXPECT_EQ(partition->leader, 1);
    EXPECT_EQ(partition->leader_epoch, 0);
}

TEST_F(ControllerTest, NothingIsWrittenWhenOnlyValidated) {
    const Revision before = state_.revision();
    EXPECT_EQ(create({.name = "a"}, true).error.code, ErrorCode::none);
    EXPECT_EQ(create({.name = "a b"}, true).error.code, ErrorCode::invalid_topic_exception);
    EXPECT_EQ(state_.revision(), before);
}

TEST_F(ControllerTest, RefusesWhatKafkaRefuses) {
    ASSERT_EQ(create_error({.name = "a_b"}), ErrorCode::none);
    EXPECT_EQ(create_error({.name = "a_b"}), ErrorCode::topic_already_exists);
    EXPECT_EQ(create_error({.name = "a.b"}), ErrorCode::invalid_topic_exception);
    EXPECT_EQ(create_error({.name = ""}), ErrorCode::invalid_topic_exception);
    EXPECT_EQ(create_error({.name = "b", .partition_count = 0}), ErrorCode::invalid_partitions);
    EXPECT_EQ(create_error({.name = "b", .partition_count = -2}), ErrorCode::invalid_partitions);
    EXPECT_EQ(create_error({.name = "b", .partition_count = 10'001}), ErrorCode::policy_violation);
    EXPECT_EQ(create_error({.name = "b", .replication_factor = 0}),
              ErrorCode::invalid_replication_factor);
    EXPECT_EQ(create_error({.name = "b", .replication_factor = 3}),
              ErrorCode::invalid_replication_factor);
    EXPECT_EQ(create_error({.name = "b", .partition_count = 1, .assignments = {{0, {1}}}}),
              ErrorCode::invalid_request);
    EXPECT_EQ(create_error({.name = "b", .replication_factor = 1, .assignments = {{0, {1}}}}),
              ErrorCode::invalid_request);
    EXPECT_EQ(create_error({.name = "b", .assignments = {{1, {1}}}}),
              ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(create_error({.name = "b", .assignments = {{0, {}}}}),
              ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(create_error({.name = "b", .assignments = {{0, {1, 1}}}}),
              ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(create_error({.name = "b", .assignments = {{0, {2}}}}),
              ErrorCode::invalid_replica_assignment);
    EXPECT_EQ(create_error({.name = "b", .configs = {{"retention.ms", std::nullopt}}}),
              ErrorCode::invalid_config);
    EXPECT_EQ(create_error({.name = "b", .configs = {{"no.such.key", "1"}}}),
              ErrorCode::invalid_config);
    EXPECT_EQ(create_error({.name = "b", .configs = {{"segment.ms", "0"}}}),
              ErrorCode::invalid_config);
    EXPECT_EQ(create_error({.name = "b", .assignments = {{0, {1}}, {1, {1}}}}), ErrorCode::none);
    EXPECT_EQ(controller_->image()->topic("b")->partition_count, 2);
}

TEST_F(ControllerTest, ARequestForManyTopicsAnswersEach) {
    const auto results = core_.run(controller_->create_topics(
        {{.name = "a"}, {.name = "b c"}, {.name = "d"}, {.name = "twice"}, {.name = "twice"}},
        false));
    std::vector<ErrorCode> codes;
    for (const CreatedTopic& result : results) {
        codes.push_back(result.error.code);
    }
    EXPECT_THAT(codes,
                ElementsAre(ErrorCode::none, ErrorCode::invalid_topic_exception, ErrorCode::none,
                            ErrorCode::invalid_request, ErrorCode::invalid_request));
    EXPECT_EQ(controller_->image()->topic_count(), 2U);
}

TEST_F(ControllerTest, ConfigurationsOfATopicAreKept) {
    const CreatedTopic topic =
        create({.name = "a",
                .configs = {{"retention.ms", " 1000 "}, {"cleanup.policy", "compact,delete"}}});
    ASSERT_EQ(topic.error.code, ErrorCode::none);
    const TopicConfig config = resolve_topic_config({{"max.message.bytes", "5"}},
                                                    *controller_->image()->topic("a")->configs);
    EXPECT_EQ(config.retention_ms, 1000);
    EXPECT_TRUE(config.compact && config.delete_old);
    EXPECT_EQ(config.max_message_bytes, 5);
    EXPECT_EQ(config.segment_bytes, 1'073'741'824);
}

template <typename T>
io::Task<void> store_result(io::Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
}

TEST_F(ControllerTest, ConcurrentCreationsOfOneNameJoin) {
    std::optional<std::vector<CreatedTopic>> ensured[3];
    std::optional<std::vector<CreatedTopic>> created;
    io::TaskGroup group;
    group.spawn(store_result(controller_->ensure_topics({"a", "b", "a"}), ensured[0]));
    group.spawn(store_result(controller_->ensure_topics({"a"}), ensured[1]));
    group.spawn(store_result(controller_->create_topics({{.name = "a"}}, false), created));
    group.spawn(store_result(controller_->ensure_topics({"a", "x y"}), ensured[2]));
    core_.turn_until([&] { return ensured[0] && ensured[1] && ensured[2] && created; });
    const Uuid id = controller_->image()->topic("a")->id;
    ASSERT_EQ(ensured[0]->size(), 3U);
    for (const auto& result :
         {ensured[0]->at(0), ensured[0]->at(2), ensured[1]->at(0), ensured[2]->at(0)}) {
        EXPECT_EQ(result.error.code, ErrorCode::none);
        EXPECT_EQ(result.id, id);
        EXPECT_EQ(result.partition_count, 1);
        EXPECT_EQ(result.replication_factor, 1);
    }
    EXPECT_EQ(ensured[2]->at(1).error.code, ErrorCode::invalid_topic_exception);
    EXPECT_EQ(created->at(0).error.code, ErrorCode::topic_already_exists);
}

TEST_F(ControllerTest, ADeletedTopicLeavesItsIdUntilItsDataIsGone) {
    const Uuid old_id = create({.name = "a", .partition_count = 300}).id;
    EXPECT_EQ(erase("nope").error.code, ErrorCode::unknown_topic_or_partition);
    EXPECT_EQ(erase(Uuid{}).error.code, ErrorCode::unknown_topic_id);
    const DeletedTopic deleted = erase(old_id);
    EXPECT_EQ(deleted.error.code, ErrorCode::none);
    EXPECT_EQ(deleted.name, "a");
    EXPECT_EQ(listener_.last->topic("a"), nullptr);
    const Uuid new_id = create({.name = "a"}).id;
    EXPECT_NE(new_id, old_id);
    close();
    open();
    EXPECT_EQ(controller_->image()->deleted_topics().at(old_id).record,
              (DeletedTopicRecord{.name = "a", .partition_count = 300}));
    const auto left = core_.run(store_.read(KeyRange::of_prefix("partitions/" + old_id.to_hex())));
    EXPECT_TRUE(left->entries.empty());
    ASSERT_TRUE(core_.run(controller_->remove_deleted_topics({old_id, old_id})).has_value());
    EXPECT_TRUE(controller_->image()->deleted_topics().empty());
    EXPECT_EQ(controller_->image()->topic("a")->id, new_id);
}

TEST_F(ControllerTest, DeletionCanBeDisabled) {
    create({.name = "a"});
    close();
    open({.delete_topics = false});
    EXPECT_EQ(erase("a").error.code, ErrorCode::topic_deletion_disabled);
    EXPECT_NE(controller_->image()->topic("a"), nullptr);
}

TEST_F(ControllerTest, ProducerIdsAreNeverGivenTwice) {
    std::set<int64_t> firsts;
    for (int life = 0; life < 3; ++life) {
        for (int i = 0; i < 3; ++i) {
            const auto block = core_.run(controller_->allocate_producer_ids());
            ASSERT_TRUE(block.has_value());
            EXPECT_EQ(block->count, 1000);
            EXPECT_TRUE(firsts.insert(block->first / 1000).second);
        }
        close();
        open();
    }
}

TEST_F(ControllerTest, AStartRaisesEveryLeaderEpochInOneGroup) {
    create({.name = "a", .partition_count = 200});
    create({.name = "b"});
    close();
    const Revision before = state_.revision();
    open();
    EXPECT_EQ(state_.revision(), before + 1);
    for (const int32_t partition : {0, 127, 128, 199}) {
        const auto view = controller_->image()->topic("a")->partition(partition);
        EXPECT_EQ(view->leader_epoch, 1) << partition;
        EXPECT_EQ(view->partition_epoch, 1) << partition;
    }
    EXPECT_EQ(controller_->image()->topic("b")->partition(0)->leader_epoch, 1);
    EXPECT_EQ(listener_.last->topic("b")->partition(0)->leader_epoch, 1);
}

TEST_F(ControllerTest, ALostAnswerIsAnErrorAndTheTopicIsSeenAnyway) {
    store_.set_faults({.lost_answer_permille = 1000});
    EXPECT_EQ(create_error({.name = "a"}), ErrorCode::request_timed_out);
    store_.set_faults({});
    core_.turn_until([&] { return controller_->image()->topic("a") != nullptr; });
    EXPECT_EQ(create_error({.name = "a"}), ErrorCode::topic_already_exists);
}

TEST_F(ControllerTest, FollowingSurvivesBrokenWatchesAndForgottenHistory) {
    store_.set_faults({.seed = 3, .delay_max_ns = kMillisecondNs, .broken_watch_permille = 500});
    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(create_error({.name = "t" + std::to_string(i)}), ErrorCode::none);
        state_.compact(state_.revision());
        state_.break_watches();
    }
    EXPECT_EQ(controller_->image()->topic_count(), 20U);
    store_.set_faults({});
}

TEST_F(ControllerTest, ChangesAreRefusedOnceItCloses) {
    core_.run(controller_->close());
    EXPECT_EQ(create_error({.name = "a"}), ErrorCode::not_controller);
    EXPECT_EQ(erase("a").error.code, ErrorCode::not_controller);
    EXPECT_EQ(core_.run(controller_->allocate_producer_ids()).error().code, Errc::closed);
    EXPECT_EQ(core_.run(controller_->ensure_topics({"a"})).at(0).error.code,
              ErrorCode::not_controller);
}

TEST(TopicConfig, EveryDefaultIsValidAndEveryProblemIsSaid) {
    for (const TopicConfigSpec& spec : topic_config_specs()) {
        if (!spec.standard.empty()) {
            EXPECT_FALSE(value_problem(spec.value, spec.standard).has_value()) << spec.name;
        }
    }
    EXPECT_THAT(*topic_config_problem("no.such", "1"),
                HasSubstr("Unknown topic config name: no.such"));
    EXPECT_THAT(*topic_config_problem("segment.ms", "x"), HasSubstr("Not a number of type LONG"));
    EXPECT_THAT(*topic_config_problem("segment.bytes", "3000000000"),
                HasSubstr("Not a number of type INT"));
    EXPECT_THAT(*topic_config_problem("segment.bytes", "14"), HasSubstr("at least 1048576"));
    EXPECT_THAT(*topic_config_problem("cleanup.policy", "delete,shred"),
                HasSubstr("one of: compact, delete"));
    EXPECT_THAT(*topic_config_problem("preallocate", "yes"), HasSubstr("true or false"));
    EXPECT_THAT(*topic_config_problem("min.cleanable.dirty.ratio", "1.5"),
                HasSubstr("no more than 1"));
    EXPECT_FALSE(topic_config_problem("preallocate", "TRUE").has_value());
    EXPECT_FALSE(topic_config_problem("cleanup.policy", "").has_value());
}

}  // namespace
}  // namespace ringlog::cluster
