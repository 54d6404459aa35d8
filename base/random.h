// Randomness as a seam: every stream comes from a seed, so that a run can be replayed. Any core;
// one object, one core.
#pragma once

#include <array>
#include <cstdint>

namespace ringlog {

/// xoshiro256** of Blackman and Vigna, seeded by splitmix64. Not for secrets.
class Random {
public:
    explicit Random(uint64_t seed);

    /// 64 uniform bits.
    uint64_t next();

    /// Uniform in [0, bound); 0 if bound is 0.
    uint64_t below(uint64_t bound);

    /// True with probability numerator / denominator.
    bool chance(uint64_t numerator, uint64_t denominator);

    /// A seed for a stream of its own, so that one consumer's draws do not move another's.
    uint64_t fork() { return next(); }

private:
    std::array<uint64_t, 4> state_{};
};

/// A seed from the kernel (getrandom), for production. Never fails: it blocks until the kernel has
/// entropy.
uint64_t system_seed();

}  // namespace ringlog
