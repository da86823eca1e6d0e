#include "broker/client_history.h"

#include "base/mutant.h"

#include <cstring>
#include <utility>

namespace godwit::broker {

namespace {

/// Of a client: its places in the list and in the index, as the allocator rounds them.
constexpr size_t kClientOverhead = 104;

size_t heap_bytes(const std::string& text) {
    return text.capacity() > 15 ? text.capacity() + 1 : 0;
}

bool is_trouble(const Event& event) {
    return event.severity >= Severity::Warning || event.severity == Severity::Debug;
}

template <class Value>
Value read_at(std::string_view text, size_t at) {
    Value value;
    std::memcpy(&value, text.data() + at, sizeof value);
    return value;
}

template <class Number>
Number cut(std::string_view& text, size_t bytes_max) {
    text = text.substr(0, bytes_max);
    return Number(text.size());
}

}  // namespace

std::string ClientHistory::key_of(RealmId realm, std::string_view client) {
    return std::to_string(realm.value) + ' ' + std::string(client);
}

size_t ClientHistory::Client::last_at() const {
    size_t at = key_bytes;
    for (uint8_t i = 1; i < events; ++i) at += read_at<Head>(text, at).bytes();
    return at;
}

/// The event's client, new if nothing is known of it.
ClientHistory::Clients::iterator ClientHistory::client_of(const Event& event) {
    std::string key = key_of(event.realm, event.client);
    auto known = index_.find(std::string_view(key));
    if (known == index_.end()) {
        const auto key_bytes = uint16_t(key.size());
        Clients& calm = ranks_[Calm];
        calm.push_back({.text = std::move(key), .key_bytes = key_bytes});
        bytes_ += kClientOverhead + heap_bytes(calm.back().text);
        known = index_.insert(std::prev(calm.end())).first;
    }
    return *known;
}

/// In the list that is its own now.
void ClientHistory::place_last(Clients::iterator client) {
    Clients& from = ranks_[client->rank];
    client->rank = !client->troubled ? Calm : client->events > 1 ? Troubled : LastOfTroubled;
    Clients& to = ranks_[client->rank];
    to.splice(to.end(), from, client);
}

void ClientHistory::replace_text(Client& client, std::string text) {
    bytes_ -= heap_bytes(client.text);
    client.text = std::move(text);
    bytes_ += heap_bytes(client.text);
}

void ClientHistory::drop_oldest(Clients::iterator client) {
    --event_count_;
    if (--client->events == 0) {
        bytes_ -= kClientOverhead + heap_bytes(client->text);
        index_.erase(client);
        ranks_[client->rank].erase(client);
        return;
    }
    std::string_view rest = client->text;
    rest.remove_prefix(client->key_bytes + read_at<Head>(client->text, client->key_bytes).bytes());
    std::string text;
    text.reserve(client->key_bytes + rest.size());
    replace_text(*client, std::move(text.append(client->key()).append(rest)));
    if (client->events == 1 && client->rank == Troubled) place_last(client);
}

void ClientHistory::make_room() {
    for (Clients& clients : ranks_)
        if (!clients.empty()) return drop_oldest(clients.begin());
}

void ClientHistory::add(const Event& event, std::string_view address, WallTime now) {
    if (GW_MUTANT(EventsForgotten)) return;
    if (events_max_ == 0 || event.client.empty() || event.client.size() > kClientBytesMax) return;
    if (event.severity == Severity::Debug && std::string_view(event.name) != "dropped") return;
    if (event.count == 0) return;
    const Clients::iterator client = client_of(event);
    client->troubled |= is_trouble(event);
    std::string_view reason = event.reason, detail = event.detail;
    Head head{.first = now, .last = now, .name = event.name, .count = event.count};
    head.reason_bytes = cut<uint16_t>(reason, UINT16_MAX);
    head.detail_bytes = cut<uint8_t>(detail, kDetailBytesMax);
    head.address_bytes = cut<uint8_t>(address, UINT8_MAX);
    std::string words;
    words.append(reason).append(detail).append(address);
    if (client->events > 0) {
        const size_t at = client->last_at();
        Head last = read_at<Head>(client->text, at);
        if (std::string_view(last.name) == head.name &&
            std::string_view(client->text).substr(at + sizeof(Head)) == words) {
            last.last = now;
            last.count += event.count;
            std::memcpy(client->text.data() + at, &last, sizeof last);
            return place_last(client);
        }
    }
    std::string text;
    text.reserve(client->text.size() + sizeof head + words.size());
    text.append(client->text).append(reinterpret_cast<const char*>(&head), sizeof head);
    replace_text(*client, std::move(text.append(words)));
    ++client->events;
    ++event_count_;
    place_last(client);
    if (client->events > kEventsOfClientMax) drop_oldest(client);
    if (event_count_ > events_max_) make_room();
}

std::vector<PastEvent> ClientHistory::of(RealmId realm, std::string_view client) const {
    std::vector<PastEvent> past;
    const std::string key = key_of(realm, client);
    const auto known = index_.find(std::string_view(key));
    if (known == index_.end()) return past;
    const std::string& text = (*known)->text;
    for (size_t at = (*known)->key_bytes; at < text.size();) {
        const Head head = read_at<Head>(text, at);
        at += sizeof head;
        const auto take = [&](size_t bytes) {
            return text.substr(std::exchange(at, at + bytes), bytes);
        };
        past.push_back({.first = head.first,
                        .last = head.last,
                        .count = head.count,
                        .name = head.name,
                        .reason = take(head.reason_bytes),
                        .detail = take(head.detail_bytes),
                        .address = take(head.address_bytes)});
    }
    return past;
}

}  // namespace godwit::broker
