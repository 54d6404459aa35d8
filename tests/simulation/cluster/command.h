// The command line of ringlog_sim. One thread per process; seeds run in processes of their own.
#pragma once

namespace ringlog::simulation {

/// The status of the process: 0 if everything held.
int run_command(int argc, char** argv);

}  // namespace ringlog::simulation
