#include "base/json.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

std::string quoted(std::string_view text) {
    std::string out;
    append_json_text(out, text);
    return out;
}

TEST(JsonText, EscapesWhatMustBe) {
    EXPECT_EQ(quoted("a\"\\\n\r\t\b\f\x01/"), R"("a\"\\\n\r\t\b\f\u0001/")");
    EXPECT_EQ(quoted(std::string_view("\0", 1)), R"("\u0000")");
    EXPECT_EQ(quoted("\xc3\xa9\xf0\x9f\x98\x80"), "\"\xc3\xa9\xf0\x9f\x98\x80\"");
}

TEST(JsonText, ReplacesWhatIsNotUtf8) {
    EXPECT_EQ(quoted("a\xff"
                     "b\xc3"),
              "\"a\xef\xbf\xbd"
              "b\xef\xbf\xbd\"");
    EXPECT_EQ(quoted("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

TEST(IsJson, TakesEveryKindOfValue) {
    for (const char* text : {"null", " true ", "false", "0", "-1.5e+10", "12E3", "0.5", "\"\"",
                             R"("a\"\\\/\b\f\n\r\t\u00e9")", "[]", "{}", "[1, [2, []], {}]",
                             R"({"a":1,"b":{"c":[null]} , "d" : "x"})", "\n[ ]\t"})
        EXPECT_TRUE(is_json(text)) << text;
}

TEST(IsJson, RefusesEverythingElse) {
    for (const char* text :
         {"",          " ",      "nul",      "01",       "+1",         "1.",
          ".5",        "1e",     "-",        "\"",       "\"\\x\"",    "\"\\u12g4\"",
          "\"\\u12\"", "\"\n\"", "\"\xff\"", "[",        "]",          "[1",
          "[1,",       "[1,]",   "[,1]",     "[1 2]",    "[}",         "{",
          "{]",        "{1:2}",  "{\"a\"}",  "{\"a\":}", "{\"a\":1,}", "{\"a\":1 \"b\":2}",
          "{\"a\",1}", "1 2",    "[] []",    "hello",    "'a'",        "{\"a\":1]"})
        EXPECT_FALSE(is_json(text)) << text;
}

TEST(IsJson, DepthIsLimited) {
    const auto nested = [](size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_TRUE(is_json(nested(kJsonDepthMax)));
    EXPECT_FALSE(is_json(nested(kJsonDepthMax + 1)));
    EXPECT_FALSE(is_json(std::string(1'000'000, '[')));
}

}  // namespace
}  // namespace godwit
