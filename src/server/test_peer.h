// For tests: a client over a raw socket, and MQTT 3.1.1 packets as it writes them.
#pragma once

#include "os/test_stream.h"

#include <string>
#include <string_view>
#include <utility>

namespace godwit::server {

inline std::string text16(std::string_view text) {
    return std::string{char(text.size() >> 8), char(text.size())} + std::string(text);
}
inline std::string packet(uint8_t first, const std::string& body) {
    std::string head{char(first)};
    for (size_t left = body.size();;) {
        head += char((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
        if ((left >>= 7) == 0) return head + body;
    }
}
inline std::string connect_packet(const std::string& client_id, const std::string& user = "",
                                  const std::string& password = "") {
    const uint8_t flags = uint8_t(user.empty() ? 0x02 : 0xc2);
    const std::string no_keep_alive(2, '\0');
    std::string body = text16("MQTT") + '\x04' + char(flags) + no_keep_alive + text16(client_id);
    if (!user.empty()) body += text16(user) + text16(password);
    return packet(0x10, body);
}
inline std::string subscribe_packet(const std::string& filter, uint8_t qos) {
    return packet(0x82, std::string("\0\1", 2) + text16(filter) + char(qos));
}
inline std::string publish_packet(const std::string& topic, const std::string& payload,
                                  uint16_t packet_id = 0) {
    std::string body = text16(topic);
    if (packet_id != 0) body += {char(packet_id >> 8), char(packet_id)};
    return packet(packet_id != 0 ? 0x32 : 0x30, body + payload);
}

/// A client over a raw socket.
class Peer {
public:
    Peer(std::string_view address, const std::string& connect) : stream_(address) {
        stream_.send(connect);
    }
    /// First byte and body of the next packet; an empty body and 0 at the end of the stream.
    std::pair<uint8_t, std::string> next() {
        const std::string first = stream_.read(1);
        if (first.empty()) return {};
        size_t bytes = 0;
        for (int shift = 0;; shift += 7) {
            const std::string digit = stream_.read(1);
            if (digit.empty()) return {};
            bytes |= size_t(digit[0] & 0x7f) << shift;
            if ((digit[0] & 0x80) == 0) break;
        }
        return {uint8_t(first[0]), stream_.read(bytes)};
    }
    /// The code of the CONNACK; 255 for anything else.
    int connack_code() {
        const auto [first, body] = next();
        return first == 0x20 && body.size() >= 2 ? uint8_t(body[1]) : 255;
    }
    os::TestStream& stream() { return stream_; }

private:
    os::TestStream stream_;
};

}  // namespace godwit::server
