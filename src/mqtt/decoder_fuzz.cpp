// Any bytes, read by both roles in all versions. Properties: cutting the stream into pieces changes
// nothing; what is decoded is encoded and decoded to the same.
#include "mqtt/testing/packet_dump.h"

#include <algorithm>

namespace godwit::mqtt {
namespace {

using namespace testing;

struct Reader {
    Version version;
    Sender sender;
    uint32_t packet_bytes_max;
    DecodeLimits limits{.properties_max = 64, .filters_max = 64};
};

/// Views in a packet must point into its frame; a dump would read elsewhere unnoticed.
void check_round_trip(const AnyPacket& packet, const Reader& reader) {
    Version version = reader.version;
    if (const auto* connect = std::get_if<Connect>(&packet.body)) version = connect->version;
    Buffer bytes;
    encode_any(bytes, version, packet);
    const auto status = next_frame(bytes, kPacketBytesMax);
    GW_ASSERT(status.has_value() && status->complete && status->frame.size == bytes.size());
    const auto again = decode_any(status->frame, version, reader.sender);
    GW_ASSERT(again.has_value());
    GW_ASSERT(dump(*again) == dump(packet));
}

std::string read_frame(const Frame& frame, const Reader& reader) {
    // A copy of its own size, so that a read beyond the body is seen.
    const Buffer body(frame.body.begin(), frame.body.end());
    const Frame copy{frame.header, body, frame.size};
    const auto packet = decode_any(copy, reader.version, reader.sender, reader.limits);
    if (packet) check_round_trip(*packet, reader);
    if (!packet) GW_ASSERT(packet.error().offset <= frame.size && *packet.error().what != '\0');
    GW_ASSERT(frame.type() != PacketType::Connect || packet || peek_protocol_level(copy) < 128);
    return dump(packet);
}

/// What a reader makes of a stream that arrives `piece` bytes at a time.
std::string read_stream(Bytes stream, size_t piece, const Reader& reader) {
    std::string text;
    size_t begin = 0;
    for (size_t arrived = 0; arrived < stream.size();) {
        arrived = std::min(stream.size(), arrived + piece);
        while (true) {
            const Bytes pending = stream.subspan(begin, arrived - begin);
            const auto status = next_frame(pending, reader.packet_bytes_max);
            if (!status) return text + dump(status.error());
            if (!status->complete) {
                GW_ASSERT(status->bytes_needed > pending.size());
                break;
            }
            GW_ASSERT(status->frame.size <= pending.size());
            text += read_frame(status->frame, reader) + "\n";
            begin += status->frame.size;
        }
    }
    return text;
}

}  // namespace
}  // namespace godwit::mqtt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace godwit::mqtt;
    const godwit::Bytes stream(data, size);
    for (const Version version : {Version::V31, Version::V311, Version::V5}) {
        for (const Sender sender : {Sender::Client, Sender::Server}) {
            const Reader reader{version, sender, 2048};
            const std::string whole = read_stream(stream, size, reader);
            GW_ASSERT(read_stream(stream, 1 + size / 7, reader) == whole);
            if (size <= 128) GW_ASSERT(read_stream(stream, 1, reader) == whole);
        }
    }
    return 0;
}
