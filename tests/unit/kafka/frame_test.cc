// Goal: the first bytes of a connection are told apart without reading beyond them.
#include "kafka/frame.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/unit/kafka/golden_file.h"

namespace ringlog::kafka {
namespace {

Frame inspect(const std::string& hex, uint32_t limit = kFrameBytesMaxDefault) {
    return inspect_frame(golden::from_hex(hex), limit);
}

TEST(Frame, FewerThanFourBytesSayNothing) {
    for (const char* hex : {"", "00", "474554", "ffffff"}) {
        EXPECT_EQ(inspect(hex), (Frame{.kind = FrameKind::incomplete}));
    }
}

TEST(Frame, AFrameIsCountedWithItsSizeField) {
    EXPECT_EQ(inspect("00000000").total_bytes, 4U);
    const Frame frame = inspect(
        "00000010"
        "00");
    EXPECT_EQ(frame.kind, FrameKind::frame);
    EXPECT_EQ(frame.total_bytes, 20U);
    EXPECT_FALSE(frame.refused());
}

TEST(Frame, TheLimitItselfIsAllowedAndOneMoreIsNot) {
    EXPECT_EQ(inspect("00010000", kFrameBytesMaxUnauthenticated).kind, FrameKind::frame);
    EXPECT_EQ(inspect("00010001", kFrameBytesMaxUnauthenticated).kind, FrameKind::over_limit);
    EXPECT_EQ(inspect("06400000").kind, FrameKind::frame);
    EXPECT_EQ(inspect("06400001").kind, FrameKind::over_limit);
    EXPECT_EQ(inspect("06400001").declared, 104'857'601);
}

TEST(Frame, NegativeSizesAreRefused) {
    EXPECT_EQ(inspect("ffffffff").kind, FrameKind::negative_length);
    EXPECT_EQ(inspect("80000000").kind, FrameKind::negative_length);
}

TEST(Frame, HttpAndTlsAreNamed) {
    for (const std::string_view verb :
         {"GET / HTTP/1.1", "HEAD /", "POST /", "PUT /x", "DELETE /", "OPTIONS *", "PATCH /",
          "CONNECT h:1", "TRACE /", "PRI * HTTP/2.0"}) {
        EXPECT_EQ(inspect_frame(as_bytes(verb), kFrameBytesMaxDefault).kind, FrameKind::http)
            << verb;
    }
    EXPECT_EQ(inspect("16030102").kind, FrameKind::tls);
    EXPECT_EQ(inspect("16030302").kind, FrameKind::tls);
    EXPECT_EQ(inspect("17030302").kind, FrameKind::over_limit);
}

TEST(Frame, WhatIsRefusedHasALineForTheLogAndNothingElseHas) {
    for (const FrameKind kind :
         {FrameKind::incomplete, FrameKind::frame, FrameKind::negative_length,
          FrameKind::over_limit, FrameKind::http, FrameKind::tls}) {
        EXPECT_EQ(frame_problem(kind).empty(), !Frame{.kind = kind}.refused());
    }
}

}  // namespace
}  // namespace ringlog::kafka
