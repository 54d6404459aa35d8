// Properties to BrokerConfig: the table of honoured keys, and what is said about all others. See
// broker/config.h.
#include "broker/config.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "broker/config_parse.h"
#include "broker/config_table.h"
#include "cluster/config_value.h"
#include "cluster/topic_config.h"

namespace ringlog::broker {

using cluster::KeyEffect;
using cluster::trimmed;

namespace {

/// The state of one build: the last property of each key, what is found wrong, the result.
class Builder {
public:
    explicit Builder(std::span<const Property> properties) {
        for (const Property& property : properties) {
            latest_[property.key] = &property;
        }
        for (const Property& property : properties) {
            if (latest_[property.key] == &property) {
                in_order_.push_back(&property);
            }
        }
    }

    std::expected<BrokerConfig, ConfigProblems> build() {
        for (const Property* property : in_order_) {
            apply(*property);
        }
        apply_times("log.retention.ms", "log.retention.minutes", "log.retention.hours",
                    "retention.ms");
        apply_times("log.roll.ms", {}, "log.roll.hours", "segment.ms");
        apply_times("log.roll.jitter.ms", {}, "log.roll.jitter.hours", "segment.jitter.ms");
        apply_aliases();
        build_listeners({.listeners = find("listeners"),
                         .advertised = find("advertised.listeners"),
                         .protocols = find("listener.security.protocol.map"),
                         .controller_names = find("controller.listener.names")},
                        config_, problems_);
        check_together();
        if (!problems_.empty()) {
            return std::unexpected(std::move(problems_));
        }
        return std::move(config_);
    }

private:
    const Property* find(std::string_view key) const {
        const auto found = latest_.find(key);
        return found == latest_.end() ? nullptr : found->second;
    }

    void problem(const Property& property, std::string_view text) {
        problems_.push_back(fmt::format("{}: {}: {}", property.where, property.key, text));
    }

    void apply(const Property& property) {
        const std::string_view key = property.key;
        if (const KeyRow* row = find_key(key); row != nullptr) {
            if (row->apply != nullptr) {
                const std::string wrong = row->apply(trimmed(property.value), config_);
                if (!wrong.empty()) {
                    problem(property, wrong);
                }
            }
            if (row->info.effect == KeyEffect::none_yet) {
                note_unobeyed(property, row->info.standard);
            }
        } else if (const auto* spec = find_topic_default(key); spec != nullptr) {
            apply_topic_default(property, *spec);
        } else if (const std::string_view reason = ignored_key_reason(key); !reason.empty()) {
            config_.notices.push_back(fmt::format("{}: {} is accepted and has no effect: {}",
                                                  property.where, key, reason));
        } else {
            unknown(property);
        }
    }

    static const cluster::TopicConfigSpec* find_topic_default(std::string_view key) {
        const auto specs = cluster::topic_config_specs();
        const auto found = std::ranges::find(specs, key, &cluster::TopicConfigSpec::broker_key);
        return found == specs.end() || key.empty() ? nullptr : &*found;
    }

    void apply_topic_default(const Property& property, const cluster::TopicConfigSpec& spec) {
        const bool number = spec.value.type == cluster::ConfigType::int32 ||
                            spec.value.type == cluster::ConfigType::int64;
        if (number) {
            const bool bytes = property.key.ends_with(".bytes");
            const auto parsed = bytes ? parse_bytes(property.value, false)
                                      : parse_count(property.value, property.key.ends_with(".ms")
                                                                        ? "milliseconds"
                                                                        : std::string_view());
            if (!parsed.has_value()) {
                problem(property, parsed.error());
                return;
            }
        }
        if (const auto wrong = cluster::value_problem(spec.value, property.value);
            wrong.has_value()) {
            problem(property, fmt::format("\"{}\": {}", property.value, *wrong));
            return;
        }
        config_.topic_defaults.configs[std::string(spec.name)] = property.value;
        if (spec.effect == KeyEffect::none) {
            config_.notices.push_back(
                fmt::format("{}: {} is accepted and has no effect", property.where, property.key));
        } else if (spec.effect == KeyEffect::none_yet) {
            note_unobeyed(property, spec.standard);
        }
    }

    /// One that asks for what is the default anyway misleads nobody.
    void note_unobeyed(const Property& property, std::string_view standard) {
        const std::string_view value = trimmed(property.value);
        const auto number = cluster::parse_integer(value);
        if (value != standard && (!number || number != cluster::parse_integer(standard))) {
            config_.no_effect_yet.push_back(property.key);
        }
    }

