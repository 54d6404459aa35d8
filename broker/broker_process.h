// A broker as a process: this machine's cores, signals, the admin port. The only place that knows
// of threads. Explained in docs/architecture.md, "Start and stop".
#pragma once

#include <string>

#include "broker/config.h"

namespace ringlog::broker {

/// Serves until SIGTERM or SIGINT, then ends in order; the status of the process. A second signal
/// ends it at once.
int run_broker(const BrokerConfig& config, const std::string& version);

}  // namespace ringlog::broker
