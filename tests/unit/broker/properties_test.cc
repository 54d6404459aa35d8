// Java properties, as Kafka's own reader takes them.
#include "broker/properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ringlog::broker {
namespace {

using ::testing::HasSubstr;

std::string shown(std::string_view text) {
    const auto parsed = parse_properties(text, "f");
    if (!parsed.has_value()) {
        return "error " + parsed.error();
    }
    std::string result;
    for (const Property& property : *parsed) {
        result += property.where + " " + property.key + "=" + property.value + ";";
    }
    return result;
}

TEST(Properties, ReadsKeysValuesAndLines) {
    EXPECT_EQ(shown("a=1\n\n# comment\n! also\n b = 2 \nc:3\nd 4\r\ne=\n"),
              "f:1 a=1;f:5 b=2;f:6 c=3;f:7 d=4;f:8 e=;");
    EXPECT_EQ(shown("url=PLAINTEXT://h:1,B://:2"), "f:1 url=PLAINTEXT://h:1,B://:2;");
    EXPECT_EQ(shown(""), "");
    EXPECT_EQ(shown("\xef\xbb\xbf"
                    "a=1"),
              "f:1 a=1;");
}

TEST(Properties, JoinsContinuedLinesAndEscapes) {
    EXPECT_EQ(shown("a=1,\\\n   2\nb=3"), "f:1 a=1,2;f:3 b=3;");
    EXPECT_EQ(shown("a=x\\\\\nb=1"), "f:1 a=x\\;f:2 b=1;");
    EXPECT_EQ(shown("a\\=b=c\\:d"), "f:1 a=b=c:d;");
    EXPECT_EQ(shown("a=\\u0041\\u00e9\\u20ac"), "f:1 a=A\xc3\xa9\xe2\x82\xac;");
    EXPECT_EQ(shown("#c\\\na=1"), "f:2 a=1;");
    EXPECT_EQ(shown("a=1\\"), "f:1 a=1;");
}

TEST(Properties, NamesTheLineOfAnError) {
    EXPECT_THAT(shown("a=1\nlisteners\n"), HasSubstr("error f:2: \"listeners\" has no value"));
    EXPECT_THAT(shown("a=\\u12"), HasSubstr("error f:1: \\u needs four"));
    EXPECT_THAT(shown("=5"), HasSubstr("error f:1: the key before the = is missing"));
}

TEST(Properties, AnOverrideIsKeyEqualsValue) {
    EXPECT_EQ(parse_override("a=b=c")->value, "b=c");
    EXPECT_EQ(parse_override(" a = b ")->key, "a");
    EXPECT_FALSE(parse_override("a").has_value());
    EXPECT_FALSE(parse_override("=b").has_value());
}

}  // namespace
}  // namespace ringlog::broker