    /// Kafka's keys for one time in three units: the finest that is set counts.
    void apply_times(std::string_view ms, std::string_view minutes, std::string_view hours,
                     std::string_view topic_key) {
        if (find(ms) != nullptr) {
            return;
        }
        for (const auto& [key, factor, unit] : {std::tuple(minutes, int64_t{60'000}, "minutes"),
                                                std::tuple(hours, int64_t{3'600'000}, "hours")}) {
            const Property* property = key.empty() ? nullptr : find(key);
            if (property == nullptr) {
                continue;
            }
            const auto value = parse_count(property->value, unit);
            int64_t product = 0;
            if (!value.has_value()) {
                problem(*property, value.error());
            } else if (*value < -1 || *value > INT32_MAX ||
                       __builtin_mul_overflow(*value, factor, &product)) {
                problem(*property,
                        fmt::format("\"{}\" is not a number of {}", property->value, unit));
            } else {
                const std::string text = std::to_string(*value < 0 ? -1 : product);
                const auto wrong = cluster::topic_config_problem(topic_key, text);
                if (wrong.has_value()) {
                    problem(*property, fmt::format("\"{}\" is out of range", property->value));
                } else {
                    config_.topic_defaults.configs[std::string(topic_key)] = text;
                }
            }
            return;
        }
    }

    /// node.id and broker.id, log.dirs and log.dir: one of two names, or both with one value.
    void apply_aliases() {
        const Property* node = find("node.id");
        const Property* broker = find("broker.id");
        if (node != nullptr && broker != nullptr &&
            trimmed(node->value) != trimmed(broker->value)) {
            problem(*broker, fmt::format("\"{}\" is not the node.id of {} ({}); keep one of them",
                                         broker->value, node->where, node->value));
        }
        const Property* dirs = find("log.dirs");
        const Property* dir = find("log.dir");
        if (dirs != nullptr && dir != nullptr) {
            config_.data_directory = trimmed(dirs->value);
        }
    }

    void check_together() {
        const CoreChoice& cores = config_.cores;
        if (cores.count != 0 && config_.journals > cores.count) {
            const Property* journals = find("ringlog.journals");
            problem(*journals,
                    fmt::format("{} journals need as many cores, but ringlog.cores is {}",
                                config_.journals, cores.count));
        }
        const Property* roles = find("process.roles");
        if (roles != nullptr && roles->value.find("broker") == std::string::npos) {
            problem(
                *roles,
                fmt::format("\"{}\": Ringlog is always a broker; write broker or broker,controller",
                            roles->value));
        }
    }

    void unknown(const Property& property) {
        std::vector<std::string_view> candidates = ignored_keys();
        std::erase_if(candidates, [](std::string_view key) { return key.ends_with('.'); });
        for (const KeyInfo& key : config_keys()) {
            candidates.push_back(key.name);
        }
        for (const auto& spec : cluster::topic_config_specs()) {
            if (!spec.broker_key.empty()) {
                candidates.push_back(spec.broker_key);
            }
        }
        if (const auto* spec = cluster::find_topic_config(property.key); spec != nullptr) {
            problem(property,
                    spec->broker_key.empty()
                        ? std::string("this is a topic's key; it has no broker-wide default")
                        : fmt::format("this is a topic's key; its broker-wide default is {}",
                                      spec->broker_key));
            return;
        }
        const std::string_view near = nearest_key(property.key, candidates);
        problem(property, near.empty() ? std::string("unknown key; docs/configuration.md lists all")
                                       : fmt::format("unknown key; did you mean {}?", near));
    }

    std::map<std::string, const Property*, std::less<>> latest_;
    std::vector<const Property*> in_order_;
    BrokerConfig config_;
    ConfigProblems problems_;
};

}  // namespace

std::expected<BrokerConfig, ConfigProblems> build_config(std::span<const Property> properties) {
    return Builder(properties).build();
}

std::expected<BrokerConfig, ConfigProblems> load_config(const std::optional<std::string>& file,
                                                        std::span<const std::string> overrides) {
    std::vector<Property> properties;
    if (file.has_value()) {
        std::ifstream stream(*file, std::ios::binary);
        std::ostringstream text;
        text << stream.rdbuf();
        if (!stream.good() || std::filesystem::is_directory(*file)) {
            return std::unexpected(
                ConfigProblems{fmt::format("the configuration file {} cannot be read", *file)});
        }
        auto parsed =
            parse_properties(text.str(), std::filesystem::path(*file).filename().string());
        if (!parsed.has_value()) {
            return std::unexpected(ConfigProblems{parsed.error()});
        }
        properties = std::move(*parsed);
    }
    for (const std::string& text : overrides) {
        auto parsed = parse_override(text);
        if (!parsed.has_value()) {
            return std::unexpected(ConfigProblems{parsed.error()});
        }
        properties.push_back(std::move(*parsed));
    }
    return build_config(properties);
}

std::string_view durability_name(Durability durability) {
    return durability == Durability::power ? "power" : "crash";
}

std::string_view io_choice_name(IoChoice io) {
    switch (io) {
        case IoChoice::automatic: return "auto";
        case IoChoice::uring: return "uring";
        case IoChoice::epoll: return "epoll";
    }
    return "auto";
}

std::optional<std::string> numeric_host(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0 || found == nullptr) {
        return std::nullopt;
    }
    // IPv4 first: what clients of "localhost" mean.
    const addrinfo* chosen = found;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        if (one->ai_family == AF_INET) {
            chosen = one;
            break;
        }
    }
    std::array<char, NI_MAXHOST> text{};
    const int code = getnameinfo(chosen->ai_addr, chosen->ai_addrlen, text.data(), text.size(),
                                 nullptr, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    return code == 0 ? std::optional<std::string>(text.data()) : std::nullopt;
}

}  // namespace ringlog::broker
