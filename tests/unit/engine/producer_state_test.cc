// Idempotent producers against an independent, slow model that keeps every batch ever appended.
#include "engine/producer_state.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <vector>

#include "base/random.h"

namespace ringlog::engine {
namespace {

constexpr int32_t kMaxSequence = std::numeric_limits<int32_t>::max();

BatchHeader batch_of(int64_t id, int16_t epoch, int32_t sequence, int32_t count = 1) {
    return {.last_offset_delta = count - 1,
            .max_timestamp = int64_t{500} + sequence,
            .producer_id = id,
            .producer_epoch = epoch,
            .base_sequence = sequence,
            .records_count = count};
}

Errc refusal(const ProducerStates& states, const BatchHeader& batch) {
    const auto verdict = states.check(batch);
    return verdict ? Errc{} : verdict.error().code;
}

TEST(ProducerStates, AnUnknownProducerMayBeginAnywhere) {
    const ProducerStates states;
    EXPECT_EQ(refusal(states, batch_of(1, 7, 12345)), Errc{});
}

TEST(ProducerStates, BatchesWithoutASequenceLeaveNoTrace) {
    ProducerStates states;
    states.append(batch_of(-1, -1, -1), 0, 0);
    states.append(batch_of(5, 0, -1), 1, 0);
    EXPECT_EQ(states.size(), 0U);
    EXPECT_EQ(refusal(states, batch_of(-1, -1, -1)), Errc{});
}

TEST(ProducerStates, TheLastFiveBatchesAreAnsweredWithTheirOffsets) {
    ProducerStates states;
    for (int32_t i = 0; i < 6; ++i) {
        states.append(batch_of(1, 0, i * 10, 10), 100 + i * 10, 0);
    }
    for (int32_t i = 1; i < 6; ++i) {
        const auto verdict = states.check(batch_of(1, 0, i * 10, 10));
        ASSERT_TRUE(verdict && verdict->duplicate) << i;
        EXPECT_EQ(verdict->duplicate->base_offset, 100 + i * 10);
        EXPECT_EQ(verdict->duplicate->last_offset, 109 + i * 10);
        EXPECT_EQ(verdict->duplicate->timestamp, 500 + i * 10);
    }
    EXPECT_EQ(refusal(states, batch_of(1, 0, 0, 10)), Errc::out_of_order_sequence);
    EXPECT_EQ(refusal(states, batch_of(1, 0, 50, 9)), Errc::out_of_order_sequence);
    EXPECT_EQ(refusal(states, batch_of(1, 0, 61)), Errc::out_of_order_sequence);
    EXPECT_EQ(refusal(states, batch_of(1, 0, 60)), Errc{});
}

TEST(ProducerStates, SequencesGoOnAtZeroBehindTheLargest) {
    ProducerStates states;
    states.append(batch_of(1, 0, kMaxSequence), 0, 0);
    EXPECT_EQ(refusal(states, batch_of(1, 0, 0)), Errc{});
    EXPECT_EQ(refusal(states, batch_of(1, 0, 1)), Errc::out_of_order_sequence);
    states.append(batch_of(2, 0, kMaxSequence - 1, 5), 1, 0);  // Ends at sequence 2.
    EXPECT_EQ(refusal(states, batch_of(2, 0, 3)), Errc{});
    EXPECT_TRUE(states.check(batch_of(2, 0, kMaxSequence - 1, 5))->duplicate);
}

TEST(ProducerStates, ANewEpochBeginsAtZeroAndAnOldOneIsRefused) {
    ProducerStates states;
    states.append(batch_of(1, 3, 0), 0, 0);
    EXPECT_EQ(refusal(states, batch_of(1, 2, 1)), Errc::invalid_producer_epoch);
    EXPECT_EQ(refusal(states, batch_of(1, 4, 1)), Errc::out_of_order_sequence);
    const auto verdict = states.check(batch_of(1, 4, 0));
    ASSERT_TRUE(verdict);
    EXPECT_FALSE(verdict->duplicate);
    states.append(batch_of(1, 4, 0), 1, 0);
    EXPECT_EQ(refusal(states, batch_of(1, 3, 0)), Errc::invalid_producer_epoch);
}

TEST(ProducerStates, TheProducerThatWasIdleLongestIsForgottenFirst) {
    ProducerStates states;
    for (size_t id = 0; id < kProducersPerPartitionMax; ++id) {
        states.append(batch_of(static_cast<int64_t>(id), 0, 0), 0, 0);
    }
    states.append(batch_of(0, 0, 1), 1, 0);
    states.append(batch_of(1'000'000, 0, 0), 2, 0);
    EXPECT_EQ(states.size(), kProducersPerPartitionMax);
    EXPECT_EQ(refusal(states, batch_of(0, 0, 99)), Errc::out_of_order_sequence);
    EXPECT_EQ(refusal(states, batch_of(1, 0, 99)), Errc{});
}

TEST(ProducerStates, ExpiryCountsFromTheLastAppendWhateverTheClockDid) {
    ProducerStates states;
    states.append(batch_of(1, 0, 0), 0, 5000);
    states.append(batch_of(2, 0, 0), 1, 1000);  // The clock stepped back.
    EXPECT_EQ(states.expire(1999, 1000), 0U);
    EXPECT_EQ(states.expire(2000, 1000), 1U);
    EXPECT_EQ(states.snapshot().front().producer_id, 1);
    EXPECT_EQ(states.expire(6000, 1000), 1U);
    EXPECT_EQ(states.size(), 0U);
}

TEST(ProducerStates, TruncationForgetsWhatWasCutAndOnlyThat) {
    ProducerStates states;
    states.append(batch_of(1, 0, 0, 10), 0, 0);
    states.append(batch_of(1, 0, 10, 10), 10, 0);
    states.append(batch_of(2, 0, 0, 10), 20, 0);
    states.truncate(15);
    EXPECT_EQ(states.size(), 1U);
    EXPECT_TRUE(states.check(batch_of(1, 0, 0, 10))->duplicate);
    EXPECT_FALSE(states.check(batch_of(1, 0, 10, 10))->duplicate);
    EXPECT_EQ(refusal(states, batch_of(2, 0, 77)), Errc{});
}

TEST(ProducerStates, ASnapshotRestoresEverythingAndItsOrderOfUse) {
    ProducerStates states;
    states.append(batch_of(9, 1, 0), 0, 30);
    states.append(batch_of(3, 1, 0), 1, 10);
    states.append(batch_of(7, 1, 0), 2, 20);
    const auto saved = states.snapshot();
    ASSERT_EQ(saved.size(), 3U);
    EXPECT_EQ(saved[0].producer_id, 3);
    EXPECT_EQ(saved[2].producer_id, 9);
    ProducerStates other;
    other.append(batch_of(1000, 0, 0), 0, 0);
    other.restore(saved);
    EXPECT_EQ(other.snapshot(), saved);
    EXPECT_EQ(refusal(other, batch_of(1000, 0, 55)), Errc{});
}

TEST(ProducerStates, RestoreSurvivesEntriesThatNameOneProducerTwice) {
    ProducerStates states;
    const ProducerEntry entry{.producer_id = 4, .producer_epoch = 1};
    states.restore({entry, entry});
    EXPECT_EQ(states.size(), 1U);
    EXPECT_EQ(states.expire(1, 1), 1U);
}

/// Keeps everything; decides from the list of all appends of one producer in its newest epoch.
class Model {
public:
    struct Append {
        int16_t epoch;
        int64_t first;  ///< Counted without wrapping, so that order is plain.
        int64_t count;
        int64_t base_offset;
    };

