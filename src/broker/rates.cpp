#include "broker/rates.h"

#include <algorithm>
#include <string>

namespace godwit::broker {

namespace {

/// A client that has as much under way as it was told keeps within a burst.
uint16_t receive_maximum_of(uint16_t usual, std::initializer_list<Flows> flows) {
    for (const Flows& each : flows)
        if (each.publishes.is_bounded())
            usual = uint16_t(std::min<uint32_t>(usual, each.publishes.burst()));
    return usual;
}

void tell(mqtt::UserPropertyList& told, std::string_view name, uint32_t value) {
    if (value != 0) told.add(name, std::to_string(value));
}

}  // namespace

Rates::Rates(const BrokerOptions& options, SharedRates* of_all)
    : client(options.limits.client_rates), realm(options.limits.realm_rates), shared(of_all) {
    if (!shared) {
        own_ = std::make_unique<SharedRates>(options);
        shared = own_.get();
    }
    bounded = client.is_bounded() || realm.is_bounded();
    for (const ListenerPolicy& each : options.listeners) {
        listeners.emplace_back(each.rates);
        bounded |= listeners.back().is_bounded();
        receive_maximum.push_back(
            receive_maximum_of(options.limits.receive_maximum, {client, realm, listeners.back()}));
    }
    tell(told, "publish_rate", options.limits.client_rates.publish_rate);
    tell(told, "publish_burst", client.publishes.burst());
    tell(told, "byte_rate", options.limits.client_rates.byte_rate);
    tell(told, "byte_burst", client.bytes.burst());
}

}  // namespace godwit::broker
