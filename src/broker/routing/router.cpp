#include "broker/routing/router.h"

#include "base/assert.h"
#include "base/mutant.h"

#include <algorithm>

namespace godwit::broker {

// --- TakerList ---

std::span<const Taker> TakerList::all() const {
    if (many_) return many_->takers;
    return {&one_, one_set_ ? 1u : 0u};
}

std::optional<size_t> TakerList::position(SessionRef session, bool group) const {
    if (many_ && !many_->by_slot.empty()) {
        const auto it = many_->by_slot.find(slot_key(session, group));
        if (it == many_->by_slot.end()) return std::nullopt;
        return it->second;
    }
    const auto takers = all();
    for (size_t i = 0; i < takers.size(); ++i)
        if (takers[i].session == session && takers[i].group == group) return i;
    return std::nullopt;
}

Taker* TakerList::find(SessionRef session, bool group) {
    const auto at = position(session, group);
    if (!at) return nullptr;
    return many_ ? &many_->takers[*at] : &one_;
}

void TakerList::add(const Taker& taker) {
    if (!many_ && !one_set_) {
        one_ = taker;
        one_set_ = true;
        return;
    }
    if (!many_) {
        many_ = std::make_unique<Many>();
        many_->takers.push_back(one_);
        one_set_ = false;
    }
    many_->takers.push_back(taker);
    auto& [takers, by_slot] = *many_;
    if (!by_slot.empty()) {
        by_slot[slot_key(taker.session, taker.group)] = uint32_t(takers.size() - 1);
    } else if (takers.size() >= kIndexFrom) {
        for (uint32_t i = 0; i < takers.size(); ++i)
            by_slot[slot_key(takers[i].session, takers[i].group)] = i;
    }
}

void TakerList::remove(SessionRef session, bool group) {
    const auto at = position(session, group);
    GW_ASSERT(at.has_value());
    if (!many_) {
        one_set_ = false;
        return;
    }
    auto& takers = many_->takers;
    takers[*at] = takers.back();
    takers.pop_back();
    if (takers.empty()) {
        many_.reset();
    } else if (takers.size() < kIndexFrom / 2) {
        many_->by_slot.clear();
    } else if (!many_->by_slot.empty()) {
        many_->by_slot.erase(slot_key(session, group));
        if (*at < takers.size())
            many_->by_slot[slot_key(takers[*at].session, takers[*at].group)] = uint32_t(*at);
    }
}

// --- Router ---

Router::Entry& Router::entry(topic::FilterId id) {
    if (id.value >= entries_.size()) entries_.resize(id.value + 1);
    return entries_[id.value];
}

Router::Added Router::add_taker(std::string_view filter, const Taker& taker, topic::FilterId& id) {
    if (const auto known = filters_.find(filter)) {
        if (Taker* mine = entry(*known).takers.find(taker.session, taker.group)) {
            *mine = taker;
            id = *known;
            return Added::Replaced;
        }
    }
    id = filters_.acquire(filter);
    Entry& e = entry(id);
    const bool first = e.takers.empty();
    e.takers.add(taker);
    return first ? Added::NewAndFirst : Added::New;
}

bool Router::remove_taker(topic::FilterId id, SessionRef session, bool group) {
    Entry& e = entry(id);
    e.takers.remove(session, group);
    const bool last = e.takers.empty();
    filters_.release(id);
    return last;
}

std::optional<topic::FilterId> Router::find(std::string_view filter, SessionRef session,
                                            bool group) {
    const auto id = filters_.find(filter);
    if (!id || !entry(*id).takers.find(session, group)) return std::nullopt;
    return id;
}

void Router::set_remote(std::string_view filter, ShardId shard, bool interested) {
    const uint64_t bit = uint64_t(1) << shard.value;
    if (interested) {
        Entry& e = entry(filters_.acquire(filter));
        GW_ASSERT((e.shards & bit) == 0);
        e.shards |= bit;
        return;
    }
    const auto id = filters_.find(filter);
    GW_ASSERT(id && (entry(*id).shards & bit) != 0);
    entry(*id).shards &= ~bit;
    filters_.release(*id);
}

void Router::merge(const Taker& taker) {
    if (!taker.group) {
        if (taker.session.slot >= marks_.size()) marks_.resize(taker.session.slot + 1);
        Mark& mark = marks_[taker.session.slot];
        if (mark.round == round_) {
            Delivery& known = matches_.local[mark.index];
            known.qos = std::max(known.qos, taker.qos);
            known.retain_as_published |= taker.retain_as_published;
            if (taker.subscription_id == 0) return;
            if (known.subscription_id == 0) {
                known.subscription_id = taker.subscription_id;
            } else {
                matches_.more_ids.push_back({taker.subscription_id, known.more_ids});
                known.more_ids = uint32_t(matches_.more_ids.size() - 1);
            }
            return;
        }
        mark = {round_, uint32_t(matches_.local.size())};
    }
    matches_.local.push_back({taker.session, taker.subscription_id, Delivery::kNoMore, taker.qos,
                              taker.retain_as_published, taker.group});
}

const Matches& Router::match(std::string_view topic, std::optional<SessionRef> publisher) {
    ++round_;
    matches_.local.clear();
    matches_.more_ids.clear();
    matches_.shards = 0;
    for (const topic::FilterId id : matched_.match(filters_, topic)) {
        const Entry& e = entries_[id.value];
        matches_.shards |= e.shards;
        for (const Taker& taker : e.takers.all()) {
            if (taker.no_local && publisher == taker.session && !GW_MUTANT(IgnoreNoLocal)) continue;
            merge(taker);
        }
    }
    return matches_;
}

}  // namespace godwit::broker
