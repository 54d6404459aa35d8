// From a plain thread into coroutines: for tests, tools and the short life of a command.
#pragma once

#include <optional>
#include <utility>

#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::io {

namespace detail {

inline Detached finish(Reactor& reactor, Task<void> task, bool& finished) {
    co_await std::move(task);
    finished = true;
    reactor.wake();  // The turn that this ends in must not wait for more.
}

template <typename T>
Detached finish(Reactor& reactor, Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
    reactor.wake();
}

}  // namespace detail

/// Runs `task` on `reactor`, whose core is the calling thread, and turns the reactor until it has
/// finished.
inline void block_on(Reactor& reactor, Task<void> task) {
    bool finished = false;
    detail::finish(reactor, std::move(task), finished);
    while (!finished) {
        reactor.turn(true);
    }
}
template <typename T>
T block_on(Reactor& reactor, Task<T> task) {
    std::optional<T> value;
    detail::finish(reactor, std::move(task), value);
    while (!value.has_value()) {
        reactor.turn(true);
    }
    return std::move(*value);
}

}  // namespace ringlog::io
