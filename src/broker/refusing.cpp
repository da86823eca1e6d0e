#include "broker/refusing.h"

#include "broker/keeping/keeping.h"
#include "broker/reading.h"
#include "mqtt/encoder.h"

#include <algorithm>

namespace godwit::broker {

using mqtt::Qos;
using mqtt::ReasonCode;
using mqtt::Version;
using store::Condition;

namespace {

struct Words {
    ReasonCode reason;
    const char* to_client;
    const char* event;
    const char* to_operator;
};

const Words& words_for(Condition condition) {
    static constexpr Words kWords[] = {
        {ReasonCode::Success, "", "store_well", "publishes that it has to keep are taken again"},
        {ReasonCode::Success, "", "store_behind",
         "publishers of what it has to keep are not read until half of that is written; the disk "
         "is "
         "too slow for this load"},
        {ReasonCode::QuotaExceeded, "the broker's disk is full", "store_full",
         "what it would have to keep is refused (0x97) or not read (MQTT 3.x); free space in the "
         "data "
         "directory, then it goes on by itself"},
        {ReasonCode::ImplementationSpecificError, "the broker's disk fails", "store_broken",
         "what it would have to keep is refused (0x83) or not read (MQTT 3.x); see to the disk, "
         "then it "
         "goes on by itself"},
    };
    return kWords[size_t(condition)];
}

/// Somebody who takes it here, or elsewhere, or the publisher's own session, is owed it on disk.
bool needs_log(Core& core, Session& session, const mqtt::Publish& packet, std::string_view topic) {
    if (packet.retain && !packet.payload.empty()) return true;  // one that is empty erases
    if (packet.qos == Qos::ExactlyOnce && is_durable(core, session)) return true;
    const Matches& matches = core.realm(session.realm).router.match(topic, session.self);
    if (matches.remote.kept_shards != 0) return true;
    return std::any_of(matches.local.begin(), matches.local.end(), [&](const Delivery& each) {
        if (each.group) return true;
        const Session* taker = core.find(each.session);
        return taker && is_durable(core, *taker) && each.qos != Qos::AtMostOnce;
    });
}

void show_condition(Counters& counters, Condition told) {
    counters.store_behind = told == Condition::Behind;
    counters.store_full = told == Condition::Full;
    counters.store_broken = told == Condition::Broken;
}

/// Those whose publish may have another fate now. Whose has not is held back again.
void read_held_back(Core& core) {
    core.connections.for_each([&](Connection& c) { resume_reading(core, c, Pause::Disk); });
}

}  // namespace

Admission admit(Core& core, const Connection& c, const mqtt::Publish& packet,
                std::string_view topic) {
    if (core.keeper.logs.all_good() || packet.qos == Qos::AtMostOnce) return Admission::Usual;
    if (needs_log(core, *core.find(c.session), packet, topic)) {
        const bool can_tell =
            c.version == Version::V5 && core.keeper.logs.worst() != Condition::Behind;
        return can_tell ? Admission::Refused : Admission::HeldBack;
    }
    const bool waits_for_no_disk = packet.qos == Qos::AtLeastOnce && !packet.retain;
    return waits_for_no_disk ? Admission::Free : Admission::Usual;
}

void refuse_for_logs(Core& core, Connection& c, const mqtt::Publish& packet) {
    const Condition worst = core.keeper.logs.worst();
    const Words& words = words_for(worst);
    ++(worst == Condition::Full ? core.counters.publishes_refused_full
                                : core.counters.publishes_refused_broken);
    if (core.fx->least_severity <= Severity::Debug)
        core.event(Severity::Debug, "publish_refused", c, mqtt::reason_name(words.reason),
                   words.to_client);
    mqtt::Ack ack{packet.packet_id, words.reason, {}, {}};
    const auto append = [&](Buffer& out) {
        if (packet.qos == Qos::ExactlyOnce)
            mqtt::encode_pubrec(out, c.version, ack);
        else
            mqtt::encode_puback(out, c.version, ack);
    };
    if (c.problem_information) ack.reason_string = words.to_client;  // [MQTT5-3.1.2-29]
    if (send_packet(core, c, append)) return;
    ack.reason_string = {};  // [MQTT5-3.4.2-2] [MQTT5-3.5.2-2]
    send_packet(core, c, append);
}

void hold_back(Core& core, Connection& c) {
    ++core.counters.connections_held_back;
    pause_reading(core, c, Pause::Disk);
}

ReasonCode subscribe_refusal(const Core& core, const Session& session) {
    const bool goes_on = core.keeper.logs.all_good() || !is_durable(core, session);
    return goes_on ? ReasonCode::Success : words_for(core.keeper.logs.worst()).reason;
}

void tell_condition(Core& core) {
    const store::Log& log = *core.keeper.log;
    if (!core.keeper.condition.update(log.condition(), core.now)) return;
    const Condition told = core.keeper.condition.told();
    for (uint16_t i = 0; i < core.config.shard_count; ++i)
        if (i != core.config.id.value) core.post({i}, LogCondition{told});
    show_condition(core.counters, told);
    const Words& words = words_for(told);
    std::string detail = "shard " + std::to_string(core.config.id.value) + ": ";
    if (!log.trouble().empty()) detail += log.trouble() + "; ";
    core.fx->events.push_back({told == Condition::Good ? Severity::Info : Severity::Warning,
                               words.event,
                               {},
                               {},
                               {},
                               {},
                               detail + words.to_operator});
    on_log_condition(core, core.config.id, {told});
}

void on_log_condition(Core& core, ShardId from, const LogCondition& in) {
    core.keeper.logs.set(from, in.condition);
    read_held_back(core);
}

}  // namespace godwit::broker
