#include "broker/accepting.h"

#include "base/mutant.h"
#include "broker/closing.h"
#include "broker/delivering.h"
#include "broker/keeping/keeping.h"
#include "broker/limiting.h"
#include "broker/permitting.h"
#include "broker/reading.h"
#include "broker/realm_memory.h"
#include "broker/scarcity.h"
#include "broker/sharing.h"
#include "broker/slowing.h"
#include "mqtt/encoder.h"

#include <algorithm>

namespace godwit::broker {

using mqtt::ReasonCode;
using mqtt::Version;

namespace {

/// Ends what the last connection of this id left: the connection itself, and the session if a clean
/// start is asked for.
void clear_the_way(Core& core, Realm& realm, std::string_view client_id, bool clean_start) {
    Session* session = core.find(realm.id, client_id);
    if (!session) return;
    Connection* old = core.connection_of(*session);
    if (old && !GW_MUTANT(TakeoverKeepsOldConnection)) {
        ++core.counters.takeovers;
        disconnect(core, *old, ReasonCode::SessionTakenOver,
                   "a newer connection with this client id");
        if (!core.find(realm.id, client_id)) return;  // it may have ended with its connection
    }
    if (clean_start && !GW_MUTANT(CleanStartKeepsSession))
        end_session(core, *session, "clean start");  // [MQTT5-3.1.2-4]
}

/// The client's last session has ended, by this clean start or before, and a restart would bring it
/// back: the client is not told so before that is on disk. Others with this client id wait behind
/// it, however they start.
bool must_wait(Core& core, Connection& c, const Realm& realm, std::string_view client_id,
               uint64_t ticket) {
    auto& held = core.keeper.held_connects;
    const bool behind = std::any_of(held.begin(), held.end(), [&](const HeldConnect& each) {
        return each.realm == realm.id && each.client_id == client_id;
    });
    if ((ticket == 0 && !behind) || GW_MUTANT(CleanStartBeforeDisk)) return false;
    held.push_back({std::max(ticket, held.empty() ? 0 : held.back().ticket), c.id, realm.id,
                    std::string(client_id)});
    pause_reading(core, c, Pause::Verdict);
    return true;
}

/// A session that is listed by its client id has not ended.
std::unique_ptr<WillState> keep_will(const mqtt::Connect& packet) {
    if (!packet.will) return nullptr;
    const mqtt::Will& will = *packet.will;
    auto kept = std::make_unique<WillState>();
    kept->topic = will.topic;
    kept->payload.assign(will.payload.begin(), will.payload.end());
    mqtt::append_forwarded_properties(kept->forwarded_properties, will.properties);
    kept->qos = will.qos;
    kept->retain = will.retain;
    kept->delay_s = will.delay_s;
    kept->expiry_s = will.expiry_s;
    return kept;
}

uint32_t granted_expiry(const mqtt::Connect& packet, uint32_t expiry_max_s) {
    const uint32_t wished = packet.version == Version::V5 ? packet.session_expiry_s
                            : packet.clean_start          ? 0
                                                          : mqtt::kNoExpiry;
    return std::min(wished, expiry_max_s);
}

void set_features(Core& core, Connection& c, const mqtt::Connect& packet) {
    c.receive_maximum = packet.receive_maximum;
    const uint16_t wished = packet.keepalive_s;
    const uint16_t most =
        packet.version == Version::V5 ? core.limits.keepalive_max_s : 0;  // 3.x cannot be told
    c.keepalive_s = most != 0 && (wished == 0 || wished > most) ? most : wished;
    if (packet.topic_alias_maximum > 0)
        c.need_features().aliases_out.set_maximum(
            std::min(packet.topic_alias_maximum, core.limits.topic_alias_out_max));
    if (packet.auth_method) c.need_features().auth_method = *packet.auth_method;
}

mqtt::Connack connack_of(const Core& core, const Connection& c, const mqtt::Connect& packet) {
    mqtt::Connack ack;
    if (c.version != Version::V5) return ack;
    const Limits& limits = core.limits;
    const uint32_t expiry_s = granted_expiry(packet, limits.session_expiry_max_s);
    if (expiry_s != packet.session_expiry_s) ack.session_expiry_s = expiry_s;
    ack.receive_maximum = receive_maximum(core, c);
    ack.packet_bytes_max = limits.packet_bytes_max;
    ack.topic_alias_maximum = limits.topic_alias_max;
    ack.user_properties = core.rates.told.view();
    if (c.keepalive_s != packet.keepalive_s) ack.server_keepalive_s = c.keepalive_s;
    if (c.pending->assigned) ack.assigned_client_id = c.pending->client_id;
    if (packet.request_response_information)
        ack.response_information = core.options.response_information;
    ack.auth_method = packet.auth_method;
    ack.auth_data = as_bytes(c.pending->auth_data);
    return ack;
}

bool fits(const Connection& c, const mqtt::Connack& ack) {
    if (c.packet_bytes_max == mqtt::kPacketBytesMax) return true;
    Buffer bytes;
    mqtt::encode_connack(bytes, c.version, ack);
    return bytes.size() <= c.packet_bytes_max;
}

auth::Subject subject_of(const Core& core, const Connection& c, const mqtt::Connect& packet) {
    auth::Subject subject{.client_id = c.pending->client_id,
                          .username = user_of(c, packet),
                          .realm = core.realm(c.pending->realm).name};
    if (c.features && c.features->identity) {
        subject.common_name = c.features->identity->common_name;
        subject.claims = c.features->identity->claims;
    }
    return subject;
}

/// Who the client of the session is from now on.
void identify(Session& session, Connection& c, const mqtt::Connect& packet) {
    session.set_user(user_of(c, packet));
    auto identity = c.features ? std::move(c.features->identity) : nullptr;
    if (identity || session.extras) session.need_extras().identity = std::move(identity);
}

/// Two clients with this id take it from each other again and again: who is there stays.
bool is_flapping(Core& core, const Connection& c, const Session* known) {
    if (!known || !core.connection_of(*known)) return false;
    const uint64_t hash = core.client_hash(c.pending->realm, c.pending->client_id);
    return !core.flapping.may_take_over(hash, core.now, core.limits);
}

void refuse_flapping(Core& core, Connection& c, const Session& known) {
    ++core.counters.flapping_refused;
    refuse_connect(core, c, ReasonCode::ServerBusy,
                   "two clients use this client id in turns; the other is connected from",
                   known.connection);
}

/// Its realm has as many as it may have.
void refuse_full(Core& core, Connection& c, Realm& realm, const ConnectLimit& limit) {
    ++realm.refused.connects_refused;
    refuse_connect(core, c, limit.reason, "realm " + realm.name + " is at its " + limit.name);
}

void refuse_for_memory(Core& core, Connection& c, Realm& realm) {
    ++realm.refused.connects_refused;
    refuse_connect(core, c, ReasonCode::QuotaExceeded, "memory is spent: no new session");
}

}  // namespace

mqtt::DecodeLimits decode_limits(const Core& core) {
    return {.properties_max = core.limits.properties_max, .filters_max = core.limits.filters_max};
}

std::optional<std::string_view> certificate_user(const Core& core, const Connection& c) {
    const auth::Identity* identity = c.features ? c.features->identity.get() : nullptr;
    if (!core.listener(c).certificate_username || !identity || identity->common_name.empty())
        return std::nullopt;
    return identity->common_name;
}

std::optional<std::string_view> user_of(const Connection& c, const mqtt::Connect& packet) {
    return c.pending->username ? c.pending->username : packet.username;
}

Session& make_session(Core& core, RealmId realm, std::string_view client_id) {
    const SessionRef ref = core.sessions.emplace();
    Session& session = *core.find(ref);
    session.client_id = OwnText(client_id);
    session.client_hash = core.client_hash(realm, client_id);
    session.self = ref;
    session.realm = realm;
    core.clients.insert(session);
    add_session(core, realm);
    return session;
}

void accept(Core& core, Connection& c, const mqtt::Connect& packet, bool waited) {
    if (const auto denial = connect_denial(core, subject_of(core, c, packet)))
        return refuse_connect(core, c, ReasonCode::NotAuthorized, denial->rule);
    set_features(core, c, packet);
    mqtt::Connack ack = connack_of(core, c, packet);
    if (!fits(c, ack)) ack.user_properties = {};  // [MQTT5-3.2.2-20]
    if (!fits(c, ack))                            // [MQTT5-3.1.2-24]
        return refuse_connect(core, c, ReasonCode::PacketTooLarge,
                              "CONNACK is above the client's maximum packet size");
    Realm& realm = core.realm(c.pending->realm);
    const std::string_view client_id = c.pending->client_id;
    const Session* const rival = core.find(realm.id, client_id);
    if (is_flapping(core, c, rival)) return refuse_flapping(core, c, *rival);
    const auto limit = waited ? std::nullopt : connect_limit(core, realm, rival);
    if (limit) return refuse_full(core, c, realm, *limit);
    clear_the_way(core, realm, client_id, packet.clean_start);
    Session* const known = core.find(realm.id, client_id);
    const uint64_t ticket = known ? 0 : ended_ticket(core, core.client_hash(realm.id, client_id));
    if (!known && !may_make_session(core, realm.id)) return refuse_for_memory(core, c, realm);
    if (!waited && must_wait(core, c, realm, client_id, ticket)) return;
    const bool present = known != nullptr;
    Session& session = present ? *known : make_session(core, realm.id, client_id);
    identify(session, c, packet);
    admit_session(core, session, present);
    session.version = packet.version;
    session.online = true;
    session.connection = c.id;
    if (!GW_MUTANT(KeepWillOverConnections) || !session.will)
        session.will = keep_will(packet);  // a delayed will of before is not sent [MQTT5-3.1.3-9]
    if (GW_MUTANT(ForgetQos2IdOnResume)) session.unreleased.reset();
    session.expiry_s = granted_expiry(packet, core.limits.session_expiry_max_s);
    session.ends_with_connection = session.expiry_s == 0;
    keep_session(core, session);
    c.session = session.self;
    c.state = Connection::State::Online;
    c.silent_since = core.now;
    begin_packet(core, c);  // there may be the first bytes of one
    recount_session(core, session);
    add_connection(core, realm.id, c);
    ack.session_present = present;
    send_packet(core, c, [&](Buffer& out) { mqtt::encode_connack(out, c.version, ack); });
    core.event(Severity::Info, "connected", c, {},
               std::string(version_text(packet.version)) + (packet.bridge ? " bridge" : "") +
                   (present ? ", session resumed" : ", new session"));
    core.fx->events.back().user = session.user().value_or("");
    core.fx->events.back().method = c.pending->method.empty() ? "none" : c.pending->method;
    c.pending.reset();
    return_to_groups(core, session);
    resume_deliveries(core, session, c);
}

void release_connects(Core& core) {
    auto& held = core.keeper.held_connects;
    while (!held.empty() && is_on_disk(core, held.front().ticket)) {
        const HeldConnect next = std::move(held.front());
        held.pop_front();
        Connection* c = core.find(next.connection);
        if (!c || c->state != Connection::State::Authenticating) continue;
        const mqtt::Frame frame{c->pending->header, c->pending->body, 0};
        accept(core, *c, *mqtt::decode_connect(frame, decode_limits(core)), true);
        resume_reading(core, *c, Pause::Verdict);
    }
}

}  // namespace godwit::broker
