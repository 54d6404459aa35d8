// What the broker tells the admin port: gathered from every core by message. Core 0.
#pragma once

#include <string>
#include <vector>

#include "broker/admin_bridge.h"
#include "broker/broker.h"

namespace ringlog::broker {

class BrokerAdmin final : public AdminSource {
public:
    BrokerAdmin(Broker& broker, std::string backend);

    io::Task<BrokerStatus> status() override;
    io::Task<std::vector<MetricSnapshot>> metrics() override;

private:
    void add_metadata(BrokerStatus& status) const;

    Broker& broker_;
    std::string backend_;
};

}  // namespace ringlog::broker
