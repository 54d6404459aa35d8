// Coroutines: Task<T> expresses every wait, TaskGroup owns what runs beside its starter. One core;
// no I/O of its own. Explained in docs/architecture.md, "Coroutines".
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/assert.h"

namespace ringlog::io {

template <typename T>
class Task;

namespace detail {

/// Resumes whoever awaits the finished task, without growing the stack.
struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
        return self.promise().continuation_;
    }
    void await_resume() noexcept {}
};

struct PromiseBase {
    std::coroutine_handle<> continuation_ = std::noop_coroutine();

    std::suspend_always initial_suspend() noexcept { return {}; }
    FinalAwaiter final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { std::terminate(); }
};

template <typename T>
struct Promise : PromiseBase {
    std::optional<T> value_;

    Task<T> get_return_object();
    template <typename U>
        requires std::is_constructible_v<T, U&&>
    void return_value(U&& value) {
        value_.emplace(std::forward<U>(value));
    }
};

template <>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object();
    void return_void() {}
};

}  // namespace detail

/// A lazy coroutine: it starts when it is awaited, is awaited at most once, and resumes its awaiter
/// on the same core. Destroying a task that has not finished is allowed only before it was started.
template <typename T>
class [[nodiscard]] Task {
public:
    using promise_type = detail::Promise<T>;
    using value_type = T;
    using Handle = std::coroutine_handle<promise_type>;

    explicit Task(Handle handle) : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    Task& operator=(Task&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task() {
        if (handle_) {
            handle_.destroy();
        }
    }

    auto operator co_await() && noexcept {
        struct Awaiter {
            Handle handle;
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
                handle.promise().continuation_ = awaiting;
                return handle;
            }
            T await_resume() {
                if constexpr (!std::is_void_v<T>) {
                    return std::move(*handle.promise().value_);
                }
            }
        };
        return Awaiter{handle_};
    }

private:
    Handle handle_;
};

namespace detail {

template <typename T>
Task<T> Promise<T>::get_return_object() {
    return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() {
    return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

/// A coroutine that starts at once and frees itself at its end.
struct Detached {
    struct promise_type {
        Detached get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

}  // namespace detail

/// Owns tasks that run beside the one that started them. close() is awaited before the group is
/// destroyed.
class TaskGroup {
public:
    TaskGroup() = default;
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup() { RL_ASSERT(running_ == 0, "{} tasks still run", running_); }

    /// Starts `task` now, on this stack, until its first wait.
    void spawn(Task<void> task) { run(std::move(task)); }

    /// Tasks that have not finished.
    [[nodiscard]] uint64_t running() const { return running_; }

    /// Waits until every task has finished. At most one waiter; it asks nothing to stop.
    auto close() {
        struct Awaiter {
            TaskGroup& group;
            bool await_ready() const noexcept { return group.running_ == 0; }
            void await_suspend(std::coroutine_handle<> awaiting) noexcept {
                RL_ASSERT(!group.closer_);
                group.closer_ = awaiting;
            }
            void await_resume() const noexcept {}
        };
        return Awaiter{*this};
    }

private:
    detail::Detached run(Task<void> task) {
        ++running_;
        co_await std::move(task);
        --running_;
        if (running_ == 0 && closer_) {
            std::exchange(closer_, {}).resume();
        }
    }

    uint64_t running_ = 0;
    std::coroutine_handle<> closer_;
};

}  // namespace ringlog::io
