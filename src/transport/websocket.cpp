#include "transport/websocket.h"

#include "base/mutant.h"
#include "base/utf8.h"

#include <algorithm>
#include <utility>

namespace godwit::transport {

namespace {

// RFC 6455 section 5.2
constexpr uint8_t kContinuation = 0x0, kText = 0x1, kBinary = 0x2;
constexpr uint8_t kClose = 0x8, kPing = 0x9, kPong = 0xa;
constexpr uint8_t kFinal = 0x80, kReservedBits = 0x70, kOpcodeBits = 0x0f;
constexpr uint8_t kMasked = 0x80, kLengthBits = 0x7f;
constexpr uint8_t kLength16 = 126, kLength64 = 127;
constexpr size_t kControlBytesMax = 125;

using Step = Result<Done, WebSocketEnd>;

Err<WebSocketEnd> fault(CloseCode code, const char* what) {
    return Err{WebSocketEnd{.by_peer = false, .code = code, .what = what}};
}
Err<WebSocketEnd> broken(const char* what) {
    return fault(CloseCode::ProtocolError, what);
}

/// Codes that may stand in a close frame. @source RFC 6455 sections 7.4.1 and 7.4.2, IANA registry
bool may_be_sent(uint16_t code) {
    if (code >= 3000 && code <= 4999) return true;
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

}  // namespace

void apply_mask(std::span<uint8_t> bytes, std::array<uint8_t, 4> key, size_t phase) {
    std::array<uint8_t, 8> pattern;
    for (size_t i = 0; i < pattern.size(); ++i) pattern[i] = key[(phase + i) & 3];
    uint64_t wide;
    std::memcpy(&wide, pattern.data(), sizeof wide);

    uint8_t* at = bytes.data();
    size_t left = bytes.size();
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        std::memcpy(&word, at, sizeof word);
        word ^= wide;
        std::memcpy(at, &word, sizeof word);
    }
    for (size_t i = 0; i < left; ++i) at[i] ^= pattern[i];
}

WebSocket::WebSocket(WebSocketRole role, uint64_t frame_bytes_max, HashKey mask_key)
    : frame_bytes_max_(frame_bytes_max), mask_key_(mask_key), role_(role) {}

Step WebSocket::receive(Bytes raw, Buffer& payload, Buffer& reply) {
    while (!raw.empty()) {
        if (closed_) return fault(CloseCode::Normal, "the WebSocket is closed already");
        const Step step =
            in_payload_ ? take_payload(raw, payload, reply) : take_header(raw, payload, reply);
        if (step) continue;
        if (!step.error().by_peer) close(step.error().code, reply);
        return step;
    }
    return Done{};
}

Step WebSocket::take_header(Bytes& raw, Buffer& payload, Buffer& reply) {
    const size_t taken = std::min(raw.size(), size_t(header_needed_ - header_size_));
    std::copy_n(raw.begin(), taken, header_.begin() + header_size_);
    raw = raw.subspan(taken);
    header_size_ = uint8_t(header_size_ + taken);
    if (header_size_ < header_needed_) return Done{};

    if (header_size_ == 2) {
        const Step judged = on_first_two();
        if (!judged || header_needed_ > 2) return judged;
    }
    const Step judged = on_length();
    if (!judged) return judged;
    in_payload_ = true;
    return payload_left_ > 0 ? Step(Done{}) : take_payload(raw, payload, reply);
}

/// Judges what the first two bytes tell, and how long the header is.
Step WebSocket::on_first_two() {
    const bool masked = (header_[1] & kMasked) != 0;
    const uint8_t length = header_[1] & kLengthBits;
    const int length_bytes = length == kLength16 ? 2 : length == kLength64 ? 8 : 0;
    opcode_ = header_[0] & kOpcodeBits;
    final_ = (header_[0] & kFinal) != 0;
    header_needed_ = uint8_t(2 + length_bytes + (masked ? 4 : 0));

    if ((header_[0] & kReservedBits) != 0) return broken("reserved bits of a frame are set");
    if (masked != (role_ == WebSocketRole::Server))
        return broken(masked ? "a frame from the server is masked"
                             : "a frame from the client is not masked");
    if (is_control() && !final_) return broken("a fragmented control frame");
    if (is_control() && length > kControlBytesMax) return broken("a control frame over 125 bytes");
    return on_opcode();
}

Step WebSocket::on_opcode() {
    switch (opcode_) {
        case kContinuation:
            if (!in_message_) return broken("a continuation without a beginning");
            return Done{};
        case kBinary:
            if (in_message_) return broken("a new message inside a fragmented one");
            return Done{};
        case kText:  // [MQTT5-6.0.0-1]
            return fault(CloseCode::UnsupportedData, "a text frame; MQTT needs binary ones");
        case kClose:
        case kPing:
        case kPong:
            return Done{};
        default:
            return broken("a reserved opcode");
    }
}

Step WebSocket::on_length() {
    ByteReader reader(Bytes(header_).subspan(2));
    const uint8_t length = header_[1] & kLengthBits;
    uint64_t least = 0;
    payload_left_ = length;
    if (length == kLength16) {
        payload_left_ = *reader.u16();
        least = kLength16;
    } else if (length == kLength64) {
        const uint64_t high = *reader.u32();
        payload_left_ = high << 32 | *reader.u32();
        least = 0x10000;
    }
    if (payload_left_ < least) return broken("a frame length not in its shortest form");
    if (payload_left_ >> 63) return broken("a frame length of 2^63 or more");
    if (frame_bytes_max_ != 0 && payload_left_ > frame_bytes_max_ && !GW_MUTANT(AnyFrameLength))
        return fault(CloseCode::TooBig, "a frame larger than the limit");
    return Done{};
}

Step WebSocket::take_payload(Bytes& raw, Buffer& payload, Buffer& reply) {
    const auto taken = size_t(std::min<uint64_t>(raw.size(), payload_left_));
    Buffer& target = is_control() ? control_ : payload;
    const size_t before = target.size();
    put_bytes(target, raw.first(taken));
    raw = raw.subspan(taken);
    if (role_ == WebSocketRole::Server) {
        std::array<uint8_t, 4> mask;
        std::copy_n(header_.begin() + header_size_ - 4, 4, mask.begin());
        apply_mask(std::span(target).subspan(before), mask, mask_phase_);
        mask_phase_ = uint8_t((mask_phase_ + taken) & 3);
    }
    payload_left_ -= taken;
    return payload_left_ > 0 ? Step(Done{}) : end_frame(reply);
}

Step WebSocket::end_frame(Buffer& reply) {
    in_payload_ = false;
    header_size_ = 0;
    header_needed_ = 2;
    mask_phase_ = 0;
    if (!is_control()) {
        in_message_ = !final_;
        return Done{};
    }
    const Buffer payload = std::exchange(control_, {});
    if (opcode_ == kClose) return on_close(payload, reply);
    if (opcode_ == kPing) put_frame(kPong, payload, reply);
    return Done{};
}

/// @source RFC 6455 sections 5.5.1 and 7.4
Step WebSocket::on_close(Bytes payload, Buffer& reply) {
    if (payload.size() == 1) return broken("a close frame with half a code");
    ByteReader reader(payload);
    const std::optional<uint16_t> code = reader.u16();
    if (code && !may_be_sent(*code)) return broken("a close code that may not be sent");
    if (!is_mqtt_utf8(as_text(reader.rest())))
        return fault(CloseCode::InvalidText, "a close reason that is not UTF-8");
    close(CloseCode(code.value_or(0)), reply);
    return Err{WebSocketEnd{true, CloseCode(code.value_or(0)), "the peer closed the WebSocket"}};
}

FrameHeader WebSocket::make_header(uint8_t opcode, uint64_t payload_bytes) {
    FrameHeader header;
    const auto put = [&](uint64_t value, int bytes) {
        while (bytes-- > 0) header.raw[header.size++] = uint8_t(value >> (8 * bytes));
    };
    const uint8_t masked = role_ == WebSocketRole::Client ? kMasked : 0;
    put(kFinal | opcode, 1);
    if (payload_bytes < kLength16) {
        put(masked | payload_bytes, 1);
    } else if (payload_bytes <= 0xffff) {
        put(masked | kLength16, 1);
        put(payload_bytes, 2);
    } else {
        put(masked | kLength64, 1);
        put(payload_bytes, 8);
    }
    if (masked == 0) return header;
    // A keyed hash of a counter: nobody without the key can foretell it (RFC 6455 section 10.3).
    std::array<uint8_t, 8> counter;
    std::memcpy(counter.data(), &frames_sent_, counter.size());
    ++frames_sent_;
    const uint64_t drawn = keyed_hash(counter, mask_key_);
    std::memcpy(header.mask.data(), &drawn, header.mask.size());
    std::ranges::copy(header.mask, header.raw.begin() + header.size);
    header.size += 4;
    header.masked = true;
    return header;
}

void WebSocket::put_frame(uint8_t opcode, Bytes payload, Buffer& out) {
    const FrameHeader header = make_header(opcode, payload.size());
    put_bytes(out, header.bytes());
    put_bytes(out, payload);
    if (header.masked) apply_mask(std::span(out).last(payload.size()), header.mask, 0);
}

FrameHeader WebSocket::begin_frame(uint64_t payload_bytes) {
    return make_header(kBinary, payload_bytes);
}

void WebSocket::send(Bytes payload, Buffer& out) {
    put_frame(kBinary, payload, out);
}

void WebSocket::close(CloseCode code, Buffer& out) {
    if (closed_) return;
    closed_ = true;
    const auto number = uint16_t(code);
    const std::array<uint8_t, 2> payload = {uint8_t(number >> 8), uint8_t(number)};
    put_frame(kClose, Bytes(payload).first(code == CloseCode::None ? 0 : 2), out);
}

}  // namespace godwit::transport
