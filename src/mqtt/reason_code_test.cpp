#include "mqtt/reason_code.h"

#include <gtest/gtest.h>
#include <set>

namespace godwit::mqtt {
namespace {

TEST(ReasonCode, EveryCodeHasItsOwnName) {
    std::set<std::string_view> names;
    int unknown = 0;
    for (int code = 0; code < 256; ++code) {
        const std::string_view name = reason_name(ReasonCode(code));
        if (name == "unknown") {
            ++unknown;
            continue;
        }
        EXPECT_TRUE(names.insert(name).second) << name;
    }
    EXPECT_EQ(names.size(), 43U);
    EXPECT_EQ(unknown, 256 - 43);
    EXPECT_EQ(reason_name(ReasonCode::SessionTakenOver), "session_taken_over");
}

TEST(ReasonCode, MapsToAReturnCodeOf3AndBack) {
    for (uint8_t code = 0; code <= 5; ++code)
        EXPECT_EQ(to_v3_return_code(from_v3_return_code(code)), code);
    EXPECT_EQ(to_v3_return_code(ReasonCode::Banned), 5);
    EXPECT_EQ(to_v3_return_code(ReasonCode::QuotaExceeded), 3);
    EXPECT_EQ(from_v3_return_code(6), ReasonCode::UnspecifiedError);
}

TEST(ReasonCode, EachPacketHasItsList) {
    const auto count = [](PacketType type, Sender sender) {
        int listed = 0;
        for (int code = 0; code < 256; ++code)
            if (is_listed(ReasonCode(code), type, sender)) ++listed;
        return listed;
    };
    using enum PacketType;
    EXPECT_EQ(count(Connack, Sender::Server), 22);
    for (const Sender sender : {Sender::Client, Sender::Server}) {
        EXPECT_EQ(count(Puback, sender), 9);
        EXPECT_EQ(count(Pubrec, sender), 9);
        EXPECT_EQ(count(Pubrel, sender), 2);
        EXPECT_EQ(count(Pubcomp, sender), 2);
    }
    EXPECT_EQ(count(Suback, Sender::Server), 12);
    EXPECT_EQ(count(Unsuback, Sender::Server), 7);
    EXPECT_EQ(count(Disconnect, Sender::Client), 14);
    EXPECT_EQ(count(Disconnect, Sender::Server), 29);
    EXPECT_EQ(count(Auth, Sender::Client), 2);
    EXPECT_EQ(count(Auth, Sender::Server), 2);
    EXPECT_EQ(count(Connack, Sender::Client), 0);
}

}  // namespace
}  // namespace godwit::mqtt
