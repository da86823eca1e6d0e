// A Wire at each end of a perfect network, for tests: what one sends is cut as the test wants it
// and handed to the other until nobody has anything to say.
#pragma once

#include "base/random.h"
#include "transport/wire.h"

#include <algorithm>
#include <memory>
#include <string>

namespace godwit::transport {

struct TestEnd {
    std::unique_ptr<Wire> wire;
    Buffer incoming;  // on its way to this end
    Buffer mqtt;      // what came out
    std::string fault;
    WireErrorKind fault_kind{};

    std::string text() const { return std::string(as_text(mqtt)); }
};

struct TestLink {
    TestEnd client, server;

    TestLink(const ClientWireOptions& client_options, const ServerWireOptions& server_options) {
        server.wire = Wire::server(server_options);
        auto made = Wire::client(client_options, server.incoming);
        GW_ASSERT(made.has_value());
        client.wire = std::move(*made);
    }

    /// Delivers until it is quiet, in pieces of 1 to piece_bytes_max bytes drawn from `seed`.
    void pump(size_t piece_bytes_max = 1 << 20, uint64_t seed = 1) {
        Random random(seed);
        while (deliver(server, client, piece_bytes_max, random) ||
               deliver(client, server, piece_bytes_max, random)) {
        }
    }

    bool send(TestEnd& from, std::string_view mqtt) {
        TestEnd& to = &from == &client ? server : client;
        return from.wire->send(as_bytes(mqtt), to.incoming).has_value();
    }
    void close(TestEnd& from, CloseCode code) {
        from.wire->close(code, (&from == &client ? server : client).incoming);
    }
    bool ready() const { return client.wire->ready() && server.wire->ready(); }

private:
    static bool deliver(TestEnd& to, TestEnd& from, size_t piece_bytes_max, Random& random) {
        if (to.incoming.empty() || !to.fault.empty()) return false;
        const Buffer under_way = std::exchange(to.incoming, {});
        for (Bytes rest = under_way; !rest.empty() && to.fault.empty();) {
            const size_t most = std::min(piece_bytes_max, rest.size());
            const Bytes piece = rest.first(piece_bytes_max == 1 ? 1 : 1 + random.below(most));
            rest = rest.subspan(piece.size());
            const auto step = to.wire->receive(piece, to.mqtt, from.incoming);
            if (step) continue;
            to.fault = step.error().what;
            to.fault_kind = step.error().kind;
        }
        return true;
    }
};

}  // namespace godwit::transport
