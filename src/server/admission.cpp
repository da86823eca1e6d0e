#include "server/admission.h"

#include "base/mutant.h"

#include <cstring>

namespace godwit::server {

namespace {

constexpr size_t kSweepMin = 1024;

}  // namespace

size_t Admission::Hash::operator()(const Network& network) const {
    Buffer bytes;
    put_u64(bytes, network.high);
    bytes.push_back(network.family);
    return keyed_hash(bytes, key);
}

Admission::Admission(AdmissionLimits limits, const HashKey& key)
    : limits_(std::move(limits)),
      listeners_(limits_.listener_rates.size()),
      addresses_(0, Hash{key}) {}

Admission::Network Admission::network_of(const PeerName& peer) {
    Network network{.family = peer.family()};
    std::memcpy(&network.high, peer.ip().data(), sizeof network.high);
    return network;
}

bool Admission::bounds_addresses() const {
    return limits_.address_connections_max != 0 || limits_.address_rate.is_bounded();
}

const char* Admission::admit_to_listener(ListenerId listener, Instant now) {
    const Rate& rate = limits_.listener_rates[listener.value];
    if (!rate.is_bounded()) return nullptr;
    const std::lock_guard lock(mutex_);
    return listeners_[listener.value].admit(now, rate) ? nullptr : "listener's connection_rate";
}

const char* Admission::admit_from(const PeerName& peer, Instant now) {
    if (!bounds_addresses() || peer.is_unix()) return nullptr;
    const std::lock_guard lock(mutex_);
    if (addresses_.size() >= sweep_at_) sweep(now);
    Address& address = addresses_[network_of(peer)];
    const uint32_t most = limits_.address_connections_max;
    if (most != 0 && address.connections >= most) return "limits.address_connections_max";
    if (!address.gate.admit(now, limits_.address_rate) && !GW_MUTANT(EverybodyAdmitted))
        return "limits.address_connection_rate";
    ++address.connections;
    return nullptr;
}

void Admission::leave(const PeerName& peer) {
    if (!bounds_addresses() || peer.is_unix()) return;
    const std::lock_guard lock(mutex_);
    const auto at = addresses_.find(network_of(peer));
    GW_ASSERT(at != addresses_.end() && at->second.connections > 0);
    --at->second.connections;
    // One that is watched for its rate is remembered until the next sweep.
    if (at->second.connections == 0 && !limits_.address_rate.is_bounded()) addresses_.erase(at);
}

/// Forgets who has no connection and owes nothing; of those that owe, no more than may be kept.
void Admission::sweep(Instant now) {
    size_t idle = 0;
    std::erase_if(addresses_, [&](const auto& each) {
        const Address& address = each.second;
        if (address.connections > 0) return false;
        return address.gate.is_full(now) || ++idle > kIdleAddressesMax / 2;
    });
    const size_t left = addresses_.size();
    sweep_at_ = std::max(kSweepMin, std::min(2 * left, left + kIdleAddressesMax / 2));
}

size_t Admission::address_count() const {
    const std::lock_guard lock(mutex_);
    return addresses_.size();
}

}  // namespace godwit::server
