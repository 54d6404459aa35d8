// `ringlog log accept`: an operator gives up what is damaged, so that partitions take writes again
// or a broker starts. The broker is stopped. Explained in docs/operations.md.
#pragma once

#include "broker/cli.h"

namespace ringlog::broker {

/// The status of the process. Says on stdout what was found and what is given up; without
/// `confirmed`, opens the directory as a start does, gives up nothing. Refuses while another
/// process has the directory.
int accept_log(const LogAcceptCommand& command);

}  // namespace ringlog::broker
