#include "tests/simulation/cluster/admin.h"

#include <fmt/format.h>

#include <algorithm>

#include "kafka/create_topics.h"
#include "kafka/delete_topics.h"
#include "tests/simulation/cluster/node_driver.h"

namespace ringlog::simulation {

using kafka::ErrorCode;
using Life = Oracle::TopicLife;

namespace {

constexpr int64_t kRetryNs = 10 * kMillisecondNs;
constexpr int64_t kAnswerNs = 20 * kSecondNs;
constexpr int32_t kTimeoutMs = 10'000;
constexpr int16_t kCreateVersion = 2;
constexpr int16_t kDeleteVersion = 1;
constexpr uint64_t kPauseBetweenDeletesNs = 200 * kMillisecondNs;

}  // namespace

Admin::Admin(Cluster& cluster)
    : cluster_(cluster),
      random_(cluster.swarm.seed * 307),
      wire_(cluster.world, cluster.judge, "admin"),
      lives_(cluster.swarm.topics.size()) {
    wire_.set_on_lost([this] { connect_later(); });
}

Admin::~Admin() {
    wire_.set_on_lost(nullptr);
    wire_.disconnect();
}

void Admin::start() {
    connect_later();
}

bool Admin::all_alive() const {
    for (uint16_t i = 0; i < lives_.size(); ++i) {
        if (cluster_.oracle.life(i) != Life::alive) {
            return false;
        }
    }
    return true;
}

void Admin::connect_later() {
    if (std::exchange(connecting_, true)) {
        return;
    }
    cluster_.world.after(kRetryNs, [this] {
        wire_.connect(cluster_.leader(0, 0).node(), kBrokerPort, [this](bool connected) {
            connecting_ = false;
            if (connected) {
                next_later(0);
            } else {
                connect_later();
            }
        });
    });
}

void Admin::next_later(int64_t delay_ns) {
    if (!std::exchange(planned_, true)) {
        cluster_.world.after(delay_ns, [this] {
            planned_ = false;
            next();
        });
    }
}

void Admin::next() {
    if (!wire_.connected() || wire_.under_way() > 0) {
        return;
    }
    for (uint16_t i = 0; i < lives_.size(); ++i) {
        switch (cluster_.oracle.life(i)) {
            case Life::deleting: remove(i); return;
            case Life::absent:
            case Life::creating: create(i); return;
            case Life::alive: break;
        }
    }
    const bool deletes = running_ && !cluster_.quiet() && cluster_.swarm.on(Switch::delete_topics);
    if (deletes && random_.chance(1, 2)) {
        remove(static_cast<uint16_t>(random_.below(lives_.size())));
        return;
    }
    next_later(static_cast<int64_t>(random_.below(kPauseBetweenDeletesNs)));
}

void Admin::create(uint16_t topic) {
    const TopicPlan& plan = cluster_.swarm.topics[topic];
    cluster_.oracle.create_begun(topic);
    const std::string segment_bytes = std::to_string(plan.segment_bytes);
    kafka::CreateTopicsRequest request;
    request.timeout_ms = kTimeoutMs;
    request.topics.push_back(
        {.name = plan.name,
         .num_partitions = plan.partitions,
         .replication_factor = 1,
         .assignments = {},
         .configs = {{.name = "internal.segment.bytes", .value = segment_bytes},
                     {.name = "message.timestamp.type",
                      .value = plan.log_append_time ? "LogAppendTime" : "CreateTime"}}});
    wire_.request(request, kCreateVersion, kAnswerNs,
                  [this, topic](auto frame) { create_answered(topic, frame); });
}

void Admin::create_answered(uint16_t topic, std::optional<ByteView> frame) {
    const auto answer =
        frame ? decode_answer<kafka::CreateTopicsResponse>(cluster_.judge, *frame, kCreateVersion)
              : std::nullopt;
    if (!answer || answer->topics.empty()) {
        return;
    }
    const ErrorCode error = answer->topics.to_vector().front().error_code;
    RL_TELL(cluster_.judge, topic, -1, "t{}: creation is answered {}", topic,
            kafka::error_code_name(error));
    if (error == ErrorCode::none || error == ErrorCode::topic_already_exists) {
        cluster_.judge.mark(Met::topics_recreated, lives_[topic]++ > 0 ? 1 : 0);
        cluster_.oracle.created(topic);
    }
    next_later(error == ErrorCode::none ? 0 : kRetryNs);
}

void Admin::remove(uint16_t topic) {
    cluster_.oracle.delete_begun(topic);
    kafka::DeleteTopicsRequest request;
    request.timeout_ms = kTimeoutMs;
    request.topic_names.push_back(cluster_.swarm.topics[topic].name);
    wire_.request(request, kDeleteVersion, kAnswerNs,
                  [this, topic](auto frame) { remove_answered(topic, frame); });
}

void Admin::remove_answered(uint16_t topic, std::optional<ByteView> frame) {
    const auto answer =
        frame ? decode_answer<kafka::DeleteTopicsResponse>(cluster_.judge, *frame, kDeleteVersion)
              : std::nullopt;
    if (!answer || answer->responses.empty()) {
        return;
    }
    const ErrorCode error = answer->responses.to_vector().front().error_code;
    RL_TELL(cluster_.judge, topic, -1, "t{}: deletion is answered {}", topic,
            kafka::error_code_name(error));
    if (error == ErrorCode::none || error == ErrorCode::unknown_topic_or_partition) {
        cluster_.oracle.deleted(topic);
    }
    // Some time without it, so that clients meet a topic that is gone.
    next_later(error == ErrorCode::none ? static_cast<int64_t>(random_.below(20 * kMillisecondNs))
                                        : kRetryNs);
}

}  // namespace ringlog::simulation
