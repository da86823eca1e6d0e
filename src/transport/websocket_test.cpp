#include "transport/websocket.h"

#include "base/random.h"

#include <gtest/gtest.h>
#include <string>

namespace godwit::transport {
namespace {

constexpr uint8_t kText = 0x1, kBinary = 0x2, kClose = 0x8, kPing = 0x9, kPong = 0xa;

struct Frame {
    uint8_t opcode = kBinary;
    std::string payload;
    bool final = true;
    bool masked = true;
    uint8_t reserved = 0;
    int length_bytes = -1;  // 0, 2 or 8; -1: the shortest form

    std::string raw() const {
        const size_t size = payload.size();
        const int wide = length_bytes >= 0 ? length_bytes : size < 126 ? 0 : size < 65536 ? 2 : 8;
        std::string out;
        out += char((final ? 0x80 : 0) | reserved | opcode);
        out += char((masked ? 0x80 : 0) | (wide == 0 ? size : wide == 2 ? 126 : 127));
        for (int i = wide; i-- > 0;) out += char(uint64_t(size) >> (8 * i));
        constexpr uint8_t kMask[] = {0x37, 0xfa, 0x21, 0x3d};
        if (masked) out.append(reinterpret_cast<const char*>(kMask), 4);
        for (size_t i = 0; i < size; ++i)
            out += masked ? char(uint8_t(payload[i]) ^ kMask[i % 4]) : payload[i];
        return out;
    }
};

std::string close_payload(int code, const std::string& reason = "") {
    return std::string{char(code >> 8), char(code)} + reason;
}

/// What came of a stream: payload, what was sent back, and how it ended ("" if it is open).
struct Outcome {
    std::string payload, reply, end;
    bool by_peer = false;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome feed(WebSocket& socket, const std::vector<std::string>& pieces) {
    Buffer payload, reply;
    Outcome outcome;
    for (const std::string& piece : pieces) {
        const auto step = socket.receive(as_bytes(piece), payload, reply);
        if (step) continue;
        outcome.by_peer = step.error().by_peer;
        outcome.end = std::to_string(int(step.error().code)) + " " + step.error().what;
        break;
    }
    outcome.payload = as_text(payload);
    outcome.reply = as_text(reply);
    return outcome;
}

/// Feeds the stream whole, and again cut once at every byte, and byte by byte: all must agree.
Outcome receive(const std::string& raw, WebSocketRole role = WebSocketRole::Server,
                uint64_t frame_bytes_max = 0) {
    WebSocket socket(role, frame_bytes_max);
    const Outcome whole = feed(socket, {raw});
    for (size_t cut = 1; cut < raw.size(); ++cut) {
        WebSocket other(role, frame_bytes_max);
        EXPECT_EQ(feed(other, {raw.substr(0, cut), raw.substr(cut)}), whole) << "cut at " << cut;
    }
    std::vector<std::string> bytes;
    for (const char c : raw) bytes.emplace_back(1, c);
    WebSocket slow(role, frame_bytes_max);
    EXPECT_EQ(feed(slow, bytes), whole);
    return whole;
}

/// The stream must end with this code, sent in a close frame, and this sentence.
void expect_refused(const std::string& raw, int code, const std::string& what,
                    uint64_t frame_bytes_max = 0) {
    const Outcome outcome = receive(raw, WebSocketRole::Server, frame_bytes_max);
    EXPECT_EQ(outcome.end, std::to_string(code) + " " + what);
    EXPECT_FALSE(outcome.by_peer);
    const Frame farewell{.opcode = kClose, .payload = close_payload(code), .masked = false};
    EXPECT_EQ(outcome.reply, farewell.raw());
}

// --- messages ---

TEST(WebSocketReceive, PayloadOfBinaryFramesIsOneStream) {  // [MQTT5-6.0.0-2]
    const Outcome outcome =
        receive(Frame{.payload = "\x10\x0c"}.raw() + Frame{.payload = "MQ"}.raw() +
                Frame{.payload = ""}.raw() + Frame{.payload = "TT"}.raw());
    EXPECT_EQ(outcome.payload, "\x10\x0cMQTT");
    EXPECT_EQ(outcome.reply, "");
    EXPECT_EQ(outcome.end, "");
}
TEST(WebSocketReceive, EveryLengthFormIsRead) {
    for (const size_t size : {0u, 1u, 125u, 126u, 127u, 1000u}) {
        const std::string payload(size, 'x');
        EXPECT_EQ(receive(Frame{.payload = payload}.raw()).payload, payload) << size;
    }
    for (const size_t size : {65535u, 65536u, 200000u}) {
        WebSocket socket(WebSocketRole::Server);
        const std::string payload(size, 'x');
        EXPECT_EQ(feed(socket, {Frame{.payload = payload}.raw()}).payload, payload) << size;
    }
}
TEST(WebSocketReceive, AServersFramesComeUnmasked) {
    const std::string raw = Frame{.payload = "MQTT", .masked = false}.raw();
    EXPECT_EQ(receive(raw, WebSocketRole::Client).payload, "MQTT");
}
TEST(WebSocketReceive, FragmentsAreOneMessage) {
    const Outcome outcome =
        receive(Frame{.payload = "one ", .final = false}.raw() +
                Frame{.opcode = 0, .payload = "two ", .final = false}.raw() +
                Frame{.opcode = 0, .payload = "three"}.raw() + Frame{.payload = " four"}.raw());
    EXPECT_EQ(outcome.payload, "one two three four");
    EXPECT_EQ(outcome.end, "");
}
TEST(WebSocketReceive, ControlFramesMayComeBetweenFragments) {
    const Outcome outcome = receive(Frame{.payload = "one ", .final = false}.raw() +
                                    Frame{.opcode = kPing, .payload = "p"}.raw() +
                                    Frame{.opcode = kPong, .payload = "q"}.raw() +
                                    Frame{.opcode = 0, .payload = "two"}.raw());
    EXPECT_EQ(outcome.payload, "one two");
    EXPECT_EQ(outcome.reply, (Frame{.opcode = kPong, .payload = "p", .masked = false}.raw()));
    EXPECT_EQ(outcome.end, "");
}
TEST(WebSocketReceive, PayloadIsHandedOnBeforeItsFrameEnds) {
    WebSocket socket(WebSocketRole::Server);
    const std::string raw = Frame{.payload = "MQTT"}.raw();
    EXPECT_EQ(feed(socket, {raw.substr(0, raw.size() - 1)}).payload, "MQT");
}
TEST(WebSocketReceive, AClaimedLengthIsNotAllocated) {
    WebSocket socket(WebSocketRole::Server);
    Buffer payload, reply;
    const std::string header("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0MQTT", 18);
    EXPECT_TRUE(socket.receive(as_bytes(header), payload, reply));
    EXPECT_EQ(as_text(payload), "MQTT");
    EXPECT_LT(payload.capacity(), 100u);
    EXPECT_EQ(socket.heap_bytes(), 0u);
}
TEST(WebSocketReceive, APayloadBeforeAFaultIsKept) {
    EXPECT_EQ(receive(Frame{.payload = "MQTT"}.raw() + Frame{.opcode = kText}.raw()).payload,
              "MQTT");
}

// --- control ---

TEST(WebSocketReceive, APingIsAnsweredWithItsPayload) {
    for (const std::string& payload : {std::string(), std::string("abc"), std::string(125, 'p')}) {
        const Outcome outcome = receive(Frame{.opcode = kPing, .payload = payload}.raw());
        EXPECT_EQ(outcome.reply,
                  (Frame{.opcode = kPong, .payload = payload, .masked = false}.raw()));
    }
}
TEST(WebSocketReceive, APongIsAnsweredWithNothing) {
    const Outcome outcome = receive(Frame{.opcode = kPong, .payload = "abc"}.raw());
    EXPECT_EQ(outcome.reply + outcome.payload + outcome.end, "");
}
TEST(WebSocketReceive, ACloseIsEchoedWithItsCode) {
    for (const int code : {1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999}) {
        const Outcome outcome =
            receive(Frame{.opcode = kClose, .payload = close_payload(code, "bye")}.raw());
        EXPECT_TRUE(outcome.by_peer);
        EXPECT_EQ(outcome.end, std::to_string(code) + " the peer closed the WebSocket");
        EXPECT_EQ(outcome.reply,
                  (Frame{.opcode = kClose, .payload = close_payload(code), .masked = false}.raw()));
    }
}
TEST(WebSocketReceive, ACloseWithoutCodeIsEchoedWithoutCode) {
    const Outcome outcome = receive(Frame{.opcode = kClose}.raw());
    EXPECT_TRUE(outcome.by_peer);
    EXPECT_EQ(outcome.reply, (Frame{.opcode = kClose, .masked = false}.raw()));
}
TEST(WebSocketReceive, NothingCountsAfterAClose) {
    const Outcome outcome = receive(Frame{.opcode = kClose}.raw() + Frame{.payload = "late"}.raw());
    EXPECT_EQ(outcome.payload, "");
    EXPECT_EQ(outcome.reply, (Frame{.opcode = kClose, .masked = false}.raw()));
}

// --- refusals ---

TEST(WebSocketRefuses, TextFramesWith1003) {  // [MQTT5-6.0.0-1]
    expect_refused(Frame{.opcode = kText, .payload = "hi"}.raw(), 1003,
                   "a text frame; MQTT needs binary ones");
    expect_refused(Frame{.opcode = kText, .final = false}.raw(), 1003,
                   "a text frame; MQTT needs binary ones");
}
TEST(WebSocketRefuses, UnmaskedFramesFromAClient) {
    expect_refused(Frame{.payload = "x", .masked = false}.raw(), 1002,
                   "a frame from the client is not masked");
}
TEST(WebSocketRefuses, MaskedFramesFromAServer) {
    const Outcome outcome = receive(Frame{.payload = "x"}.raw(), WebSocketRole::Client);
    EXPECT_EQ(outcome.end, "1002 a frame from the server is masked");
}
TEST(WebSocketRefuses, ReservedBits) {
    for (const uint8_t bit : {0x40, 0x20, 0x10})
        expect_refused(Frame{.payload = "x", .reserved = bit}.raw(), 1002,
                       "reserved bits of a frame are set");
}
TEST(WebSocketRefuses, ReservedOpcodes) {
    for (const uint8_t opcode : {0x3, 0x4, 0x5, 0x6, 0x7, 0xb, 0xc, 0xd, 0xe, 0xf})
        expect_refused(Frame{.opcode = opcode}.raw(), 1002, "a reserved opcode");
}
TEST(WebSocketRefuses, FragmentedControlFrames) {
    for (const uint8_t opcode : {kClose, kPing, kPong})
        expect_refused(Frame{.opcode = opcode, .final = false}.raw(), 1002,
                       "a fragmented control frame");
}
TEST(WebSocketRefuses, ControlFramesOver125Bytes) {
    for (const uint8_t opcode : {kClose, kPing, kPong})
        expect_refused(Frame{.opcode = opcode, .payload = std::string(126, 'x')}.raw(), 1002,
                       "a control frame over 125 bytes");
}
TEST(WebSocketRefuses, LengthsNotInTheirShortestForm) {
    constexpr const char* kWhat = "a frame length not in its shortest form";
    expect_refused(Frame{.payload = std::string(125, 'x'), .length_bytes = 2}.raw(), 1002, kWhat);
    expect_refused(Frame{.payload = "", .length_bytes = 8}.raw(), 1002, kWhat);
    expect_refused(Frame{.payload = std::string(300, 'x'), .length_bytes = 8}.raw(), 1002, kWhat);
    WebSocket socket(WebSocketRole::Server);
    const std::string raw = Frame{.payload = std::string(65535, 'x'), .length_bytes = 8}.raw();
    EXPECT_EQ(feed(socket, {raw}).end, std::string("1002 ") + kWhat);
}
TEST(WebSocketRefuses, LengthsOf2To63OrMore) {
    expect_refused(std::string("\x82\xff\x80\0\0\0\0\0\0\0mask", 14), 1002,
                   "a frame length of 2^63 or more");
}
TEST(WebSocketRefuses, FramesOverTheLimitWith1009) {
    expect_refused(Frame{.payload = std::string(11, 'x')}.raw(), 1009,
                   "a frame larger than the limit", 10);
    EXPECT_EQ(receive(Frame{.payload = std::string(10, 'x')}.raw(), WebSocketRole::Server, 10).end,
              "");
}
TEST(WebSocketRefuses, AContinuationWithoutABeginning) {
    constexpr const char* kWhat = "a continuation without a beginning";
    expect_refused(Frame{.opcode = 0, .payload = "x"}.raw(), 1002, kWhat);
    const std::string whole =
        Frame{.payload = "a", .final = false}.raw() + Frame{.opcode = 0}.raw();
    EXPECT_EQ(receive(whole + Frame{.opcode = 0}.raw()).end, std::string("1002 ") + kWhat);
}
TEST(WebSocketRefuses, ANewMessageInsideAFragmentedOne) {
    expect_refused(Frame{.payload = "a", .final = false}.raw() + Frame{.payload = "b"}.raw(), 1002,
                   "a new message inside a fragmented one");
}
TEST(WebSocketRefuses, MalformedCloses) {
    expect_refused(Frame{.opcode = kClose, .payload = "\x03"}.raw(), 1002,
                   "a close frame with half a code");
    for (const int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535})
        expect_refused(Frame{.opcode = kClose, .payload = close_payload(code)}.raw(), 1002,
                       "a close code that may not be sent");
    expect_refused(Frame{.opcode = kClose, .payload = close_payload(1000, "\xff")}.raw(), 1007,
                   "a close reason that is not UTF-8");
}

// --- sending ---

TEST(WebSocketSend, AServerSendsOneUnmaskedFrameACall) {
    for (const size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u}) {
        WebSocket socket(WebSocketRole::Server);
        const std::string payload(size, 'x');
        Buffer out;
        socket.send(as_bytes(payload), out);
        EXPECT_EQ(as_text(out), (Frame{.payload = payload, .masked = false}.raw())) << size;
    }
}
TEST(WebSocketSend, AClientMasksEachFrameWithAnotherKey) {
    WebSocket client(WebSocketRole::Client, 0, {1, 2}), server(WebSocketRole::Server);
    Buffer one, two;
    client.send(as_bytes("MQTT"), one);
    client.send(as_bytes("MQTT"), two);
    EXPECT_EQ(one.size(), two.size());
    EXPECT_NE(one, two);
    EXPECT_EQ(feed(server, {std::string(as_text(one)), std::string(as_text(two))}).payload,
              "MQTTMQTT");
}
TEST(WebSocketSend, AClientsPongAndCloseAreMasked) {
    WebSocket client(WebSocketRole::Client), server(WebSocketRole::Server);
    const Outcome outcome = feed(
        client, {Frame{.opcode = kPing, .payload = "p", .masked = false}.raw(),
                 Frame{.opcode = kClose, .payload = close_payload(1001), .masked = false}.raw()});
    EXPECT_EQ(feed(server, {outcome.reply}).end, "1001 the peer closed the WebSocket");
}
TEST(WebSocketSend, CloseIsSentOnce) {
    WebSocket socket(WebSocketRole::Server);
    Buffer out;
    socket.close(CloseCode::GoingAway, out);
    socket.close(CloseCode::Normal, out);
    EXPECT_TRUE(socket.closed());
    EXPECT_EQ(as_text(out),
              (Frame{.opcode = kClose, .payload = close_payload(1001), .masked = false}.raw()));
}

TEST(WebSocketMask, IsTheSameAtEveryPhaseAndLength) {
    const std::array<uint8_t, 4> key = {1, 2, 4, 8};
    for (size_t phase = 0; phase < 4; ++phase)
        for (size_t size = 0; size < 40; ++size) {
            std::vector<uint8_t> fast(size, 0x55), slow(size, 0x55);
            apply_mask(fast, key, phase);
            for (size_t i = 0; i < size; ++i) slow[i] ^= key[(phase + i) % 4];
            ASSERT_EQ(fast, slow) << phase << " " << size;
        }
}

TEST(WebSocketStream, SurvivesAnyCutting) {
    const uint64_t seed = 20240607;
    RecordProperty("seed", std::to_string(seed));
    Random random(seed);
    WebSocket client(WebSocketRole::Client, 0, {seed, seed}), server(WebSocketRole::Server);
    std::string sent;
    Buffer raw;
    for (int i = 0; i < 200; ++i) {
        std::string payload(random.below(i % 20 == 0 ? 70000 : 300), '\0');
        for (char& c : payload) c = char(random.next());
        client.send(as_bytes(payload), raw);
        sent += payload;
    }
    std::vector<std::string> pieces;
    for (size_t at = 0; at < raw.size();) {
        const size_t size = std::min(raw.size() - at, size_t(random.below(5000) + 1));
        pieces.emplace_back(as_text(Bytes(raw).subspan(at, size)));
        at += size;
    }
    EXPECT_EQ(feed(server, pieces).payload, sent) << "seed " << seed;
}

}  // namespace
}  // namespace godwit::transport
