#include "topic/filter.h"

#include <gtest/gtest.h>
#include <string>

namespace godwit::topic {
namespace {

using namespace std::string_literals;

FilterError fault(std::string_view raw) {
    return parse_filter(raw).error();
}
FilterError plain_fault(std::string_view raw) {
    return parse_plain_filter(raw).error();
}

TEST(ParseFilter, OrdinaryFiltersHaveNoShare) {
    for (const char* raw : {"a", "/", "//", "a/b", "+", "#", "+/+", "a/+/b", "a/#", "/#", "+/#",
                            "$SYS/#", "$share", "$shared/x", "a b/\xc3\xa9", "share/a/b"}) {
        const auto parsed = parse_filter(raw);
        ASSERT_TRUE(parsed) << raw;
        EXPECT_EQ(parsed->filter, raw);
        EXPECT_EQ(parsed->share, "") << raw;
        EXPECT_TRUE(parse_plain_filter(raw)) << raw;
    }
}

TEST(ParseFilter, SharedFiltersAreSplit) {
    const auto parsed = parse_filter("$share/billing/plant/#");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->share, "billing");
    EXPECT_EQ(parsed->filter, "plant/#");
    EXPECT_EQ(parse_filter("$share/g//")->filter, "/");
    EXPECT_EQ(parse_filter("$share/$g/+")->share, "$g");
    EXPECT_EQ(parse_filter("$share/g/$share/h/t")->filter, "$share/h/t");
}

TEST(ParseFilter, EmptyIsRefused) {
    EXPECT_EQ(fault(""), FilterError::Empty);
    EXPECT_EQ(plain_fault(""), FilterError::Empty);
    EXPECT_EQ(fault("$share/g/"), FilterError::Empty);
}

TEST(ParseFilter, LongestIs65535BytesAllTold) {
    EXPECT_TRUE(parse_filter(std::string(65535, 'a')));
    EXPECT_EQ(fault(std::string(65536, 'a')), FilterError::TooLong);
    EXPECT_EQ(plain_fault(std::string(65536, 'a')), FilterError::TooLong);
    EXPECT_TRUE(parse_filter("$share/g/" + std::string(65535 - 9, 'a')));
    EXPECT_EQ(fault("$share/g/" + std::string(65535 - 8, 'a')), FilterError::TooLong);
}

TEST(ParseFilter, WhatIsNotUtf8IsRefused) {
    for (const std::string& raw : {"a\xff"s, "a\0b"s, "\xed\xa0\x80"s, "\xc0\xaf"s, "a/\xc3"s}) {
        EXPECT_EQ(fault(raw), FilterError::NotUtf8);
        EXPECT_EQ(plain_fault(raw), FilterError::NotUtf8);
        EXPECT_EQ(fault("$share/" + raw + "/t"), FilterError::NotUtf8);
    }
}

TEST(ParseFilter, WildcardsFillWholeLevelsAndHashIsLast) {
    for (const char* raw : {"a+", "+a", "a/b+", "++", "a/+b/c", "a#", "#a", "a/b#", "##", "#/",
                            "#/a", "a/#/b", "a/#/", "+#", "#+", "a/#/#"}) {
        EXPECT_EQ(fault(raw), FilterError::MisplacedWildcard) << raw;
        EXPECT_EQ(plain_fault(raw), FilterError::MisplacedWildcard) << raw;
        EXPECT_EQ(fault("$share/g/"s + raw), FilterError::MisplacedWildcard) << raw;
    }
}

TEST(ParseFilter, BadShareNamesAreRefused) {
    for (const char* raw : {"$share/", "$share//a", "$share/g", "$share/+/a", "$share/g#/a",
                            "$share/#", "$share/a+b/c", "$share/+"})
        EXPECT_EQ(fault(raw), FilterError::BadShareName) << raw;
}

TEST(ParseFilter, PlainReadingTakesShareAsAnyLevel) {
    EXPECT_EQ(parse_plain_filter("$share/g/t")->filter, "$share/g/t");
    EXPECT_EQ(parse_plain_filter("$share/g/t")->share, "");
    EXPECT_TRUE(parse_plain_filter("$share/"));
    EXPECT_TRUE(parse_plain_filter("$share/+/t"));
}

TEST(ParseFilter, FaultsComeInTheDocumentedOrder) {
    EXPECT_EQ(fault("a+/\xff"), FilterError::NotUtf8);
    EXPECT_EQ(fault("$share//a+"), FilterError::BadShareName);
    EXPECT_EQ(fault(std::string(70000, '\xff')), FilterError::TooLong);
}

TEST(CheckName, NamesAreUtf8WithoutWildcards) {
    for (const char* name : {"a", "/", "a/b", "$SYS/x", "a b", "\xf0\x9f\x98\x80", "a//b/"})
        EXPECT_TRUE(check_name(name)) << name;
    EXPECT_TRUE(check_name(std::string(65535, '/')));
}

TEST(CheckName, RefusesWithTheReason) {
    EXPECT_EQ(check_name("").error(), NameError::Empty);
    EXPECT_EQ(check_name(std::string(65536, 'a')).error(), NameError::TooLong);
    EXPECT_EQ(check_name("a\xff").error(), NameError::NotUtf8);
    EXPECT_EQ(check_name("a\0b"s).error(), NameError::NotUtf8);
    for (const char* name : {"+", "#", "a/+/b", "a+b", "a/#"})
        EXPECT_EQ(check_name(name).error(), NameError::HasWildcard) << name;
}

TEST(LevelCount, EmptyLevelsCount) {
    EXPECT_EQ(level_count("a"), 1u);
    EXPECT_EQ(level_count("/a"), 2u);
    EXPECT_EQ(level_count("/"), 2u);
    EXPECT_EQ(level_count("a/b/#"), 3u);
    EXPECT_EQ(level_count(std::string(65535, '/')), 65536u);
}

TEST(LevelCount, HasMoreLevelsIsWhatTheCountSays) {
    EXPECT_FALSE(has_more_levels("a/b", 2));
    EXPECT_TRUE(has_more_levels("a/b", 1));
    EXPECT_TRUE(has_more_levels("//", 2));
    EXPECT_FALSE(has_more_levels("//", 3));
    EXPECT_TRUE(has_more_levels("/", 1));
}

TEST(Matches, ExactFiltersMatchEqualBytesOnly) {
    EXPECT_TRUE(matches("a/b", "a/b"));
    EXPECT_TRUE(matches("/", "/"));
    EXPECT_TRUE(matches("a/", "a/"));
    EXPECT_FALSE(matches("a/b", "a/B"));
    EXPECT_FALSE(matches("a", "a/"));
    EXPECT_FALSE(matches("a/", "a"));
    EXPECT_FALSE(matches("a", "/a"));
    EXPECT_FALSE(matches("ab", "a"));
    EXPECT_FALSE(matches("a", "ab"));
    EXPECT_FALSE(matches("\xc3\xa9", "e\xcc\x81"));  // [MQTT5-4.7.3-4]
}

TEST(Matches, PlusTakesOneLevelEvenAnEmptyOne) {
    EXPECT_TRUE(matches("+", "a"));
    EXPECT_TRUE(matches("a/+/c", "a/b/c"));
    EXPECT_TRUE(matches("a/+", "a/"));
    EXPECT_TRUE(matches("/+", "/a"));
    EXPECT_TRUE(matches("+/+", "/a"));
    EXPECT_TRUE(matches("+/+", "/"));
    EXPECT_FALSE(matches("+", "/a"));
    EXPECT_FALSE(matches("a/+", "a"));
    EXPECT_FALSE(matches("a/+", "a/b/c"));
    EXPECT_FALSE(matches("a/+/c", "a/b/d"));
}

TEST(Matches, HashTakesItsParentAndAllBelow) {
    for (const char* name : {"sport", "sport/", "sport/a", "sport/a/b/c"})
        EXPECT_TRUE(matches("sport/#", name)) << name;
    EXPECT_TRUE(matches("#", "a"));
    EXPECT_TRUE(matches("#", "/"));
    EXPECT_TRUE(matches("+/#", "a"));
    EXPECT_TRUE(matches("a/+/#", "a/b"));
    EXPECT_FALSE(matches("a/+/#", "a"));
    EXPECT_FALSE(matches("sport/#", "sports"));
    EXPECT_FALSE(matches("sport/#", "spor"));
    EXPECT_FALSE(matches("sport/#", "x/sport"));
}

TEST(Matches, LeadingWildcardsSkipDollarNames) {
    for (const char* filter : {"#", "+", "+/#", "+/x", "+/+"}) {
        EXPECT_FALSE(matches(filter, "$SYS/x")) << filter;
        EXPECT_FALSE(matches(filter, "$SYS")) << filter;
    }
    EXPECT_TRUE(matches("$SYS/#", "$SYS/x"));
    EXPECT_TRUE(matches("$SYS/+", "$SYS/x"));
    EXPECT_TRUE(matches("a/#", "a/$x"));
    EXPECT_TRUE(matches("+/+", "a/$x"));
}

TEST(Matches, DeepestNamesAreHarmless) {
    const std::string name(65535, '/');
    std::string plus = "+";
    while (plus.size() < 65535) plus += "/+";
    EXPECT_FALSE(matches(plus, name));
    EXPECT_TRUE(matches(plus, std::string(32767, '/')));
    EXPECT_TRUE(matches(std::string(65534, '/') + "#", name));
}

TEST(HasWildcard, FindsOneAtAnyPlaceOfAnyText) {
    for (size_t size = 0; size < 40; ++size) {
        for (int byte = 0; byte < 256; ++byte) {
            const std::string text(size, char(byte));
            ASSERT_EQ(has_wildcard(text), size > 0 && (byte == '+' || byte == '#')) << byte;
        }
        for (size_t at = 0; at < size; ++at) {
            std::string text(size, 'a');
            text[at] = '#';
            ASSERT_TRUE(has_wildcard(text)) << text;
        }
    }
}

TEST(HasWildcard, FindsPlusAndHash) {
    EXPECT_TRUE(has_wildcard("a/+/b"));
    EXPECT_TRUE(has_wildcard("#"));
    EXPECT_FALSE(has_wildcard("a/b"));
}

TEST(ErrorText, EveryErrorHasItsOwn) {
    EXPECT_NE(error_text(FilterError::Empty), error_text(FilterError::TooLong));
    EXPECT_NE(error_text(FilterError::NotUtf8), error_text(FilterError::MisplacedWildcard));
    EXPECT_NE(error_text(FilterError::BadShareName), error_text(FilterError::Empty));
    EXPECT_NE(error_text(NameError::HasWildcard), error_text(NameError::NotUtf8));
    EXPECT_NE(error_text(NameError::Empty), error_text(NameError::TooLong));
}

}  // namespace
}  // namespace godwit::topic
