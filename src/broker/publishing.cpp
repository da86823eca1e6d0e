#include "broker/publishing.h"

#include "base/mutant.h"
#include "broker/closing.h"
#include "broker/delivering.h"
#include "broker/keeping/crossing.h"
#include "broker/keeping/keeping.h"
#include "broker/limiting.h"
#include "broker/pacing.h"
#include "broker/permitting.h"
#include "broker/reading.h"
#include "broker/refusal_lines.h"
#include "broker/refusing.h"
#include "broker/scarcity.h"
#include "broker/sharing.h"
#include "broker/slowing.h"
#include "mqtt/encoder.h"
#include "topic/filter.h"

#include <algorithm>
#include <bit>

namespace godwit::broker {

using mqtt::Qos;
using mqtt::ReasonCode;
using mqtt::Version;

namespace {

constexpr const char* kQueueFull = "a subscriber's queue is full";

/// Why a PUBLISH is refused though it is well formed.
struct Refusal {
    ReasonCode reason;
    std::string detail;
};

/// @param like  a PUBLISH or a will
std::optional<Refusal> check_permission(const Core& core, const Session& session,
                                        std::string_view topic, const auto& like) {
    if (topic.starts_with("$SYS/"))
        return Refusal{ReasonCode::NotAuthorized, "$SYS is the broker's own"};
    const auth::Request request{auth::Action::Publish, topic, uint8_t(like.qos),
                                like.payload.size()};
    auto denial = publish_denial(core, session, request, like.retain);
    if (!denial) return std::nullopt;
    return Refusal{ReasonCode::NotAuthorized, std::move(denial->rule)};
}

bool is_unreleased(const Session& session, PacketId id) {
    return session.unreleased &&
           std::binary_search(session.unreleased->begin(), session.unreleased->end(), id);
}

void remember_unreleased(Core& core, Session& session, PacketId id) {
    if (!GW_MUTANT(ForgetUnreleasedOnDisk)) note_session(core, session, Note::Kind::Unreleased, id);
    if (!session.unreleased) session.unreleased = std::make_unique<std::vector<PacketId>>();
    auto& ids = *session.unreleased;
    ids.insert(std::lower_bound(ids.begin(), ids.end(), id), id);
}

bool forget_unreleased(Core& core, Session& session, PacketId id) {
    if (!is_unreleased(session, id)) return false;
    note_session(core, session, Note::Kind::Released, id);
    auto& ids = *session.unreleased;
    ids.erase(std::lower_bound(ids.begin(), ids.end(), id));
    if (ids.empty()) session.unreleased.reset();
    return true;
}

void send_ack(Core& core, Connection& c, bool exactly_once, const mqtt::Ack& ack) {
    send_packet(core, c, [&](Buffer& out) {
        if (exactly_once)
            mqtt::encode_pubrec(out, c.version, ack);
        else
            mqtt::encode_puback(out, c.version, ack);
    });
}

/// Sends the acknowledgement when what it promises is true: now, or from the gate.
void acknowledge(Core& core, Connection& c, const mqtt::Publish& packet, ReasonCode reason,
                 const Receipt& receipt) {
    if (packet.qos == Qos::AtMostOnce) return;
    const bool exactly_once = packet.qos == Qos::ExactlyOnce;
    if (core.gate.may_pass(receipt) || GW_MUTANT(AckBeforeConfirmation))
        return send_ack(core, c, exactly_once, {packet.packet_id, reason, {}, {}});
    const uint64_t key =
        core.gate.hold({c.id, c.session, packet.packet_id, exactly_once, reason}, receipt);
    if (receipt.crossing) core.keeper.crossings.back().gate_key = key;
    if (!exactly_once) ++c.held_pubacks;
    // A 3.x client knows no Receive Maximum: it waits instead.
    if (++c.held_acks >= receive_maximum(core, c) && c.version != Version::V5)
        pause_reading(core, c, Pause::Acks);
}

void count_refused(Core& core, RealmId realm) {
    ++core.counters.publishes_refused;
    ++core.realm(realm).refused.publishes_refused;
}

/// 5.0: the refusal goes into the acknowledgement. 3.x has no such code: it is acknowledged and
/// goes nowhere (MQTT 3.1.1 section 3.3.5).
void refuse(Core& core, Connection& c, Session& session, const mqtt::Publish& packet,
            const Refusal& refusal) {
    count_refused(core, session.realm);
    const std::string why = ": " + refusal.detail;
    tell_refusal(core, session, "publish_refused", mqtt::reason_name(refusal.reason),
                 {packet.topic, why});
    const bool told = c.version == Version::V5;
    const uint64_t mark = writing_mark(core);
    if (!told && packet.qos == Qos::ExactlyOnce)
        remember_unreleased(core, session, packet.packet_id);
    acknowledge(core, c, packet, told ? refusal.reason : ReasonCode::Success,
                {.ticket = ticket_since(core, mark)});
}

/// The topic that is meant, or nothing after the client was disconnected for it.
std::optional<std::string_view> resolve_topic(Core& core, Connection& c, RealmId realm,
                                              const mqtt::Publish& packet) {
    std::string_view topic = packet.topic;
    if (packet.topic_alias != 0) {
        if (is_scarce(core, realm) && packet.topic.size() > kScarceAliasBytes) {
            disconnect(core, c, ReasonCode::QuotaExceeded,
                       "memory is scarce, and the topic of its alias is long");
            return std::nullopt;
        }
        const auto known = c.need_features().aliases_in.resolve(packet.topic_alias, packet.topic,
                                                                core.limits.topic_alias_max);
        if (!known) {
            const bool range = known.error() == AliasError::OutOfRange;
            disconnect(core, c, range ? ReasonCode::TopicAliasInvalid : ReasonCode::ProtocolError,
                       "topic alias " + std::to_string(packet.topic_alias) +
                           (range ? " above the maximum" : " stands for nothing"));
            return std::nullopt;
        }
        topic = *known;
    }
    if (core.realm(realm).router.asked_last(topic, c.session)) return topic;
    if (const auto name = topic::check_name(topic); !name) {
        disconnect(core, c,
                   name.error() == topic::NameError::HasWildcard ? ReasonCode::TopicNameInvalid
                                                                 : ReasonCode::ProtocolError,
                   "topic name: " + std::string(topic::error_text(name.error())));
        return std::nullopt;
    }
    return topic;
}

/// More QoS 1 and 2 publishes than this client may have under way [MQTT5-3.3.4-7]: at QoS 1 those
/// that the gate holds, at QoS 2 those whose PUBREL has not come.
bool exceeds_receive_maximum(const Core& core, const Connection& c, const Session& session) {
    const size_t under_way = c.held_pubacks + (session.unreleased ? session.unreleased->size() : 0);
    return c.version == Version::V5 && under_way >= receive_maximum(core, c);
}

/// It waits in the server from when its bytes came [MQTT5-3.3.2-6], though they may be read later.
MessageRef make_message(Core& core, const Session& session, const mqtt::Publish& packet,
                        std::string_view topic) {
    Buffer changed;
    Bytes forwarded = packet.properties;
    if (packet.topic_alias != 0 || packet.expiry_s) {
        mqtt::append_forwarded_properties(changed, packet.properties);
        forwarded = changed;
    }
    return MessageRef::make(
        {.realm = session.realm,
         .topic = topic,
         .forwarded_properties = forwarded,
         .payload = packet.payload,
         .qos = packet.qos,
         .retain = packet.retain,
         .expires =
             packet.expiry_s ? core.pace.came + std::chrono::seconds(*packet.expiry_s) : kNever,
         .publisher = session.client_hash,
         .stamp = core.clock.next(core.now),
         .origin = core.config.id,
         .source = source_of(core, session, packet.retain)});
}

/// The value that stands, on disk; a null message: none does, or it is not to last.
void keep_value(Core& core, Realm& realm, ObjectId displaced, const MessageRef& message) {
    if (!message || GW_MUTANT(RetainedNotKept)) return forget(core, displaced);
    realm.retained.set_kept(message->topic(), keep_retained_object(core, displaced, *message));
}

/// What clears the topic's value.
MessageRef cleared(const Message& message) {
    return MessageRef::make({.realm = message.realm(),
                             .topic = message.topic(),
                             .retain = true,
                             .publisher = message.publisher(),
                             .stamp = message.stamp(),
                             .origin = message.origin()});
}

/// Its publisher is named where its session is here.
void count_retained_loss(Core& core, const Message& message) {
    count_losses(core, message.realm(), Loss::RetainedFull);
    constexpr const char* kName = "retained_refused";
    const char* const reason =
        is_scarce(core, message.realm()) ? "memory_scarce" : "quota_exceeded";
    if (Session* publisher = core.clients.find(core.sessions, message.publisher()))
        return tell_refusal(core, *publisher, kName, reason, {message.topic(), {}});
    tell_refusal(core, message.realm(), kName, reason, message.topic());
}

/// A message of another shard for which memory is this shard's. Else values that are replaced from
/// one shard after another would leave holes where the first had its memory, and take as much anew.
MessageRef own_copy(const Message& message) {
    return MessageRef::make(message.parts());
}

void keep_retained(Core& core, const MessageRef& value) {
    Realm& realm = core.realm(value->realm());
    const size_t count = realm.retained.size(), bytes = realm.retained.memory_bytes();
    // While a log is in trouble a value that nobody was promised is not kept on disk.
    const bool promised = value->qos() != Qos::AtMostOnce || core.keeper.logs.all_good();
    const bool durable = core.keeper.log && value->publisher() != 0 && promised;
    const bool full = is_retained_full(core, realm, *value);
    if (full) count_retained_loss(core, *value);
    // An older value must not outlive it: who got this one live would get that one after it.
    const MessageRef message = full ? cleared(*value) : value;
    const auto change = realm.retained.set(message, ~uint64_t(0));
    keep_value(core, realm, change.displaced, durable && change.stands ? message : MessageRef{});
    core.counters.retained += realm.retained.size() - count;
    core.counters.retained_bytes += realm.retained.memory_bytes() - bytes;
}

/// One envelope to each shard that takes it.
/// @param usual  what all of them have in common
void post_publish(Core& core, const PublishEnvelope& usual, uint64_t shards, uint64_t routed,
                  uint64_t home) {
    for (uint64_t left = shards; left != 0; left &= left - 1) {
        const uint64_t bit = left & -left;
        const ShardId to{uint16_t(std::countr_zero(left))};
        if (GW_MUTANT(DropAcrossHop) && usual.message->qos() > Qos::AtMostOnce &&
            usual.message->payload().size() > 1024)
            continue;
        PublishEnvelope envelope = usual;
        envelope.route = (routed & bit) != 0;
        envelope.keep = (home & bit) != 0;
        note_posted(core, to, *envelope.message);
        core.post(to, std::move(envelope));
    }
}

void deliver_here(Core& core, const MessageRef& message, const Matches& matches) {
    for (const Delivery& delivery : matches.local) {
        if (delivery.group)
            offer_to_group(core, {delivery.session.slot, delivery.session.generation}, message);
        else
            deliver(core, delivery, matches, message);
    }
}

/// Another shard's publish goes to its takers here. @return false: it was refused
bool take_publish(Core& core, const PublishEnvelope& in) {
    Router& router = core.realm(in.message->realm()).router;
    const Matches* matches = in.route ? &router.match(in.message->topic(), std::nullopt) : nullptr;
    if (in.refusable && must_refuse(core, in.message, matches, in.keep)) return false;
    if (in.keep) keep_retained(core, own_copy(*in.message));
    if (matches) deliver_here(core, in.message, *matches);
    return true;
}

/// Another shard could not take what waits in our gate: the publisher is told, and a QoS 2 packet
/// id is free again once that is on disk. On this and on other shards some may have the message.
void refuse_held(Core& core, Lane lane, uint64_t number) {
    const HeldAck* held = core.gate.find(lane, number);
    if (!held || held->reason == ReasonCode::QuotaExceeded) return;  // told of another shard
    const PacketId id = held->packet_id;
    const uint64_t mark = writing_mark(core);
    ++core.counters.publishes_refused;
    Session* session = core.find(held->session);
    if (session) {
        ++core.realm(session->realm).refused.publishes_refused;
        tell_refusal(core, *session, "publish_refused",
                     mqtt::reason_name(ReasonCode::QuotaExceeded), {kQueueFull, {}});
    }
    if (session && held->exactly_once) forget_unreleased(core, *session, id);
    core.gate.refuse(lane, number, ReasonCode::QuotaExceeded, ticket_since(core, mark));
}

}  // namespace

void on_publish(Core& core, Connection& c, const mqtt::Publish& packet) {
    Session& session = *core.find(c.session);
    const auto topic = resolve_topic(core, c, session.realm, packet);
    const bool known = packet.qos == Qos::ExactlyOnce && is_unreleased(session, packet.packet_id) &&
                       !GW_MUTANT(SkipQos2Dedup);
    const auto admission = topic && !known ? admit(core, c, packet, *topic) : Admission::Usual;
    if (admission == Admission::HeldBack) return hold_back(core, c);
    ++core.counters.publishes_received;
    core.counters.publish_bytes_received += packet.payload.size();
    if (!topic) return;
    // Where the first one's PUBREC is still held, the gate keeps this one behind it
    // [MQTT5-4.3.3-10].
    if (known) return acknowledge(core, c, packet, ReasonCode::Success, {});
    if (packet.qos != Qos::AtMostOnce && exceeds_receive_maximum(core, c, session) &&
        !GW_MUTANT(AnyReceiveWindow))
        return disconnect(core, c, ReasonCode::ReceiveMaximumExceeded,
                          "more unacknowledged publishes than Receive Maximum");
    if (topic::has_more_levels(*topic, core.limits.topic_levels_max) && !GW_MUTANT(AnyDepth))
        return refuse(core, c, session, packet, {ReasonCode::TopicNameInvalid, "too many levels"});
    if (auto refusal = check_permission(core, session, *topic, packet))
        return refuse(core, c, session, packet, *refusal);
    if (admission == Admission::Refused) return refuse_for_logs(core, c, packet);
    const uint64_t mark = writing_mark(core);
    const bool once = packet.qos == Qos::ExactlyOnce && is_durable(core, session);
    const PublishMode mode{.passage = admission == Admission::Free ? Passage::Free
                                      : once                       ? Passage::Once
                                                                   : Passage::Usual,
                           .refusable = packet.qos != Qos::AtMostOnce && c.version == Version::V5};
    Receipt receipt =
        publish(core, make_message(core, session, packet, *topic), session.self, mode);
    if (receipt.refused)
        return refuse(core, c, session, packet, {ReasonCode::QuotaExceeded, kQueueFull});
    if (packet.qos == Qos::AtMostOnce) return wait_for_slow(core, c, receipt.shards);
    if (packet.qos == Qos::ExactlyOnce) remember_unreleased(core, session, packet.packet_id);
    receipt.ticket = ticket_since(core, mark);
    acknowledge(core, c, packet,
                receipt.taken ? ReasonCode::Success : ReasonCode::NoMatchingSubscribers, receipt);
}

void on_pubrel(Core& core, Connection& c, const mqtt::Ack& ack) {
    const uint64_t mark = writing_mark(core);
    const bool known = forget_unreleased(core, *core.find(c.session), ack.packet_id);
    auto& held = core.keeper.held_pubcomps;
    const uint64_t ticket = ticket_since(core, mark);
    if ((ticket == 0 && held.empty()) || GW_MUTANT(PubcompBeforeDisk))
        return send_pubcomp(core, c, ack.packet_id, known);
    // Once the client has PUBCOMP it may use the id anew: after a crash that must not look like the
    // old message.
    held.push_back({ticket, c.id, ack.packet_id, known});
}

void send_pubcomp(Core& core, Connection& c, PacketId id, bool known) {
    const mqtt::Ack answer{
        id, known ? ReasonCode::Success : ReasonCode::PacketIdentifierNotFound, {}, {}};
    send_packet(core, c, [&](Buffer& out) { mqtt::encode_pubcomp(out, c.version, answer); });
}

Receipt publish(Core& core, const MessageRef& message, std::optional<SessionRef> publisher,
                PublishMode mode) {
    Realm& realm = core.realm(message->realm());
    const Matches& matches = realm.router.match(message->topic(), publisher);
    const uint64_t self = uint64_t(1) << core.config.id.value;
    const uint64_t home =
        message->retain() ? uint64_t(1) << core.home_of_topic(realm.id, message->topic()).value : 0;
    if (mode.refusable && must_refuse(core, message, &matches, home == self))
        return {.refused = true};
    Receipt receipt{.shards = (matches.remote.shards | home) & ~self};
    receipt.taken = matches.remote.shards != 0 || !matches.local.empty();
    const bool once = mode.passage == Passage::Once;
    receipt.crossing = receipt.shards != 0 && (once || waits_behind_crossing(core, *message));
    const bool free = mode.passage == Passage::Free && !receipt.crossing;
    receipt.lane = free ? Lane::Free : Lane::Usual;
    if (receipt.crossing) {
        Crossing crossing{.message = message,
                          .shards = receipt.shards,
                          .routed = matches.remote.shards,
                          .refusable = mode.refusable};
        if (once) {
            crossing.ticket = core.keeper.log->next_ticket();
            crossing.id = keep_crossing(core, message, receipt.shards);
        }
        add_crossing(core, std::move(crossing));
    } else {
        receipt.number = ++core.publish_number[size_t(receipt.lane)];
        if (receipt.shards != 0)
            post_publish(core,
                         {.message = message,
                          .number = receipt.number,
                          .lane = receipt.lane,
                          .refusable = mode.refusable},
                         receipt.shards, matches.remote.shards, home);
    }
    if (home == self) keep_retained(core, message);
    deliver_here(core, message, matches);
    return receipt;
}

void on_publish_envelope(Core& core, ShardId from, const PublishEnvelope& in) {
    core.clock.observe(in.message->stamp());
    const uint64_t mark = writing_mark(core);
    const bool known = in.once && is_known_crossing(core, from, *in.message);
    ConfirmDue& due = core.confirm_due[lane_of(from, in.lane)];
    note_taken(core, from, *in.message);
    if (!known && !take_publish(core, in)) due.refused.push_back(in.number);
    due.upto = in.number;
    due.ticket = std::max(due.ticket, ticket_since(core, mark));
}

void confirm_publishes(Core& core) {
    for (uint16_t i = 0; i < core.config.shard_count; ++i) {
        for (const Lane lane : {Lane::Usual, Lane::Free}) {
            ConfirmDue due = std::exchange(core.confirm_due[lane_of({i}, lane)], {});
            if (due.upto != 0)
                confirm_when_on_disk(core, {i}, {due.upto, lane, std::move(due.refused)},
                                     due.ticket);
        }
    }
}

void on_publish_confirm(Core& core, ShardId from, const PublishConfirm& in) {
    for (const uint64_t number : in.refused) refuse_held(core, in.lane, number);
    core.gate.confirm(from, in);
    if (in.lane == Lane::Usual) settle_crossings(core, from, in.upto);
    release_acks(core);
}

void release_acks(Core& core) {
    while (const auto held = core.gate.release()) {
        Connection* c = core.find(held->connection);
        if (!c) continue;  // it will ask again
        if (!held->exactly_once) --c->held_pubacks;
        send_ack(core, *c, held->exactly_once, {held->packet_id, held->reason, {}, {}});
        if (--c->held_acks < receive_maximum(core, *c) && c->version != Version::V5)
            resume_reading(core, *c, Pause::Acks);
    }
}

void publish_will_of(Core& core, Session& session) {
    const auto will = std::exchange(session.will, nullptr);  // [MQTT5-3.1.2-10]
    if (!will) return;
    if (const auto refusal = check_permission(core, session, will->topic, *will)) {
        count_refused(core, session.realm);
        core.event(Severity::Warning, "will_refused", session, mqtt::reason_name(refusal->reason),
                   refusal->detail);
        return keep_session(core, session);
    }
    ++core.counters.wills_published;
    publish(
        core,
        MessageRef::make(
            {.realm = session.realm,
             .topic = will->topic,
             .forwarded_properties = will->forwarded_properties,
             .payload = will->payload,
             .qos = will->qos,
             .retain = will->retain,
             .expires = will->expiry_s ? core.now + std::chrono::seconds(*will->expiry_s) : kNever,
             .publisher = session.client_hash,
             .stamp = core.clock.next(core.now),
             .origin = core.config.id,
             .source = source_of(core, session, will->retain)}),
        session.self,
        {core.keeper.log && will->qos != Qos::AtMostOnce ? Passage::Once : Passage::Usual});
    keep_session(core, session);  // in one group with the will
}

void on_inject(Core& core, const Inject& in) {
    publish(core,
            MessageRef::make({.realm = in.realm,
                              .topic = in.topic,
                              .payload = in.payload,
                              .qos = in.qos,
                              .retain = in.retain,
                              .stamp = core.clock.next(core.now),
                              .origin = core.config.id}),
            std::nullopt, {});
}

}  // namespace godwit::broker
