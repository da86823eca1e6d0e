#include "bench/identity.h"

#include "mqtt/encoder.h"

#include <fmt/format.h>

namespace godwit::bench {

void put_connect(Buffer& out, const Identity& identity, const Greeting& greeting) {
    const std::string id = fmt::format("{}-{}{}", identity.prefix, greeting.role, greeting.number);
    mqtt::Connect packet{.version = identity.version,
                         .clean_start = greeting.clean,
                         .keepalive_s = identity.keepalive_s,
                         .client_id = id};
    if (identity.username) packet.username = *identity.username;
    if (identity.password) packet.password = as_bytes(*identity.password);
    if (greeting.persistent && identity.version == mqtt::Version::V5)
        packet.session_expiry_s = identity.session_expiry_s;
    mqtt::encode_connect(out, packet);
}

}  // namespace godwit::bench
