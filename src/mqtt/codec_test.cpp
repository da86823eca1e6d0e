// What is encoded is decoded to the same, in every version and wherever the stream is cut.
#include "mqtt/testing/packet_dump.h"
#include "mqtt/testing/random_packet.h"

#include <gtest/gtest.h>
#include <cstdlib>
#include <random>

namespace godwit::mqtt {
namespace {

using namespace testing;

uint64_t seed() {
    static const uint64_t value = [] {
        const char* chosen = std::getenv("GODWIT_SEED");
        return chosen ? std::strtoull(chosen, nullptr, 0) : uint64_t(std::random_device{}());
    }();
    return value;
}

constexpr Version kVersions[] = {Version::V31, Version::V311, Version::V5};
constexpr Sender kSenders[] = {Sender::Client, Sender::Server};

bool is_sent_by(PacketType type, Version version, Sender sender) {
    const bool is_v5 = version == Version::V5;
    switch (type) {
        case PacketType::Connect:
        case PacketType::Subscribe:
        case PacketType::Unsubscribe:
        case PacketType::Pingreq:
            return sender == Sender::Client;
        case PacketType::Connack:
        case PacketType::Suback:
        case PacketType::Unsuback:
        case PacketType::Pingresp:
            return sender == Sender::Server;
        case PacketType::Disconnect:
            return sender == Sender::Client || is_v5;
        case PacketType::Auth:
            return is_v5;
        default:
            return true;
    }
}

Frame whole_frame(Bytes packet) {
    const auto status = next_frame(packet, kPacketBytesMax);
    GW_ASSERT(status.has_value() && status->complete && status->frame.size == packet.size());
    return status->frame;
}

/// Calls check(type, version, sender) for each kind of packet there is.
template <class Check>
void for_each_kind(Check check) {
    constexpr int kTypes = 15, kRoles = 2;
    for (int i = 0; i < kTypes * kRoles * int(std::size(kVersions)); ++i) {
        const auto type = PacketType(1 + i % kTypes);
        const Sender sender = kSenders[i / kTypes % kRoles];
        const Version version = kVersions[i / kTypes / kRoles];
        if (is_sent_by(type, version, sender)) check(type, version, sender);
    }
}

TEST(Codec, EveryPacketComesBackAsItWas) {
    SCOPED_TRACE(fmt::format("GODWIT_SEED={}", seed()));
    for_each_kind([](PacketType type, Version version, Sender sender) {
        RandomPackets packets(seed() ^ uint64_t(type));
        for (int i = 0; i < 300; ++i) {
            const AnyPacket packet = packets.make(type, version, sender);
            Buffer bytes;
            encode_any(bytes, version, packet);
            const auto decoded = decode_any(whole_frame(bytes), version, sender);
            ASSERT_EQ(dump(decoded), dump(packet)) << hex(bytes);
        }
    });
}

TEST(Codec, EncodingOfWhatWasDecodedIsStable) {
    SCOPED_TRACE(fmt::format("GODWIT_SEED={}", seed()));
    for_each_kind([](PacketType type, Version version, Sender sender) {
        RandomPackets packets(seed() ^ uint64_t(type));
        for (int i = 0; i < 50; ++i) {
            Buffer bytes;
            encode_any(bytes, version, packets.make(type, version, sender));
            Buffer again;
            encode_any(again, version, *decode_any(whole_frame(bytes), version, sender));
            ASSERT_EQ(hex(again), hex(bytes));
        }
    });
}

/// Every way to cut a whole packet short inside its body is noticed, except where the shorter body
/// is a packet too.
TEST(Codec, APacketWithItsBodyCutShortIsRefusedOrAnotherPacket) {
    SCOPED_TRACE(fmt::format("GODWIT_SEED={}", seed()));
    for_each_kind([](PacketType type, Version version, Sender sender) {
        RandomPackets packets(seed() ^ uint64_t(type));
        for (int i = 0; i < 20; ++i) {
            Buffer bytes;
            encode_any(bytes, version, packets.make(type, version, sender));
            const Frame frame = whole_frame(bytes);
            for (size_t size = 0; size < frame.body.size(); ++size) {
                const Buffer body(frame.body.begin(), frame.body.begin() + std::ptrdiff_t(size));
                const Frame cut{frame.header, body, uint32_t(2 + size)};
                const auto decoded = decode_any(cut, version, sender);
                if (!decoded) continue;
                Buffer shorter;
                encode_any(shorter, version, *decoded);
                ASSERT_LT(shorter.size(), bytes.size()) << hex(bytes) << " cut to " << size;
            }
        }
    });
}

/// The packets of a stream as text, framed from what has arrived so far, `piece` bytes at a time.
std::string frames_in_pieces(Bytes stream, size_t piece, Version version, Sender sender) {
    std::string text;
    size_t begin = 0;
    for (size_t arrived = 0; arrived < stream.size();) {
        arrived = std::min(stream.size(), arrived + piece);
        while (true) {
            const Bytes pending = stream.subspan(begin, arrived - begin);
            const auto status = next_frame(pending, kPacketBytesMax);
            if (!status) return text + dump(status.error());
            if (!status->complete) {
                EXPECT_GT(status->bytes_needed, pending.size());
                break;
            }
            text += dump(decode_any(status->frame, version, sender)) + "\n";
            begin += status->frame.size;
        }
    }
    return text;
}

Buffer random_stream(Version version, Sender sender) {
    RandomPackets packets(seed());
    Buffer stream;
    for (int i = 0; i < 40; ++i) {
        const auto type = PacketType(1 + packets.below(15));
        if (is_sent_by(type, version, sender))
            encode_any(stream, version, packets.make(type, version, sender));
    }
    return stream;
}

TEST(Codec, CuttingAStreamAnywhereChangesNothing) {
    SCOPED_TRACE(fmt::format("GODWIT_SEED={}", seed()));
    for (const Version version : kVersions) {
        for (const Sender sender : kSenders) {
            const Buffer stream = random_stream(version, sender);
            const std::string whole = frames_in_pieces(stream, stream.size(), version, sender);
            for (const size_t piece : {1, 2, 3, 5, 7, 64, 1000})
                EXPECT_EQ(frames_in_pieces(stream, piece, version, sender), whole);
        }
    }
}

TEST(Codec, APacketIsAppendedToWhatTheBufferHolds) {
    Buffer out = {0xaa, 0xbb};
    encode_pingreq(out);
    encode_puback(out, Version::V5,
                  {.packet_id = PacketId{1}, .reason = ReasonCode::QuotaExceeded});
    encode_publish(out, Version::V311, {.topic = "t"}, as_bytes("x"));
    EXPECT_EQ(hex(out), "aabbc0004003000197300400017478");
}

}  // namespace
}  // namespace godwit::mqtt
