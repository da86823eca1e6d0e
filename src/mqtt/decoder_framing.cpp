// Where packets begin and end, and which packets come from whom.
#include "base/mutant.h"
#include "mqtt/decoder.h"

namespace godwit::mqtt {
namespace {

constexpr uint32_t kLengthBytesMax = 4;

DecodeError bad_length(const char* what) {
    return {ReasonCode::MalformedPacket, what, 1};
}

const char* unexpected_from_client(PacketType type) {
    switch (type) {
        case PacketType::Connack:
            return "CONNACK from a client";
        case PacketType::Suback:
            return "SUBACK from a client";
        case PacketType::Unsuback:
            return "UNSUBACK from a client";
        case PacketType::Pingresp:
            return "PINGRESP from a client";
        case PacketType::Connect:
            return "CONNECT for the second time";
        default:
            return "packet type is not expected now";
    }
}

const char* unexpected_from_server(PacketType type) {
    switch (type) {
        case PacketType::Connect:
            return "CONNECT from a server";
        case PacketType::Subscribe:
            return "SUBSCRIBE from a server";
        case PacketType::Unsubscribe:
            return "UNSUBSCRIBE from a server";
        case PacketType::Pingreq:
            return "PINGREQ from a server";
        case PacketType::Disconnect:
            return "DISCONNECT from a server of MQTT 3";
        case PacketType::Connack:
            return "CONNACK for the second time";
        default:
            return "packet type is not expected now";
    }
}

}  // namespace

Result<FrameStatus, DecodeError> next_frame(Bytes in, uint32_t packet_bytes_max) {
    if (in.size() < 2) return FrameStatus{};
    uint32_t length = in[1] & 0x7f;
    uint32_t head_bytes = 2;
    for (uint8_t byte = in[1]; byte >= 0x80; ++head_bytes) {
        if (head_bytes > kLengthBytesMax + (GW_MUTANT(FiveByteLength) ? 1 : 0))
            return Err{bad_length("remaining length has more than 4 bytes")};
        if (head_bytes == in.size()) return FrameStatus{.bytes_needed = head_bytes + 1};
        byte = in[head_bytes];
        if (byte == 0) return Err{bad_length("remaining length is not in its shortest form")};
        length |= uint32_t(byte & 0x7f) << (7 * (head_bytes - 1));
    }
    const uint32_t size = head_bytes + length;
    if (size > packet_bytes_max && !GW_MUTANT(AnyPacketLength))
        return Err{DecodeError{ReasonCode::PacketTooLarge, "packet is larger than the limit", 1}};
    if (in.size() < size) return FrameStatus{.bytes_needed = size};
    return FrameStatus{.complete = true,
                       .frame = {in[0], in.subspan(head_bytes, length), size},
                       .bytes_needed = size};
}

DecodeError unexpected_packet(const Frame& frame, Version version, Sender sender) {
    const PacketType type = frame.type();
    if (type == PacketType::Reserved || (type == PacketType::Auth && version != Version::V5))
        return {ReasonCode::MalformedPacket, "packet type is reserved", 0};
    const bool is_client = sender == Sender::Client;
    return {ReasonCode::ProtocolError,
            is_client ? unexpected_from_client(type) : unexpected_from_server(type), 0};
}

}  // namespace godwit::mqtt
