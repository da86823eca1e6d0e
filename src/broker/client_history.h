// ClientHistory: the last events of each client, of those that were refused too, for people who ask
// why. Bounded: a client keeps its last kEventsOfClientMax, all together `events_max`; where there
// is no room, the client of which nothing was heard for longest loses its oldest, first among those
// that had no trouble. A client costs nothing once its events are gone. Thread: its shard's.
#pragma once

#include "base/instant.h"
#include "broker/effects.h"

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

namespace godwit::broker {

/// One event, or several of the same kind in a row.
struct PastEvent {
    WallTime first, last;
    uint32_t count = 1;
    const char* name = "";
    std::string reason;
    std::string detail;   // cut at kDetailBytesMax
    std::string address;  // empty: none
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
    /// A PastEvent in one piece of memory.
    struct Record {
        WallTime first, last;
        uint32_t count = 1;
        uint32_t reason_bytes = 0, detail_bytes = 0;  // of text; the rest is the address
        const char* name = "";
        std::string text;
    };
    struct Client {
        std::string key;              // realm and client id
        std::vector<Record> records;  // few: the oldest first
        bool troubled = false;        // something went wrong for it
    };
    using Clients = std::list<Client>;
    static std::string key_of(RealmId realm, std::string_view client);
    Clients& list_of(const Client& client) { return client.troubled ? troubled_ : calm_; }
    Client& touch(const Event& event);
    void drop_oldest(Clients::iterator client);

    size_t events_max_;
    size_t event_count_ = 0;
    size_t bytes_ = 0;
    Clients calm_, troubled_;  // of each, the one of which nothing was heard for longest first
    std::unordered_map<std::string_view, Clients::iterator> index_;
};

}  // namespace godwit::broker
