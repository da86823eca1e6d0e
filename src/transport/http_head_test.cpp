#include "transport/http_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace godwit::transport {
namespace {

using testing::ElementsAre;

std::string refusal_of(const std::string& head) {
    const auto parsed = parse_http_head(head);
    return parsed ? "accepted" : parsed.error();
}
std::string refusal_of_field(const std::string& line) {
    return refusal_of("GET / HTTP/1.1\r\n" + line + "\r\n\r\n");
}

TEST(HttpHeadSize, EndsBehindTheFirstBlankLine) {
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(http_head_size(head + "\x82\r\n\r\n", 0), head.size());
}
TEST(HttpHeadSize, IsTheSameWhereverTheHeadWasCut) {
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (size_t seen = 0; seen < head.size(); ++seen) {
        EXPECT_EQ(http_head_size(head.substr(0, seen), 0), 0u);
        EXPECT_EQ(http_head_size(head, seen), head.size()) << seen;
    }
}

TEST(HttpHead, ARequestHasMethodTargetAndVersion) {
    const auto head = parse_http_head("GET /mqtt?x=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(head);
    EXPECT_EQ(head->first, "GET");
    EXPECT_EQ(head->second, "/mqtt?x=1");
    EXPECT_EQ(head->third, "HTTP/1.1");
}
TEST(HttpHead, AnAnswerHasVersionStatusAndReason) {
    const auto head = parse_http_head("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    ASSERT_TRUE(head);
    EXPECT_EQ(head->first, "HTTP/1.1");
    EXPECT_EQ(head->second, "101");
    EXPECT_EQ(head->third, "Switching Protocols");
    EXPECT_TRUE(parse_http_head("HTTP/1.1 101 \r\n\r\n"));
}
TEST(HttpHead, FieldNamesHaveNoCaseAndValuesLoseOuterBlanks) {
    const auto head = parse_http_head("GET / HTTP/1.1\r\nHOST: \t a b \t\r\nEmpty:\r\n\r\n");
    ASSERT_TRUE(head);
    EXPECT_EQ(head->find("host"), "a b");
    EXPECT_EQ(head->find("eMPTY"), "");
    EXPECT_EQ(head->find("none"), std::nullopt);
}
TEST(HttpHead, AListMayBeSpreadOverFields) {
    const auto head = parse_http_head(
        "GET / HTTP/1.1\r\nConnection: keep-alive,\r\nConnection: , Upgrade\r\n\r\n");
    ASSERT_TRUE(head);
    EXPECT_EQ(head->count("connection"), 2u);
    EXPECT_THAT(head->elements("Connection"), ElementsAre("keep-alive", "Upgrade"));
    EXPECT_TRUE(head->lists("connection", "upgrade"));
    EXPECT_FALSE(head->lists("connection", "keep"));
}

TEST(HttpHead, AMalformedStartLineIsRefused) {
    for (const char* line :
         {"", "GET", "GET /", "GET  / HTTP/1.1", " GET / HTTP/1.1", "G@T / HTTP/1.1",
          "GET /\x01 HTTP/1.1", "GET / HTTP/1.1 x", "GET /\xc3\xa4 HTTP/1.1"})
        EXPECT_EQ(refusal_of(std::string(line) + "\r\nHost: a\r\n\r\n"), "malformed start line")
            << line;
}
TEST(HttpHead, FoldedLinesAreRefused) {
    EXPECT_EQ(refusal_of_field("A: b\r\n c"), "folded header line");
    EXPECT_EQ(refusal_of_field("A: b\r\n\tc"), "folded header line");
}
TEST(HttpHead, MalformedNamesAreRefused) {
    for (const char* line : {"Host : a", ": a", "no colon", "H\xc3\xb6st: a", "a(b: c"})
        EXPECT_EQ(refusal_of_field(line), "malformed header name") << line;
}
TEST(HttpHead, ControlCharactersAndBareLineEndsAreRefused) {
    for (const std::string& line : {std::string("A: b\rc"), std::string("A: b\nC: d"),
                                    std::string("A: b\0c", 6), std::string("A: \x7f")})
        EXPECT_EQ(refusal_of_field(line), "control character in a header");
}
TEST(HttpHead, BytesAboveAsciiMayStandInValues) {
    EXPECT_EQ(refusal_of_field("A: gr\xc3\xbc\xc3\x9f"), "accepted");
}
TEST(HttpHead, TheNumberOfFieldsIsBounded) {
    std::string head = "GET / HTTP/1.1\r\n";
    for (size_t i = 0; i < kHttpFieldsMax; ++i) head += "A: b\r\n";
    EXPECT_EQ(refusal_of(head + "\r\n"), "accepted");
    EXPECT_EQ(refusal_of(head + "A: b\r\n\r\n"), "too many headers");
}
TEST(HttpHead, ABlankLineMustEndIt) {
    EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\n"), "no blank line");
    EXPECT_EQ(refusal_of("GET / HTTP/1.1\r\n\r\nA: b\r\n\r\n"), "blank line inside the head");
}

}  // namespace
}  // namespace godwit::transport
