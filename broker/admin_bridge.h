// Questions of the admin thread to the cores: asked from any thread, answered by a coroutine on
// core 0, waited for with a bound. Explained in docs/architecture.md.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "broker/metrics.h"
#include "io/reactor.h"
#include "io/task.h"

namespace ringlog::broker {

/// What the broker says about itself.
struct BrokerStatus {
    bool ready = false;                 ///< Serves clients: started, not draining.
    std::vector<std::string> problems;  ///< What keeps it from being healthy, one sentence each.
    std::string cluster_id;
    int32_t node_id = 0;
    int64_t broker_epoch = 0;
    std::string durability;
    std::string io_backend;
    std::string data_directory;
    std::vector<std::string> listeners;  ///< "PLAINTEXT://127.0.0.1:9092"
    int64_t uptime_ms = 0;
    uint16_t core_count = 0;
    uint64_t topic_count = 0;
    int64_t partition_count = 0;
    uint64_t connection_count = 0;

    struct Topic {
        std::string name;
        int32_t partition_count = 0;
    };
    /// The first kTopicsShown by name.
    std::vector<Topic> topics;
    static constexpr size_t kTopicsShown = 500;
};

/// Gathers what is asked for, from all cores. Implemented by the broker; called on core 0, one
/// question at a time.
class AdminSource {
public:
    virtual ~AdminSource() = default;
    virtual io::Task<BrokerStatus> status() = 0;
    virtual io::Task<std::vector<MetricSnapshot>> metrics() = 0;
};

class AdminBridge {
public:
    AdminBridge() = default;
    ~AdminBridge();

    /// Answers questions until close(). On the reactor that it is given, once.
    io::Task<void> serve(io::Reactor& reactor, AdminSource& source);
    /// Ends serve(); questions that wait, and later ones, get no answer. On serve()'s core.
    void close();

    /// Any thread but a core's. Nothing if no answer came in time.
    std::optional<BrokerStatus> status(std::chrono::milliseconds timeout);
    std::optional<std::vector<MetricSnapshot>> metrics(std::chrono::milliseconds timeout);

private:
    struct Question {
        bool for_metrics = false;
        bool answered = false;
        std::optional<BrokerStatus> status;
        std::optional<std::vector<MetricSnapshot>> metrics;
    };
    using QuestionPtr = std::shared_ptr<Question>;

    /// What serve() sleeps in: a call that the asker completes.
    struct Wakeup final : io::BlockingCall {
        void run() override {}
    };
    struct NextQuestion;

    QuestionPtr ask(bool for_metrics, std::chrono::milliseconds timeout);
    void wake_locked();
    bool is_closed();

    std::mutex mutex_;
    std::condition_variable answered_;
    std::deque<QuestionPtr> questions_;
    io::Reactor* reactor_ = nullptr;
    Wakeup wakeup_;
    bool parked_ = false;  ///< serve() waits for wakeup_.
    bool serving_ = false;
    bool closed_ = false;
};

}  // namespace ringlog::broker
