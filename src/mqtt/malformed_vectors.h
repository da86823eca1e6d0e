// Packets that must be refused, and how: one row a fault. The unit tests decode them, the
// conformance tests send them to the real broker.
//
// A packet is written in a small notation; spaces separate, nothing else:
//   0a1b    bytes in hex                 'abc'   two bytes of length, then the text
//   ( .. )  a list with its length as a variable byte integer in front: a property list
//   #       the remaining length: the size of all that follows, as a variable byte integer
#pragma once

#include "base/assert.h"
#include "base/bytes.h"
#include "mqtt/encoder.h"

#include <span>

namespace godwit::mqtt {

struct MalformedVector {
    const char* name;
    /// Of the connection the packet comes on; for a CONNECT, the version that it speaks. Over 3.x
    /// the only answers are to close, and CONNACK 1 to an UnsupportedProtocolVersion.
    Version version;
    const char* packet;
    ReasonCode reason;
    const char* what;  // a part of DecodeError::what
};

namespace malformed {
using R = ReasonCode;
inline constexpr Version V31 = Version::V31;
inline constexpr Version V311 = Version::V311;
inline constexpr Version V5 = Version::V5;
}  // namespace malformed

/// Reads the notation of the rows from `text` on; stops behind a ')' or at the end.
/// @errors  a row that is not written in the notation is a broken rule (GW_ASSERT)
inline Buffer read_packet_notation(std::string_view& text) {
    const auto digit = [](char c) {
        const size_t value = std::string_view("0123456789abcdef").find(c);
        GW_ASSERT(value != std::string_view::npos);
        return uint8_t(value);
    };
    Buffer bytes;
    while (!text.empty()) {
        const char c = text.front();
        text.remove_prefix(1);
        if (c == ')') break;
        if (c == ' ') continue;
        if (c == '\'') {
            const size_t size = text.find('\'');
            put_u16(bytes, uint16_t(size));
            put_text(bytes, text.substr(0, size));
            text.remove_prefix(size + 1);
        } else if (c == '(' || c == '#') {
            const Buffer rest = read_packet_notation(text);
            put_varint(bytes, uint32_t(rest.size()));
            put_bytes(bytes, rest);
        } else {
            bytes.push_back(uint8_t(digit(c) << 4 | digit(text.front())));
            text.remove_prefix(1);
        }
    }
    return bytes;
}

inline Buffer packet_of(const MalformedVector& row) {
    std::string_view text = row.packet;
    return read_packet_notation(text);
}

}  // namespace godwit::mqtt

#include "mqtt/testing/malformed_acks.h"
#include "mqtt/testing/malformed_connect.h"
#include "mqtt/testing/malformed_from_server.h"
#include "mqtt/testing/malformed_publish.h"
#include "mqtt/testing/malformed_session.h"
#include "mqtt/testing/malformed_subscribe.h"
#include "mqtt/testing/malformed_will.h"

namespace godwit::mqtt {

/// What a client may send wrongly. CONNECT rows come first on their connection, all others after a
/// CONNECT that was accepted. AUTH rows suppose one with an authentication method: without it, an
/// AUTH is a ProtocolError whatever it holds [MQTT5-4.12.0-7].
inline constexpr std::span<const MalformedVector> kMalformedFromClient[] = {
    malformed::kConnect, malformed::kWill,      malformed::kPublish,
    malformed::kAcks,    malformed::kSubscribe, malformed::kSession,
};
/// What a server may send wrongly.
inline constexpr std::span<const MalformedVector> kMalformedFromServer[] = {
    malformed::kFromServer,
};

}  // namespace godwit::mqtt
