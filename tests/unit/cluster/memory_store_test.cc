// What only the simulated store does: leases that expire, lost messages, broken watches,
// compaction, absence.
#include "cluster/memory_store.h"

#include <gtest/gtest.h>

#include "tests/unit/cluster/test_core.h"

namespace ringlog::cluster {
namespace {

using testing::TestCore;

class MemoryStoreTest : public ::testing::Test {
protected:
    ~MemoryStoreTest() override { core_.run(store_.close()); }

    Result<Revision> put(const std::string& key, const std::string& value, LeaseId lease = 0) {
        return core_.run(store_.write({}, {{.key = key, .value = value, .lease = lease}}));
    }
    size_t count(const std::string& prefix) {
        return core_.run(store_.read(KeyRange::of_prefix(prefix)))->entries.size();
    }
    void pass(int64_t duration_ns) { core_.run(pass_task(core_.reactor(), duration_ns)); }
    static io::Task<void> pass_task(io::Reactor& reactor, int64_t duration_ns) {
        co_await reactor.sleep_for(duration_ns);  // sleeps because the clock is simulated
    }

    TestCore core_;
    MemoryStoreState state_{core_.clock()};
    MemoryStore store_{core_.reactor(), state_};
};

TEST_F(MemoryStoreTest, ALeaseEndsWhenItIsNotRenewed) {
    const LeaseGrant lease = *core_.run(store_.grant_lease(100));
    ASSERT_TRUE(put("k", "1", lease.id).has_value());
    pass(60 * kMillisecondNs);
    ASSERT_TRUE(core_.run(store_.renew_lease(lease.id)).has_value());
    pass(60 * kMillisecondNs);
    EXPECT_EQ(count("k"), 1U);
    pass(60 * kMillisecondNs);
    EXPECT_EQ(count("k"), 0U);
    EXPECT_EQ(core_.run(store_.renew_lease(lease.id)).error().code, Errc::not_found);
}

TEST_F(MemoryStoreTest, AWatcherSeesALeaseEndWithoutAnybodyAsking) {
    const LeaseGrant lease = *core_.run(store_.grant_lease(100));
    ASSERT_TRUE(put("k", "1", lease.id).has_value());
    auto watch = core_.run(store_.watch(KeyRange::of_prefix("k"), 2));
    const auto batch = core_.run((*watch)->next());
    ASSERT_EQ(batch->changes.size(), 1U);
    EXPECT_TRUE(batch->changes[0].deleted);
}

TEST_F(MemoryStoreTest, ALostAnswerIsAWriteThatHappenedAndALostRequestIsNot) {
    store_.set_faults({.lost_answer_permille = 1000});
    EXPECT_EQ(put("a", "1").error().code, Errc::timed_out);
    store_.set_faults({.lost_request_permille = 1000});
    EXPECT_EQ(put("a", "2").error().code, Errc::timed_out);
    store_.set_faults({});
    EXPECT_EQ(core_.run(store_.read(KeyRange::of_key("a")))->entries.at(0).value, "1");
}

TEST_F(MemoryStoreTest, AbsenceTimesOutAndChangesNothing) {
    state_.set_available(false);
    EXPECT_EQ(put("a", "1").error().code, Errc::timed_out);
    EXPECT_EQ(core_.run(store_.read(KeyRange::of_key("a"))).error().code, Errc::timed_out);
    state_.set_available(true);
    EXPECT_EQ(count("a"), 0U);
}

TEST_F(MemoryStoreTest, AWatchOfForgottenRevisionsIsToldSo) {
    ASSERT_TRUE(put("a", "1").has_value());
    auto watch = core_.run(store_.watch(KeyRange::of_prefix("a"), 1));
    ASSERT_TRUE(put("a", "2").has_value());
    state_.compact(2);
    EXPECT_EQ(core_.run((*watch)->next()).error().code, Errc::not_found);
    EXPECT_EQ(core_.run(store_.watch(KeyRange::of_prefix("a"), 1)).error().code, Errc::not_found);
    auto later = core_.run(store_.watch(KeyRange::of_prefix("a"), 2));
    EXPECT_EQ(core_.run((*later)->next())->changes.size(), 1U);
}

TEST_F(MemoryStoreTest, ABrokenWatchContinuesFromTheNextRevision) {
    store_.set_faults({.broken_watch_permille = 1000});
    ASSERT_TRUE(put("a", "1").has_value());
    auto watch = core_.run(store_.watch(KeyRange::of_prefix("a"), 1));
    EXPECT_EQ(core_.run((*watch)->next()).error().code, Errc::cancelled);
    store_.set_faults({});
    watch = core_.run(store_.watch(KeyRange::of_prefix("a"), 1));
    EXPECT_EQ(core_.run((*watch)->next())->changes.size(), 1U);
}

TEST_F(MemoryStoreTest, TheSameSeedLosesTheSameCalls) {
    const auto outcomes = [this] {
        store_.set_faults({.seed = 42, .delay_max_ns = 1000, .lost_answer_permille = 300});
        std::string text;
        for (int i = 0; i < 40; ++i) {
            text += put("a", "1").has_value() ? '1' : '0';
        }
        return text;
    };
    const std::string first = outcomes();
    EXPECT_EQ(first, outcomes());
    EXPECT_NE(first.find('0'), std::string::npos);
    store_.set_faults({});
}

TEST_F(MemoryStoreTest, TwoClientsShareOneState) {
    MemoryStore other(core_.reactor(), state_);
    ASSERT_TRUE(put("a", "1").has_value());
    EXPECT_EQ(core_.run(other.write({{.key = "a"}}, {{.key = "a", .value = "2"}})).error().code,
              Errc::conflict);
    core_.run(other.close());
}

}  // namespace
}  // namespace ringlog::cluster
