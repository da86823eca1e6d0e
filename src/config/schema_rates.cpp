// The rows about how fast clients may send: of [limits] and of [[listener]].
#include "config/schema_rows.h"

namespace godwit::config {
namespace {

using broker::BrokerOptions;
using broker::Limits;
using broker::RateLimits;

constexpr uint64_t kU32Max = 4294967295;

template <auto Rates, auto Path>
constexpr auto limit() {
    return member<Options, &Options::broker, &BrokerOptions::limits, Rates, Path>();
}
template <auto Path>
constexpr auto client() {
    return limit<&Limits::client_rates, Path>();
}
template <auto Path>
constexpr auto realm() {
    return limit<&Limits::realm_rates, Path>();
}
template <auto Path>
constexpr auto listener() {
    return member<ListenerOptions, &ListenerOptions::rates, Path>();
}

constexpr Key key(std::string_view section, std::string_view name, std::string_view unit,
                  std::string_view doc) {
    return {.section = section,
            .name = name,
            .type = Type::Number,
            .unit = unit,
            .range = {0, kU32Max},
            .initial = 0u,
            .doc = doc};
}

const Row<Options> kLimits[] = {
    {key("limits", "client_publish_rate", "publishes/s",
         "PUBLISH packets of one client. What comes faster is not refused and not lost: the client "
         "is not read until it is its turn; see docs/limits.md. 0: no limit."),
     client<&RateLimits::publish_rate>()},
    {key("limits", "client_publish_burst", "publishes",
         "With client_publish_rate: so many may come at once after a pause, and no more QoS 1 and "
         "2 may be under way (receive_maximum). 0: as many as a second gives."),
     client<&RateLimits::publish_burst>()},
    {key("limits", "client_byte_rate", "bytes/s",
         "Bytes of MQTT of one client, of all its packets from CONNACK on; as "
         "client_publish_rate. 0: no limit."),
     client<&RateLimits::byte_rate>()},
    {key("limits", "client_byte_burst", "bytes",
         "With client_byte_rate: so many may come at once after a pause. A packet that is larger "
         "is taken when nothing else was for as long as a burst takes, and paid for afterwards. 0: "
         "as many as a second gives."),
     client<&RateLimits::byte_burst>()},
    {key("limits", "realm_publish_rate", "publishes/s",
         "PUBLISH packets of all clients of a realm together, which take turns; as "
         "client_publish_rate. 0: no limit."),
     realm<&RateLimits::publish_rate>()},
    {key("limits", "realm_publish_burst", "publishes",
         "With realm_publish_rate, as client_publish_burst. 0: as many as a second gives."),
     realm<&RateLimits::publish_burst>()},
    {key("limits", "realm_byte_rate", "bytes/s",
         "Bytes of MQTT of all clients of a realm together; as client_byte_rate. 0: no limit."),
     realm<&RateLimits::byte_rate>()},
    {key("limits", "realm_byte_burst", "bytes",
         "With realm_byte_rate, as client_byte_burst. 0: as many as a second gives."),
     realm<&RateLimits::byte_burst>()},
};

const Row<ListenerOptions> kListener[] = {
    {key("listener", "publish_rate", "publishes/s",
         "PUBLISH packets of all clients of this listener together, which take turns; as "
         "limits.client_publish_rate. 0: no limit of its own."),
     listener<&RateLimits::publish_rate>()},
    {key("listener", "publish_burst", "publishes",
         "With publish_rate, as limits.client_publish_burst. 0: as many as a second gives."),
     listener<&RateLimits::publish_burst>()},
    {key("listener", "byte_rate", "bytes/s",
         "Bytes of MQTT of all clients of this listener together; as limits.client_byte_rate. 0: "
         "no limit of its own."),
     listener<&RateLimits::byte_rate>()},
    {key("listener", "byte_burst", "bytes",
         "With byte_rate, as limits.client_byte_burst. 0: as many as a second gives."),
     listener<&RateLimits::byte_burst>()},
};

}  // namespace

std::span<const Row<Options>> rate_rows() {
    return kLimits;
}
std::span<const Row<ListenerOptions>> listener_rate_rows() {
    return kListener;
}

}  // namespace godwit::config
