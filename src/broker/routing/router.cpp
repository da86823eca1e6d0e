#include "broker/routing/router.h"

#include "base/assert.h"
#include "base/mutant.h"

#include <algorithm>
#include <bit>

namespace godwit::broker {

// --- TakerList ---

std::span<const Taker> TakerList::all() const {
    if (many_) return many_->takers;
    return {&one_, one_.in_place ? 1u : 0u};
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

const Taker* TakerList::find(SessionRef session, bool group) const {
    const auto at = position(session, group);
    return at ? &all()[*at] : nullptr;
}

void TakerList::replace(const Taker& taker) {
    Taker& before = at(*position(taker.session, taker.group));
    if (many_) many_->kept += uint32_t(taker.kept) - uint32_t(before.kept);
    before = taker;
    before.in_place = !many_;
}

void TakerList::add(const Taker& taker) {
    if (!many_ && !one_.in_place) {
        one_ = taker;
        one_.in_place = true;
        return;
    }
    if (!many_) {
        one_.in_place = false;
        many_ = std::make_unique<Many>();
        many_->takers.push_back(one_);
        many_->kept = uint32_t(one_.kept);
    }
    many_->takers.push_back(taker);
    auto& [takers, by_slot, kept] = *many_;
    kept += uint32_t(taker.kept);
    if (!by_slot.empty()) {
        by_slot[slot_key(taker.session, taker.group)] = uint32_t(takers.size() - 1);
    } else if (takers.size() >= kIndexFrom) {
        for (uint32_t i = 0; i < takers.size(); ++i)
            by_slot[slot_key(takers[i].session, takers[i].group)] = i;
    }
}

void TakerList::remove(SessionRef session, bool group) {
    const auto where = position(session, group);
    GW_ASSERT(where.has_value());
    if (!many_) {
        one_.in_place = false;
        return;
    }
    many_->kept -= uint32_t(at(*where).kept);
    auto& takers = many_->takers;
    takers[*where] = takers.back();
    takers.pop_back();
    if (takers.empty()) {
        many_.reset();
    } else if (takers.size() < kIndexFrom / 2) {
        many_->by_slot.clear();
    } else if (!many_->by_slot.empty()) {
        many_->by_slot.erase(slot_key(session, group));
        if (*where < takers.size())
            many_->by_slot[slot_key(takers[*where].session, takers[*where].group)] =
                uint32_t(*where);
    }
}

// --- Router ---

Router::Entry& Router::entry(topic::FilterId id) {
    entries_.grow_to(size_t(id.value) + 1);
    return entries_[id.value];
}

TakerList* Router::takers_of(topic::FilterId id) {
    const Entry& e = entry(id);
    return e.takers == 0 ? nullptr : takers_.at(e.takers - 1);
}

TakerList& Router::need_takers(topic::FilterId id) {
    if (TakerList* takers = takers_of(id)) return *takers;
    if (free_takers_.empty()) free_takers_.push_back(takers_count_++);
    const uint32_t place = free_takers_.back();
    free_takers_.pop_back();
    entry(id).takers = place + 1;
    return takers_.emplace(place);
}

void Router::drop_takers(topic::FilterId id) {
    Entry& e = entry(id);
    takers_.erase(e.takers - 1);
    free_takers_.push_back(e.takers - 1);
    e.takers = 0;
}

RemoteShards Router::remote_of(const Entry& e) const {
    if (e.remote == 0) return {};
    if (e.remote > kRemotesOfOne) return remotes_[e.remote - kRemotesOfOne - 1];
    const uint64_t bit = uint64_t(1) << (e.remote - 1) / 2;
    return {bit, (e.remote - 1) % 2 != 0 ? bit : 0};
}

void Router::set_remote(Entry& e, const RemoteShards& remote) {
    const bool was_stored = e.remote > kRemotesOfOne;
    const bool is_stored = std::popcount(remote.shards) > 1;
    if (was_stored && !is_stored) free_remotes_.push_back(e.remote - kRemotesOfOne - 1);
    if (!is_stored) {
        e.remote = remote.shards == 0 ? 0
                                      : 1 + 2 * uint32_t(std::countr_zero(remote.shards)) +
                                            uint32_t(remote.kept_shards != 0);
        return;
    }
    if (!was_stored) {
        if (free_remotes_.empty()) {
            free_remotes_.push_back(uint32_t(remotes_.size()));
            remotes_.emplace_back();
        }
        e.remote = kRemotesOfOne + 1 + free_remotes_.back();
        free_remotes_.pop_back();
    }
    remotes_[e.remote - kRemotesOfOne - 1] = remote;
}

Router::Added Router::add_taker(std::string_view filter, const Taker& taker) {
    last_stands_ = false;
    const auto known = find(filter, taker.session, taker.group);
    Added added{.id = known ? *known : filters_.acquire(filter), .is_new = !known, .change = {}};
    TakerList& takers = need_takers(added.id);
    const Interest before = takers.interest();
    if (known)
        takers.replace(taker);
    else
        takers.add(taker);
    const Interest now = takers.interest();
    if (now != before) added.change = {before, now};
    return added;
}

std::optional<InterestChange> Router::remove_taker(topic::FilterId id, SessionRef session,
                                                   bool group) {
    last_stands_ = false;
    TakerList& takers = need_takers(id);
    const Interest before = takers.interest();
    takers.remove(session, group);
    const Interest now = takers.interest();
    if (takers.empty()) drop_takers(id);
    filters_.release(id);
    if (now == before) return std::nullopt;
    return InterestChange{before, now};
}

std::optional<topic::FilterId> Router::find(std::string_view filter, SessionRef session,
                                            bool group) {
    const auto id = filters_.find(filter);
    if (!id) return std::nullopt;
    const TakerList* takers = takers_of(*id);
    return takers && takers->find(session, group) ? id : std::nullopt;
}

const Taker& Router::taker(topic::FilterId id, SessionRef session) {
    const TakerList* takers = takers_of(id);
    const Taker* found = takers ? takers->find(session, false) : nullptr;
    GW_ASSERT(found);
    return *found;
}

void Router::change_remote(std::string_view filter, ShardId shard, InterestChange change) {
    last_stands_ = false;
    if (filter.find_first_of("+#") == std::string_view::npos)
        return exact_routes_.change(filter, shard, change);
    const uint64_t bit = uint64_t(1) << shard.value;
    const bool was_routed = change.before != Interest::None;
    const auto known = was_routed ? filters_.find(filter) : filters_.acquire(filter);
    GW_ASSERT(known.has_value());
    RemoteShards remote = remote_of(entry(*known));
    GW_ASSERT(((remote.shards & bit) != 0) == was_routed);
    GW_ASSERT(((remote.kept_shards & bit) != 0) == (change.before == Interest::Kept));
    remote.shards = change.now != Interest::None ? remote.shards | bit : remote.shards & ~bit;
    remote.kept_shards =
        change.now == Interest::Kept ? remote.kept_shards | bit : remote.kept_shards & ~bit;
    set_remote(entry(*known), remote);
    if (change.now == Interest::None) filters_.release(*known);
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
    if (last_stands_ && asked_last(topic, publisher)) return matches_;
    last_publisher_ = publisher;
    last_stands_ = true;
    ++round_;
    matches_.local.clear();
    matches_.more_ids.clear();
    matches_.remote = {};
    exact_routes_.match(topic, matches_.remote);
    for (const topic::FilterId id : matched_.match(filters_, topic)) {
        const Entry& e = entries_[id.value];
        if (e.remote != 0) {
            const RemoteShards remote = remote_of(e);
            matches_.remote.shards |= remote.shards;
            matches_.remote.kept_shards |= remote.kept_shards;
        }
        if (e.takers == 0) continue;
        for (const Taker& taker : takers_.at(e.takers - 1)->all()) {
            if (taker.no_local && publisher == taker.session && !GW_MUTANT(IgnoreNoLocal)) continue;
            merge(taker);
        }
    }
    return matches_;
}

}  // namespace godwit::broker
