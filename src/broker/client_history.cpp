#include "broker/client_history.h"

namespace godwit::broker {

namespace {

/// Of a client: its places in the list and in the index.
constexpr size_t kClientOverhead = 160;

size_t heap_bytes(const std::string& text) {
    return text.capacity() > 15 ? text.capacity() + 1 : 0;
}

bool is_trouble(const Event& event) {
    return event.severity >= Severity::Warning || event.severity == Severity::Debug;
}

}  // namespace

std::string ClientHistory::key_of(RealmId realm, std::string_view client) {
    return std::to_string(realm.value) + ' ' + std::string(client);
}

/// The event's client, as the one that was heard of last.
ClientHistory::Client& ClientHistory::touch(const Event& event) {
    std::string key = key_of(event.realm, event.client);
    auto known = index_.find(key);
    if (known == index_.end()) {
        calm_.push_back({.key = std::move(key), .records = {}});
        const auto made = std::prev(calm_.end());
        known = index_.emplace(made->key, made).first;
        bytes_ += kClientOverhead + heap_bytes(made->key);
    }
    const Clients::iterator client = known->second;
    Clients& from = list_of(*client);
    client->troubled |= is_trouble(event);
    Clients& to = list_of(*client);
    to.splice(to.end(), from, client);
    return *client;
}

void ClientHistory::drop_oldest(Clients::iterator client) {
    bytes_ -= sizeof(Record) + heap_bytes(client->records.front().text);
    client->records.erase(client->records.begin());
    --event_count_;
    if (!client->records.empty()) return;
    bytes_ -= kClientOverhead + heap_bytes(client->key);
    index_.erase(client->key);
    list_of(*client).erase(client);
}

void ClientHistory::add(const Event& event, std::string_view address, WallTime now) {
    if (events_max_ == 0 || event.client.empty() || event.client.size() > kClientBytesMax) return;
    if (event.severity == Severity::Debug && std::string_view(event.name) != "dropped") return;
    Client& client = touch(event);
    const std::string_view detail = std::string_view(event.detail).substr(0, kDetailBytesMax);
    Record record{.first = now,
                  .last = now,
                  .reason_bytes = uint32_t(event.reason.size()),
                  .detail_bytes = uint32_t(detail.size()),
                  .name = event.name,
                  .text = event.reason};
    record.text.append(detail).append(address);
    if (!client.records.empty()) {
        Record& last = client.records.back();
        if (std::string_view(last.name) == record.name && last.text == record.text) {
            last.last = now;
            ++last.count;
            return;
        }
    }
    record.text.shrink_to_fit();
    bytes_ += sizeof(Record) + heap_bytes(record.text);
    client.records.push_back(std::move(record));
    ++event_count_;
    if (client.records.size() > kEventsOfClientMax) drop_oldest(index_.at(client.key));
    if (event_count_ > events_max_) drop_oldest((calm_.empty() ? troubled_ : calm_).begin());
}

std::vector<PastEvent> ClientHistory::of(RealmId realm, std::string_view client) const {
    std::vector<PastEvent> past;
    const auto known = index_.find(key_of(realm, client));
    if (known == index_.end()) return past;
    for (const Record& each : known->second->records) {
        const size_t address_at = size_t(each.reason_bytes) + each.detail_bytes;
        past.push_back({.first = each.first,
                        .last = each.last,
                        .count = each.count,
                        .name = each.name,
                        .reason = each.text.substr(0, each.reason_bytes),
                        .detail = each.text.substr(each.reason_bytes, each.detail_bytes),
                        .address = each.text.substr(address_at)});
    }
    return past;
}

}  // namespace godwit::broker
