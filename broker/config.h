// What the broker is told: a typed form of Kafka's `server.properties` and of our own keys, with
// every default. Any core; pure but for load_config. The table for people is docs/configuration.md.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/properties.h"
#include "cluster/topic_config.h"
#include "cluster/topic_plan.h"
#include "engine/journal.h"
#include "io/runtime.h"

namespace ringlog::broker {

/// Where clients connect, and what they are told.
struct Listener {
    std::string name = "PLAINTEXT";  ///< Upper case.
    std::string protocol = "PLAINTEXT";
    std::string host =
        "127.0.0.1";       ///< Empty: every address. May be a name: numeric_host() resolves it.
    uint16_t port = 9092;  ///< 0: any free one.
    std::string advertised_host = "127.0.0.1";
    uint16_t advertised_port = 9092;  ///< 0: the port that was bound.

    friend bool operator==(const Listener&, const Listener&) = default;
};

struct HostPort {
    std::string host;
    uint16_t port = 0;
    friend bool operator==(const HostPort&, const HostPort&) = default;
};

/// Which processors the cores run on.
struct CoreChoice {
    uint16_t count = 0;          ///< 0: all that the process may use.
    std::vector<uint32_t> cpus;  ///< Not empty: these, one core each; `count` is their number.
    friend bool operator==(const CoreChoice&, const CoreChoice&) = default;
};

using engine::Durability;
using io::IoChoice;

struct BrokerConfig {
    std::vector<Listener> listeners{Listener{}};
    std::string data_directory = "./ringlog-data";
    int32_t node_id = 1;
    std::string rack;  ///< Empty: none.

    std::string metadata = "embedded";
    HostPort replication_listener{"127.0.0.1", 9645};
    std::optional<HostPort> admin_listener = HostPort{"127.0.0.1", 9644};
    CoreChoice cores;
    uint16_t journals = 0;  ///< 0: one per core.
    Durability durability = Durability::power;
    IoChoice io = IoChoice::automatic;
    uint64_t journal_bytes = 0;  ///< Per journal; 0: by disk.
    uint64_t window_bytes = 0;   ///< Per core; 0: by memory.
    int64_t flush_ms = 100;
    bool move_connections = true;

    /// num.partitions, default.replication.factor and the broker-wide defaults of topic-level keys.
    cluster::TopicDefaults topic_defaults;
    bool auto_create_topics = true;
    bool delete_topics = true;
    int64_t retention_check_interval_ms = 300'000;
    int64_t producer_id_expiration_ms = 86'400'000;

    uint32_t request_bytes_max = 104'857'600;
    uint32_t fetch_bytes_max = 57'671'680;
    uint32_t fetch_sessions_max = 1000;
    uint32_t connections_max = 10'000;
    int64_t connections_idle_ms = 600'000;

    /// One line each about what was accepted and means nothing here. For the log, at start.
    std::vector<std::string> notices;
    /// Keys that are set to something else than their default and not obeyed yet, in the order of
    /// the file. For one line of the log.
    std::vector<std::string> no_effect_yet;
};

/// Every problem, one line each: where, what, and what would be right.
using ConfigProblems = std::vector<std::string>;

/// Later properties replace earlier ones of the same key.
std::expected<BrokerConfig, ConfigProblems> build_config(std::span<const Property> properties);

/// Reads `file` (nothing: all defaults) and applies `overrides` ("key=value") on top.
std::expected<BrokerConfig, ConfigProblems> load_config(const std::optional<std::string>& file,
                                                        std::span<const std::string> overrides);

/// A key that is honoured, for documentation.
struct KeyInfo {
    std::string_view name;
    std::string_view standard;  ///< The default, as text.
    std::string_view about;     ///< One sentence.
    cluster::KeyEffect effect = cluster::KeyEffect::full;
};
/// Every honoured key that is not a topic-level default, in the order of the documentation.
std::span<const KeyInfo> config_keys();

std::string_view durability_name(Durability durability);  ///< "power", "crash"
std::string_view io_choice_name(IoChoice io);             ///< "auto", "uring", "epoll"

/// "127.0.0.1" for "localhost", and so on: the first address of `host` that can be bound; nothing
/// if it has none. May block on a name service: before the cores run.
std::optional<std::string> numeric_host(const std::string& host);

}  // namespace ringlog::broker
