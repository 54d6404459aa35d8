// Fault: a journal's files stood in the directory journal-<id>, which is also the name of a
// partition of a topic called "journal"; and each start removed every directory whose name began
// with "journal-" and was not in the manifest.
// Wrong: all records of a topic "journal-events" were gone after the next start, without a word; a
// topic "journal" renamed the journal itself aside, and no later start succeeded.
// Rule: nothing of ours in the data directory has a name that a partition's directory can have.
#include <gtest/gtest.h>

#include "engine/manifest.h"
#include "engine/store.h"
#include "tests/support/shard_harness.h"

namespace ringlog::engine::test {
namespace {

const std::vector<std::string> kTopics = {"journal", "journal-events", "journal.0", "checkpoint",
                                          "rescue"};

StoreOptions store_options(const ShardOptions& shard) {
    StoreOptions options;
    options.directory = "/data";
    options.cluster_id = "cluster";
    options.cores = {io::CoreId(0)};
    options.shard = shard;
    return options;
}

/// One life: each topic gets a record; how many records each log has then, or -1.
io::Task<std::vector<int64_t>> live(io::Reactor* here, StoreOptions options, int32_t epoch) {
    std::vector<int64_t> counts;
    auto opened = co_await open_store(*here, std::move(options));
    if (!opened) {
        co_return counts;
    }
    Shard& shard = *opened->shards.front();
    for (size_t i = 0; i < kTopics.size(); ++i) {
        OpenPartition request;
        request.id.topic = kTopics[i];
        request.id.topic_id.bytes[0] = static_cast<std::byte>(i + 1);
        request.leader_epoch = LeaderEpoch(epoch);
        auto partition = co_await shard.open_partition(request);
        std::vector<std::byte> batch = BatchBuilder().record(1, "value").build();
        const auto appended = co_await (*partition)->append(batch, {});
        int64_t count = appended ? 0 : -1;
        for (bool more = appended.has_value(); more;) {
            const auto data = co_await (*partition)->read(count, 1, (*partition)->log_end_offset());
            more = data && data->bytes > 0;
            count += more ? 1 : 0;
        }
        counts.push_back(count);
    }
    (void)co_await shard.close(true);
    co_return counts;
}

TEST(Regression, ATopicMayBeNamedLikeAJournal) {
    const ShardHarness harness({});
    simulation::SimWorld world(1);
    auto& node = world.add_node({});
    for (int32_t life = 1; life <= 4; ++life) {
        const auto counts =
            node.run(0, live(&node.reactor(), store_options(harness.shard_options()), life));
        ASSERT_TRUE(counts.has_value());
        EXPECT_EQ(*counts, std::vector<int64_t>(kTopics.size(), life));
        node.crash(simulation::CrashKind::kill);
        node.restart();
    }
}

TEST(Regression, TheNameOfAJournalIsNoPartitions) {
    EXPECT_EQ(journal_directory_name(JournalId(17)), "journal.17");
    EXPECT_EQ(journal_of_directory("journal.17"), JournalId(17));
    for (const char* name : {"journal-17", "journal.017", "journal.", "journal.1-0", "journal.x"}) {
        EXPECT_EQ(journal_of_directory(name), std::nullopt) << name;
    }
}

}  // namespace
}  // namespace ringlog::engine::test
