// Gathering for the admin port. See broker/broker_admin.h.
#include "broker/broker_admin.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/mesh.h"

namespace ringlog::broker {

BrokerAdmin::BrokerAdmin(Broker& broker, std::string backend)
    : broker_(broker), backend_(std::move(backend)) {}

void BrokerAdmin::add_metadata(BrokerStatus& status) const {
    const cluster::ImagePtr image = broker_.controller().image();
    status.cluster_id = image->cluster_id();
    status.broker_epoch = broker_.controller().broker_epoch();
    status.topic_count = image->topic_count();
    status.partition_count = image->partition_count();
    image->for_each_topic([&status](const cluster::TopicPtr& topic) {
        status.topics.push_back({.name = topic->name, .partition_count = topic->partition_count});
    });
    std::ranges::sort(status.topics, {}, &BrokerStatus::Topic::name);
    if (status.topics.size() > BrokerStatus::kTopicsShown) {
        status.topics.resize(BrokerStatus::kTopicsShown);
    }
}

io::Task<BrokerStatus> BrokerAdmin::status() {
    const BrokerConfig& config = broker_.config();
    BrokerStatus status;
    status.ready = broker_.ready();
    status.node_id = config.node_id;
    status.durability = durability_name(config.durability);
    status.io_backend = backend_;
    status.data_directory = config.data_directory;
    status.core_count = broker_.core_count();
    for (const cluster::Endpoint& endpoint : broker_.endpoints()) {
        status.listeners.push_back(
            fmt::format("{}://{}:{}", endpoint.listener, endpoint.host, endpoint.port));
    }
    if (!broker_.serving()) {
        co_return status;
    }
    status.uptime_ms = broker_.uptime_ns() / kMillisecondNs;
    add_metadata(status);
    for (uint16_t i = 0; broker_.serving() && i < broker_.core_count(); ++i) {
        BrokerCore* const core = &broker_.core(i);
        status.connection_count += core->connection_count.load(std::memory_order_relaxed);
        auto problems = co_await io::call_on(broker_.reactor(), io::CoreId(i),
                                             [core](io::Reactor&) { return core->problems(); });
        std::ranges::move(problems, std::back_inserter(status.problems));
    }
    co_return status;
}

io::Task<std::vector<MetricSnapshot>> BrokerAdmin::metrics() {
    std::vector<MetricSnapshot> all;
    for (uint16_t i = 0; broker_.serving() && i < broker_.core_count(); ++i) {
        BrokerCore* const core = &broker_.core(i);
        all.push_back(co_await io::call_on(broker_.reactor(), io::CoreId(i),
                                           [core](io::Reactor&) { return core->take_snapshot(); }));
    }
    co_return all;
}

}  // namespace ringlog::broker
