#include "sim/simulation.h"

#include "sim/client.h"

#include <algorithm>
#include <utility>

namespace godwit::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr Duration kPatience = seconds(120);  // of the quiet phase, for everybody to settle
constexpr Duration kRest = seconds(3);        // afterwards, for what nobody waits for

class Simulation {
public:
    explicit Simulation(const Plan& plan)
        : plan_(plan),
          network_(plan, agenda_),
          cluster_(plan, agenda_, network_, history_),
          auditor_(uint32_t(plan.clients.size() - 1)) {
        history_.seed = plan.seed;
        history_.limits = plan.limits;
        for (uint32_t i = 0; i < plan.clients.size(); ++i) {
            history_.clients.push_back(plan.clients[i].id);
            clients_.push_back(std::make_unique<Client>(
                i, plan.clients[i], Surroundings{agenda_, network_, cluster_, history_}));
        }
    }

    Outcome run() {
        for (uint32_t i = 0; i < auditor_; ++i)
            agenda_.put(plan_.clients[i].begins, Due::Kind::WakeClient, i);
        for (uint32_t i = 0; i < plan_.actions.size(); ++i)
            agenda_.put(plan_.actions[i].at, Due::Kind::Act, i);
        begun_.resize(plan_.clients.size());
        run_until(kBegin + milliseconds(600) + plan_.active);
        calm();
        settle();
        audit();
        close_books();
        Outcome outcome{std::move(history_), agenda_.now() - kBegin, agenda_.taken(),
                        cluster_.turns()};
        outcome.history.resolve();
        return outcome;
    }

private:
    void run_until(Instant end) {
        while (const auto due = agenda_.take(end)) {
            dispatch(*due);
            crash_after_an_answer();
        }
    }

    void dispatch(const Due& due) {
        switch (due.kind) {
            case Due::Kind::Turn:
                return cluster_.on_turn(uint16_t(due.who));
            case Due::Kind::Tick:
                return cluster_.on_tick(uint16_t(due.who));
            case Due::Kind::Disk:
                return cluster_.on_disk(uint16_t(due.who));
            case Due::Kind::ToBroker: {
                Wire& wire = network_.wire(due.who);
                if (network_.arrive_at_broker(wire)) cluster_.wake(wire);
                return;
            }
            case Due::Kind::ToClient: {
                Wire& wire = network_.wire(due.who);
                return clients_[history_.connections[due.who].client]->on_wire(wire);
            }
            case Due::Kind::WakeClient:
                if (!begun_[due.who]) {
                    begun_[due.who] = true;
                    return clients_[due.who]->begin();
                }
                return clients_[due.who]->on_wake();
            case Due::Kind::Act:
                return act(plan_.actions[due.who]);
        }
    }

    void act(const Action& action) {
        using Kind = Action::Kind;
        note(text_of(plan_, action));
        switch (action.kind) {
            case Kind::StallShard:
                return cluster_.stall(uint16_t(action.client % plan_.shards), action.pause);
            case Kind::DiskFull:
            case Kind::DiskFails:
            case Kind::DiskSlow:
                return cluster_.trouble_disks(action);
            case Kind::StepClock:
                return cluster_.step_clock(action.step);
            case Kind::Crash:
                if (!action.after_ack) return crash(action);
                armed_ = &action;
                looked_at_ = history_.events.size();
                return;
            default:
                history_.events.back().client = action.client;
                return clients_[action.client]->act(action);
        }
    }

    void note(std::string text) {
        Event& event = history_.events.emplace_back();
        event.at = agenda_.now();
        event.text = std::move(text);
    }

    void crash(const Action& action) {
        cluster_.crash(action.power_lost ? CrashKind::PowerLost : CrashKind::Killed);
        if (action.rots) cluster_.rot();
        if (action.step != Duration{}) cluster_.step_clock(action.step);
        cluster_.restart();
    }

    /// What a client was told just now is what a crash may show to be untrue.
    void crash_after_an_answer() {
        if (!armed_) return;
        for (; looked_at_ < history_.events.size(); ++looked_at_) {
            const Event& event = history_.events[looked_at_];
            if (!is_answer(event) || (armed_->client != kNone && armed_->client != event.client))
                continue;
            note("the broker crashes");
            return crash(*std::exchange(armed_, nullptr));
        }
    }

    static bool is_answer(const Event& event) {
        using Kind = Event::Kind;
        return event.kind == Kind::Connack || event.kind == Kind::Puback ||
               event.kind == Kind::Pubrec || event.kind == Kind::Pubcomp ||
               event.kind == Kind::Suback || event.kind == Kind::Unsuback;
    }

    void calm() {
        armed_ = nullptr;
        history_.quiet = agenda_.now();
        network_.calm();
        cluster_.calm();
        for (uint32_t i = 0; i < auditor_; ++i) clients_[i]->calm();
    }

    bool settled() const {
        const broker::Counters counters = cluster_.counters();
        return cluster_.idle() && counters.queued == 0 && counters.inflight == 0 &&
               std::all_of(clients_.begin(), clients_.end(), [&](const auto& client) {
                   return client->settled() || (client == clients_.back() && !begun_.back());
               });
    }

    /// Until everybody has been content for a while.
    void settle() {
        const Instant end = agenda_.now() + kPatience;
        Instant content_since = agenda_.now();
        while (agenda_.now() < end && agenda_.now() - content_since < kRest) {
            run_until(agenda_.now() + milliseconds(100));
            if (!settled()) content_since = agenda_.now();
        }
    }

    void audit() {
        Client& auditor = *clients_[auditor_];
        begun_[auditor_] = true;
        auditor.begin();
        Action subscribe;
        subscribe.kind = Action::Kind::Subscribe;
        subscribe.client = auditor_;
        subscribe.subscribe.push_back({.filter = "#", .options = {.qos = mqtt::Qos::ExactlyOnce}});
        auditor.act(subscribe);
        settle();
        for (const std::string& topic : plan_.topics) {
            Action publish;
            publish.client = auditor_;
            publish.publish = {.topic = topic, .qos = 1, .bytes = 20};
            auditor.act(publish);
        }
        settle();
    }

    void gauge(const char* name, uint64_t value) {
        Event& event = history_.events.emplace_back();
        event.kind = Event::Kind::Gauge;
        event.at = agenda_.now();
        event.text = name;
        event.number = uint32_t(value);
    }

    void close_books() {
        history_.end = agenda_.now();
        cluster_.note_homes();
        for (uint32_t i = 0; i < clients_.size(); ++i) {
            std::string trouble = clients_[i]->trouble();
            if (trouble.empty()) continue;
            Event& event = history_.events.emplace_back();
            event.kind = Event::Kind::Unsettled;
            event.at = agenda_.now();
            event.client = i;
            event.why = std::move(trouble);
        }
        const broker::Counters counters = cluster_.counters();
        gauge("queued", counters.queued);
        gauge("inflight", counters.inflight);
        gauge("connections", counters.connections);
        gauge("sessions_online", counters.sessions_online);
        gauge("group_drops", counters.lost[broker::Loss::GroupFull]);
    }

    const Plan& plan_;
    History history_;
    Agenda agenda_;
    Network network_;
    Cluster cluster_;
    const uint32_t auditor_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<bool> begun_;
    const Action* armed_ = nullptr;  // a crash that waits for an answer
    size_t looked_at_ = 0;           // events that were none
};

}  // namespace

Outcome play(const Plan& plan) {
    return Simulation(plan).run();
}

}  // namespace godwit::sim
