#include "broker/connecting.h"

#include "base/utf8.h"
#include "broker/accepting.h"
#include "broker/closing.h"
#include "broker/reading.h"
#include "broker/realms.h"
#include "mqtt/encoder.h"
#include "topic/filter.h"

namespace godwit::broker {

using mqtt::ReasonCode;
using mqtt::Version;

namespace {

Connection& open(Core& core, ConnectionId id, ListenerId listener) {
    Connection& c = core.connections.emplace(id.slot);
    c.id = id;
    c.listener = listener;
    c.silent_since = core.now;
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

void ask_authenticator(Core& core, Connection& c, const mqtt::Connect& packet) {
    AuthRequest ask{.connection = c.id, .listener = c.listener, .realm = c.pending->realm};
    if (c.pending->realm_chosen) ask.realm_chosen = core.realm(ask.realm).name;
    ask.client_id = c.pending->client_id;
    const auto user = user_of(c, packet);
    ask.has_username = user.has_value();
    ask.username = user.value_or("");
    ask.has_password = packet.password.has_value();
    ask.password = as_text(packet.password.value_or(Bytes{}));
    ask.version = packet.version;
    ask.auth_method = packet.auth_method.value_or("");
    ask.auth_data = as_text(packet.auth_data);
    core.fx->auth_requests.push_back(std::move(ask));
    pause_reading(core, c, Pause::Verdict);
}

PendingConnect& need_pending(const Core& core, Connection& c) {
    if (!c.pending) {
        c.pending = std::make_unique<PendingConnect>();
        c.pending->realm = {core.listener(c).realm};
    }
    return *c.pending;
}

auth::Identity& need_identity(Connection& c) {
    auto& identity = c.need_features().identity;
    if (!identity) identity = std::make_unique<auth::Identity>();
    return *identity;
}

/// Besides a certificate, if it was that.
void note_method(PendingConnect& pending, std::string_view method) {
    if (!pending.method.empty() && !method.empty()) pending.method += '+';
    pending.method += method;
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

/// Goes on where its session lives, with what was found out about it.
void move_with(Core& core, Connection& c, const Verdict& verdict) {
    const PendingConnect& pending = *c.pending;
    Buffer bytes;
    bytes.push_back(pending.header);
    mqtt::put_varint(bytes, uint32_t(pending.body.size()));
    put_bytes(bytes, pending.body);
    if (c.partial) put_bytes(bytes, Bytes(c.partial->bytes).subspan(c.partial->at));
    c.partial = std::make_unique<Unhandled>();
    c.partial->bytes = std::move(bytes);
    c.moving_to = core.home_of_client(pending.realm, pending.client_id);
    move_away(core, c, std::make_unique<const Verdict>(verdict));
}

/// The client is who it says, and nobody asks again. Its realm is what was found out at last: where
/// that is another than was thought, its session may live on another shard.
void admit(Core& core, Connection& c, const mqtt::Connect& packet, const Verdict& verdict) {
    PendingConnect& pending = *c.pending;
    pending.auth_data = verdict.auth_data;
    if (verdict.username) pending.username = verdict.username;
    const auto realm = confirm_realm(core, c, verdict, user_of(c, packet));
    if (!realm) return refuse_connect(core, c, ReasonCode::NotAuthorized, realm.error());
    if (*realm != pending.realm) {
        pending.realm = *realm;
        if (pending.assigned) pending.client_id = assign_client_id(core, *realm);
        if (core.home_of_client(*realm, pending.client_id) != core.config.id)
            return move_with(core, c, verdict);
    }
    note_method(pending, packet.auth_method.value_or(verdict.method));
    if (!verdict.claims.empty()) need_identity(c).claims = verdict.claims;
    if (verdict.expires != kNever) c.need_features().expires = verdict.expires;
    accept(core, c, packet);
}

bool can_be_username(std::string_view name) {
    constexpr size_t kBytesMax = 65535;  // as if it were in CONNECT
    return name.size() <= kBytesMax && is_mqtt_utf8(name);
}

/// The client is the user whom its certificate names; what else it shows must agree with that.
/// @return false when it was refused
bool take_user_of_certificate(Core& core, Connection& c, const mqtt::Connect& packet) {
    const std::string& name = c.features->identity->common_name;
    const auto refuse = [&](ReasonCode reason, std::string why) {
        refuse_connect(core, c, reason, std::move(why));
        return false;
    };
    if (!can_be_username(name))
        return refuse(ReasonCode::NotAuthorized, "the certificate's name cannot be a user name");
    if (packet.auth_method)
        return refuse(ReasonCode::BadAuthenticationMethod,
                      "the certificate says who it is, by no authentication method");
    if (packet.username && !packet.username->empty() && *packet.username != name)
        return refuse(ReasonCode::BadUserNameOrPassword,
                      "the user name is another than that of the certificate, " + name);
    c.pending->username = name;
    c.pending->method = "certificate";
    return true;
}

/// Whether this client must prove who it is, may just come in, or is refused.
void authenticate(Core& core, Connection& c, const mqtt::Connect& packet) {
    const ListenerPolicy& policy = core.listener(c);
    c.state = Connection::State::Authenticating;
    if (!c.pending->realm_fault.empty())
        return refuse_connect(core, c, ReasonCode::NotAuthorized, c.pending->realm_fault);
    const bool by_certificate = certificate_user(core, c).has_value();
    if (by_certificate && !take_user_of_certificate(core, c, packet)) return;
    if (c.pending->verdict) return on_verdict(core, c, *std::exchange(c.pending->verdict, {}));
    if (by_certificate) {
        if (policy.check_password && packet.password) return ask_authenticator(core, c, packet);
        return admit(core, c, packet,
                     {.connection = c.id, .reason = ReasonCode::Success, .method = ""});
    }
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
    admit(core, c, packet,
          {.connection = c.id,
           .reason = ReasonCode::Success,
           .realm = core.realm(c.pending->realm).name,  // nobody could know better
           .method = ""});
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
        core.event(Severity::Info, "reauthenticated", c, {}, {});
        core.fx->events.back().user = core.find(c.session)->user().value_or("");
        core.fx->events.back().method = features.auth_method;
    }
    resume_reading(core, c, Pause::Verdict);
}

}  // namespace

void on_accepted(Core& core, const Accepted& in) {
    ++core.counters.connections_accepted;
    open(core, in.connection, in.listener);
}

void on_adopted(Core& core, const Adopted& in) {
    Connection& c = open(core, in.connection, in.listener);
    c.adopted = true;
    on_identified(core, c, {in.connection, in.common_name, in.server_name});
    if (in.verdict) need_pending(core, c).verdict = std::make_unique<const Verdict>(*in.verdict);
    on_received(core, c, in.bytes);
}

void on_identified(const Core& core, Connection& c, const Identified& in) {
    if (!in.common_name.empty()) need_identity(c).common_name = in.common_name;
    if (core.listener(c).realm_by == RealmBy::ServerName && !in.server_name.empty())
        need_pending(core, c).server_name = in.server_name;
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
    need_pending(core, c).client_id = packet->client_id;
    choose_realm(core, c, *packet);
    const RealmId realm = c.pending->realm;
    if (!c.adopted && !packet->client_id.empty()) {
        const ShardId home = core.home_of_client(realm, packet->client_id);
        if (home != core.config.id) {
            c.moving_to = home;
            return;
        }
    }
    c.pending->header = frame.header;
    c.pending->body.assign(frame.body.begin(), frame.body.end());
    if (!check_wishes(core, c, *packet)) return;
    if (packet->client_id.empty()) {
        c.pending->client_id = assign_client_id(core, realm);
        c.pending->assigned = true;
    }
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
        admit(core, c, *packet, verdict);
        if (c.state == Connection::State::Authenticating) return;  // it waits for the disk
    }
    resume_reading(core, c, Pause::Verdict);
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
    AuthRequest ask{.connection = c.id, .listener = c.listener, .realm = realm_of(core, c)};
    ask.client_id = online ? core.find(c.session)->client_id.view() : c.pending->client_id;
    ask.auth_method = method;
    ask.auth_data = as_text(packet.data);
    ask.continues = true;
    core.fx->auth_requests.push_back(std::move(ask));
    pause_reading(core, c, Pause::Verdict);
}

}  // namespace godwit::broker
