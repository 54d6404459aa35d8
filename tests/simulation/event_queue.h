// What is going to happen in a simulated run: a queue by virtual time; what falls on one instant
// happens in an order drawn from the seed. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/clock.h"
#include "base/random.h"

namespace ringlog::simulation {

/// One life of a node: from its start to its crash. 0 is nobody's: such events survive every crash.
using LifeId = uint64_t;
constexpr LifeId kNobody = 0;

class EventQueue {
public:
    using Action = std::function<void()>;

    explicit EventQueue(uint64_t seed) : random_(seed) {}

    void at(MonotonicNs time, LifeId owner, Action action) {
        events_.emplace(Key{time, random_.next(), next_++}, Event{owner, std::move(action)});
    }

    [[nodiscard]] bool empty() const { return events_.empty(); }
    [[nodiscard]] size_t size() const { return events_.size(); }
    /// INT64_MAX if there is none.
    [[nodiscard]] MonotonicNs next_time() const {
        return events_.empty() ? INT64_MAX : std::get<0>(events_.begin()->first);
    }
    Action pop() {
        RL_ASSERT(!events_.empty());
        Action action = std::move(events_.begin()->second.action);
        events_.erase(events_.begin());
        return action;
    }
    /// Removes what belongs to `owner` and gives it: it holds pointers into frames that must stay
    /// reachable.
    std::vector<Action> take_owned_by(LifeId owner) {
        std::vector<Action> taken;
        for (auto it = events_.begin(); it != events_.end();) {
            if (it->second.owner == owner) {
                taken.push_back(std::move(it->second.action));
                it = events_.erase(it);
            } else {
                ++it;
            }
        }
        return taken;
    }

private:
    using Key = std::tuple<MonotonicNs, uint64_t, uint64_t>;
    struct Event {
        LifeId owner;
        Action action;
    };

    Random random_;
    uint64_t next_ = 0;
    std::map<Key, Event> events_;
};

}  // namespace ringlog::simulation
