// Goal: the oracle sees each thing that it is there to see. Method: a world without brokers, and
// answers that no right broker gives.
#include "tests/simulation/cluster/oracle.h"

#include <gtest/gtest.h>

#include <optional>

namespace ringlog::simulation {
namespace {

class OracleTest : public ::testing::Test {
protected:
    OracleTest() : swarm_(make_swarm()), world_(1), judge_(world_), oracle_(judge_, swarm_) {
        oracle_.set_covered_end([this](uint16_t, int32_t) { return covered_; });
        oracle_.create_begun(0);
        oracle_.created(0);
    }
    static Swarm make_swarm() {
        SwitchOrders none;
        for (const SwitchRow& row : switch_rows()) {
            none.excluded.set(row.name, true);
        }
        return {1, none, {}};
    }
    SentBatch& send(uint64_t number, int64_t producer_id = -1) {
        SentBatch batch;
        batch.first = {.id = {.producer = 1, .number = number}, .topic = 0, .partition = 0};
        batch.count = 2;
        batch.content_crc = static_cast<uint32_t>(number);
        batch.producer_id = producer_id;
        SentBatch& sent = oracle_.sent(batch);
        oracle_.attempt(sent);
        return sent;
    }
    static ReadBatch as_read(const SentBatch& batch, int64_t offset, int32_t epoch = 0) {
        ReadBatch read{.header = {}, .values = {}, .timestamps = {}, .content_crc = 0};
        read.header.base_offset = offset;
        read.header.last_offset_delta = batch.count - 1;
        read.header.records_count = batch.count;
        read.header.leader_epoch = engine::LeaderEpoch(epoch);
        read.header.producer_id = batch.producer_id;
        read.content_crc = batch.content_crc;
        for (int32_t i = 0; i < batch.count; ++i) {
            Value value = batch.first;
            value.id.number += static_cast<uint64_t>(i);
            read.values.push_back(value);
            read.timestamps.push_back(100 + offset + i);
        }
        return read;
    }
    [[nodiscard]] Ticket ticket() const { return oracle_.ticket(0); }
    void expect_failure(std::string_view number) const {
        EXPECT_EQ(judge_.failure().substr(0, judge_.failure().find(' ', 10)),
                  "invariant " + std::string(number));
    }

