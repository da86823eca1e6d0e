// Property: cutting the stream anywhere changes nothing, as a server that opens a WebSocket and as
// a client that reads the answer; no more than the limit is held. First byte of the input: the
// role.
#include "transport/http_head.h"

#include "transport/wire.h"

#include <algorithm>

using namespace godwit;
using namespace godwit::transport;

namespace {

constexpr size_t kHeadBytesMax = 2048;

struct Outcome {
    Buffer mqtt, reply;
    std::string fault, target, protocol;
    bool ready = false;
    bool operator==(const Outcome&) const = default;
};

std::unique_ptr<Wire> make(bool client) {
    if (!client) return Wire::server({.websocket = true, .head_bytes_max = kHeadBytesMax});
    Buffer request;
    auto wire = Wire::client(
        {.websocket = true, .websocket_host = "a", .head_bytes_max = kHeadBytesMax}, request);
    GW_ASSERT(wire.has_value());
    return std::move(*wire);
}

Outcome receive_in_pieces(bool client, Bytes in, size_t piece_bytes) {
    const auto wire = make(client);
    Outcome outcome;
    while (!in.empty() && outcome.fault.empty()) {
        const Bytes piece = in.first(std::min(in.size(), piece_bytes));
        in = in.subspan(piece.size());
        const auto step = wire->receive(piece, outcome.mqtt, outcome.reply);
        if (!step) outcome.fault = step.error().what;
        GW_ASSERT(wire->memory_bytes() < 8 * kHeadBytesMax);
    }
    outcome.target = wire->peer().http_target;
    outcome.protocol = wire->peer().websocket_protocol;
    outcome.ready = wire->ready();
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const bool client = (data[0] & 1) != 0;
    const Bytes in(data + 1, size - 1);
    const Outcome whole = receive_in_pieces(client, in, std::max<size_t>(in.size(), 1));
    GW_ASSERT(whole == receive_in_pieces(client, in, 1));
    GW_ASSERT(whole == receive_in_pieces(client, in, 1 + data[0] % 61));

    const auto head = parse_http_head(as_text(in));
    if (head) GW_ASSERT(head->fields.size() <= kHttpFieldsMax);
    return 0;
}
