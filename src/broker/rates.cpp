#include "broker/rates.h"

#include <algorithm>
#include <string>

namespace godwit::broker {

namespace {

bool any_bounded(const BrokerOptions& options) {
    const auto bounds_realm = [](const RealmOptions& each) {
        return each.limits && each.limits->rates.is_bounded();
    };
    const auto bounds_listener = [](const ListenerPolicy& each) { return each.rates.is_bounded(); };
    return options.limits.client_rates.is_bounded() || options.limits.realm.rates.is_bounded() ||
           std::ranges::any_of(options.realms, bounds_realm) ||
           std::ranges::any_of(options.listeners, bounds_listener);
}

void tell(mqtt::UserPropertyList& told, std::string_view name, uint32_t value) {
    if (value != 0) told.add(name, std::to_string(value));
}

}  // namespace

Rates::Rates(const BrokerOptions& options, SharedRates* of_all)
    : bounded(any_bounded(options)), shared(of_all) {
    if (!shared) {
        own_ = std::make_unique<SharedRates>(options);
        shared = own_.get();
    }
    const RateLimits& client = options.limits.client_rates;
    tell(told, "publish_rate", client.publish_rate);
    tell(told, "publish_burst", client.publishes().burst());
    tell(told, "byte_rate", client.byte_rate);
    tell(told, "byte_burst", client.bytes().burst());
}

}  // namespace godwit::broker
