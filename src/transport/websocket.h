// WebSocket frames: one end of an open WebSocket. Payload is handed on as it comes; a frame is
// never collected, so the length a peer claims costs nothing. MQTT packets begin and end anywhere
// in frames [MQTT5-6.0.0-2]. No extensions. Source: RFC 6455 sections 5 and 7; MQTT 5.0 section 6.
#pragma once

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"

#include <array>

namespace godwit::transport {

enum class WebSocketRole : uint8_t { Server, Client };

/// Close codes that we send or that have a meaning here. @source RFC 6455 section 7.4.1
enum class CloseCode : uint16_t {
    None = 0,  // a close frame without a code
    Normal = 1000,
    GoingAway = 1001,
    ProtocolError = 1002,
    UnsupportedData = 1003,
    InvalidText = 1007,
    PolicyViolation = 1008,
    TooBig = 1009,
};

/// Why the WebSocket ends: by the peer's close frame, or because of its fault.
struct WebSocketEnd {
    bool by_peer = false;  // a proper close frame
    CloseCode code = CloseCode::ProtocolError;
    const char* what = "";  // a literal
};

/// XORs `bytes` with the 4-byte key, beginning at the key's byte `phase` (0..3).
/// @cost  8 bytes at a time
void apply_mask(std::span<uint8_t> bytes, std::array<uint8_t, 4> key, size_t phase);

/// Header of one frame as it goes on the wire.
struct FrameHeader {
    std::array<uint8_t, 14> raw;
    uint8_t size = 0;
    bool masked = false;  // by a client, never by a server
    std::array<uint8_t, 4> mask{};
    Bytes bytes() const { return {raw.data(), size}; }
};

class WebSocket {
public:
    /// @param frame_bytes_max  a larger frame ends the WebSocket with TooBig; 0: any size
    /// @param mask_key         secret of this process and connection: a client's masks are drawn
    ///                         from it (RFC 6455 section 10.3); a server needs none
    explicit WebSocket(WebSocketRole role, uint64_t frame_bytes_max = 0, HashKey mask_key = {});

    /// Takes any piece of the peer's stream. Payload of binary messages is appended to `payload`;
    /// pongs and the closing frame to `reply`. Payload that came before an end is valid.
    /// @errors  by_peer after a close frame, which is echoed. UnsupportedData for a text frame
    ///          [MQTT5-6.0.0-1]. TooBig. ProtocolError: reserved bits or opcodes, a mask missing
    ///          (from a client) or present (from a server), a length not in its shortest form, a
    ///          control frame that is fragmented or over 125 bytes, a continuation of nothing, a
    ///          new message inside one, a malformed close. InvalidText: a close reason not UTF-8.
    /// @cost    no allocation besides the buffers' growth, except for control frames
    Result<Done, WebSocketEnd> receive(Bytes raw, Buffer& payload, Buffer& reply);

    /// Header of a binary frame with `payload_bytes` to follow, masked with its `mask` by a client.
    FrameHeader begin_frame(uint64_t payload_bytes);
    /// Appends one binary frame.
    void send(Bytes payload, Buffer& out);
    /// Appends a close frame, once; later calls append nothing.
    void close(CloseCode code, Buffer& out);
    bool closed() const { return closed_; }
    /// Heap besides the object itself.
    size_t heap_bytes() const { return control_.capacity(); }

private:
    using Step = Result<Done, WebSocketEnd>;
    Step take_header(Bytes& raw, Buffer& payload, Buffer& reply);
    Step on_first_two();
    Step on_opcode();
    Step on_length();
    Step take_payload(Bytes& raw, Buffer& payload, Buffer& reply);
    Step end_frame(Buffer& reply);
    Step on_close(Bytes payload, Buffer& reply);
    FrameHeader make_header(uint8_t opcode, uint64_t payload_bytes);
    void put_frame(uint8_t opcode, Bytes payload, Buffer& out);
    bool is_control() const { return (opcode_ & 0x8) != 0; }

    uint64_t frame_bytes_max_;
    uint64_t payload_left_ = 0;
    HashKey mask_key_;
    uint64_t frames_sent_ = 0;
    Buffer control_;  // payload of a control frame so far
    std::array<uint8_t, 14> header_;
    uint8_t header_size_ = 0;    // bytes of header_ present
    uint8_t header_needed_ = 2;  // as far as it is known
    WebSocketRole role_;
    uint8_t opcode_ = 0;
    uint8_t mask_phase_ = 0;  // payload bytes seen, modulo 4
    bool in_payload_ = false;
    bool final_ = false;
    bool in_message_ = false;  // a fragmented message waits for its continuation
    bool closed_ = false;
};

}  // namespace godwit::transport
