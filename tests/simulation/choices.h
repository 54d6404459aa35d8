// How a power loss decides what is left: by chance, every way there is, or one way with a single
// exception. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/assert.h"
#include "base/random.h"

namespace ringlog::simulation {

/// Answers questions with a number of possible answers. 0 is always "less is left", the last "more
/// is left".
class Choices {
public:
    enum class About : uint8_t {
        writeback,  ///< Whether, and up to where, the kernel had written a file back by itself.
        names,      ///< How many changes of a directory are durable.
        sector,     ///< Which of a sector's versions is left.
        garbage,    ///< Whether a sector is left as none of them.
    };
    virtual ~Choices() = default;
    /// From [0, bound); bound is at least 1.
    virtual uint64_t below(uint64_t bound, About about) = 0;
    /// What follows is asked of this file or directory.
    virtual void begin(uint64_t /*inode*/) {}
    /// Which version of a sector is left: 0 what was durable, n what the nth of `marks` (changes of
    /// its file, oldest first) wrote.
    virtual uint64_t version(uint64_t /*sector*/, std::span<const uint64_t> marks) {
        return below(marks.size() + 1, About::sector);
    }
};

class RandomChoices final : public Choices {
public:
    explicit RandomChoices(Random& random) : random_(random) {}
    uint64_t below(uint64_t bound, About /*about*/) override { return random_.below(bound); }

private:
    Random& random_;
};

/// The answers that follow `answers` in the order of all outcomes, where each lies below its bound;
/// nothing after the last.
inline std::optional<std::vector<uint64_t>> next_answers(std::vector<uint64_t> answers,
                                                         const std::vector<uint64_t>& bounds) {
    answers.resize(bounds.size());
    while (!answers.empty() && answers.back() + 1 == bounds[answers.size() - 1]) {
        answers.pop_back();
    }
    if (answers.empty()) {
        return std::nullopt;
    }
    ++answers.back();
    return answers;
}

/// Every outcome once: `do { use } while (choices.next());`.
class EveryChoice final : public Choices {
public:
    uint64_t below(uint64_t bound, About /*about*/) override {
        if (at_ == digits_.size()) {
            digits_.push_back({0, bound});
        }
        RL_ASSERT(digits_[at_].bound == bound, "the questions depend on more than the answers");
        return digits_[at_++].value;
    }
    /// The next outcome; false after the last.
    bool next() {
        at_ = 0;
        while (!digits_.empty() && digits_.back().value + 1 == digits_.back().bound) {
            digits_.pop_back();
        }
        if (digits_.empty()) {
            return false;
        }
        ++digits_.back().value;
        return true;
    }

private:
    struct Digit {
        uint64_t value;
        uint64_t bound;
    };
    std::vector<Digit> digits_;
    size_t at_ = 0;
};

/// The first or the last answer everywhere, as `baseline` says, but for one question.
class OneException final : public Choices {
public:
    enum class Baseline : uint8_t {
        nothing,        ///< Nothing unsynced is left.
        everything,     ///< All of it is.
        all_overwrites  ///< Every name and every overwritten sector, nothing of what had grown.
    };
    /// `question` from 0 (one that is never asked: no exception); `answer` is taken modulo its
    /// bound.
    OneException(Baseline baseline, uint64_t question, uint64_t answer)
        : baseline_(baseline), question_(question), answer_(answer) {}

    uint64_t below(uint64_t bound, About about) override {
        bounds_.push_back(bound);
        if (bounds_.size() - 1 == question_) {
            return answer_ % bound;
        }
        const bool last = about != About::garbage &&
                          (baseline_ == Baseline::everything ||
                           (baseline_ == Baseline::all_overwrites && about != About::writeback));
        return last ? bound - 1 : 0;
    }
    /// The bounds of what was asked.
    [[nodiscard]] const std::vector<uint64_t>& bounds() const { return bounds_; }

private:
    Baseline baseline_;
    uint64_t question_;
    uint64_t answer_;
    std::vector<uint64_t> bounds_;
};

}  // namespace ringlog::simulation
