#include "broker/routing/shared_groups.h"

#include "base/mutant.h"

#include <algorithm>

namespace godwit::broker {

SharedGroup::Member* SharedGroup::find(SessionAddress member) {
    const auto at = std::find_if(members_.begin(), members_.end(),
                                 [&](const Member& each) { return each.address == member; });
    return at == members_.end() ? nullptr : &*at;
}

void SharedGroup::join(ShardId shard, const GroupJoin& join) {
    const SessionAddress address{shard, join.member};
    Member* known = find(address);
    if (!known) known = &members_.emplace_back(Member{address});
    known->membership = join.membership;
    known->qos = join.options.qos;
    known->window = std::max(join.window, 1u);
    known->online = join.online;
}

void SharedGroup::leave(SessionAddress member) {
    std::erase_if(members_, [&](const Member& each) { return each.address == member; });
}

void SharedGroup::set_online(SessionAddress member, bool online) {
    if (Member* known = find(member)) known->online = online;
}

void SharedGroup::offer(const MessageRef& message, KeptPlace place) {
    queue_.push_back({message, place});
    queue_bytes_ += message->size_bytes();
}

std::optional<SharedGroup::Holding> SharedGroup::take_back(uint64_t token) {
    const auto at = held_.find(token);
    if (at == held_.end()) return std::nullopt;
    const Holding holding = std::move(at->second);
    held_.erase(at);
    if (Member* member = find(holding.member); member && member->holding > 0) --member->holding;
    return holding;
}

KeptPlace SharedGroup::done(uint64_t token) {
    const auto holding = take_back(token);
    return holding ? holding->place : KeptPlace{};
}

KeptPlace SharedGroup::take(uint64_t stamp, ShardId origin) {
    const auto at = std::find_if(queue_.begin(), queue_.end(), [&](const Waiting& each) {
        return each.message->stamp() == stamp && each.message->origin() == origin;
    });
    if (at == queue_.end()) return {};
    const KeptPlace place = at->place;
    queue_bytes_ -= at->message->size_bytes();
    queue_.erase(at);
    return place;
}

void SharedGroup::give_back(uint64_t token) {
    auto holding = take_back(token);
    if (!holding) return;
    auto at = queue_.begin();
    while (at != queue_.end() && at->returned_token != 0 && at->returned_token < token) ++at;
    queue_bytes_ += holding->message->size_bytes();
    queue_.insert(at, {std::move(holding->message), holding->place, token});
}

void SharedGroup::pop_front() {
    queue_bytes_ -= queue_.front().message->size_bytes();
    queue_.pop_front();
}

bool SharedGroup::any_online() const {
    return std::any_of(members_.begin(), members_.end(),
                       [](const Member& each) { return each.online; });
}

SharedGroup::Member* SharedGroup::next_ready(const Message& message) {
    for (size_t tried = 0; tried < members_.size(); ++tried) {
        if (turn_ >= members_.size()) turn_ = 0;
        Member& member = members_[turn_++];
        const bool owes_ack = std::min(message.qos(), member.qos) != mqtt::Qos::AtMostOnce;
        const bool ready = member.online || GW_MUTANT(OfferToOfflineMember);
        if (ready && (!owes_ack || member.holding < member.window)) return &member;
    }
    return nullptr;
}

SharedGroup::Dropped SharedGroup::hand_out(GroupRef self, Instant now,
                                           std::vector<GroupHandout>& out,
                                           std::vector<KeptPlace>& settled) {
    Dropped dropped;
    const bool online = any_online();
    while (!queue_.empty()) {
        const MessageRef& message = queue_.front().message;
        if (message->expired(now)) {
            ++dropped.expired;
            settled.push_back(queue_.front().place);
            pop_front();
            continue;
        }
        Member* member = next_ready(*message);
        if (!member) {
            if (online || message->qos() != mqtt::Qos::AtMostOnce) break;
            ++dropped.untakeable_qos0;
            settled.push_back(queue_.front().place);
            pop_front();
            continue;
        }
        uint64_t token = 0;
        if (std::min(message->qos(), member->qos) != mqtt::Qos::AtMostOnce) {
            token = next_token_++;
            held_.emplace(token, Holding{message, queue_.front().place, member->address});
            ++member->holding;
        } else {
            settled.push_back(queue_.front().place);
        }
        out.push_back(
            {member->address, {member->address.session, member->membership, self, token, message}});
        pop_front();
    }
    return dropped;
}

std::vector<KeptPlace> SharedGroup::all_kept() const {
    std::vector<KeptPlace> all;
    for (const Waiting& each : queue_) all.push_back(each.place);
    for (const auto& [token, each] : held_) all.push_back(each.place);
    return all;
}

}  // namespace godwit::broker
