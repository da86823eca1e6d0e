// The rows of [[listener]].
#include "config/schema.h"
#include "config/schema_rows.h"

namespace godwit::config {
namespace {

using broker::RateLimits;

constexpr std::string_view kVerify[] = {"none", "optional", "required"};
constexpr std::string_view kRealmBy[] = {"listener", "server_name", "user"};
constexpr std::string_view kIdentity[] = {"cn", "dns", "uri", "email", "fingerprint"};

template <auto... Path>
constexpr auto listener() {
    return member<ListenerOptions, Path...>();
}

const Row<ListenerOptions> kListener[] = {
    {{.section = "listener",
      .name = "url",
      .doc =
          "Address and transport: mqtt://host:port, mqtts://host:port, ws://host:port/path, "
          "wss://host:port/path or unix:/path. Ports left out are 1883, 8883, 8083 and 8084, the "
          "path left out is /mqtt; 0.0.0.0 and [::] are every address, port 0 is one that the "
          "system chooses. The keys cert, key, ca and verify may stand in the URL too, as in "
          "mqtts://0.0.0.0?cert=/etc/godwit/cert.pem&key=/etc/godwit/key.pem."},
     listener<&ListenerOptions::url_text>()},
    {{.section = "listener",
      .name = "cert",
      .initial = "",
      .doc = "File with the server's certificate and its intermediates, PEM. Needed for mqtts and "
             "wss. Several, with commas between: a client gets the one with the name that it asks "
             "for (SNI), else the first. This file and those of key, ca and crl are read again at "
             "SIGHUP and when they change; while one is faulty, all stay as they were."},
     listener<&ListenerOptions::cert>()},
    {{.section = "listener",
      .name = "key",
      .initial = "",
      .doc = "File with the private key of cert, PEM. Needed for mqtts and wss. As many as there "
             "are certificates, in their order."},
     listener<&ListenerOptions::key>()},
    {{.section = "listener",
      .name = "ca",
      .initial = "",
      .doc = "File with the authorities that client certificates may come from, PEM."},
     listener<&ListenerOptions::ca>()},
    {{.section = "listener",
      .name = "crl",
      .initial = "",
      .doc = "File with revocation lists, PEM, one of each authority that issues client "
             "certificates: clients of an authority without one are refused. Who is found in a new "
             "list is disconnected. Needs verify."},
     listener<&ListenerOptions::crl>()},
    {{.section = "listener",
      .name = "verify",
      .type = Type::Choice,
      .choices = kVerify,
      .doc = "Client certificates: none are asked for (also when nothing is written), optional "
             "(checked if there is one), or required. The last two need ca."},
     listener<&ListenerOptions::verify>()},
    {{.section = "listener",
      .name = "verify_depth",
      .type = Type::Number,
      .unit = "certificates",
      .range = {0, 100},
      .initial = 10u,
      .doc = "How many authorities may stand between a client's certificate and one in ca; clients "
             "with more are refused."},
     listener<&ListenerOptions::verify_depth>()},
    {{.section = "listener",
      .name = "identity",
      .type = Type::Choice,
      .choices = kIdentity,
      .initial = "cn",
      .doc =
          "What a client with a certificate is called by, the cn of policies: the common name of "
          "its subject; its first alternative name of the kind dns, uri or email; or the "
          "fingerprint, the SHA-256 of the certificate as 64 lower-case hex digits. One without "
          "such a name has none."},
     listener<&ListenerOptions::identity>()},
    {{.section = "listener",
      .name = "certificate_username",
      .type = Type::Flag,
      .initial = false,
      .doc = "A client with a certificate is the user whom it names (see identity), and needs no "
             "password. A user name in CONNECT must be the same or empty; a password, where there "
             "are any, must be right. Clients without such a name are as on every listener, but "
             "are not anonymous unless allow_anonymous says so."},
     listener<&ListenerOptions::certificate_username>()},
    {{.section = "listener",
      .name = "proxy_protocol",
      .type = Type::Flag,
      .initial = false,
      .doc =
          "Connections begin with a PROXY protocol header, version 1 or 2, and one without it is "
          "closed. Only for listeners that nobody but the proxy can reach."},
     listener<&ListenerOptions::proxy_protocol>()},
    {{.section = "listener",
      .name = "allow_anonymous",
      .type = Type::Flag,
      .doc =
          "Clients without a user name may connect here. Without it auth.allow_anonymous holds."},
     listener<&ListenerOptions::allow_anonymous>()},
    {{.section = "listener",
      .name = "realm",
      .initial = "default",
      .doc = "The realm that clients of this listener belong to: topics, client ids, sessions and "
             "retained messages of different realms never meet."},
     listener<&ListenerOptions::realm>()},
    {{.section = "listener",
      .name = "realm_by",
      .type = Type::Choice,
      .choices = kRealmBy,
      .initial = "listener",
      .doc = "Who else names the realm: with server_name the first label of the name that the "
             "client asks TLS for (acme.mqtt.example), with user what comes after the last @ of "
             "its user name (ann@acme). A realm that is not configured is refused; who names "
             "none is in that of the listener. See docs/authentication.md."},
     listener<&ListenerOptions::realm_by>()},
    {{.section = "listener",
      .name = "connections_max",
      .type = Type::Number,
      .unit = "connections",
      .range = {0, kU32Max},
      .initial = 0u,
      .doc = "Connections of this listener at one time; more are closed at once. 0: no limit."},
     listener<&ListenerOptions::connections_max>()},
    {{.section = "listener",
      .name = "connection_rate",
      .type = Type::Number,
      .unit = "connections/s",
      .range = {0, kU32Max},
      .initial = 0u,
      .doc =
          "New connections of this listener; what comes faster is closed at once, before TLS. 0: "
          "no limit, since what a shard cannot begin waits with the kernel anyway and is served "
          "later."},
     listener<&ListenerOptions::connection_rate>()},
    {{.section = "listener",
      .name = "connection_burst",
      .type = Type::Number,
      .unit = "connections",
      .range = {1, kU32Max},
      .initial = 1000u,
      .doc = "With connection_rate: so many may come at once after a pause."},
     listener<&ListenerOptions::connection_burst>()},
    {{.section = "listener",
      .name = "publish_rate",
      .type = Type::Number,
      .unit = "publishes/s",
      .range = {0, kU32Max},
      .initial = 0u,
      .doc = "PUBLISH packets of all clients of this listener together, which take turns; as "
             "limits.client_publish_rate. 0: no limit of its own."},
     listener<&ListenerOptions::rates, &RateLimits::publish_rate>()},
    {{.section = "listener",
      .name = "publish_burst",
      .type = Type::Number,
      .unit = "publishes",
      .range = {0, kU32Max},
      .initial = 0u,
      .doc = "With publish_rate, as limits.client_publish_burst. 0: as many as a second gives."},
     listener<&ListenerOptions::rates, &RateLimits::publish_burst>()},
    {{.section = "listener",
      .name = "byte_rate",
      .type = Type::Number,
      .unit = "bytes/s",
      .range = {0, kU32Max},
      .initial = 0u,
      .doc = "Bytes of MQTT of all clients of this listener together; as limits.client_byte_rate. "
             "0: no limit of its own."},
     listener<&ListenerOptions::rates, &RateLimits::byte_rate>()},
    {{.section = "listener",
      .name = "byte_burst",
      .type = Type::Number,
      .unit = "bytes",
      .range = {0, kU32Max},
      .initial = 0u,
      .doc = "With byte_rate, as limits.client_byte_burst. 0: as many as a second gives."},
     listener<&ListenerOptions::rates, &RateLimits::byte_burst>()},
};

}  // namespace

std::span<const Row<ListenerOptions>> listener_rows() {
    return kListener;
}

}  // namespace godwit::config
