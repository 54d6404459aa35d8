// Configuration: the defaults that the documentation promises, Kafka's own files, and what a wrong
// key or value is told.
#include "broker/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "broker/config_parse.h"
#include "cluster/topic_config.h"

namespace ringlog::broker {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::expected<BrokerConfig, ConfigProblems> parse(std::string_view text) {
    const auto properties = parse_properties(text, "server.properties");
    EXPECT_TRUE(properties.has_value());
    return build_config(*properties);
}

BrokerConfig accepted(std::string_view text) {
    auto config = parse(text);
    EXPECT_TRUE(config.has_value()) << (config.has_value() ? "" : config.error().at(0));
    return config.has_value() ? *config : BrokerConfig{};
}

/// The only problem of `text`.
std::string refused(std::string_view text) {
    const auto config = parse(text);
    if (config.has_value() || config.error().size() != 1) {
        return config.has_value() ? "(accepted)" : "(several problems) " + config.error()[1];
    }
    return config.error()[0];
}

TEST(Config, DefaultsAreWhatTheDocumentationSays) {
    const BrokerConfig config = *load_config(std::nullopt, {});
    EXPECT_THAT(config.listeners, ElementsAre(Listener{}));
    EXPECT_EQ(config.listeners[0].host, "127.0.0.1");
    EXPECT_EQ(config.listeners[0].port, 9092);
    EXPECT_EQ(config.listeners[0].advertised_host, "127.0.0.1");
    EXPECT_EQ(config.data_directory, "./ringlog-data");
    EXPECT_EQ(config.node_id, 1);
    EXPECT_EQ(config.rack, "");
    EXPECT_EQ(config.metadata, "embedded");
    EXPECT_EQ(config.replication_listener, (HostPort{"127.0.0.1", 9645}));
    EXPECT_EQ(config.admin_listener, (HostPort{"127.0.0.1", 9644}));
    EXPECT_EQ(config.cores, CoreChoice{});
    EXPECT_EQ(config.journals, 0);
    EXPECT_EQ(config.durability, Durability::power);
    EXPECT_EQ(config.io, IoChoice::automatic);
    EXPECT_EQ(config.journal_bytes, 0U);
    EXPECT_EQ(config.window_bytes, 0U);
    EXPECT_EQ(config.flush_ms, 100);
    EXPECT_THAT(config.notices, IsEmpty());
    const auto topic = cluster::resolve_topic_config(config.topic_defaults.configs, {});
    EXPECT_EQ(topic.max_message_bytes, 1'048'588);
    EXPECT_EQ(topic.segment_bytes, 1'073'741'824);
    EXPECT_EQ(topic.retention_ms, 604'800'000);
    EXPECT_EQ(topic.index_interval_bytes, 4096);
    EXPECT_EQ(topic.min_insync_replicas, 1);
}

// The table's default text, given as the value, changes nothing: the table cannot promise another
// default.
TEST(Config, EveryDefaultInTheTableIsTheDefault) {
    const BrokerConfig standard = *load_config(std::nullopt, {});
    for (const KeyInfo& key : config_keys()) {
        const std::string value(key.standard);
        if (value == "none" || value.starts_with("as ") || value.starts_with("one per") ||
            value.starts_with("each ")) {
            continue;
        }
        const auto config =
            build_config(std::vector<Property>{{std::string(key.name), value, "t"}});
        ASSERT_TRUE(config.has_value()) << config.error().at(0);
        EXPECT_EQ(config->listeners, standard.listeners) << key.name;
        EXPECT_EQ(config->data_directory, standard.data_directory);
        EXPECT_EQ(config->node_id, standard.node_id) << key.name;
        EXPECT_EQ(config->admin_listener, standard.admin_listener) << key.name;
        EXPECT_EQ(config->journal_bytes, standard.journal_bytes) << key.name;
        EXPECT_EQ(config->flush_ms, standard.flush_ms) << key.name;
        EXPECT_EQ(config->topic_defaults.partition_count, 1) << key.name;
        EXPECT_EQ(config->auto_create_topics, standard.auto_create_topics) << key.name;
        EXPECT_EQ(config->delete_topics, standard.delete_topics) << key.name;
        EXPECT_EQ(config->producer_id_expiration_ms, standard.producer_id_expiration_ms)
            << key.name;
        EXPECT_EQ(config->request_bytes_max, standard.request_bytes_max) << key.name;
        EXPECT_EQ(config->fetch_bytes_max, standard.fetch_bytes_max) << key.name;
        EXPECT_EQ(config->connections_max, standard.connections_max) << key.name;
        EXPECT_EQ(config->connections_idle_ms, standard.connections_idle_ms) << key.name;
        const auto topic = cluster::resolve_topic_config(config->topic_defaults.configs, {});
        EXPECT_EQ(topic.retention_ms, 604'800'000) << key.name;
        EXPECT_EQ(topic.segment_ms, 604'800'000) << key.name;
    }
}

// What a combined node of Kafka 4 is started with.
constexpr std::string_view kKafkaFile = R"(
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/var/lib/kafka
num.partitions=3
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
#log.flush.interval.messages=10000
log.retention.hours=168
#log.retention.bytes=1073741824
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
)";

TEST(Config, AKafkaFileOfACombinedNodeIsAccepted) {
    const BrokerConfig config = accepted(kKafkaFile);
    ASSERT_EQ(config.listeners.size(), 1U);
    EXPECT_EQ(config.listeners[0], (Listener{.name = "PLAINTEXT",
                                             .protocol = "PLAINTEXT",
                                             .host = "",
                                             .port = 9092,
                                             .advertised_host = "localhost",
                                             .advertised_port = 9092}));
    EXPECT_EQ(config.data_directory, "/var/lib/kafka");
    EXPECT_EQ(config.topic_defaults.partition_count, 3);
    EXPECT_EQ(config.topic_defaults.configs.at("retention.ms"), "604800000");
    EXPECT_EQ(config.topic_defaults.configs.at("segment.bytes"), "1073741824");
    EXPECT_THAT(config.notices,
                Contains(HasSubstr("listener CONTROLLER is for Kafka's controllers")));
    EXPECT_THAT(config.notices,
                Contains(HasSubstr(
                    "server.properties:4: controller.quorum.bootstrap.servers is accepted")));
    EXPECT_THAT(config.notices,
                Contains(HasSubstr("num.io.threads is accepted and has no effect")));
    EXPECT_EQ(config.notices.size(), 13U);
}

TEST(Config, SeveralNamedListeners) {
    const BrokerConfig config = accepted(
        "listeners=INSIDE://127.0.0.1:9092,outside://[::1]:9094,PLAINTEXT://127.0.0.2:0\n"
        "advertised.listeners=OUTSIDE://kafka.example.com:443\n"
        "listener.security.protocol.map=INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT");
    ASSERT_EQ(config.listeners.size(), 3U);
    EXPECT_EQ(config.listeners[0].advertised_host, "127.0.0.1");
    EXPECT_EQ(config.listeners[1].name, "OUTSIDE");
    EXPECT_EQ(config.listeners[1].host, "::1");
    EXPECT_EQ(config.listeners[1].advertised_host, "kafka.example.com");
    EXPECT_EQ(config.listeners[1].advertised_port, 443);
    EXPECT_EQ(config.listeners[2].advertised_port, 0);
}

TEST(Config, WrongListenersAreExplained) {
    EXPECT_THAT(refused("listeners=PLAINTEXT://:9092"),
                HasSubstr("add advertised.listeners=PLAINTEXT://HOST:9092, or bind 127.0.0.1"));
    EXPECT_THAT(refused("listeners=PLAINTEXT://0.0.0.0:9092"), HasSubstr("every address"));
    EXPECT_THAT(refused("listeners=X://h:1"),
                HasSubstr("add X:PLAINTEXT to listener.security.protocol.map"));
    EXPECT_THAT(refused("listeners=SSL://h:1"), HasSubstr("only PLAINTEXT"));
    EXPECT_THAT(refused("listeners=127.0.0.1:9092"),
                HasSubstr("server.properties:1: listeners: \"127.0.0.1:9092\""));
    EXPECT_THAT(refused("listeners=PLAINTEXT://h"), HasSubstr("has no port"));
    EXPECT_THAT(refused("listeners=PLAINTEXT://h:99999"), HasSubstr("between 0 and 65535"));
    EXPECT_THAT(refused("listeners=PLAINTEXT://::1:9092"), HasSubstr("in brackets"));
    EXPECT_THAT(refused("listeners=PLAINTEXT://h:1,PLAINTEXT://h:2"),
                HasSubstr("stands there twice"));
    EXPECT_THAT(
        refused("listeners=PLAINTEXT://h:1,A://h:1\nlistener.security.protocol.map=A:PLAINTEXT"),
        HasSubstr("on the same port 1"));
    EXPECT_THAT(refused("listeners="), HasSubstr("names no listener"));
    EXPECT_THAT(refused("advertised.listeners=SSL://h:1"), HasSubstr("which is not in listeners"));
    EXPECT_THAT(refused("advertised.listeners=PLAINTEXT://0.0.0.0:1"), HasSubstr("name a host"));
    EXPECT_THAT(refused("listeners=CONTROLLER://h:1\ncontroller.listener.names=CONTROLLER"),
                HasSubstr("no listener is left"));
    EXPECT_THAT(refused("listener.security.protocol.map=A:TLS"), HasSubstr("NAME:PROTOCOL"));
}

TEST(Config, UnknownKeysAreRefusedWithTheNearestOne) {
    EXPECT_EQ(refused("num.partition=3"),
              "server.properties:1: num.partition: unknown key; did you mean num.partitions?");
    EXPECT_THAT(refused("\n\nlog.retention.hour=3"), HasSubstr("server.properties:3:"));
    EXPECT_THAT(refused("replica.lag.time.max.mss=3"),
                HasSubstr("did you mean replica.lag.time.max.ms?"));
    EXPECT_THAT(refused("ringlog.core=3"), HasSubstr("did you mean ringlog.cores?"));
    EXPECT_THAT(refused("retention.ms=3"),
                HasSubstr("its broker-wide default is log.retention.ms"));
    EXPECT_THAT(refused("completely.different=3"), HasSubstr("docs/configuration.md lists all"));
}

TEST(Config, WrongValuesAreExplained) {
    EXPECT_THAT(refused("socket.request.max.bytes=100MiB"),
                HasSubstr("Kafka's keys take plain bytes without a unit; write 104857600"));
    EXPECT_THAT(refused("log.segment.bytes=1GB"), HasSubstr("write 1073741824"));
    EXPECT_THAT(refused("log.segment.bytes=100"), HasSubstr("at least 1048576"));
    EXPECT_THAT(refused("connections.max.idle.ms=10m"), HasSubstr("milliseconds: write 600000"));
    EXPECT_THAT(refused("log.retention.ms=7d"), HasSubstr("write 604800000"));
    EXPECT_THAT(refused("log.retention.hours=7d"), HasSubstr("not a plain number of hours"));
    EXPECT_THAT(refused("log.retention.hours=-5"), HasSubstr("not a number of hours"));
    EXPECT_THAT(refused("node.id=-1"), HasSubstr("at least 0"));
    EXPECT_THAT(refused("node.id=one"), HasSubstr("not a whole number"));
    EXPECT_THAT(refused("node.id=1\nbroker.id=2"), HasSubstr("keep one of them"));
    EXPECT_THAT(refused("auto.create.topics.enable=yes"), HasSubstr("neither true nor false"));
    EXPECT_THAT(refused("log.dirs=/a,/b"), HasSubstr("keeps all data of a node in one"));
    EXPECT_THAT(refused("process.roles=controller"), HasSubstr("always a broker"));
    EXPECT_THAT(refused("log.message.timestamp.type=Now"), HasSubstr("CreateTime, LogAppendTime"));
    EXPECT_THAT(refused("authorizer.class.name=a.B"), HasSubstr("does not authorise"));
    EXPECT_THAT(refused("ringlog.durability=fsync"), HasSubstr("write power"));
    EXPECT_THAT(refused("ringlog.io=aio"), HasSubstr("auto, uring or epoll"));
    EXPECT_THAT(refused("ringlog.metadata=etcd://h:1/p"), HasSubstr("write embedded"));
    EXPECT_THAT(refused("ringlog.journal.bytes=1MiB"), HasSubstr("at least 16777216"));
    EXPECT_THAT(refused("ringlog.window.bytes=lots"), HasSubstr("write 67108864 or 64MiB"));
    EXPECT_THAT(refused("ringlog.flush.ms=0"), HasSubstr("at least 1"));
    EXPECT_THAT(refused("ringlog.admin.listener=9644"), HasSubstr("write host:port, or none"));
    EXPECT_THAT(refused("ringlog.cores=0"), HasSubstr("list of processors (0,2-3)"));
    EXPECT_THAT(refused("ringlog.cores=3-1"), HasSubstr("not a range"));
    EXPECT_THAT(refused("ringlog.cores=2\nringlog.journals=3"), HasSubstr("need as many cores"));
    EXPECT_THAT(refused("num.partitions=0"), HasSubstr("at least 1"));
}

TEST(Config, EveryProblemIsReportedAtOnce) {
    EXPECT_EQ(parse("node.id=x\nringlog.io=y\nfoo.bar=1").error().size(), 3U);
}

TEST(Config, OwnKeys) {
    const BrokerConfig config = accepted(
        "ringlog.cores=0,2-3\nringlog.journals=2\nringlog.durability=crash\nringlog.io=epoll\n"
        "ringlog.journal.bytes=256MiB\nringlog.window.bytes=67108864\nringlog.flush.ms=50\n"
        "ringlog.admin.listener=none\nringlog.replication.listener=10.0.0.1:9000");
    EXPECT_THAT(config.cores.cpus, ElementsAre(0, 2, 3));
    EXPECT_EQ(config.cores.count, 3);
    EXPECT_EQ(config.journals, 2);
    EXPECT_EQ(config.durability, Durability::crash);
    EXPECT_EQ(config.io, IoChoice::epoll);
    EXPECT_EQ(config.journal_bytes, 256U << 20);
    EXPECT_EQ(config.window_bytes, 64U << 20);
    EXPECT_EQ(config.flush_ms, 50);
    EXPECT_FALSE(config.admin_listener.has_value());
    EXPECT_EQ(config.replication_listener, (HostPort{"10.0.0.1", 9000}));
    EXPECT_EQ(accepted("ringlog.cores=2").cores, (CoreChoice{.count = 2, .cpus = {}}));
    EXPECT_THAT(accepted("ringlog.cores=3-3").cores.cpus, ElementsAre(3));
}

TEST(Config, TheFinestRetentionCounts) {
    const auto retention = [](std::string_view text) {
        return accepted(text).topic_defaults.configs.at("retention.ms");
    };
    EXPECT_EQ(retention("log.retention.hours=1"), "3600000");
    EXPECT_EQ(retention("log.retention.hours=1\nlog.retention.minutes=2"), "120000");
    EXPECT_EQ(retention("log.retention.hours=1\nlog.retention.minutes=2\nlog.retention.ms=3"), "3");
    EXPECT_EQ(retention("log.retention.hours=-1"), "-1");
    EXPECT_EQ(accepted("log.roll.hours=2").topic_defaults.configs.at("segment.ms"), "7200000");
}

TEST(Config, OverridesComeLastAndSayWhereTheyStand) {
    const std::string path =
        std::filesystem::path(::testing::TempDir()) / "ringlog_overrides.properties";
    std::ofstream(path) << "node.id=4\nnum.partitions=2\nnode.id=5\n";
    const std::vector<std::string> overrides = {"num.partitions=7"};
    const auto config = load_config(path, overrides);
    ASSERT_TRUE(config.has_value());
    EXPECT_EQ(config->node_id, 5);
    EXPECT_EQ(config->topic_defaults.partition_count, 7);
    const std::vector<std::string> wrong = {"num.partitions=x"};
    EXPECT_THAT(load_config(path, wrong).error().at(0), HasSubstr("--override: num.partitions:"));
    std::filesystem::remove(path);
    EXPECT_THAT(load_config(path, {}).error().at(0), HasSubstr("cannot be read"));
    EXPECT_THAT(load_config(::testing::TempDir(), {}).error().at(0), HasSubstr("cannot be read"));
}

TEST(Config, NoKeyIsBothHonouredAndIgnored) {
    for (const KeyInfo& key : config_keys()) {
        EXPECT_EQ(ignored_key_reason(key.name), "") << key.name;
    }
    for (const auto& spec : cluster::topic_config_specs()) {
        EXPECT_EQ(ignored_key_reason(spec.broker_key), "") << spec.broker_key;
    }
}

TEST(Config, WhatIsNotObeyedYetIsNamedWhereItDiffersFromTheDefault) {
    const BrokerConfig config = accepted(
        "log.retention.hours=168\nlog.retention.bytes=-1\nunclean.leader.election.enable=false\n"
        "min.insync.replicas=2\nlog.retention.minutes=60\nlog.cleanup.policy=compact\n"
        "log.segment.bytes=2097152\n");
    EXPECT_THAT(config.no_effect_yet,
                ElementsAre("min.insync.replicas", "log.retention.minutes", "log.cleanup.policy"));
    EXPECT_THAT(accepted("").no_effect_yet, IsEmpty());
    EXPECT_THAT(accepted(kKafkaFile).no_effect_yet, IsEmpty());
}

std::string documentation() {
    std::ifstream file(RINGLOG_DOCS_DIR "/configuration.md");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// The row of the documentation's tables that begins with `key`; empty if there is none.
std::string row_of(const std::string& page, std::string_view key) {
    const size_t begin = page.find("\n| `" + std::string(key) + "` |");
    return begin == std::string::npos
               ? ""
               : page.substr(begin + 1, page.find('\n', begin + 1) - begin - 1);
}

void expect_row(const std::string& page, std::string_view key, std::string_view standard,
                cluster::KeyEffect effect) {
    const std::string row = row_of(page, key);
    ASSERT_NE(row, "") << key << " has no row";
    EXPECT_THAT(row, HasSubstr("` | " + (standard.empty() ? std::string()
                                                          : "`" + std::string(standard) + "`")));
    const bool none = row.find("no effect") != std::string::npos;
    const bool yet = row.find("ccepted, no effect yet") != std::string::npos;
    EXPECT_EQ(none, effect != cluster::KeyEffect::full) << row;
    EXPECT_EQ(yet, effect == cluster::KeyEffect::none_yet) << row;
}

TEST(Config, TheDocumentationSaysOfEveryKeyWhatTheTablesSay) {
    const std::string page = documentation();
    ASSERT_FALSE(page.empty());
    for (const KeyInfo& key : config_keys()) {
        expect_row(page, key.name, key.standard, key.effect);
    }
    for (const auto& spec : cluster::topic_config_specs()) {
        expect_row(page, spec.name, spec.standard, spec.effect);
        if (!spec.broker_key.empty()) {
            EXPECT_THAT(row_of(page, spec.name),
                        HasSubstr("| `" + std::string(spec.broker_key) + "` |"));
        }
    }
    for (const std::string_view key : ignored_keys()) {
        const std::string name = key.ends_with('.') ? std::string(key) + "*" : std::string(key);
        const size_t at = page.find("`" + name + "`");
        ASSERT_NE(at, std::string::npos) << name;
        const size_t row = page.rfind('\n', at) + 1;
        EXPECT_EQ(
            page.substr(row + 2, page.find(" |", row) - row - 2),
            ignored_key_reason(key.ends_with('.') ? std::string(key) + "x" : std::string(key)))
            << name;
    }
}

TEST(Config, NamesOfHostsAreResolved) {
    EXPECT_EQ(numeric_host("127.0.0.1"), "127.0.0.1");
    EXPECT_EQ(numeric_host("localhost"), "127.0.0.1");
    EXPECT_EQ(numeric_host("::1"), "::1");
}

}  // namespace
}  // namespace ringlog::broker
