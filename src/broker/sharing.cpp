#include "broker/sharing.h"

#include "broker/delivering.h"
#include "broker/keeping/keeping.h"
#include "broker/limiting.h"
#include "broker/permitting.h"
#include "broker/realm_memory.h"
#include "broker/scarcity.h"
#include "broker/subscribing.h"

#include <algorithm>

namespace godwit::broker {

using mqtt::Qos;

namespace {

/// Messages a member may hold unacknowledged: enough to keep a fast one busy, few enough to be
/// fair.
constexpr uint32_t kMemberWindowMax = 128;

Membership* find_membership(Session& session, const GroupKey& key) {
    if (!session.extras) return nullptr;
    auto& all = session.extras->memberships;
    const auto at = std::find_if(all.begin(), all.end(),
                                 [&](const Membership& each) { return each.key == key; });
    return at == all.end() ? nullptr : &*at;
}

const Membership* find_membership(const Session& session, uint32_t number) {
    if (!session.extras) return nullptr;
    const auto& all = session.extras->memberships;
    const auto at = std::find_if(all.begin(), all.end(),
                                 [&](const Membership& each) { return each.number == number; });
    return at == all.end() ? nullptr : &*at;
}

void give_back(Core& core, const OutboxEntry& entry) {
    core.post(entry.extras->group_home,
              GroupReturn{entry.extras->group, entry.extras->group_token});
}

/// Gives back those of a group's messages that `goes_back(entry)` names, unless they are QoS 2 and
/// under way.
template <class GoesBack>
void return_if(Core& core, Session& session, GoesBack&& goes_back) {
    Outbox* box = session.outbox.get();
    if (!box) return;
    const auto returned = [&](const OutboxEntry& entry) {
        const bool mine = entry.group_token() != 0 && goes_back(entry);
        if (mine) give_back(core, entry);
        return mine;
    };
    for (size_t left = box->queue.size(); left > 0; --left) {
        OutboxEntry entry = box->pop_front();
        if (!returned(entry)) {
            box->push_back(std::move(entry));
            continue;
        }
        remove_queued(core, session.realm, 1, entry.bytes);
    }
    for (size_t i = 0; i < box->inflight.size();) {
        const OutboxEntry& entry = box->inflight[i].entry;
        if (entry.qos != Qos::AtLeastOnce || !returned(entry)) {
            ++i;
            continue;
        }
        uncount_inflight(core, session.realm, entry);
        (void)box->take_inflight(i);
        --core.counters.inflight;
    }
    box->to_resend = 0;  // the next connection begins anew
}

/// A QoS 2 message leaves for another shard once it is on disk here: a crash that forgot it here
/// but not there would have it offered again.
void send_handout(Core& core, GroupHandout handout) {
    const bool waits = handout.deliver.group_kept.value != 0 &&
                       handout.deliver.message->qos() == Qos::ExactlyOnce &&
                       handout.member.shard != core.config.id;
    const uint64_t ticket = waits ? newest_ticket(core) : 0;
    if (is_on_disk(core, ticket))
        return core.post(handout.member.shard, std::move(handout.deliver));
    core.keeper.held_handouts.push_back({ticket, std::move(handout)});
}

void hand_out(Core& core, GroupRef ref, SharedGroup& group) {
    core.handouts.clear();
    std::vector<KeptPlace> settled;
    const auto dropped = group.hand_out(ref, core.now, core.handouts, settled);
    recount_group(core, group, group.load());
    for (const KeptPlace& each : settled) settle(core, each.kept, each.taker);
    const RealmId realm = group.key().realm;
    count_losses(core, realm, Loss::Expired, dropped.expired);
    count_losses(core, realm, Loss::GroupFull, dropped.untakeable_qos0);
    for (GroupHandout& each : core.handouts) {
        each.deliver.group_kept = group.kept;
        send_handout(core, std::move(each));
    }
}

}  // namespace

void release_handouts(Core& core) {
    auto& held = core.keeper.held_handouts;
    for (; !held.empty() && is_on_disk(core, held.front().ticket); held.pop_front()) {
        GroupHandout& next = held.front().handout;
        core.post(next.member.shard, std::move(next.deliver));
    }
}

uint64_t join_group(Core& core, Session& session, GroupKey key,
                    const mqtt::SubscriptionOptions& options, uint32_t subscription_id) {
    Membership* known = find_membership(session, key);
    if (!known) {
        SessionExtras& extras = session.need_extras();
        known = &extras.memberships.emplace_back();
        known->number = extras.next_membership++;
        known->key = key;
    }
    known->options = options;
    known->subscription_id = subscription_id;
    const Connection* c = core.connection_of(session);
    const uint32_t window = std::min<uint32_t>(c ? c->receive_maximum : 1, kMemberWindowMax);
    const ShardId home = core.home_of_group(key);
    core.post(home, boxed(GroupJoin{std::move(key), session.self, known->number, options, window,
                                    session.online, ++core.join_request}));
    return core.join_request;
}

void keep_membership(Core& core, Session& session, const topic::ParsedFilter& filter) {
    Membership* known = find_membership(
        session, {session.realm, std::string(filter.share), std::string(filter.filter)});
    keep_subscription(core, session, known->kept,
                      {.session = session.kept,
                       .subscription_id = known->subscription_id,
                       .options = known->options,
                       .membership = known->number,
                       .share = filter.share,
                       .filter = filter.filter});
}

bool is_member(const Session& session, const GroupKey& key) {
    if (!session.extras) return false;
    const auto& all = session.extras->memberships;
    return std::any_of(all.begin(), all.end(),
                       [&](const Membership& each) { return each.key == key; });
}

bool leave_group(Core& core, Session& session, const GroupKey& key) {
    Membership* known = find_membership(session, key);
    if (!known) return false;
    core.post(core.home_of_group(key), boxed(GroupLeave{key, session.self}));
    forget(core, known->kept);
    session.extras->memberships.erase(session.extras->memberships.begin() +
                                      (known - session.extras->memberships.data()));
    return true;
}

void leave_groups_for_now(Core& core, Session& session) {
    if (!session.extras || session.extras->memberships.empty()) return;
    for (const Membership& each : session.extras->memberships)
        core.post(core.home_of_group(each.key),
                  boxed(GroupPresence{each.key, session.self, false}));
    return_if(core, session, [&](const OutboxEntry& entry) {
        return find_membership(session, entry.extras->membership) != nullptr;
    });
}

void return_group_messages(Core& core, Session& session) {
    return_if(core, session, [](const OutboxEntry&) { return true; });
}

void return_to_groups(Core& core, Session& session) {
    if (!session.extras) return;
    for (const Membership& each : session.extras->memberships)
        join_group(core, session, each.key, each.options, each.subscription_id);
}

void on_group_deliver(Core& core, ShardId from, const GroupDeliver& in) {
    Session* session = core.find(in.member);
    const Membership* membership = session ? find_membership(*session, in.membership) : nullptr;
    if (!membership || (!session->online && !GW_MUTANT(OfferToOfflineMember))) {
        if (in.token != 0)
            core.post(from, GroupReturn{in.group, in.token});
        else
            count_losses(core, in.message->realm(), Loss::OfflineQos0);
        return;
    }
    if (!may_receive(core, *session, *in.message)) {
        count_loss(core, *session, Loss::NotAuthorized, in.message);
        if (in.token != 0) core.post(from, GroupDone{in.group, in.token});
        return;
    }
    OutboxEntry entry{.message = in.message,
                      .extras = nullptr,
                      .subscription_id = membership->subscription_id,
                      .qos = std::min(in.message->qos(), membership->options.qos),
                      .retain = membership->options.retain_as_published && in.message->retain()};
    if (in.token != 0) {
        entry.extras = std::make_unique<DeliveryExtras>();
        entry.extras->group_home = from;
        entry.extras->group = in.group;
        entry.extras->membership = in.membership;
        entry.extras->group_token = in.token;
        entry.extras->group_kept = in.group_kept;
    }
    send_or_queue(core, *session, std::move(entry));
}

void take_over(Core& core, const Session& session, OutboxEntry& entry, PacketId packet_id) {
    DeliveryExtras& extras = *entry.extras;
    core.keeper.takings.push_back({core.keeper.log->next_ticket(),
                                   extras.group_home,
                                   {.group = extras.group_kept,
                                    .token = std::exchange(extras.group_token, 0),
                                    .stamp = entry.message->stamp(),
                                    .origin = entry.message->origin(),
                                    .member = session.self,
                                    .packet_id = packet_id}});
}

void on_group_released(Core& core, const GroupReleased& in) {
    Session* session = core.find(in.member);
    Inflight* lent = session && session->outbox ? session->outbox->find(in.packet_id) : nullptr;
    if (!lent) return;
    lent->lent = false;
    pump(core, *session);
}

void on_group_joined(Core& core, const GroupJoined& in) {
    for (auto* line : {&core.pending_subacks, &core.kept_subacks})
        for (PendingSuback& each : *line) std::erase(each.joins, in.request);
    release_subacks(core);
}

void offer_to_group(Core& core, GroupRef ref, const MessageRef& message) {
    SharedGroup* group = core.groups.find(ref);
    if (!group) return;
    const Realm& realm = core.realm(group->key().realm);
    if (group->is_full(core.limits.group_messages_max))
        count_losses(core, realm.id, Loss::GroupFull);
    else if (group->queued() > 0 && is_scarce(core, realm.id))
        count_losses(core, realm.id, Loss::MemoryFull);
    else if (group->queued() > 0 && full_realm(realm, message->size_bytes()))
        count_losses(core, realm.id, Loss::RealmFull);
    else
        group->offer(message, keep_for_group(core, *group, message));
    hand_out(core, ref, *group);
}

GroupRef make_group(Core& core, const GroupKey& key) {
    Realm& realm = core.realm(key.realm);
    const GroupRef ref = core.groups.emplace(key);
    realm.groups.emplace(key, ref);
    const Taker taker{.session = {ref.slot, ref.generation},
                      .qos = Qos::ExactlyOnce,
                      .group = true,
                      .kept = core.keeper.log != nullptr};
    add_route(core, realm, key.filter, taker);
    return ref;
}

void end_group(Core& core, GroupRef ref) {
    SharedGroup& group = *core.groups.find(ref);
    const GroupKey key = group.key();
    Realm& realm = core.realm(key.realm);
    count_losses(core, realm.id, Loss::SessionEnd, group.queued());
    recount_group(core, group, {});
    for (const KeptPlace& each : group.all_kept()) settle(core, each.kept, each.taker);
    forget(core, group.kept);
    remove_route(core, realm, key.filter, {ref.slot, ref.generation}, true);
    core.groups.erase(ref);
    realm.groups.erase(key);
}

void on_group_join(Core& core, ShardId from, const GroupJoin& in) {
    Realm& realm = core.realm(in.key.realm);
    const auto known = realm.groups.find(in.key);
    const GroupRef ref = known == realm.groups.end() ? make_group(core, in.key) : known->second;
    if (known == realm.groups.end()) keep_group(core, *core.groups.find(ref), ref);
    SharedGroup& group = *core.groups.find(ref);
    const size_t before = group.member_count();
    group.join(from, in);
    core.counters.shared_subscriptions += group.member_count() - before;
    core.pending_joins.push_back({from, in.request, core.route_sequence});
    release_joins(core);
    hand_out(core, ref, group);
}

void on_group_leave(Core& core, ShardId from, const GroupLeave& in) {
    Realm& realm = core.realm(in.key.realm);
    const auto at = realm.groups.find(in.key);
    if (at == realm.groups.end()) return;
    const GroupRef ref = at->second;
    SharedGroup& group = *core.groups.find(ref);
    const size_t before = group.member_count();
    group.leave({from, in.member});
    core.counters.shared_subscriptions -= before - group.member_count();
    if (group.member_count() > 0) return hand_out(core, ref, group);
    end_group(core, ref);
}

void on_group_presence(Core& core, ShardId from, const GroupPresence& in) {
    const auto& known = core.realm(in.key.realm).groups;
    const auto at = known.find(in.key);
    if (at == known.end()) return;
    SharedGroup& group = *core.groups.find(at->second);
    group.set_online({from, in.member}, in.online);
    hand_out(core, at->second, group);
}

void on_group_taken(Core& core, ShardId from, const GroupTaken& in) {
    const uint64_t mark = writing_mark(core);
    const bool lives = core.keeper.ledger.kind(in.group) == ObjectKind::Group;
    const uint32_t slot = lives ? core.keeper.ledger.slot(in.group) : 0;
    if (SharedGroup* group = lives ? core.groups.at(slot) : nullptr) {
        const KeptPlace place =
            in.token != 0 ? group->done(in.token) : group->take(in.stamp, in.origin);
        settle(core, place.kept, place.taker);
        hand_out(core, core.realm(group->key().realm).groups.at(group->key()), *group);
    }
    core.keeper.releases.push_back({ticket_since(core, mark), from, {in.member, in.packet_id}});
    release_lent(core);
}

void release_lent(Core& core) {
    auto& takings = core.keeper.takings;
    for (; !takings.empty() && is_on_disk(core, takings.front().ticket); takings.pop_front())
        core.post(takings.front().home, takings.front().taken);
    auto& releases = core.keeper.releases;
    for (; !releases.empty() && is_on_disk(core, releases.front().ticket); releases.pop_front())
        core.post(releases.front().to, releases.front().released);
}

void on_group_done(Core& core, const GroupDone& in) {
    SharedGroup* group = core.groups.find(in.group);
    if (!group) return;
    const KeptPlace place = group->done(in.token);
    settle(core, place.kept, place.taker);
    hand_out(core, in.group, *group);
}

void on_group_return(Core& core, const GroupReturn& in) {
    SharedGroup* group = core.groups.find(in.group);
    if (!group) {
        ++core.counters.lost[Loss::SessionEnd];
        return;
    }
    if (GW_MUTANT(ForgetReturnedMessage))
        group->done(in.token);
    else
        group->give_back(in.token);
    hand_out(core, in.group, *group);
}

void release_joins(Core& core) {
    while (!core.pending_joins.empty() &&
           core.routes_in_force(core.pending_joins.front().route_sequence)) {
        core.post(core.pending_joins.front().asker,
                  GroupJoined{core.pending_joins.front().request});
        core.pending_joins.pop_front();
    }
}

}  // namespace godwit::broker
