// Kafka's keys that are accepted and mean nothing here, each with the reason that is logged. See
// broker/config_parse.h.
#include <algorithm>
#include <array>

#include "broker/config_parse.h"

namespace ringlog::broker {

namespace {

constexpr std::string_view kThreads = "Ringlog runs one thread per core; see ringlog.cores";
constexpr std::string_view kSockets = "sockets and queues are sized by Ringlog";
constexpr std::string_view kCleaner = "this version does not compact";
constexpr std::string_view kFlush =
    "every acknowledged record is already as durable as ringlog.durability says";
constexpr std::string_view kReplicas = "a single node has no followers";
constexpr std::string_view kQuorum =
    "there is no controller quorum; Ringlog keeps its metadata in its own store";
constexpr std::string_view kGroups = "this version has no consumer groups";
constexpr std::string_view kTransactions = "this version has no transactions";
constexpr std::string_view kSecurity = "this version has PLAINTEXT listeners only";
constexpr std::string_view kMetrics = "metrics are at /metrics on ringlog.admin.listener";
constexpr std::string_view kQuotas = "this version has no quotas";
constexpr std::string_view kRemote = "there is no tiered storage";
constexpr std::string_view kZooKeeper = "there is no ZooKeeper";
constexpr std::string_view kPlugins = "Java classes cannot be loaded";
constexpr std::string_view kOther = "it has no counterpart in Ringlog";

struct Ignored {
    std::string_view name;  ///< A whole key; or, ending in '.', the beginning of several.
    std::string_view reason;
};

constexpr auto kIgnored = std::to_array<Ignored>({
    {"num.network.threads", kThreads},
    {"num.io.threads", kThreads},
    {"background.threads", kThreads},
    {"num.recovery.threads.per.data.dir", kThreads},
    {"num.replica.fetchers", kThreads},
    {"num.replica.alter.log.dirs.threads", kThreads},
    {"socket.send.buffer.bytes", kSockets},
    {"socket.receive.buffer.bytes", kSockets},
    {"socket.listen.backlog.size", kSockets},
    {"queued.max.requests", kSockets},
    {"queued.max.request.bytes", kSockets},
    {"request.timeout.ms", kSockets},
    {"max.connections.per.ip", kSockets},
    {"max.connections.per.ip.overrides", kSockets},
    {"max.connection.creation.rate", kSockets},
    {"connection.failed.authentication.delay.ms", kSecurity},
    {"connections.max.reauth.ms", kSecurity},
    {"log.cleaner.enable", kCleaner},
    {"log.cleaner.threads", kCleaner},
    {"log.cleaner.backoff.ms", kCleaner},
    {"log.cleaner.dedupe.buffer.size", kCleaner},
    {"log.cleaner.io.buffer.size", kCleaner},
    {"log.cleaner.io.buffer.load.factor", kCleaner},
    {"log.cleaner.io.max.bytes.per.second", kCleaner},
    {"log.flush.scheduler.interval.ms", kFlush},
    {"log.flush.offset.checkpoint.interval.ms", kFlush},
    {"log.flush.start.offset.checkpoint.interval.ms", kFlush},
    {"log.dir.failure.timeout.ms", kOther},
    {"log.initial.task.delay.ms", kOther},
    {"replica.fetch.backoff.ms", kReplicas},
    {"replica.fetch.max.bytes", kReplicas},
    {"replica.fetch.min.bytes", kReplicas},
    {"replica.fetch.response.max.bytes", kReplicas},
    {"replica.fetch.wait.max.ms", kReplicas},
    {"replica.high.watermark.checkpoint.interval.ms", kReplicas},
    {"replica.lag.time.max.ms", kReplicas},
    {"replica.selector.class", kReplicas},
    {"replica.socket.receive.buffer.bytes", kReplicas},
    {"replica.socket.timeout.ms", kReplicas},
    {"follower.fetch.last.tiered.offset.enable", kReplicas},
    {"auto.leader.rebalance.enable", kReplicas},
    {"leader.imbalance.check.interval.seconds", kReplicas},
    {"leader.imbalance.per.broker.percentage", kReplicas},
    {"inter.broker.listener.name", kReplicas},
    {"inter.broker.protocol.version", kReplicas},
    {"controlled.shutdown.enable", kReplicas},
    {"controlled.shutdown.max.retries", kReplicas},
    {"controlled.shutdown.retry.backoff.ms", kReplicas},
    {"broker.heartbeat.interval.ms", kQuorum},
    {"broker.session.timeout.ms", kQuorum},
    {"initial.broker.registration.timeout.ms", kQuorum},
    {"controller.quorum.", kQuorum},
    {"controller.performance.", kQuorum},
    {"controller.socket.timeout.ms", kQuorum},
    {"metadata.log.dir", kQuorum},
    {"metadata.log.max.record.bytes.between.snapshots", kQuorum},
    {"metadata.log.max.snapshot.interval.ms", kQuorum},
    {"metadata.log.segment.bytes", kQuorum},
    {"metadata.log.segment.min.bytes", kQuorum},
    {"metadata.log.segment.ms", kQuorum},
    {"metadata.max.idle.interval.ms", kQuorum},
    {"metadata.max.retention.bytes", kQuorum},
    {"metadata.max.retention.ms", kQuorum},
    {"unstable.api.versions.enable", kQuorum},
    {"unstable.feature.versions.enable", kQuorum},
    {"group.", kGroups},
    {"offset.metadata.max.bytes", kGroups},
    {"offsets.commit.required.acks", kGroups},
    {"offsets.commit.timeout.ms", kGroups},
    {"offsets.load.buffer.size", kGroups},
    {"offsets.retention.check.interval.ms", kGroups},
    {"offsets.retention.minutes", kGroups},
    {"offsets.topic.compression.codec", kGroups},
    {"offsets.topic.num.partitions", kGroups},
    {"offsets.topic.replication.factor", kGroups},
    {"offsets.topic.segment.bytes", kGroups},
    {"share.coordinator.", kGroups},
    {"transaction.", kTransactions},
    {"transactional.id.expiration.ms", kTransactions},
    {"producer.id.expiration.check.interval.ms", kTransactions},
    {"ssl.", kSecurity},
    {"sasl.", kSecurity},
    {"security.", kSecurity},
    {"listener.name.", kSecurity},
    {"password.encoder.", kSecurity},
    {"delegation.token.", kSecurity},
    {"principal.builder.class", kSecurity},
    {"super.users", kSecurity},
    {"allow.everyone.if.no.acl.found", kSecurity},
    {"early.start.listeners", kSecurity},
    {"metric.reporters", kMetrics},
    {"metrics.", kMetrics},
    {"kafka.metrics.", kMetrics},
    {"auto.include.jmx.reporter", kMetrics},
    {"telemetry.max.bytes", kMetrics},
    {"quota.", kQuotas},
    {"replication.quota.", kQuotas},
    {"alter.log.dirs.replication.quota.", kQuotas},
    {"controller.quota.", kQuotas},
    {"client.quota.callback.class", kPlugins},
    {"create.topic.policy.class.name", kPlugins},
    {"alter.config.policy.class.name", kPlugins},
    {"remote.log.", kRemote},
    {"remote.fetch.", kRemote},
    {"remote.list.", kRemote},
    {"zookeeper.", kZooKeeper},
    {"broker.id.generation.enable", kZooKeeper},
    {"reserved.broker.max.id", kZooKeeper},
    {"fetch.purgatory.purge.interval.requests", kOther},
    {"producer.purgatory.purge.interval.requests", kOther},
    {"delete.records.purgatory.purge.interval.requests", kOther},
    {"max.request.partition.size.limit", kOther},
    {"log.message.format.version", kOther},
    {"log.message.downconversion.enable", kOther},
});

}  // namespace

std::string_view ignored_key_reason(std::string_view key) {
    const auto matches = [key](const Ignored& ignored) {
        return ignored.name.ends_with('.')
                   ? key.size() > ignored.name.size() && key.starts_with(ignored.name)
                   : key == ignored.name;
    };
    const auto* found = std::ranges::find_if(kIgnored, matches);
    return found == kIgnored.end() ? std::string_view() : found->reason;
}

std::vector<std::string_view> ignored_keys() {
    std::vector<std::string_view> names;
    names.reserve(std::size(kIgnored));
    for (const Ignored& ignored : kIgnored) {
        names.push_back(ignored.name);
    }
    return names;
}

}  // namespace ringlog::broker