    enum class Answer : uint8_t { accept, duplicate, bad_epoch, bad_sequence };

    Answer judge(int64_t id, int16_t epoch, int32_t sequence, int32_t count, int64_t& base) const {
        const auto found = log_.find(id);
        if (found == log_.end()) {
            return Answer::accept;
        }
        const auto& log = found->second;
        const int16_t newest = log.back().epoch;
        if (epoch < newest) {
            return Answer::bad_epoch;
        }
        if (epoch > newest) {
            return sequence == 0 ? Answer::accept : Answer::bad_sequence;
        }
        size_t seen = 0;
        for (auto it = log.rbegin(); it != log.rend() && it->epoch == newest && seen < 5; ++it) {
            ++seen;
            if (wrap(it->first) == sequence && it->count == count) {
                base = it->base_offset;
                return Answer::duplicate;
            }
        }
        return wrap(log.back().first + log.back().count) == sequence ? Answer::accept
                                                                     : Answer::bad_sequence;
    }

    void append(int64_t id, int16_t epoch, int32_t sequence, int32_t count, int64_t base) {
        auto& log = log_[id];
        const bool goes_on = !log.empty() && log.back().epoch == epoch;
        const int64_t first = goes_on ? log.back().first + log.back().count : sequence;
        log.push_back({epoch, first, count, base});
    }

