// Admission: which connections are taken at all, before anything is spent on them: of one listener
// as fast, and of one address as many and as fast, as the configuration allows. An address is an
// IPv4 address or a /64 of IPv6, which is what one customer of a provider has.
#pragma once

#include "base/hash.h"
#include "base/ids.h"
#include "base/rate_gate.h"
#include "server/socket_table.h"

#include <mutex>
#include <unordered_map>
#include <vector>

namespace godwit::server {

struct AdmissionLimits {
    uint32_t address_connections_max = 0;  // 0: no bound
    Rate address_rate;
    std::vector<Rate> listener_rates;  // by listener
};

/// One for the process. Thread: any.
class Admission {
public:
    /// Addresses without a connection that are remembered for their rate. Where there are more,
    /// some are forgotten: they are as if they had never called.
    static constexpr size_t kIdleAddressesMax = 64 * 1024;

    Admission(AdmissionLimits limits, const HashKey& key);

    /// @return  null: it is admitted; else why not
    /// @cost    nothing where there is no bound; else one mutex
    const char* admit_to_listener(ListenerId listener, Instant now);
    /// Where it admits, leave() is owed.
    const char* admit_from(const PeerName& peer, Instant now);
    void leave(const PeerName& peer);

    size_t address_count() const;

private:
    struct Network {
        uint64_t high = 0;
        uint8_t family = 0;
        friend bool operator==(const Network&, const Network&) = default;
    };
    struct Hash {
        HashKey key;
        size_t operator()(const Network& network) const;
    };
    struct Address {
        uint32_t connections = 0;
        RateGate gate;
    };
    static Network network_of(const PeerName& peer);
    bool bounds_addresses() const;
    void sweep(Instant now);

    const AdmissionLimits limits_;
    mutable std::mutex mutex_;
    std::vector<RateGate> listeners_;
    std::unordered_map<Network, Address, Hash> addresses_;
    size_t sweep_at_ = 1024;
};

}  // namespace godwit::server
