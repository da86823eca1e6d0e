// Bytes to packets, one packet at a time, as views into the given bytes: no copy, no allocation.
// Framing first (next_frame), then one decode function a packet type; the session switches on
// frame.type(). Source: MQTT 5.0 sections 1.5, 2 and 3; MQTT 3.1.1 sections 2 and 3; MQTT 3.1.
#pragma once

#include "base/result.h"
#include "mqtt/packets.h"

namespace godwit::mqtt {

/// Why bytes are not a packet: the reason code MQTT 5.0 names, a sentence for the log, and where.
struct DecodeError {
    ReasonCode reason = ReasonCode::MalformedPacket;
    const char* what = "";  // a literal: "topic alias is out of range", "will topic is cut off"
    uint32_t offset = 0;    // where the wrong field begins, counted from the fixed header
};

/// One whole packet in the input.
struct Frame {
    uint8_t header = 0;  // first byte: type and flags
    Bytes body;          // what follows the remaining length
    uint32_t size = 0;   // all bytes of the packet, header included

    PacketType type() const { return PacketType(header >> 4); }
    uint8_t flags() const { return header & 0x0f; }
};

/// What next_frame found at the front of the input.
struct FrameStatus {
    bool complete = false;
    Frame frame;  // valid if complete
    /// If not complete: the least size of the whole packet as far as it is known; more than given.
    uint32_t bytes_needed = 2;
};

/// Finds the packet at the front of `in` (any prefix of a stream, also empty). Its type and flags
/// are not looked at.
/// @errors  MalformedPacket: a remaining length of more than 4 bytes or not in its shortest form
///          [MQTT5-1.5.5-1]; PacketTooLarge: larger than packet_bytes_max, told from the header
/// @cost    a few instructions, no allocation
Result<FrameStatus, DecodeError> next_frame(Bytes in, uint32_t packet_bytes_max);

/// Bounds a peer's packets besides their size.
struct DecodeLimits {
    uint32_t properties_max = 256;  // properties a packet, user properties included
    uint32_t filters_max = 1024;    // filters in a SUBSCRIBE or UNSUBSCRIBE
};

// Each decode function checks flags, lengths, UTF-8, properties, reason codes and ranges, and that
// nothing is left over. Topic names and filters are checked by src/topic, packet identifiers in
// use, topic aliases above the maximum and an empty client id by the session. The frame's type must
// be the function's own. Views in the result live as long as the frame's bytes.
// @errors  MalformedPacket: cannot be read as this packet; ProtocolError: a value or combination
//          that the protocol forbids; TopicAliasInvalid: alias 0 [MQTT5-3.3.2-8]; QuotaExceeded:
//          above `limits`. The first fault from the left is told.
// @cost    one pass, no allocation

// What a server gets.

/// @errors also UnsupportedProtocolVersion: unknown protocol name or level [MQTT5-3.1.2-1]
/// [MQTT5-3.1.2-2] [MQTT311-3.1.2-2]; see peek_protocol_level for the answer
Result<Connect, DecodeError> decode_connect(const Frame& frame, const DecodeLimits& limits);
/// The protocol level in a CONNECT without the bridge bit, 0 when it is cut off. For a level that
/// is not supported the answer is a 3.x CONNACK with return code 1 below 5, a 5.0 CONNACK with 0x84
/// from 5 on.
uint8_t peek_protocol_level(const Frame& frame);

/// A server's PUBLISH may carry subscription identifiers (Publish::subscription_ids); in a client's
/// they are a ProtocolError [MQTT5-3.3.4-6].
Result<Publish, DecodeError> decode_publish(const Frame& frame, Version version,
                                            const DecodeLimits& limits,
                                            Sender sender = Sender::Client);
/// PUBACK, PUBREC, PUBREL, PUBCOMP, told apart by frame.type().
Result<Ack, DecodeError> decode_ack(const Frame& frame, Version version,
                                    const DecodeLimits& limits);
Result<Subscribe, DecodeError> decode_subscribe(const Frame& frame, Version version,
                                                const DecodeLimits& limits);
Result<Unsubscribe, DecodeError> decode_unsubscribe(const Frame& frame, Version version,
                                                    const DecodeLimits& limits);
/// PINGREQ or PINGRESP: no flags (3.1 ignores them), no body.
Result<Done, DecodeError> decode_ping(const Frame& frame, Version version = Version::V5);
Result<Disconnect, DecodeError> decode_disconnect(const Frame& frame, Version version,
                                                  const DecodeLimits& limits,
                                                  Sender sender = Sender::Client);
Result<Auth, DecodeError> decode_auth(const Frame& frame, const DecodeLimits& limits,
                                      Sender sender = Sender::Client);

// What a client gets besides.

Result<Connack, DecodeError> decode_connack(const Frame& frame, Version version,
                                            const DecodeLimits& limits);
Result<Suback, DecodeError> decode_suback(const Frame& frame, Version version,
                                          const DecodeLimits& limits);
Result<Suback, DecodeError> decode_unsuback(const Frame& frame, Version version,
                                            const DecodeLimits& limits);

/// For the default case of a packet dispatch: what to answer to a packet that this sender may not
/// send at all. MalformedPacket for a type the version reserves, else ProtocolError.
DecodeError unexpected_packet(const Frame& frame, Version version, Sender sender = Sender::Client);

}  // namespace godwit::mqtt
