#include "base/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace godwit {
namespace {

/// The character by the plain rule of UTF-8, also where it must not exist.
std::string encoded(uint32_t point) {
    if (point < 0x80) return {char(point)};
    if (point < 0x800) return {char(0xc0 | point >> 6), char(0x80 | (point & 0x3f))};
    if (point < 0x10000)
        return {char(0xe0 | point >> 12), char(0x80 | (point >> 6 & 0x3f)),
                char(0x80 | (point & 0x3f))};
    return {char(0xf0 | point >> 18), char(0x80 | (point >> 12 & 0x3f)),
            char(0x80 | (point >> 6 & 0x3f)), char(0x80 | (point & 0x3f))};
}

TEST(MqttUtf8, TakesNoTextAtAll) {
    EXPECT_TRUE(is_mqtt_utf8(""));
}

TEST(MqttUtf8, TakesEveryCharacterButNulAndSurrogates) {
    for (uint32_t point = 0; point <= 0x11ffff; ++point) {
        const bool good = point != 0 && !(point >= 0xd800 && point <= 0xdfff) && point <= 0x10ffff;
        ASSERT_EQ(is_mqtt_utf8(encoded(point)), good) << std::hex << point;
    }
}

TEST(MqttUtf8, TakesEveryTwoBytesAsTheRuleSays) {
    for (unsigned first = 0; first < 256; ++first)
        for (unsigned second = 0; second < 256; ++second) {
            const bool both_ascii = first > 0 && first < 0x80 && second > 0 && second < 0x80;
            const bool one_character =
                first >= 0xc2 && first <= 0xdf && second >= 0x80 && second <= 0xbf;
            ASSERT_EQ(is_mqtt_utf8(std::string{char(first), char(second)}),
                      both_ascii || one_character)
                << first << ' ' << second;
        }
}

TEST(MqttUtf8, FindsAFaultAtAnyPlaceOfATextOfAnyLength) {
    for (size_t size = 1; size < 40; ++size) {
        ASSERT_TRUE(is_mqtt_utf8(std::string(size, 'a')));
        for (size_t at = 0; at < size; ++at) {
            for (const char fault : {'\0', '\x80', '\xff'}) {
                std::string text(size, 'a');
                text[at] = fault;
                ASSERT_FALSE(is_mqtt_utf8(text)) << size << ' ' << at;
            }
            if (at + 1 == size) continue;
            std::string text(size, 'a');
            text.replace(at, 2, "\xc3\xa9");
            ASSERT_TRUE(is_mqtt_utf8(text)) << size << ' ' << at;
        }
    }
}

TEST(MqttUtf8, RefusesOverlongForms) {
    EXPECT_FALSE(is_mqtt_utf8("\xc0\x80"));
    EXPECT_FALSE(is_mqtt_utf8("\xc0\xaf"));
    EXPECT_FALSE(is_mqtt_utf8("\xc1\xbf"));
    EXPECT_FALSE(is_mqtt_utf8("\xe0\x80\xaf"));
    EXPECT_FALSE(is_mqtt_utf8("\xe0\x9f\xbf"));
    EXPECT_FALSE(is_mqtt_utf8("\xf0\x80\x80\xaf"));
    EXPECT_FALSE(is_mqtt_utf8("\xf0\x8f\xbf\xbf"));
}

TEST(MqttUtf8, RefusesSurrogatesAlsoInPairs) {
    EXPECT_FALSE(is_mqtt_utf8("\xed\xa0\x80"));
    EXPECT_FALSE(is_mqtt_utf8("\xed\xbf\xbf"));
    EXPECT_FALSE(is_mqtt_utf8("\xed\xa0\x81\xed\xb0\x80"));
    EXPECT_TRUE(is_mqtt_utf8("\xed\x9f\xbf\xee\x80\x80"));  // the neighbours of the range
}

TEST(MqttUtf8, RefusesWhatLiesAboveTheLastCharacter) {
    EXPECT_TRUE(is_mqtt_utf8("\xf4\x8f\xbf\xbf"));
    EXPECT_FALSE(is_mqtt_utf8("\xf4\x90\x80\x80"));
    for (unsigned lead = 0xf5; lead < 256; ++lead)
        EXPECT_FALSE(is_mqtt_utf8(std::string{char(lead), '\x80', '\x80', '\x80'})) << lead;
}

TEST(MqttUtf8, RefusesACharacterCutOffAnywhere) {
    for (const uint32_t point : {0xe4u, 0x20acu, 0x1f986u}) {
        const std::string whole = encoded(point);
        for (size_t kept = 1; kept < whole.size(); ++kept) {
            EXPECT_FALSE(is_mqtt_utf8(whole.substr(0, kept)));
            EXPECT_FALSE(is_mqtt_utf8("0123456" + whole.substr(0, kept)));
            EXPECT_FALSE(is_mqtt_utf8(whole.substr(0, kept) + "x"));
        }
    }
}

TEST(MqttUtf8, RefusesAContinuationWithoutItsLead) {
    EXPECT_FALSE(is_mqtt_utf8("\x80"));
    EXPECT_FALSE(is_mqtt_utf8("a\xbf"));
    EXPECT_FALSE(is_mqtt_utf8("\xc3\xa4\xa4"));
}

TEST(MqttUtf8, LooksAtEveryByteOfALongText) {
    for (size_t size = 1; size < 40; ++size)
        for (size_t at = 0; at < size; ++at) {
            std::string text(size, 'a');
            for (const char bad : {'\0', '\x80', '\xff'}) {
                text[at] = bad;
                ASSERT_FALSE(is_mqtt_utf8(text)) << size << ' ' << at;
            }
            text[at] = '\x7f';
            ASSERT_TRUE(is_mqtt_utf8(text));
            text[at] = '\x01';
            ASSERT_TRUE(is_mqtt_utf8(text));
        }
}

TEST(MqttUtf8, TakesCharactersAcrossTheEightBytesItLooksAtTogether) {
    for (size_t before = 0; before < 17; ++before)
        for (const uint32_t point : {0xe4u, 0x20acu, 0x1f986u}) {
            const std::string text =
                std::string(before, 'x') + encoded(point) + std::string(9, 'y');
            EXPECT_TRUE(is_mqtt_utf8(text)) << before << ' ' << point;
        }
}

// [MQTT5-1.5.4-3]: U+FEFF is a character like any other. Controls and non-characters SHOULD NOT be
// sent, but are well formed.
TEST(MqttUtf8, TakesByteOrderMarksControlsAndNonCharacters) {
    EXPECT_TRUE(is_mqtt_utf8("\xef\xbb\xbf"));
    EXPECT_TRUE(is_mqtt_utf8("a\xef\xbb\xbf"));
    EXPECT_TRUE(is_mqtt_utf8("\x01\x1f\x7f"));
    EXPECT_TRUE(is_mqtt_utf8("\xc2\x80"));
    EXPECT_TRUE(is_mqtt_utf8("\xef\xbf\xbf"));
}

}  // namespace
}  // namespace godwit
