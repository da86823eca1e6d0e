#include "broker/client_history.h"

namespace godwit::broker {

namespace {

/// Of a client: its place in the list and in the index, and the vector's slack.
constexpr size_t kClientOverhead = 160;

size_t heap_bytes(const std::string& text) {
    return text.capacity() > 15 ? text.capacity() + 1 : 0;
}

}  // namespace

size_t PastEvent::memory_bytes() const {
    return sizeof *this + heap_bytes(reason) + heap_bytes(detail) + heap_bytes(address);
}

std::string ClientHistory::key_of(RealmId realm, std::string_view client) {
    return std::to_string(realm.value) + ' ' + std::string(client);
}

/// The event's client, as the one that was heard of last.
ClientHistory::Client& ClientHistory::touch(const Event& event) {
    std::string key = key_of(event.realm, event.client);
    const auto known = index_.find(key);
    if (known != index_.end()) {
        clients_.splice(clients_.end(), clients_, known->second);
        return clients_.back();
    }
    Client& made = clients_.emplace_back(Client{std::move(key), {}});
    index_.emplace(made.key, std::prev(clients_.end()));
    bytes_ += kClientOverhead + heap_bytes(made.key);
    return made;
}

void ClientHistory::drop_oldest(Clients::iterator client) {
    bytes_ -= client->events.front().memory_bytes();
    client->events.erase(client->events.begin());
    --event_count_;
    if (!client->events.empty()) return;
    bytes_ -= kClientOverhead + heap_bytes(client->key);
    index_.erase(client->key);
    clients_.erase(client);
}

void ClientHistory::add(const Event& event, std::string_view address, WallTime now) {
    if (events_max_ == 0 || event.client.empty() || event.client.size() > kClientBytesMax) return;
    if (event.severity == Severity::Debug && std::string_view(event.name) != "dropped") return;
    Client& client = touch(event);
    const std::string_view detail = std::string_view(event.detail).substr(0, kDetailBytesMax);
    if (!client.events.empty()) {
        PastEvent& last = client.events.back();
        if (std::string_view(last.name) == event.name && last.reason == event.reason &&
            last.detail == detail && last.address == address) {
            last.last = now;
            ++last.count;
            return;
        }
    }
    client.events.push_back({.first = now,
                             .last = now,
                             .name = event.name,
                             .reason = event.reason,
                             .detail = std::string(detail),
                             .address = std::string(address)});
    bytes_ += client.events.back().memory_bytes();
    ++event_count_;
    if (client.events.size() > kEventsOfClientMax) drop_oldest(std::prev(clients_.end()));
    if (event_count_ > events_max_) drop_oldest(clients_.begin());
}

std::vector<PastEvent> ClientHistory::of(RealmId realm, std::string_view client) const {
    const auto known = index_.find(key_of(realm, client));
    return known == index_.end() ? std::vector<PastEvent>() : known->second->events;
}

}  // namespace godwit::broker
