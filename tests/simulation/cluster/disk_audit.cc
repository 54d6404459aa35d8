#include "tests/simulation/cluster/disk_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/manifest.h"
#include "tests/simulation/cluster/cluster.h"
#include "tests/simulation/cluster/node_driver.h"

namespace ringlog::simulation {
namespace {

/// Names right below the data directory.
std::set<std::string> top_names(const SimDisk& disk) {
    std::set<std::string> names;
    for (const std::string& path : disk.list_tree()) {
        const std::vector<std::string> parts = split_path(path);
        if (parts.size() >= 2 && parts[0] == "data") {
            names.insert(parts[1]);
        }
    }
    return names;
}

std::optional<engine::Manifest> manifest_of(const SimDisk& disk) {
    const std::string path = fmt::format("data/{}", engine::kManifestName);
    if (!disk.exists(path)) {
        return std::nullopt;
    }
    const std::vector<std::byte> bytes = disk.read_all(path);
    const auto manifest = engine::decode_manifest(
        std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    return manifest ? std::optional(*manifest) : std::nullopt;
}

void check_directories(Cluster& cluster, const std::set<std::string>& names) {
    const Oracle& oracle = cluster.oracle;
    for (uint16_t topic = 0; topic < oracle.topic_count(); ++topic) {
        for (int32_t i = 0; i < oracle.partition_count(topic); ++i) {
            const std::string name = fmt::format("{}-{}", cluster.swarm.topics[topic].name, i);
            if (oracle.required_end(topic, i) > 0 && !names.contains(name) &&
                !oracle.is_damaged(topic, i)) {
                cluster.judge.violate(Invariant::no_delete_without_record,
                                      name + " has data, and no directory after an orderly stop");
            }
        }
    }
}

void check_leftovers(Cluster& cluster, const std::set<std::string>& names,
                     const engine::Manifest& manifest) {
    std::set<std::string> known{std::string(engine::kManifestName), std::string(engine::kLockName)};
    for (const engine::JournalId id : manifest.journals) {
        known.insert(engine::journal_directory_name(id));
    }
    for (const TopicPlan& plan : cluster.swarm.topics) {
        for (int32_t i = 0; i < plan.partitions; ++i) {
            known.insert(fmt::format("{}-{}", plan.name, i));
        }
    }
    known.insert(std::string(engine::kManifestTemporaryName));  // the next manifest begins with it
    if (cluster.swarm.on(Switch::write_error) || cluster.swarm.on(Switch::torn) ||
        cluster.swarm.honesty()) {
        known.insert("rescue");
    }
    for (const std::string& name : names) {
        const bool slot = std::ranges::any_of(manifest.journals, [&](engine::JournalId id) {
            return name == fmt::format("checkpoint-{}.0", id.value()) ||
                   name == fmt::format("checkpoint-{}.1", id.value());
        });
        // A directory whose topic id a lying disk made unreadable is set aside.
        const bool set_aside = cluster.swarm.honesty() && name.ends_with("-stray");
        // What could not be removed for want of space is removed with the next layout.
        const bool refused = cluster.swarm.on(Switch::no_space) &&
                             (name.starts_with("checkpoint-") || name.starts_with("journal."));
        if (!slot && !refused && !set_aside && !known.contains(name)) {
            cluster.judge.violate(Invariant::space_accounting,
                                  name + " is left after an orderly stop");
            return;
        }
    }
}

}  // namespace

void audit_disk(Cluster& cluster, NodeDriver& node) {
    const SimDisk& disk = node.node().disk();
    const std::set<std::string> names = top_names(disk);
    const auto manifest = manifest_of(disk);
    if (!manifest && cluster.swarm.honesty()) {
        return;
    }
    if (!manifest) {
        cluster.judge.violate(Invariant::space_accounting, "no manifest after an orderly stop");
        return;
    }
    check_directories(cluster, names);
    check_leftovers(cluster, names, *manifest);
}

}  // namespace ringlog::simulation
