// ringlog_sim: runs seeds of the simulation and says what held. `--seed N` replays one, byte for
// byte. See docs/testing.md, "Simulation".
#include <cstdio>

#include "tests/simulation/cluster/command.h"

int main(int argc, char** argv) {
    return ringlog::simulation::run_command(argc, argv);
}
