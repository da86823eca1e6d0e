#include "broker/connecting.h"

#include "broker/closing.h"
#include "broker/delivering.h"
#include "broker/keeping/keeping.h"
#include "broker/permitting.h"
#include "broker/reading.h"
#include "broker/scarcity.h"
#include "broker/sharing.h"
#include "mqtt/encoder.h"
#include "topic/filter.h"

namespace godwit::broker {

using mqtt::ReasonCode;
using mqtt::Version;

namespace {

std::string_view version_text(Version version) {
    return version == Version::V5 ? "5.0" : version == Version::V311 ? "3.1.1" : "3.1";
}

Connection& open(Core& core, ConnectionId id, ListenerId listener) {
    Connection& c = core.connections.emplace(id.slot);
    c.id = id;
    c.listener = listener;
    c.last_received = core.now;
    ++core.counters.connections;
    watch(core, c);
    return c;
}

/// An id that nobody has, whose home is this shard [MQTT5-3.1.3-6].
std::string assign_client_id(Core& core, RealmId realm) {
    static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuv";
    for (;;) {
        std::string id = "gw-";
        for (uint64_t bits = core.random.next(), i = 0; i < 12; ++i, bits >>= 5)
            id += kDigits[bits & 31];
        if (core.home_of_client(realm, id) == core.config.id && !core.find(realm, id)) return id;
    }
}

bool knows_auth_method(const Core& core, std::string_view method) {
    const auto& known = core.options.auth_methods;
    return std::find(known.begin(), known.end(), method) != known.end();
}

mqtt::DecodeLimits decode_limits(const Core& core) {
    return {.properties_max = core.limits.properties_max, .filters_max = core.limits.filters_max};
}

void ask_authenticator(Core& core, Connection& c, const mqtt::Connect& packet) {
    AuthRequest ask{.connection = c.id, .listener = c.listener, .realm = {core.listener(c).realm}};
    ask.client_id = c.pending->client_id;
    ask.has_username = packet.username.has_value();
    ask.username = packet.username.value_or("");
    ask.password = as_text(packet.password.value_or(Bytes{}));
    ask.auth_method = packet.auth_method.value_or("");
    ask.auth_data = as_text(packet.auth_data);
    core.fx->auth_requests.push_back(std::move(ask));
    pause_reading(core, c, Pause::Verdict);
}

auth::Identity& need_identity(Connection& c) {
    auto& identity = c.need_features().identity;
    if (!identity) identity = std::make_unique<auth::Identity>();
    return *identity;
}

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
    ack.receive_maximum = limits.receive_maximum;
    ack.packet_bytes_max = limits.packet_bytes_max;
    ack.topic_alias_maximum = limits.topic_alias_max;
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

/// Whom the authenticator has found, else whom CONNECT names.
std::optional<std::string_view> user_of(const Connection& c, const mqtt::Connect& packet) {
    return c.pending->username ? c.pending->username : packet.username;
}

auth::Subject subject_of(const Core& core, const Connection& c, const mqtt::Connect& packet) {
    auth::Subject subject{.client_id = c.pending->client_id,
                          .username = user_of(c, packet),
                          .realm = core.realm({core.listener(c).realm}).name};
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
    const uint64_t hash = core.client_hash({core.listener(c).realm}, c.pending->client_id);
    return !core.flapping.may_take_over(hash, core.now, core.limits);
}

void refuse_flapping(Core& core, Connection& c, const Session& known) {
    ++core.counters.flapping_refused;
    refuse_connect(core, c, ReasonCode::ServerBusy,
                   "two clients use this client id in turns; the other is connected from",
                   known.connection);
}

/// The client is who it says: if the policy lets it, its session is made or resumed, CONNACK goes
/// out, then what waited for it.
/// @param waited  for the disk, and for those before it
void accept(Core& core, Connection& c, const mqtt::Connect& packet, bool waited = false) {
    if (const auto denial = connect_denial(core, subject_of(core, c, packet)))
        return refuse_connect(core, c, ReasonCode::NotAuthorized, denial->rule);
    set_features(core, c, packet);
    mqtt::Connack ack = connack_of(core, c, packet);
    if (!fits(c, ack))  // [MQTT5-3.1.2-24]
        return refuse_connect(core, c, ReasonCode::PacketTooLarge,
                              "CONNACK is above the client's maximum packet size");
    Realm& realm = core.realm({core.listener(c).realm});
    const std::string_view client_id = c.pending->client_id;
    if (const Session* rival = core.find(realm.id, client_id); is_flapping(core, c, rival))
        return refuse_flapping(core, c, *rival);
    clear_the_way(core, realm, client_id, packet.clean_start);
    Session* const known = core.find(realm.id, client_id);
    const uint64_t ticket = known ? 0 : ended_ticket(core, core.client_hash(realm.id, client_id));
    if (!known && !may_make_session(core))
        return refuse_connect(core, c, ReasonCode::QuotaExceeded,
                              "memory is spent: no new session");
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
    c.last_received = core.now;
    begin_packet(core, c);  // there may be the first bytes of one
    ++core.counters.sessions_online;
    ack.session_present = present;
    send_packet(core, c, [&](Buffer& out) { mqtt::encode_connack(out, c.version, ack); });
    core.event(Severity::Info, "connected", c, {},
               std::string(version_text(packet.version)) + (packet.bridge ? " bridge" : "") +
                   (present ? ", session resumed" : ", new session"));
    c.pending.reset();
    return_to_groups(core, session);
    resume_deliveries(core, session, c);
}

/// What can be refused before anybody is asked. @return false when it was refused
bool check_wishes(Core& core, Connection& c, const mqtt::Connect& packet) {
    if (packet.client_id.empty() && (packet.version == Version::V31 ||
                                     (packet.version == Version::V311 && !packet.clean_start))) {
        refuse_connect(core, c, ReasonCode::ClientIdentifierNotValid,
                       "an empty client id");  // [MQTT311-3.1.3-8]
        return false;
    }
    if (packet.will) {
        const auto name = topic::check_name(packet.will->topic);
        const bool too_deep =
            topic::has_more_levels(packet.will->topic, core.limits.topic_levels_max);
        if (!name || too_deep) {
            std::string detail = "will topic: ";
            detail += name ? "too many levels" : topic::error_text(name.error());
            if (packet.version == Version::V5)
                refuse_connect(core, c, ReasonCode::TopicNameInvalid, std::move(detail));
            else  // no return code says that [MQTT311-3.2.2-6]
                disconnect(core, c, ReasonCode::TopicNameInvalid, std::move(detail));
            return false;
        }
    }
    return true;
}

/// Whether this client must prove who it is, may just come in, or is refused.
void authenticate(Core& core, Connection& c, const mqtt::Connect& packet) {
    const ListenerPolicy& policy = core.listener(c);
    c.state = Connection::State::Authenticating;
    if (packet.auth_method) {
        if (knows_auth_method(core, *packet.auth_method)) return ask_authenticator(core, c, packet);
        return refuse_connect(core, c, ReasonCode::BadAuthenticationMethod,
                              "authentication method " + std::string(*packet.auth_method));
    }
    if (policy.check_password && (packet.username || packet.password))
        return ask_authenticator(core, c, packet);
    if (!policy.allow_anonymous)
        return refuse_connect(core, c, ReasonCode::NotAuthorized,
                              policy.check_password
                                  ? "no user name, and anonymous clients are not allowed"
                                  : "anonymous clients are not allowed on this listener");
    accept(core, c, packet);
}

/// The authenticator's answer to a client that is online already.
void on_reauthenticated(Core& core, Connection& c, const Verdict& verdict) {
    ConnectionFeatures& features = c.need_features();
    if (mqtt::is_error(verdict.reason))
        return disconnect(core, c, verdict.reason, verdict.why);  // [MQTT5-4.12.1-2]
    if (verdict.username && core.find(c.session)->user() != *verdict.username)
        return disconnect(core, c, ReasonCode::NotAuthorized, "it came back as another user");
    const mqtt::Auth answer{
        verdict.reason, features.auth_method, as_bytes(verdict.auth_data), {}, {}};
    if (!send_packet(core, c, [&](Buffer& out) { mqtt::encode_auth(out, answer); }))
        return disconnect(core, c, ReasonCode::PacketTooLarge, "AUTH");
    if (verdict.reason == ReasonCode::Success) {
        features.reauthenticating = false;
        features.expires = verdict.expires;
        watch(core, c);
    }
    resume_reading(core, c, Pause::Verdict);
}

}  // namespace

Session& make_session(Core& core, RealmId realm, std::string_view client_id) {
    const SessionRef ref = core.sessions.emplace();
    Session& session = *core.find(ref);
    session.client_id = OwnText(client_id);
    session.client_hash = core.client_hash(realm, client_id);
    session.self = ref;
    session.realm = realm;
    core.clients.insert(session);
    ++core.counters.sessions;
    return session;
}

void on_accepted(Core& core, const Accepted& in) {
    ++core.counters.connections_accepted;
    open(core, in.connection, in.listener);
}

void on_adopted(Core& core, const Adopted& in) {
    Connection& c = open(core, in.connection, in.listener);
    c.adopted = true;
    on_identified(c, {in.connection, in.common_name});
    on_received(core, c, in.bytes);
}

void on_identified(Connection& c, const Identified& in) {
    if (!in.common_name.empty()) need_identity(c).common_name = in.common_name;
}

std::optional<std::string> waiting_username(const Core& core, const Connection& c) {
    if (c.pending->username) return c.pending->username;
    const auto packet =
        mqtt::decode_connect({c.pending->header, c.pending->body, 0}, decode_limits(core));
    if (!packet || !packet->username) return std::nullopt;
    return std::string(*packet->username);
}

void on_connect(Core& core, Connection& c, const mqtt::Frame& frame) {
    const uint8_t level = mqtt::peek_protocol_level(frame);
    c.version = level >= 5 ? Version::V5 : level == 3 ? Version::V31 : Version::V311;
    c.version_known = true;
    const auto packet = mqtt::decode_connect(frame, decode_limits(core));
    if (!packet) return refuse_bytes(core, c, packet.error());
    c.version = packet->version;
    c.bridge = packet->bridge;
    c.problem_information = packet->request_problem_information;
    c.packet_bytes_max = packet->packet_bytes_max;
    const RealmId realm{core.listener(c).realm};
    if (!c.adopted && !packet->client_id.empty()) {
        const ShardId home = core.home_of_client(realm, packet->client_id);
        if (home != core.config.id) {
            c.moving_to = home;
            return;
        }
    }
    c.pending = std::make_unique<PendingConnect>();
    c.pending->client_id = packet->client_id;
    if (!check_wishes(core, c, *packet)) return;
    if (packet->client_id.empty()) {
        c.pending->client_id = assign_client_id(core, realm);
        c.pending->assigned = true;
    }
    c.pending->header = frame.header;
    c.pending->body.assign(frame.body.begin(), frame.body.end());
    c.pending->auth_method = packet->auth_method.value_or("");
    authenticate(core, c, *packet);
}

void on_verdict(Core& core, Connection& c, const Verdict& verdict) {
    if (c.state == Connection::State::Online) return on_reauthenticated(core, c, verdict);
    GW_ASSERT(c.pending != nullptr);
    if (mqtt::is_error(verdict.reason)) return refuse_connect(core, c, verdict.reason, verdict.why);
    const mqtt::Frame frame{c.pending->header, c.pending->body, 0};
    const auto packet = mqtt::decode_connect(frame, decode_limits(core));
    if (verdict.reason == ReasonCode::ContinueAuthentication) {
        const mqtt::Auth step{
            verdict.reason, packet->auth_method, as_bytes(verdict.auth_data), {}, {}};
        const auto append = [&](Buffer& out) { mqtt::encode_auth(out, step); };
        if (!send_packet(core, c, append))  // [MQTT5-4.12.0-2]
            return refuse_connect(core, c, ReasonCode::PacketTooLarge, "AUTH");
    } else {
        c.pending->auth_data = verdict.auth_data;
        c.pending->username = verdict.username;
        if (!verdict.claims.empty()) need_identity(c).claims = verdict.claims;
        if (verdict.expires != kNever) c.need_features().expires = verdict.expires;
        accept(core, c, *packet);
        if (c.state == Connection::State::Authenticating) return;  // it waits for the disk
    }
    resume_reading(core, c, Pause::Verdict);
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

void on_auth(Core& core, Connection& c, const mqtt::Auth& packet) {
    const bool online = c.state == Connection::State::Online;
    std::string method;
    if (!online)
        method = c.pending->auth_method;
    else if (c.features)
        method = c.features->auth_method;
    if (method.empty() || packet.method != method)  // [MQTT5-4.12.0-7] [MQTT5-4.12.1-1]
        return disconnect(core, c, ReasonCode::ProtocolError,
                          "AUTH with another authentication method");
    const bool begins = packet.reason == ReasonCode::ReAuthenticate;
    const bool under_way = !online || c.features->reauthenticating;
    if (begins == under_way)
        return disconnect(core, c, ReasonCode::ProtocolError, "AUTH out of turn");
    if (online) c.features->reauthenticating = true;
    AuthRequest ask{.connection = c.id, .listener = c.listener, .realm = {core.listener(c).realm}};
    ask.client_id = online ? core.find(c.session)->client_id.view() : c.pending->client_id;
    ask.auth_method = method;
    ask.auth_data = as_text(packet.data);
    ask.continues = true;
    core.fx->auth_requests.push_back(std::move(ask));
    pause_reading(core, c, Pause::Verdict);
}

}  // namespace godwit::broker
