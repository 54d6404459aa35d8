// Between the admin thread and core 0. See broker/admin_bridge.h.
#include "broker/admin_bridge.h"

#include "base/assert.h"

namespace ringlog::broker {

/// Waits for a question or the end; null at the end, or if the question was withdrawn.
struct AdminBridge::NextQuestion {
    AdminBridge& bridge;

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> awaiting) {
        const std::lock_guard lock(bridge.mutex_);
        if (bridge.closed_ || !bridge.questions_.empty()) {
            return false;
        }
        bridge.wakeup_.waiter = awaiting;
        bridge.parked_ = true;
        return true;
    }
    QuestionPtr await_resume() {
        const std::lock_guard lock(bridge.mutex_);
        if (bridge.closed_ || bridge.questions_.empty()) {
            return nullptr;
        }
        QuestionPtr question = std::move(bridge.questions_.front());
        bridge.questions_.pop_front();
        return question;
    }
};

AdminBridge::~AdminBridge() {
    RL_ASSERT(!serving_, "serve() is awaited before");
}

void AdminBridge::wake_locked() {
    if (parked_) {
        parked_ = false;
        reactor_->blocking_call_done(wakeup_);
    }
}

io::Task<void> AdminBridge::serve(io::Reactor& reactor, AdminSource& source) {
    {
        const std::lock_guard lock(mutex_);
        RL_ASSERT(!serving_);
        reactor_ = &reactor;
        serving_ = true;
    }
    while (!is_closed()) {
        const QuestionPtr question = co_await NextQuestion{*this};
        if (question == nullptr) {
            continue;
        }
        // The asker looks at these only after `answered`, which is set under the lock.
        if (question->for_metrics) {
            question->metrics = co_await source.metrics();
        } else {
            question->status = co_await source.status();
        }
        const std::lock_guard lock(mutex_);
        question->answered = true;
        answered_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    serving_ = false;
}

bool AdminBridge::is_closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
}

void AdminBridge::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    answered_.notify_all();
    wake_locked();
}

AdminBridge::QuestionPtr AdminBridge::ask(bool for_metrics, std::chrono::milliseconds timeout) {
    auto question = std::make_shared<Question>();
    question->for_metrics = for_metrics;
    std::unique_lock lock(mutex_);
    if (closed_ || !serving_) {
        return nullptr;
    }
    questions_.push_back(question);
    wake_locked();
    answered_.wait_for(lock, timeout, [&] { return question->answered || closed_; });
    if (!question->answered) {
        std::erase(questions_, question);
        return nullptr;
    }
    return question;
}

std::optional<BrokerStatus> AdminBridge::status(std::chrono::milliseconds timeout) {
    const QuestionPtr question = ask(false, timeout);
    return question == nullptr ? std::nullopt : std::move(question->status);
}

std::optional<std::vector<MetricSnapshot>> AdminBridge::metrics(std::chrono::milliseconds timeout) {
    const QuestionPtr question = ask(true, timeout);
    return question == nullptr ? std::nullopt : std::move(question->metrics);
}

}  // namespace ringlog::broker
