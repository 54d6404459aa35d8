// The load client against its own null server, over real sockets: what it reports must be what
// happened.
#include "bench/produce_run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "bench/null_server.h"
#include "bench/pacer.h"
#include "bench/process_usage.h"
#include "bench/report.h"
#include "bench/single_runs.h"

namespace ringlog::bench {
namespace {

class ProduceRun : public ::testing::Test {
protected:
    void SetUp() override {
        serve({});
        options_.topic = "topic";
        options_.warmup_seconds = 0.02;
        options_.seconds = 0.2;
        options_.broker_pid = ::getpid();
    }

    void serve(const NullFaults& faults) {
        auto started = NullServer::start(0, faults);
        ASSERT_TRUE(started);
        server_ = std::move(*started);
        options_.target = {.host = "127.0.0.1", .port = server_->port()};
    }

    std::unique_ptr<NullServer> server_;
    ProduceOptions options_;
};

TEST_F(ProduceRun, AClosedLoopCountsEveryAckOnceAndFindsOffsetsDense) {
    options_.connections = 6;
    options_.threads = 2;
    options_.in_flight = 5;
    options_.partition_count = 4;
    options_.records_per_batch = 3;
    const auto report = run_produce(options_);
    ASSERT_TRUE(report) << describe(report.error());
    EXPECT_TRUE(report->sound()) << describe_run(options_, *report);
    EXPECT_GT(report->requests, 0U);
    EXPECT_EQ(report->records, report->requests * 3);
    EXPECT_GT(report->client_cpu_ns, 0);
    EXPECT_GE(report->broker_cpu_ns, 0);
    EXPECT_GT(report->broker_resident_bytes, 0);
}

TEST_F(ProduceRun, ARunBoundedByRequestsEndsWithThem) {
    options_.requests_max = 500;
    const auto report = run_produce(options_);
    ASSERT_TRUE(report) << describe(report.error());
    EXPECT_TRUE(report->sound());
    EXPECT_GE(report->ack_ns.count(), 500U);
    EXPECT_LT(report->seconds, 60);
}

TEST_F(ProduceRun, MorePartitionsThanConnectionsAreAllServed) {
    options_.connections = 3;
    options_.partition_count = 10;
    options_.requests_max = 300;
    const auto report = run_produce(options_);
    ASSERT_TRUE(report) << describe(report.error());
    EXPECT_TRUE(report->sound()) << describe_run(options_, *report);
}

TEST_F(ProduceRun, LargeRequestsAreWrittenInPieces) {
    options_.connections = 2;
    options_.in_flight = 3;
    options_.records_per_batch = 1000;
    const auto report = run_produce(options_);
    ASSERT_TRUE(report) << describe(report.error());
    EXPECT_TRUE(report->sound()) << describe_run(options_, *report);
    EXPECT_GT(report->bytes, report->requests * 1'000'000);
}

TEST_F(ProduceRun, AnOpenLoopSendsWhatItsScheduleSays) {
    options_.per_second = 1000;
    options_.connections = 4;
    options_.spacing = Spacing::fixed;
    const auto report = run_produce(options_);
    ASSERT_TRUE(report) << describe(report.error());
    EXPECT_TRUE(report->sound()) << describe_run(options_, *report);
    EXPECT_EQ(report->intended, 200U);
    EXPECT_EQ(report->ack_ns.count(), 200U);
    EXPECT_EQ(report->late_ns.count(), 200U);
    EXPECT_GE(report->ack_ns.max(), report->service_ns.value_at(0));
}

TEST_F(ProduceRun, WithoutAcksARequestCountsOnceItIsWritten) {
    options_.acks = 0;
    options_.connections = 2;
    const auto report = run_produce(options_);
    ASSERT_TRUE(report) << describe(report.error());
    EXPECT_TRUE(report->sound());
    EXPECT_GT(report->requests, 0U);
}

TEST_F(ProduceRun, AnswersWithAnErrorAreCountedByTheirCodeAndNotAsAcks) {
    serve({.refuse_every = 10});
    options_.requests_max = 200;
    const auto report = run_produce(options_);
    ASSERT_TRUE(report) << describe(report.error());
    EXPECT_FALSE(report->sound());
    ASSERT_EQ(report->errors.count(6), 1U);
    EXPECT_GE(report->errors.at(6), 20U);
}

TEST_F(ProduceRun, AnOffsetThatIsGivenTwiceIsFound) {
    serve({.repeat_offset_every = 50});
    options_.requests_max = 200;
    const auto report = run_produce(options_);
    ASSERT_TRUE(report) << describe(report.error());
    EXPECT_FALSE(report->sound());
    EXPECT_GE(report->disordered, 3U);
}

TEST_F(ProduceRun, AnOffsetThatIsLeftOutIsFound) {
    serve({.skip_offset_every = 50});
    options_.requests_max = 200;
    const auto report = run_produce(options_);
    ASSERT_TRUE(report) << describe(report.error());
    EXPECT_EQ(report->undense, 1U);
    EXPECT_EQ(report->disordered, 0U);
}

TEST_F(ProduceRun, AConnectionThatBreaksEndsTheRunOfAllThreads) {
    serve({.hang_up_after = 100});
    options_.connections = 4;
    options_.threads = 2;
    options_.seconds = 600;
    const auto report = run_produce(options_);
    ASSERT_FALSE(report);
    EXPECT_TRUE(report.error().code == Errc::closed || report.error().code == Errc::io_failed);
}

TEST_F(ProduceRun, OptionsThatExcludeEachOtherAreRefused) {
    options_.end_to_end = true;
    options_.threads = 2;
    options_.connections = 2;
    EXPECT_EQ(run_produce(options_).error().code, Errc::invalid_argument);
}

TEST_F(ProduceRun, ATargetThatIsNotThereIsAnError) {
    server_.reset();
    options_.setup_seconds = 0.05;
    EXPECT_FALSE(run_produce(options_));
}

TEST_F(ProduceRun, TheFirstAckIsATimeOfThisClock) {
    const MonotonicNs before = SystemClock().monotonic_ns();
    const auto acked_ns = run_first_ack(options_);
    ASSERT_TRUE(acked_ns) << describe(acked_ns.error());
    EXPECT_GT(*acked_ns, before);
    EXPECT_LE(*acked_ns, SystemClock().monotonic_ns());
}

TEST(Pacer, KeepsItsMeanRate) {
    for (const Spacing spacing : {Spacing::fixed, Spacing::poisson}) {
        Pacer pacer({.per_second = 5000, .spacing = spacing, .seed = 3, .start_ns = kSecondNs});
        MonotonicNs last = kSecondNs;
        int count = 0;
        for (; pacer.next() < 21 * kSecondNs; ++count) {
            EXPECT_GE(pacer.next(), last);
            last = pacer.next();
            pacer.advance();
        }
        EXPECT_NEAR(count, 100'000, spacing == Spacing::fixed ? 1 : 1500);
    }
}

TEST(ProcessUsage, SeesThisProcessAndNoOther) {
    const auto usage = process_usage(::getpid());
    ASSERT_TRUE(usage);
    EXPECT_GT(usage->resident_bytes, 1 << 20);
    EXPECT_EQ(process_usage(-1).error().code, Errc::not_found);
    EXPECT_FALSE(cpu_ticks().empty());
}

TEST(Report, AQuantileWithTooFewSamplesIsNotPrinted) {
    Histogram histogram;
    for (uint64_t value = 1; value <= 100; ++value) {
        histogram.record(value * 1000);
    }
    const std::string text = describe_ns(histogram);
    EXPECT_NE(text.find("p90"), std::string::npos);
    EXPECT_EQ(text.find("p99"), std::string::npos);
}

}  // namespace
}  // namespace ringlog::bench
