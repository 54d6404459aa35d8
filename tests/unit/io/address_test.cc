// Addresses as text.
#include "io/address.h"

#include <gtest/gtest.h>

#include "io/posix_network.h"

namespace ringlog::io {
namespace {

TEST(Address, NumericAddressesSurviveTheRoundTrip) {
    for (const std::string_view text :
         {"127.0.0.1:9092", "0.0.0.0:0", "[::1]:65535", "[fe80::1:2]:1"}) {
        const auto address = parse_address(text);
        ASSERT_TRUE(address.has_value()) << text;
        EXPECT_EQ(format_address(address->storage), text);
    }
}

TEST(Address, AnIpv4AddressInsideIpv6IsPrintedAsIpv4) {
    const auto address = parse_address("[::ffff:10.1.2.3]:99");
    ASSERT_TRUE(address.has_value());
    EXPECT_EQ(format_address(address->storage), "10.1.2.3:99");
}

TEST(Address, WhatIsNoNumericAddressIsRefused) {
    for (const std::string_view text :
         {"", ":", "localhost:1", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
          "127.0.0.1:1x", "::1:80", "[::1]", "[::1:80", "1.2.3:4"}) {
        EXPECT_FALSE(parse_address(text).has_value()) << text;
    }
}

TEST(PosixNetwork, ANameIsLookedUpForListening) {
    PosixNetwork network;
    const auto descriptor = network.listen("localhost", 0);
    ASSERT_TRUE(descriptor.has_value()) << describe(descriptor.error());
    EXPECT_GT(network.local_port(*descriptor).value(), 0);
    network.close(*descriptor);
}

TEST(PosixNetwork, EveryAddressExcludesASecondListenerOnThePort) {
    PosixNetwork network;
    const auto every = network.listen("", 0);
    ASSERT_TRUE(every.has_value()) << describe(every.error());
    const uint16_t port = network.local_port(*every).value();
    for (const std::string_view host : {"", "127.0.0.1", "0.0.0.0"}) {
        const auto second = network.listen(std::string(host), port);
        ASSERT_FALSE(second.has_value()) << host;
        EXPECT_EQ(second.error().os_errno, EADDRINUSE) << host;
    }
    network.close(*every);
}

}  // namespace
}  // namespace ringlog::io
