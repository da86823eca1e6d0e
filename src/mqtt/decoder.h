// Bytes to packets, one packet at a time, as views into the given bytes: no copy, no allocation.
// Framing first (next_frame), then one decode function a packet type; the session switches on
// frame.type(). Source: MQTT 5.0 sections 1.5, 2 and 3; MQTT 3.1.1 sections 2 and 3; MQTT 3.1.
#pragma once

#include "base/result.h"
#include "mqtt/packets.h"

namespace godwit::mqtt {

/// Why bytes are not a packet: the reason code MQTT 5.0 names, a sentence for the log, and where.
struct DecodeError {
    ReasonCode reason =
        ReasonCode::MalformedPacket;  // MalformedPacket, ProtocolError, PacketTooLarge, ...
    const char* what = "";            // a literal: "topic alias 0", "property 0x23 twice"
    uint32_t offset = 0;              // byte in the packet, counted from the fixed header
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
    uint32_t bytes_needed =
        2;  // if not complete: the least size of the whole packet as far as it is known
};

/// Finds the packet at the front of `in` (any prefix of a stream, also empty).
/// @errors  a remaining length of more than 4 bytes or not in its shortest form [MQTT5-1.5.5-1]
/// (MalformedPacket); a
///          packet larger than packet_bytes_max (PacketTooLarge), told from the header alone
Result<FrameStatus, DecodeError> next_frame(Bytes in, uint32_t packet_bytes_max);

/// Bounds a peer's packets besides their size.
struct DecodeLimits {
    uint32_t properties_max = 256;  // properties a packet, user properties included
    uint32_t filters_max = 1024;    // filters in a SUBSCRIBE or UNSUBSCRIBE
};

// What a server gets. Each checks flags, lengths, UTF-8, property types, repeats and ranges, and
// that nothing is left over; topic names and filters are checked by src/topic, packet identifiers
// in use by the session.
/// @errors also UnsupportedProtocolVersion and ClientIdentifierNotValid-free: an empty client id is
/// for the session to judge
Result<Connect, DecodeError> decode_connect(const Frame& frame, const DecodeLimits& limits);
Result<Publish, DecodeError> decode_publish(const Frame& frame, Version version,
                                            const DecodeLimits& limits);
Result<Ack, DecodeError> decode_ack(const Frame& frame, Version version,
                                    const DecodeLimits& limits);
Result<Subscribe, DecodeError> decode_subscribe(const Frame& frame, Version version,
                                                const DecodeLimits& limits);
Result<Unsubscribe, DecodeError> decode_unsubscribe(const Frame& frame, Version version,
                                                    const DecodeLimits& limits);
/// PINGREQ or PINGRESP: no flags, no body.
Result<Done, DecodeError> decode_ping(const Frame& frame);
Result<Disconnect, DecodeError> decode_disconnect(const Frame& frame, Version version,
                                                  const DecodeLimits& limits);
Result<Auth, DecodeError> decode_auth(const Frame& frame, const DecodeLimits& limits);

// What a client gets besides.
Result<Connack, DecodeError> decode_connack(const Frame& frame, Version version,
                                            const DecodeLimits& limits);
Result<Suback, DecodeError> decode_suback(const Frame& frame, Version version,
                                          const DecodeLimits& limits);
Result<Suback, DecodeError> decode_unsuback(const Frame& frame, Version version,
                                            const DecodeLimits& limits);

}  // namespace godwit::mqtt