    [[nodiscard]] const std::vector<Append>* log_of(int64_t id) const {
        const auto found = log_.find(id);
        return found == log_.end() ? nullptr : &found->second;
    }

    static int32_t wrap(int64_t sequence) {
        return static_cast<int32_t>(sequence % (int64_t{1} << 31));
    }

private:
    std::map<int64_t, std::vector<Append>> log_;
};

struct Attempt {
    int64_t id;
    int16_t epoch;
    int32_t sequence;
    int32_t count;
};

/// Mostly what a producer would send: the next batch, a resend, a bumped epoch; sometimes a
/// mistake.
Attempt draw(Random& random, const Model& model) {
    Attempt attempt{.id = static_cast<int64_t>(random.below(4)),
                    .epoch = 0,
                    .sequence = static_cast<int32_t>(kMaxSequence - random.below(30)),
                    .count = static_cast<int32_t>(1 + random.below(12))};
    const auto* log = model.log_of(attempt.id);
    if (log == nullptr) {
        return attempt;
    }
    const auto& last = log->back();
    attempt.epoch = last.epoch;
    switch (random.below(8)) {
        case 0: {
            const size_t back = 1 + random.below(std::min<size_t>(7, log->size()));
            const auto& old = (*log)[log->size() - back];
            attempt.epoch = old.epoch;
            attempt.sequence = Model::wrap(old.first);
            attempt.count = static_cast<int32_t>(old.count);
            break;
        }
        case 1:
            attempt.epoch = static_cast<int16_t>(last.epoch + (random.chance(1, 10) ? 1 : 0));
            attempt.sequence = random.chance(1, 2) ? 0 : attempt.sequence;
            break;
        case 2: attempt.epoch = static_cast<int16_t>(last.epoch - 1); break;
        case 3: attempt.sequence = Model::wrap(last.first + last.count + 1); break;
        default: attempt.sequence = Model::wrap(last.first + last.count); break;
    }
    return attempt;
}

TEST(ProducerStates, AgreeWithAModelThatKeepsEverything) {
    size_t accepted = 0;
    size_t duplicates = 0;
    for (uint64_t seed = 1; seed <= 50; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        Model model;
        ProducerStates states;
        int64_t next_offset = 0;
        for (int step = 0; step < 600; ++step) {
            const Attempt a = draw(random, model);
            const BatchHeader batch = batch_of(a.id, a.epoch, a.sequence, a.count);
            int64_t base = -1;
            const auto expected = model.judge(a.id, a.epoch, a.sequence, a.count, base);
            const auto verdict = states.check(batch);
            switch (expected) {
                case Model::Answer::bad_epoch:
                    ASSERT_EQ(refusal(states, batch), Errc::invalid_producer_epoch);
                    break;
                case Model::Answer::bad_sequence:
                    ASSERT_EQ(refusal(states, batch), Errc::out_of_order_sequence);
                    break;
                case Model::Answer::duplicate:
                    ASSERT_TRUE(verdict && verdict->duplicate);
                    ASSERT_EQ(verdict->duplicate->base_offset, base);
                    ++duplicates;
                    break;
                case Model::Answer::accept:
                    ASSERT_TRUE(verdict && !verdict->duplicate);
                    states.append(batch, next_offset, step);
                    model.append(a.id, a.epoch, a.sequence, a.count, next_offset);
                    next_offset += a.count;
                    ++accepted;
                    break;
            }
            if (random.chance(1, 50)) {
                ProducerStates restarted;
                restarted.restore(states.snapshot());
                states = std::move(restarted);
            }
        }
    }
    EXPECT_GT(accepted, 10'000U);
    EXPECT_GT(duplicates, 500U);
}

}  // namespace
}  // namespace ringlog::engine
