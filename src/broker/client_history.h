// ClientHistory: the last events of each client, of those that were refused too, for people who ask
// why. Bounded: a client keeps its last kEventsOfClientMax, all together `events_max`; where there
// is no room, the client of which nothing was heard for longest loses its oldest: first among those
// that had no trouble, then among those of which more than one is kept, so that of a hundred that
// flood each can be asked why. A client costs nothing once its events are gone. Thread: its
// shard's.
#pragma once

#include "base/instant.h"
#include "broker/effects.h"

#include <array>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace godwit::broker {

/// One event, or several of the same kind in a row.
struct PastEvent {
    WallTime first, last;
    uint32_t count = 1;
    const char* name = "";
    std::string reason;
    std::string detail;   // cut at kDetailBytesMax
    std::string address;  // cut at 255 bytes; empty: none
};

class ClientHistory {
public:
    static constexpr size_t kEventsOfClientMax = 16;
    static constexpr size_t kDetailBytesMax = 200;
    static constexpr size_t kClientBytesMax = 256;  // longer client ids are not kept

    /// @param events_max  0: nothing is kept
    explicit ClientHistory(size_t events_max) : events_max_(events_max) {}

    /// Events without a client id are not kept, nor those of severity Debug that are no losses.
    void add(const Event& event, std::string_view address, WallTime now);
    /// In their order.
    std::vector<PastEvent> of(RealmId realm, std::string_view client) const;

    size_t event_count() const { return event_count_; }
    /// About; of all that it holds.
    size_t memory_bytes() const { return bytes_; }

private:
    /// One event: this, its reason, its detail and its address.
    struct Head {
        WallTime first, last;
        const char* name = "";
        uint32_t count = 1;
        uint16_t reason_bytes = 0;
        uint8_t detail_bytes = 0, address_bytes = 0;
        size_t bytes() const { return sizeof(Head) + reason_bytes + detail_bytes + address_bytes; }
    };
    /// In the order in which they lose.
    enum Rank : uint8_t { Calm, Troubled, LastOfTroubled, kRanks };
    /// In one piece of memory: its realm and id, then its events, the oldest first.
    struct Client {
        std::string text;
        uint16_t key_bytes = 0;
        uint8_t events = 0;
        bool troubled = false;  // something went wrong for it
        Rank rank = Calm;       // of the list that has it
        std::string_view key() const { return std::string_view(text).substr(0, key_bytes); }
        size_t last_at() const;
    };
    using Clients = std::list<Client>;
    struct ByKey {
        using is_transparent = void;
        size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
        size_t operator()(Clients::iterator client) const { return (*this)(client->key()); }
        bool operator()(std::string_view a, Clients::iterator b) const { return a == b->key(); }
        bool operator()(Clients::iterator a, Clients::iterator b) const { return a == b; }
    };
    static std::string key_of(RealmId realm, std::string_view client);
    Clients::iterator client_of(const Event& event);
    void place_last(Clients::iterator client);
    void replace_text(Client& client, std::string text);
    void drop_oldest(Clients::iterator client);
    void make_room();

    size_t events_max_;
    size_t event_count_ = 0;
    size_t bytes_ = 0;
    std::array<Clients, kRanks> ranks_;  // of each, who loses first comes first
    std::unordered_set<Clients::iterator, ByKey, ByKey> index_;
};

}  // namespace godwit::broker
