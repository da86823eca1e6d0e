#include "base/log.h"

#include "base/utf8.h"

#include <gtest/gtest.h>

#include <limits>

namespace godwit {
namespace {

constexpr WallTime kNow{1'767'323'045'678};
constexpr std::string_view kLogfmtHead = "time=2026-01-02T03:04:05.678Z level=info event=e ";
constexpr std::string_view kJsonHead =
    R"({"time":"2026-01-02T03:04:05.678Z","level":"info","event":"e",)";

/// The one field "v" as it appears in a line.
std::string in_logfmt(std::string_view value) {
    const std::string line =
        LogLine(LogLevel::Info, "e").add("v", value).format(LogFormat::Logfmt, kNow);
    EXPECT_TRUE(line.starts_with(kLogfmtHead)) << line;
    return line.substr(kLogfmtHead.size());
}
std::string in_json(std::string_view value) {
    const std::string line =
        LogLine(LogLevel::Info, "e").add("v", value).format(LogFormat::Json, kNow);
    EXPECT_TRUE(line.starts_with(kJsonHead)) << line;
    EXPECT_TRUE(line.ends_with('}')) << line;
    return line.substr(kJsonHead.size(), line.size() - kJsonHead.size() - 1);
}

TEST(LogLine, KeepsTheOrderOfItsFields) {
    LogLine line(LogLevel::Warning, "connect.refused");
    line.add("client", "c1").add("bytes", 12).add("tls", true).add("reason", "banned");
    EXPECT_EQ(
        line.format(LogFormat::Logfmt, kNow),
        "time=2026-01-02T03:04:05.678Z level=warning event=connect.refused client=c1 bytes=12 "
        "tls=true reason=banned");
    EXPECT_EQ(line.format(LogFormat::Json, kNow),
              R"({"time":"2026-01-02T03:04:05.678Z","level":"warning","event":"connect.refused",)"
              R"("client":"c1","bytes":12,"tls":true,"reason":"banned"})");
}

TEST(LogLine, WithoutFieldsIsWhole) {
    const LogLine line(LogLevel::Error, "e");
    EXPECT_EQ(line.format(LogFormat::Logfmt, kNow),
              "time=2026-01-02T03:04:05.678Z level=error event=e");
    EXPECT_EQ(line.format(LogFormat::Json, kNow),
              R"({"time":"2026-01-02T03:04:05.678Z","level":"error","event":"e"})");
}

TEST(LogLine, NumbersKeepTheirWholeRange) {
    LogLine line(LogLevel::Info, "e");
    line.add("low", std::numeric_limits<int64_t>::min());
    line.add("high", std::numeric_limits<uint64_t>::max()).add("small", uint8_t(7));
    const std::string text = line.format(LogFormat::Logfmt, kNow);
    EXPECT_TRUE(text.ends_with("low=-9223372036854775808 high=18446744073709551615 small=7"));
}

TEST(LogLine, PlainValuesAreBareInLogfmt) {
    EXPECT_EQ(in_logfmt("127.0.0.1:1883"), "v=127.0.0.1:1883");
    EXPECT_EQ(in_logfmt("plant/+/temp#$"), "v=plant/+/temp#$");
}

TEST(LogLine, EmptyBlankAndSpecialValuesAreQuotedInLogfmt) {
    EXPECT_EQ(in_logfmt(""), R"(v="")");
    EXPECT_EQ(in_logfmt("a b"), R"(v="a b")");
    EXPECT_EQ(in_logfmt("a=b"), R"(v="a=b")");
    EXPECT_EQ(in_logfmt("\xc3\xa4"), "v=\"\xc3\xa4\"");
}

TEST(LogLine, AHostileClientIdCannotForgeFieldsOrLines) {
    const std::string_view hostile = "x\" level=error\nevent=\"forged\\";
    EXPECT_EQ(in_logfmt(hostile), R"(v="x\" level=error\nevent=\"forged\\")");
    EXPECT_EQ(in_json(hostile), R"("v":"x\" level=error\nevent=\"forged\\")");
}

TEST(LogLine, ControlCharactersAreEscaped) {
    const std::string_view hostile("\x1b[2J\0\r\t\x7f", 8);
    EXPECT_EQ(in_json(hostile), R"("v":"\u001b[2J\u0000\r\t\u007f")");
    EXPECT_EQ(in_logfmt(hostile), R"(v="\u001b[2J\u0000\r\t\u007f")");
}

TEST(LogLine, WideControlsAndReadingDirectionAreEscaped) {
    EXPECT_EQ(in_json("\xc2\x9b"
                      "31m"),
              R"("v":"\u009b31m")");  // CSI in one code point
    EXPECT_EQ(in_json("\xe2\x80\xa8|\xe2\x80\xae"),
              R"("v":"\u2028|\u202e")");  // line separator, RLO
    EXPECT_EQ(in_json("\xe2\x81\xa6"), R"("v":"\u2066")");
}

TEST(LogLine, BadUtf8IsReplacedAndTheRestKept) {
    EXPECT_EQ(in_json("a\xff"
                      "b"),
              "\"v\":\"a\xef\xbf\xbd"
              "b\"");
    EXPECT_EQ(in_logfmt("a\xff"
                        "b"),
              "v=\"a\xef\xbf\xbd"
              "b\"");
    EXPECT_EQ(in_json("\xc3"), "\"v\":\"\xef\xbf\xbd\"");                        // cut off
    EXPECT_EQ(in_json("\xc0\xaf"), "\"v\":\"\xef\xbf\xbd\xef\xbf\xbd\"");        // overlong
    EXPECT_EQ(in_json("\xed\xa0\x80").find("\xed\xa0"), std::string::npos);      // surrogate
    EXPECT_EQ(in_json("\xf4\x90\x80\x80").find("\xf4\x90"), std::string::npos);  // > U+10FFFF
    EXPECT_EQ(in_json("\xf0\x9f\x90\xa6"), "\"v\":\"\xf0\x9f\x90\xa6\"");        // four bytes
}

TEST(LogLine, LongValuesAreCutWithAMark) {
    const std::string fits(kLogValueBytesMax, 'a');
    EXPECT_EQ(in_logfmt(fits), "v=" + fits);
    EXPECT_EQ(in_json(fits), "\"v\":\"" + fits + "\"");
    EXPECT_EQ(in_logfmt(fits + "a"), "v=\"" + fits + "...\"");
    EXPECT_EQ(in_json(std::string(1'000'000, 'a')), "\"v\":\"" + fits + "...\"");
}

TEST(LogLine, EscapesCountTowardsTheBound) {
    const std::string shown = in_json(std::string(1000, '\x01'));
    EXPECT_LE(shown.size(), kLogValueBytesMax + std::string_view(R"("v":"...")").size());
    EXPECT_TRUE(shown.ends_with(R"(\u0001...")")) << shown;
}

TEST(LogLine, ACutNeverSplitsACharacter) {
    for (size_t ascii = 250; ascii <= 258; ++ascii) {
        const std::string value = std::string(ascii, 'a') + "\xf0\x9f\x90\xa6\xf0\x9f\x90\xa6";
        const std::string shown = in_json(value);
        EXPECT_TRUE(is_mqtt_utf8(shown)) << ascii;
        EXPECT_EQ(shown.find("\xef\xbf\xbd"), std::string::npos) << ascii;
        EXPECT_TRUE(shown.ends_with("...\"")) << ascii;
    }
}

TEST(LogLineDeathTest, KeysArePlainWords) {
    EXPECT_DEATH(LogLine(LogLevel::Info, "e").add("a b", "x"), "is_key");
    EXPECT_DEATH(LogLine(LogLevel::Info, "e").add("", 1), "is_key");
}

TEST(LogLevelName, ReadsWhatItWrites) {
    for (const LogLevel level :
         {LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error})
        EXPECT_EQ(parse_log_level(to_text(level)), level);
}

TEST(LogLevelName, RefusesOtherWords) {
    EXPECT_EQ(parse_log_level(""), std::nullopt);
    EXPECT_EQ(parse_log_level("INFO"), std::nullopt);
    EXPECT_EQ(parse_log_level("verbose"), std::nullopt);
}

TEST(FormatUtc, KnowsLeapDaysAndTheTimeBefore1970) {
    EXPECT_EQ(format_utc({0}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(format_utc({951'782'400'000}), "2000-02-29T00:00:00.000Z");
    EXPECT_EQ(format_utc({-1}), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace godwit