    Swarm swarm_;
    SimWorld world_;
    Judge judge_;
    Oracle oracle_;
    std::optional<int64_t> covered_ = 1000;
};

TEST_F(OracleTest, WhatIsRightHolds) {
    SentBatch& first = send(1);
    oracle_.acked(first, 0, ticket(), true);
    SentBatch& second = send(10);
    oracle_.acked(second, 2, ticket(), true);
    oracle_.read(ticket(), 0, as_read(first, 0));
    oracle_.read(ticket(), 0, as_read(second, 2));
    oracle_.read_whole(ticket(), 0, oracle_.required_end(0, 0), 4);
    EXPECT_EQ(judge_.failure(), "");
    EXPECT_EQ(oracle_.required_end(0, 0), 4);
}

TEST_F(OracleTest, AnOffsetThatTwoBatchesGot) {
    oracle_.acked(send(1), 0, ticket(), true);
    SentBatch& second = send(10);
    second.floor = 0;
    oracle_.acked(second, 1, ticket(), true);
    expect_failure("15");
}

TEST_F(OracleTest, AnOffsetBelowWhatWasAckedBeforeItWasSent) {
    oracle_.acked(send(1), 10, ticket(), true);
    oracle_.acked(send(10), 2, ticket(), true);
    expect_failure("15");
}

TEST_F(OracleTest, AnAckOfWhatIsNotOnDisk) {
    covered_ = 1;
    oracle_.acked(send(1), 0, ticket(), true);
    expect_failure("16");
}

TEST_F(OracleTest, ADuplicateThatIsAnsweredBeforeItsOriginalIsOnDisk) {
    SentBatch& batch = send(1, 77);
    oracle_.attempt(batch);
    covered_ = 0;
    oracle_.acked(batch, 0, ticket(), true);
    expect_failure("D2");
}

TEST_F(OracleTest, ABatchOfAnIdempotentProducerAtTwoOffsets) {
    SentBatch& batch = send(1, 77);
    oracle_.attempt(batch);
    oracle_.acked(batch, 0, ticket(), true);
    oracle_.read(ticket(), 0, as_read(batch, 2));
    expect_failure("24");
}

TEST_F(OracleTest, ABatchThatWasSentTwiceMayStandTwiceWithoutIdempotence) {
    SentBatch& batch = send(1);
    oracle_.attempt(batch);
    oracle_.acked(batch, 0, ticket(), true);
    oracle_.read(ticket(), 0, as_read(batch, 2));
    EXPECT_EQ(judge_.failure(), "");
    oracle_.read(ticket(), 0, as_read(batch, 4));
    expect_failure("24");
}

TEST_F(OracleTest, ARecordThatNobodySent) {
    SentBatch batch = send(1);
    batch.first.id.number = 99;
    oracle_.read(ticket(), 0, as_read(batch, 0));
    expect_failure("17");
}

TEST_F(OracleTest, ABatchWhoseRecordsAreOthers) {
    SentBatch batch = send(1);
    batch.content_crc ^= 1;
    oracle_.read(ticket(), 0, as_read(batch, 0));
    expect_failure("36");
}

TEST_F(OracleTest, ABatchOfAFormerLifeOfTheTopic) {
    SentBatch& batch = send(1);
    oracle_.acked(batch, 0, ticket(), true);
    oracle_.delete_begun(0);
    oracle_.deleted(0);
    oracle_.create_begun(0);
    oracle_.created(0);
    oracle_.read(ticket(), 0, as_read(batch, 0));
    expect_failure("D5");
}

TEST_F(OracleTest, AnAckOfATopicThatIsGone) {
    oracle_.delete_begun(0);
    oracle_.deleted(0);
    oracle_.acked(send(1), 0, ticket(), true);
    expect_failure("37");
}

TEST_F(OracleTest, AHighWatermarkThatGoesBack) {
    oracle_.saw_high_watermark(ticket(), 0, 0, 5);
    oracle_.saw_high_watermark(ticket(), 0, 5, 4);
    expect_failure("9");
}

TEST_F(OracleTest, AWholeReadThatMissesWhatWasAcked) {
    oracle_.acked(send(1), 0, ticket(), true);
    oracle_.read_whole(ticket(), 0, oracle_.required_end(0, 0), 1);
    expect_failure("37");
}

TEST_F(OracleTest, AnOffsetThatIsGivenAgainInTheSameEpoch) {
    SentBatch& lost = send(1);
    oracle_.acked(lost, 0, ticket(), true);
    oracle_.read(ticket(), 0, as_read(lost, 0, 3));
    oracle_.cut(0, 0, 0);
    oracle_.read(ticket(), 0, as_read(send(10), 0, 3));
    expect_failure("D3");
}

TEST_F(OracleTest, AnOffsetThatWasLostIsGivenAgainInALaterEpoch) {
    SentBatch& lost = send(1);
    oracle_.acked(lost, 0, ticket(), true);
    oracle_.read(ticket(), 0, as_read(lost, 0, 3));
    oracle_.cut(0, 0, 0);
    oracle_.read(ticket(), 0, as_read(send(10), 0, 4));
    EXPECT_EQ(judge_.failure(), "");
    EXPECT_EQ(oracle_.required_end(0, 0), 0);
}

TEST_F(OracleTest, ALookupByTimeThatPassesARecord) {
    SentBatch& batch = send(1);
    oracle_.acked(batch, 0, ticket(), true);
    oracle_.read(ticket(), 0, as_read(batch, 0));  // times 100 and 101
    oracle_.time_lookup(ticket(), 0, 100, 2, 0, 100);
    oracle_.time_lookup(ticket(), 0, 101, 2, 1, 101);
    oracle_.time_lookup(ticket(), 0, 102, 2, -1, -1);
    EXPECT_EQ(judge_.failure(), "");
    oracle_.time_lookup(ticket(), 0, 100, 2, 1, 101);
    expect_failure("23");
}

}  // namespace
}  // namespace ringlog::simulation
