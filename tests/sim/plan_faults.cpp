#include "base/random.h"
#include "sim/plan.h"

#include "sim/dice.h"
#include "store/options.h"

#include <algorithm>
#include <initializer_list>

namespace godwit::sim {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

class Faults : private Dice {
public:
    Faults(Plan& plan, Bytes choices) : Dice(plan.seed ^ 0xd15c, choices), plan_(plan) {}

    void draw() {
        draw_clients();
        if (one_in(2)) mix_retained_qos();
        draw_limits();
        plan_.durable = !one_in(3);
        if (!plan_.durable) return;
        plan_.sync_max = milliseconds(1 + below(50));
        if (one_in(2)) plan_.segment_bytes = store::Options::kSegmentBytesMin;
        draw_crashes();
        if (one_in(3)) draw_clean_starts();
        draw_disk_faults();
        if (one_in(3))
            for (uint64_t left = 1 + below(3); left > 0; --left)
                add(Action::Kind::StepClock).step = step();
        std::stable_sort(plan_.actions.begin(), plan_.actions.end(),
                         [](const Action& a, const Action& b) { return a.at < b.at; });
    }

private:
    Duration step() {
        return pick<Duration>({seconds(2), seconds(90), hours(30), -seconds(90), -hours(30)});
    }

    Action& add(Action::Kind kind) {
        Action& action = plan_.actions.emplace_back();
        action.kind = kind;
        action.client = kNone;
        action.at = moment();
        return action;
    }
    Instant moment() {
        return kBegin + milliseconds(100) + Duration(below(uint64_t(plan_.active.count())));
    }

    void draw_clients() {
        for (uint32_t i = 0; i < plan_.clients.size(); ++i)
            if (plan_.clients[i].connect.version == mqtt::Version::V311 && one_in(3)) make_old(i);
        for (Action& action : plan_.actions)
            if (action.kind == Action::Kind::Reconnect)
                action.connect.clean_once = action.connect.clean_start && one_in(3);
    }

    void make_old(uint32_t client) {
        plan_.clients[client].connect.version = mqtt::Version::V31;
        for (Action& action : plan_.actions)
            if (action.kind == Action::Kind::Reconnect && action.client == client)
                action.connect.version = mqtt::Version::V31;
    }

    /// QoS 1 and 2 under one topic: they take different ways between shards, and the last still
    /// stands.
    void mix_retained_qos() {
        for (Action& action : plan_.actions)
            if (action.kind == Action::Kind::Publish && action.publish.topic.starts_with("r/") &&
                action.publish.qos > 0)
                action.publish.qos = uint8_t(1 + below(2));
    }

    void draw_limits() {
        broker::Limits& l = plan_.limits;
        l.takeovers_max = 0;  // a plan takes over as often as it says
        if (one_in(8)) l.realm.retained_messages_max = pick<uint64_t>({1, 3});
        if (one_in(8)) l.queue_bytes_max = pick<uint64_t>({2000, 20000});
        if (one_in(8)) l.group_messages_max = pick<uint32_t>({2, 20});
    }

    void draw_crashes() {
        const bool rots = one_in(8), jumps = one_in(3);
        for (uint64_t left = below(4); left > 0; --left) {
            Action& crash = add(Action::Kind::Crash);
            crash.power_lost = !one_in(3);
            crash.after_ack = one_in(2);
            crash.rots = rots && one_in(2);
            if (jumps && one_in(2)) crash.step = step();
        }
    }

    /// A session that lasts is thrown away, and the broker crashes as soon as its client knows;
    /// then the client comes without a clean start. Slow disks make it likely that it knew too
    /// early.
    void draw_clean_starts() {
        for (uint64_t left = 1 + below(3); left > 0; --left) {
            const auto client = uint32_t(below(plan_.clients.size()));
            Action come{.kind = Action::Kind::Reconnect, .at = moment(), .client = client};
            come.pause = up_to(milliseconds(100));
            come.connect = plan_.clients[client].connect;
            come.connect.clean_start = come.connect.clean_once = true;
            come.connect.expiry_s = 0;
            Action slow{.kind = Action::Kind::DiskSlow, .at = come.at, .client = kNone};
            slow.pause = seconds(1);
            slow.slow = milliseconds(400);
            Action fall{.kind = Action::Kind::Crash, .at = come.at, .client = client};
            fall.after_ack = true;
            fall.power_lost = one_in(2);
            plan_.actions.insert(plan_.actions.end(), {slow, come, fall});
        }
    }

    void draw_disk_faults() {
        using Kind = Action::Kind;
        for (const Kind kind : {Kind::DiskFull, Kind::DiskFails, Kind::DiskSlow}) {
            if (!one_in(4)) continue;
            if (kind == Kind::DiskFull) plan_.segment_bytes = store::Options::kSegmentBytesMin;
            for (uint64_t left = 1 + below(2); left > 0; --left) {
                Action& trouble = add(kind);
                if (!one_in(3)) trouble.client = uint32_t(below(plan_.shards));
                trouble.pause = up_to(seconds(4));
                trouble.chance = pick<uint32_t>({100, 500, 1000});
                trouble.slow = milliseconds(50 + below(400));
            }
        }
    }

    Plan& plan_;
};

}  // namespace

void add_faults(Plan& plan, Bytes choices) {
    Faults(plan, choices).draw();
}

}  // namespace godwit::sim
