// What a power cut at this very moment would leave of a node, recovered in a world of its own and
// compared with what the oracle knows; then recovered once more. One thread.
#pragma once

#include <cstdint>

namespace ringlog::simulation {

struct Cluster;
class NodeDriver;

/// The cluster's own run goes on as if nothing had happened. At `power` alone, and not with disks
/// that lie.
void probe_image(Cluster& cluster, NodeDriver& node, uint64_t seed);

}  // namespace ringlog::simulation
