// listeners, advertised.listeners, listener.security.protocol.map and controller.listener.names, as
// Kafka relates them. See broker/config_parse.h.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "broker/config_parse.h"
#include "cluster/config_value.h"

namespace ringlog::broker {

using cluster::for_each_element;
using cluster::trimmed;

namespace {

std::string upper(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return result;
}

struct NamedAddress {
    std::string name;
    HostPort address;
};

/// "NAME://host:port" elements.
std::vector<NamedAddress> parse_addresses(const Property& property, ConfigProblems& problems) {
    std::vector<NamedAddress> result;
    std::set<std::string> names;
    for_each_element(property.value, [&](std::string_view element) {
        const size_t separator = element.find("://");
        const std::string name = upper(element.substr(0, separator));
        if (separator == std::string_view::npos || name.empty()) {
            problems.push_back(
                fmt::format("{}: {}: \"{}\" is not a listener; write NAME://host:port, as in "
                            "PLAINTEXT://127.0.0.1:9092",
                            property.where, property.key, element));
            return;
        }
        const auto address = parse_host_port(element.substr(separator + 3));
        if (!address.has_value()) {
            problems.push_back(
                fmt::format("{}: {}: {}", property.where, property.key, address.error()));
        } else if (!names.insert(name).second) {
            problems.push_back(
                fmt::format("{}: {}: the name {} stands there twice; each listener needs its own",
                            property.where, property.key, name));
        } else {
            result.push_back({.name = name, .address = *address});
        }
    });
    if (result.empty() && problems.empty()) {
        problems.push_back(fmt::format("{}: {} names no listener; write NAME://host:port",
                                       property.where, property.key));
    }
    return result;
}

using ProtocolMap = std::map<std::string, std::string>;

ProtocolMap parse_protocols(const Property* property, ConfigProblems& problems) {
    ProtocolMap result = {{"PLAINTEXT", "PLAINTEXT"},
                          {"SSL", "SSL"},
                          {"SASL_PLAINTEXT", "SASL_PLAINTEXT"},
                          {"SASL_SSL", "SASL_SSL"}};
    if (property == nullptr) {
        return result;
    }
    const ProtocolMap known = result;
    for_each_element(property->value, [&](std::string_view element) {
        const size_t colon = element.find(':');
        const std::string name = upper(trimmed(element.substr(0, colon)));
        const std::string protocol =
            colon == std::string_view::npos ? "" : upper(trimmed(element.substr(colon + 1)));
        if (name.empty() || !known.contains(protocol)) {
            problems.push_back(
                fmt::format("{}: {}: \"{}\" is not NAME:PROTOCOL with one of PLAINTEXT, SSL, "
                            "SASL_PLAINTEXT, SASL_SSL",
                            property->where, property->key, element));
            return;
        }
        result[name] = protocol;
    });
    return result;
}

bool every_address(const std::string& host) {
    return host.empty() || host == "0.0.0.0" || host == "::";
}

std::set<std::string> controller_names(const Property* property) {
    std::set<std::string> names;
    if (property != nullptr) {
        for_each_element(property->value,
                         [&](std::string_view name) { names.insert(upper(name)); });
    }
    return names;
}

/// One listener of the file; nothing if it is refused.
std::optional<Listener> make_listener(const NamedAddress& bound, const NamedAddress* advertised,
                                      const ProtocolMap& protocols, const std::string& where,
                                      ConfigProblems& problems) {
    const auto protocol = protocols.find(bound.name);
    if (protocol == protocols.end()) {
        problems.push_back(
            fmt::format("{}: no security protocol is defined for listener {}; add {}:PLAINTEXT to "
                        "listener.security.protocol.map",
                        where, bound.name, bound.name));
        return std::nullopt;
    }
    if (protocol->second != "PLAINTEXT") {
        problems.push_back(
            fmt::format("{}: listener {} asks for {}, which this version does not have; only "
                        "PLAINTEXT is there",
                        where, bound.name, protocol->second));
        return std::nullopt;
    }
    const HostPort& address = bound.address;
    if (advertised == nullptr && every_address(address.host)) {
        problems.push_back(fmt::format(
            "{}: listener {} is on every address, so clients must be told which one to use; add "
            "advertised.listeners={}://HOST:{}, or bind 127.0.0.1",
            where, bound.name, bound.name, address.port));
        return std::nullopt;
    }
    const HostPort& told = advertised == nullptr ? address : advertised->address;
    return Listener{.name = bound.name,
                    .protocol = protocol->second,
                    .host = every_address(address.host) && address.host != "::" ? "" : address.host,
                    .port = address.port,
                    .advertised_host = told.host,
                    .advertised_port = told.port};
}

void check_advertised(const Property& property, const std::vector<NamedAddress>& advertised,
                      const std::vector<NamedAddress>& bound, ConfigProblems& problems) {
    for (const NamedAddress& one : advertised) {
        if (std::ranges::find(bound, one.name, &NamedAddress::name) == bound.end()) {
            problems.push_back(
                fmt::format("{}: advertised.listeners names {}, which is not in listeners",
                            property.where, one.name));
        }
        if (every_address(one.address.host)) {
            problems.push_back(
                fmt::format("{}: advertised.listeners: \"{}\" is not an address that a client can "
                            "connect to; name a host",
                            property.where, one.address.host));
        }
    }
}

void check_ports(const std::vector<Listener>& listeners, const std::string& where,
                 ConfigProblems& problems) {
    for (size_t i = 0; i < listeners.size(); ++i) {
        for (size_t j = i + 1; j < listeners.size(); ++j) {
            const Listener& a = listeners[i];
            const Listener& b = listeners[j];
            const bool same_host = a.host == b.host || a.host.empty() || b.host.empty();
            if (a.port == b.port && a.port != 0 && same_host) {
                problems.push_back(fmt::format("{}: listeners {} and {} are on the same port {}",
                                               where, a.name, b.name, a.port));
            }
        }
    }
}

}  // namespace

void build_listeners(const ListenerKeys& keys, BrokerConfig& config, ConfigProblems& problems) {
    const Property standard{
        .key = "listeners", .value = "PLAINTEXT://127.0.0.1:9092", .where = "default"};
    const Property& listeners = keys.listeners == nullptr ? standard : *keys.listeners;
    const size_t problems_before = problems.size();
    const std::vector<NamedAddress> bound = parse_addresses(listeners, problems);
    const std::vector<NamedAddress> advertised = keys.advertised == nullptr
                                                     ? std::vector<NamedAddress>()
                                                     : parse_addresses(*keys.advertised, problems);
    const ProtocolMap protocols = parse_protocols(keys.protocols, problems);
    const std::set<std::string> controllers = controller_names(keys.controller_names);
    if (keys.advertised != nullptr) {
        check_advertised(*keys.advertised, advertised, bound, problems);
    }
    if (problems.size() != problems_before) {
        return;
    }
    config.listeners.clear();
    for (const NamedAddress& one : bound) {
        if (controllers.contains(one.name)) {
            config.notices.push_back(
                fmt::format("{}: listener {} is for Kafka's controllers and is not opened: "
                            "Ringlog keeps its metadata in its own store",
                            listeners.where, one.name));
            continue;
        }
        const auto told = std::ranges::find(advertised, one.name, &NamedAddress::name);
        auto listener = make_listener(one, told == advertised.end() ? nullptr : &*told, protocols,
                                      listeners.where, problems);
        if (listener.has_value()) {
            config.listeners.push_back(std::move(*listener));
        }
    }
    if (config.listeners.empty() && problems.size() == problems_before) {
        problems.push_back(
            fmt::format("{}: no listener is left for clients; add one that is not in "
                        "controller.listener.names",
                        listeners.where));
    }
    check_ports(config.listeners, listeners.where, problems);
}

}  // namespace ringlog::broker
