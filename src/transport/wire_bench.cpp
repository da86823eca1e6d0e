// What the layers cost: bytes a second, and memory of an idle connection (counter idle_tls_bytes:
// heap of the server's side after the handshake, which tls_session's estimate stands on).
#include "transport/test_certificates.h"
#include "transport/test_link.h"

#include <benchmark/benchmark.h>
#include <malloc.h>

namespace godwit::transport {
namespace {

TlsContext load(const TlsOptions& options) {
    auto loaded = TlsContext::load(options);
    GW_ASSERT(loaded.has_value());
    return std::move(*loaded);
}

struct Contexts {
    TestAuthority authority;
    TestIdentity own = authority.issue({});
    TlsContext server = load({.certificate_pem = own.certificate_pem,
                              .private_key_pem = own.key_pem,
                              .ca_pem = authority.pem(),
                              .peer_verify = PeerVerify::Optional});
    TlsContext client = load({.role = TlsRole::Client, .ca_pem = authority.pem()});
    TlsContext client_with_certificate = load({.role = TlsRole::Client,
                                               .certificate_pem = own.certificate_pem,
                                               .private_key_pem = own.key_pem});
};

void apply_mask_to(benchmark::State& state) {
    std::vector<uint8_t> bytes(size_t(state.range(0)));
    for (auto _ : state) {
        apply_mask(bytes, {1, 2, 3, 4}, 1);
        benchmark::DoNotOptimize(bytes.data());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(apply_mask_to)->Arg(64)->Arg(16384);

void receive_websocket_frame(benchmark::State& state) {
    WebSocket client(WebSocketRole::Client), server(WebSocketRole::Server);
    Buffer raw, payload, reply;
    client.send(Buffer(size_t(state.range(0))), raw);
    for (auto _ : state) {
        payload.clear();
        benchmark::DoNotOptimize(server.receive(raw, payload, reply).has_value());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(receive_websocket_frame)->Arg(64)->Arg(16384);

void send_over_tls(benchmark::State& state) {
    const Contexts contexts;
    const bool websocket = state.range(1) != 0;
    TestLink link({.tls = &contexts.client, .websocket = websocket, .websocket_host = "localhost"},
                  {.tls = &contexts.server, .websocket = websocket});
    link.pump();
    const Buffer message(size_t(state.range(0)));
    Buffer raw, mqtt, reply;
    for (auto _ : state) {
        raw.clear();
        mqtt.clear();
        GW_ASSERT(link.client.wire->send(message, raw).has_value());
        GW_ASSERT(link.server.wire->receive(raw, mqtt, reply).has_value());
    }
    state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(send_over_tls)->Args({64, 0})->Args({64, 1})->Args({16384, 0})->Args({16384, 1});

/// @param state.range(0)  1: the client shows a certificate
void handshake(benchmark::State& state) {
    const Contexts contexts;
    const TlsContext& client =
        state.range(0) == 0 ? contexts.client : contexts.client_with_certificate;
    std::vector<std::unique_ptr<Wire>> idle;
    const size_t before = mallinfo2().uordblks;
    for (auto _ : state) {
        TestLink link({.tls = &client, .tls_server_name = "localhost"}, {.tls = &contexts.server});
        link.pump();
        GW_ASSERT(link.ready());
        link.send(link.client, "one message, so that it has read and written");
        link.pump();
        idle.push_back(std::move(link.server.wire));
    }
    state.counters["idle_tls_bytes"] =
        double(mallinfo2().uordblks - before) / double(state.iterations());
}
BENCHMARK(handshake)->Arg(0)->Arg(1)->Iterations(500);

}  // namespace
}  // namespace godwit::transport
