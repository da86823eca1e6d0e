#include "mqtt/malformed_vectors.h"

#include "mqtt/testing/packet_dump.h"

#include <gtest/gtest.h>
#include <set>

namespace godwit::mqtt {
namespace {

using namespace testing;

Result<AnyPacket, DecodeError> frame_and_decode(Bytes bytes, Version version, Sender sender) {
    const auto status = next_frame(bytes, kPacketBytesMax);
    if (!status) return Err{status.error()};
    GW_ASSERT(status->complete && status->frame.size == bytes.size());
    return decode_any(status->frame, version, sender);
}

void expect_refused(const MalformedVector& row, Sender sender) {
    SCOPED_TRACE(row.name);
    const Buffer bytes = packet_of(row);
    const auto result = frame_and_decode(bytes, row.version, sender);
    ASSERT_FALSE(result) << "accepted: " << dump(*result) << " from " << hex(bytes);
    const DecodeError& error = result.error();
    EXPECT_EQ(reason_name(error.reason), reason_name(row.reason)) << error.what;
    EXPECT_NE(std::string_view(error.what).find(row.what), std::string_view::npos)
        << "said: " << error.what;
    EXPECT_LE(error.offset, bytes.size());
}

TEST(MalformedVectors, WhatAClientMaySendWronglyIsRefused) {
    for (const auto rows : kMalformedFromClient)
        for (const MalformedVector& row : rows) expect_refused(row, Sender::Client);
}

TEST(MalformedVectors, WhatAServerMaySendWronglyIsRefused) {
    for (const auto rows : kMalformedFromServer)
        for (const MalformedVector& row : rows) expect_refused(row, Sender::Server);
}

TEST(MalformedVectors, EachRowHasItsOwnNameAndPacket) {
    std::set<std::string> names;
    std::set<std::pair<Version, std::string>> packets;
    for (const auto rows : kMalformedFromClient) {
        for (const MalformedVector& row : rows) {
            EXPECT_TRUE(names.insert(row.name).second) << row.name;
            EXPECT_TRUE(packets.emplace(row.version, hex(packet_of(row))).second) << row.name;
        }
    }
    EXPECT_GE(names.size(), 150U);
}

TEST(MalformedVectors, TheNotationCountsWhatFollows) {
    const MalformedVector row{"", Version::V5, "30 # 't' ( 26 'k' 'vv' ) 70", {}, ""};
    EXPECT_EQ(hex(packet_of(row)),
              "300d00017408260001"
              "6b00027676"
              "70");
}

}  // namespace
}  // namespace godwit::mqtt
