// Property: cutting the stream anywhere changes nothing, and payload never exceeds what came in.
// First byte of the input: role, frame limit and the seed of the cuts.
#include "base/random.h"
#include "transport/websocket.h"

#include <algorithm>

using namespace godwit;
using namespace godwit::transport;

namespace {

struct Outcome {
    Buffer payload, reply;
    bool ended = false;
    bool by_peer = false;
    CloseCode code = CloseCode::None;
    std::string_view what;
    bool operator==(const Outcome&) const = default;
};

WebSocket make(uint8_t choice) {
    const auto role = (choice & 1) != 0 ? WebSocketRole::Client : WebSocketRole::Server;
    return WebSocket(role, (choice & 2) != 0 ? 1000 : 0, {1, 2});
}

Outcome receive_in_pieces(WebSocket socket, Bytes in, size_t piece_bytes_max, uint64_t seed) {
    Random random(seed);
    Outcome outcome;
    while (!in.empty() && !outcome.ended) {
        const Bytes piece =
            in.first(std::min(in.size(), size_t(1 + random.below(piece_bytes_max))));
        in = in.subspan(piece.size());
        const auto step = socket.receive(piece, outcome.payload, outcome.reply);
        if (step) continue;
        outcome.ended = true;
        outcome.by_peer = step.error().by_peer;
        outcome.code = step.error().code;
        outcome.what = step.error().what;
    }
    GW_ASSERT(socket.heap_bytes() <= 256);
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const Bytes in(data + 1, size - 1);
    Buffer payload, reply;
    Outcome whole;
    WebSocket socket = make(data[0]);
    if (const auto step = socket.receive(in, payload, reply); !step)
        whole = {{}, {}, true, step.error().by_peer, step.error().code, step.error().what};
    whole.payload = payload;
    whole.reply = reply;
    GW_ASSERT(payload.size() <= in.size());
    GW_ASSERT(whole == receive_in_pieces(make(data[0]), in, 1, 0));
    GW_ASSERT(whole == receive_in_pieces(make(data[0]), in, 40, data[0]));
    return 0;
}
