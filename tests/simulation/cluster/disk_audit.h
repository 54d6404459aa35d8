// What the disk of a node that stopped in order must and must not hold. One thread.
#pragma once

namespace ringlog::simulation {

struct Cluster;
class NodeDriver;

/// Every living partition that has data has its directory; there is nothing of deleted topics, of
/// journals that no manifest names, of work that never ended.
void audit_disk(Cluster& cluster, NodeDriver& node);

}  // namespace ringlog::simulation
