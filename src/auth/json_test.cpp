#include "auth/json.h"

#include <gtest/gtest.h>

namespace godwit::auth {
namespace {

std::string fault_of(std::string_view text) {
    const auto parsed = parse_json(text);
    return parsed ? "" : parsed.error();
}

TEST(Json, ReadsEveryKindOfValue) {
    const auto parsed =
        parse_json(R"( {"a":"x","n":-1.5e3,"t":true,"f":false,"z":null,"l":[1,"2",[]],"o":{}} )");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed->find_text("a"), "x");
    EXPECT_EQ(parsed->find("n")->text, "-1.5e3");
    EXPECT_EQ(parsed->find("n")->number(), -1500.0);
    EXPECT_TRUE(parsed->find("t")->flag);
    EXPECT_EQ(parsed->find("f")->kind, Json::Kind::Flag);
    EXPECT_EQ(parsed->find("z")->kind, Json::Kind::Null);
    EXPECT_EQ(parsed->find("l")->list.size(), 3u);
    EXPECT_EQ(parsed->find("o")->kind, Json::Kind::Object);
    EXPECT_EQ(parsed->find("b"), nullptr);
    EXPECT_EQ(parsed->find_text("n"), nullptr) << "a number is no text";
    EXPECT_EQ(parsed->find("a")->number(), std::nullopt);
}

TEST(Json, ReadsEscapes) {
    EXPECT_EQ(parse_json(R"("\"\\\/\b\f\n\r\t\u0041\u00e4\u20ac\ud83d\ude00")")->text,
              "\"\\/\b\f\n\r\tA\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST(Json, RefusesWhatIsNoJson) {
    for (const char* text : {"",
                             " ",
                             "{",
                             "[1,]",
                             "{\"a\":1,}",
                             "{a:1}",
                             "{\"a\"}",
                             "01",
                             "-",
                             "1.",
                             "1e",
                             "+1",
                             ".5",
                             "tru",
                             "nul",
                             "'a'",
                             "\"a",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\u000g\"",
                             "\"\\ud800\"",
                             "\"\\ud800\\u0041\"",
                             "\"\\udc00\"",
                             "\"\\u0000\"",
                             "\"\n\"",
                             "1 2",
                             "{} x",
                             "[1 2]"})
        EXPECT_EQ(fault_of(text), "it is no JSON") << text;
    EXPECT_EQ(fault_of("\"\xff\""), "it is not UTF-8");
    EXPECT_EQ(fault_of(std::string_view("\"a\0\"", 4)), "it is not UTF-8");
}

TEST(Json, RefusesAMemberThatIsThereTwice) {
    EXPECT_EQ(fault_of(R"({"alg":"RS256","alg":"none"})"), "a member is there twice");
    EXPECT_EQ(fault_of(R"({"alg":"RS256","\u0061lg":"none"})"), "a member is there twice");
    EXPECT_EQ(fault_of(R"({"a":{"b":1,"b":1}})"), "a member is there twice");
}

TEST(Json, IsBounded) {
    const auto nested = [](size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_EQ(fault_of(nested(kJsonNestingMax)), "");
    EXPECT_EQ(fault_of(nested(kJsonNestingMax + 1)), "it is nested too deeply");
    EXPECT_EQ(fault_of(std::string(100'000, '[')), "it is nested too deeply");
    std::string many = "{";
    for (size_t i = 0; i < kJsonMembersMax; ++i) many += "\"" + std::to_string(i) + "\":0,";
    EXPECT_EQ(fault_of(many + "\"x\":0}"), "it has too many members");
    many.back() = '}';
    EXPECT_EQ(fault_of(many), "");
}

}  // namespace
}  // namespace godwit::auth
