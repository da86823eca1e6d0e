// A plan in words: what a failing run prints.
#include "sim/plan.h"

#include <fmt/format.h>

namespace godwit::sim {

namespace {

std::string seconds(Duration d) {
    return fmt::format("{:.6f}", double(d.count()) / 1e9);
}

std::string describe(const ConnectWish& wish) {
    std::string out = wish.version == mqtt::Version::V5     ? "5.0"
                      : wish.version == mqtt::Version::V311 ? "3.1.1"
                                                            : "3.1";
    if (wish.clean_start) out += wish.clean_once ? ", clean start once" : ", clean start";
    if (wish.version == mqtt::Version::V5) out += fmt::format(", expiry {}", wish.expiry_s);
    out += fmt::format(", keep alive {}", wish.keepalive_s);
    if (wish.receive_maximum != 65535) out += fmt::format(", receive max {}", wish.receive_maximum);
    if (wish.packet_bytes_max != mqtt::kPacketBytesMax)
        out += fmt::format(", packet max {}", wish.packet_bytes_max);
    if (wish.topic_alias_maximum != 0) out += fmt::format(", aliases {}", wish.topic_alias_maximum);
    if (wish.will)
        out += fmt::format(", will {} qos {}{} after {} s", wish.will->topic, wish.will->qos,
                           wish.will->retain ? " retained" : "", wish.will->delay_s);
    return out;
}

const char* name_of(CutKind kind) {
    return kind == CutKind::Reset ? "reset" : kind == CutKind::Close ? "close" : "half-open";
}

std::string describe_publish(const PublishWish& wish) {
    std::string out = fmt::format("publish {} qos {}, {} bytes", wish.topic, wish.qos, wish.bytes);
    if (wish.retain) out += wish.empty ? ", clears" : ", retained";
    if (wish.alias) out += ", alias";
    if (wish.expiry_s) out += fmt::format(", expiry {}", *wish.expiry_s);
    return out;
}

std::string describe_subscribe(const Action& action) {
    std::string out = "subscribe";
    for (const SubscribeWish& each : action.subscribe)
        out += fmt::format(" {} (qos {}{}{} rh {} id {})", each.filter, int(each.options.qos),
                           each.options.no_local ? " nl" : "",
                           each.options.retain_as_published ? " rap" : "",
                           int(each.options.retain_handling), each.id);
    return out;
}

std::string describe_crash(const Action& action) {
    std::string out = action.power_lost ? "power loss" : "kill -9";
    if (action.after_ack) out += ", once an answer has come";
    if (action.rots) out += ", a segment rots";
    if (action.step != Duration{}) out += ", the time of day jumps by " + seconds(action.step);
    return out;
}

/// Whom the action is about.
std::string subject_of(const Plan& plan, const Action& action) {
    using Kind = Action::Kind;
    switch (action.kind) {
        case Kind::StallShard:
            return fmt::format("shard {}", action.client);
        case Kind::DiskFull:
        case Kind::DiskFails:
        case Kind::DiskSlow:
            return action.client == kNone ? "all disks" : fmt::format("disk {}", action.client);
        case Kind::StepClock:
            return "clock";
        case Kind::Crash:
            if (!action.after_ack || action.client == kNone) return "broker";
            return "broker with " + plan.clients[action.client].id;
        default:
            return plan.clients[action.client].id;
    }
}

std::string describe(const Action& action) {
    using Kind = Action::Kind;
    switch (action.kind) {
        case Kind::Publish:
            return describe_publish(action.publish);
        case Kind::Subscribe:
            return describe_subscribe(action);
        case Kind::Unsubscribe:
            return fmt::format("unsubscribe number {}", action.subscribe[0].id);
        case Kind::Cut:
            return fmt::format("cut ({}), back after {}", name_of(action.cut),
                               seconds(action.pause));
        case Kind::Disconnect:
            return fmt::format(
                "disconnect{}{}, back after {}", action.with_will ? " with will" : "",
                action.new_expiry_s ? fmt::format(" expiry {}", *action.new_expiry_s) : "",
                seconds(action.pause));
        case Kind::Takeover:
            return fmt::format("takeover, old connection ends by {} after {}", name_of(action.cut),
                               seconds(action.pause));
        case Kind::Reconnect:
            return fmt::format("reconnect after {} as {}", seconds(action.pause),
                               describe(action.connect));
        case Kind::StopReading:
            return "stop reading for " + seconds(action.pause);
        case Kind::ReadSlowly:
            return "read slowly for " + seconds(action.pause);
        case Kind::HoldAcks:
            return "hold acks for " + seconds(action.pause);
        case Kind::Kick:
            return "kick, back after " + seconds(action.pause);
        case Kind::StallShard:
            return "stall for " + seconds(action.pause);
        case Kind::Crash:
            return describe_crash(action);
        case Kind::DiskFull:
            return "no room for " + seconds(action.pause);
        case Kind::DiskFails:
            return fmt::format("writes and syncs fail, {} of 1000, for {}", action.chance,
                               seconds(action.pause));
        case Kind::DiskSlow:
            return fmt::format("work takes up to {} for {}", seconds(action.slow),
                               seconds(action.pause));
        case Kind::StepClock:
            return "the time of day jumps by " + seconds(action.step);
    }
    return {};
}

}  // namespace

std::string text_of(const Plan& plan, const Action& action) {
    return fmt::format("{} {} {}", seconds(action.at - kBegin), subject_of(plan, action),
                       describe(action));
}

std::string text_of(const Plan& plan) {
    const broker::Limits& l = plan.limits;
    std::string out = fmt::format(
        "seed {}: {} shards, hops up to {} s, turns late up to {} s, {} s active\n"
        "limits: inflight {}, receive max {}, queue {} ({} bytes), output {}, expiry {}, "
        "keep alive {}, aliases {}, queue qos 0 {}, retained {}, group {}, rates {}\n"
        "disks: {}, work up to {} s, segments of {}\n",
        plan.seed, plan.shards, seconds(plan.hop_max), seconds(plan.turn_max), seconds(plan.active),
        l.inflight_max, l.receive_maximum, l.queue_messages_max, l.queue_bytes_max,
        l.output_bytes_max, l.session_expiry_max_s, l.keepalive_max_s, l.topic_alias_max,
        l.queue_qos0, l.realm.retained_messages_max, l.group_messages_max,
        l.client_rates.publish_rate, plan.durable, seconds(plan.sync_max), plan.segment_bytes);
    for (const ClientPlan& client : plan.clients)
        out += fmt::format("{}: {}; latency {}, acks after {}, window {}\n", client.id,
                           describe(client.connect), seconds(client.latency),
                           seconds(client.ack_delay), client.window);
    for (const Action& action : plan.actions) out += text_of(plan, action) + "\n";
    return out;
}

}  // namespace godwit::sim
