// Reads Kafka's `key=value` files: Java properties, each with the line that it came from. Any core;
// pure.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace ringlog::broker {

struct Property {
    std::string key;
    std::string value;
    std::string where;  ///< For messages: "server.properties:12", "--override".
};

/// Comments (# or !), continuation lines, `key=value`, `key: value` and `key value`, and escapes
/// (\t \n \r \f \\ \uXXXX) as in Java. Values lose the spaces at their ends. `name` is for `where`.
/// The error says line and cause.
std::expected<std::vector<Property>, std::string> parse_properties(std::string_view text,
                                                                   std::string_view name);

/// "key=value" of a command line.
std::expected<Property, std::string> parse_override(std::string_view text);

}  // namespace ringlog::broker
