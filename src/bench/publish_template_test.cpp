#include "bench/publish_template.h"

#include "mqtt/decoder.h"

#include <gtest/gtest.h>

namespace godwit::bench {
namespace {

using mqtt::Qos;
using mqtt::Version;

mqtt::Publish decoded(const Buffer& bytes, Version version) {
    const auto frame = mqtt::next_frame(bytes, mqtt::kPacketBytesMax);
    EXPECT_TRUE(frame && frame->complete && frame->frame.size == bytes.size());
    const auto packet = mqtt::decode_publish(frame->frame, version, {});
    EXPECT_TRUE(packet);
    return packet ? *packet : mqtt::Publish{};
}

TEST(PublishTemplate, EachCopyIsAPublishWithItsOwnTopicIdAndStamp) {
    for (const Version version : {Version::V31, Version::V311, Version::V5})
        for (const Qos qos : {Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce})
            for (const size_t size : {size_t(24), size_t(100), size_t(200), size_t(20000)}) {
                const PublishTemplate made(
                    {.version = version, .qos = qos, .topic_prefix = "a/b", .payload_bytes = size});
                Buffer bytes;
                made.append(
                    bytes, 9'999'999, PacketId{0x1234},
                    {.run = 5, .stream = 6, .sequence = 7, .intended = Instant{} + Duration(8)});
                const mqtt::Publish packet = decoded(bytes, version);
                EXPECT_EQ(packet.topic, "a/b/9999999");
                EXPECT_EQ(packet.qos, qos);
                EXPECT_EQ(packet.packet_id.value, qos == Qos::AtMostOnce ? 0 : 0x1234);
                EXPECT_EQ(packet.payload.size(), size);
                const auto stamp = read_stamp(packet.payload);
                ASSERT_TRUE(stamp);
                EXPECT_EQ(stamp->run, 5u);
                EXPECT_EQ(stamp->stream, 6u);
                EXPECT_EQ(stamp->sequence, 7u);
                EXPECT_EQ(stamp->intended, Instant{} + Duration(8));
                EXPECT_EQ(bytes.size(), made.packet_bytes());
            }
}

TEST(PublishTemplate, WithoutPayloadItRemovesWhatIsRetained) {
    const PublishTemplate made(
        {.qos = Qos::AtLeastOnce, .retain = true, .topic_prefix = "x", .payload_bytes = 0});
    Buffer bytes;
    made.append(bytes, 42, PacketId{1}, {});
    const mqtt::Publish packet = decoded(bytes, Version::V5);
    EXPECT_EQ(packet.topic, topic_name("x", 42));
    EXPECT_TRUE(packet.retain);
    EXPECT_TRUE(packet.payload.empty());
}

TEST(Stamp, AShortPayloadHasNone) {
    EXPECT_FALSE(read_stamp(Buffer(kStampBytes - 1)));
}

}  // namespace
}  // namespace godwit::bench
