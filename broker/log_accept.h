// `ringlog log accept`: an operator gives up what is damaged, so that a partition takes writes
// again. The broker is stopped.
#pragma once

#include "broker/cli.h"

namespace ringlog::broker {

/// The status of the process. Says on stdout what was found and what was given up.
int accept_log(const LogAcceptCommand& command);

}  // namespace ringlog::broker
