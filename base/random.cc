// xoshiro256** and its seeding. See base/random.h.
#include "base/random.h"

#include <sys/random.h>

#include <bit>

#include "base/assert.h"

namespace ringlog {

Random::Random(uint64_t seed) {
    for (auto& word : state_) {
        seed += 0x9e3779b97f4a7c15ULL;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        word = z ^ (z >> 31);
    }
}

uint64_t Random::next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

uint64_t Random::below(uint64_t bound) {
    if (bound == 0) {
        return 0;
    }
    const auto product = static_cast<unsigned __int128>(next()) * bound;
    return static_cast<uint64_t>(product >> 64);
}

bool Random::chance(uint64_t numerator, uint64_t denominator) {
    return below(denominator) < numerator;
}

uint64_t system_seed() {
    uint64_t seed = 0;
    const ssize_t got = getrandom(&seed, sizeof(seed), 0);
    RL_ASSERT(got == sizeof(seed), "getrandom gave {} bytes", got);
    return seed;
}

}  // namespace ringlog
