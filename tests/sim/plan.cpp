#include "sim/plan.h"

#include "sim/dice.h"

#include "base/random.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

namespace godwit::sim {

using std::chrono::milliseconds;

namespace {

/// Draws a plan piece by piece.
class Drawing : private Dice {
public:
    Drawing(uint64_t seed, Bytes choices, Bytes fault_choices)
        : Dice(seed, choices), fault_choices_(fault_choices) {
        plan_.seed = seed;
    }

    Plan draw() {
        plan_.shards = uint16_t(1 + below(4));
        draw_limits();
        draw_network();
        const size_t count = 3 + below(6);
        for (size_t i = 0; i < count; ++i) draw_client(i);
        draw_topics();
        draw_actions();
        add_faults(plan_, fault_choices_);
        plan_.clients.push_back(auditor());
        return std::move(plan_);
    }

private:
    void draw_limits() {
        broker::Limits& l = plan_.limits;
        l.takeovers_max = 0;  // a plan takes over as often as it says
        if (one_in(4)) l.inflight_max = pick<uint16_t>({1, 3, 10});
        if (one_in(4)) l.receive_maximum = pick<uint16_t>({1, 3, 10});
        if (one_in(6)) l.queue_messages_max = pick<uint32_t>({4, 20});
        if (one_in(6)) l.output_bytes_max = pick<uint64_t>({2000, 20000});
        if (one_in(4)) l.session_expiry_max_s = pick<uint32_t>({3, 20});
        if (one_in(6)) l.keepalive_max_s = pick<uint16_t>({2, 10});
        if (one_in(3)) l.topic_alias_max = pick<uint16_t>({0, 2});
        l.queue_qos0 = one_in(3);
        // By the seed alone: the other plans stay as they were.
        if (plan_.seed % 13 != 6) return;
        l.client_rates = {.publish_rate = 40, .publish_burst = 5, .byte_rate = 20'000};
        l.realm.rates = {.publish_rate = 100, .publish_burst = 10};
    }

    void draw_network() {
        plan_.network.cut_bytes = !one_in(3);
        plan_.network.socket_bytes = pick<uint32_t>({1500, 8000, 65536});
        plan_.hop_max = pick<Duration>({Duration(50'000), milliseconds(1), milliseconds(30)});
        plan_.turn_max = pick<Duration>({Duration(20'000), milliseconds(1), milliseconds(20)});
        persistent_ = 1 + below(4);
        wills_ = below(4);
        small_windows_ = one_in(2);
        delayed_acks_ = one_in(2);
    }

    ConnectWish connect_wish(size_t client, bool modern) {
        ConnectWish wish;
        wish.version = modern ? mqtt::Version::V5 : mqtt::Version::V311;
        const bool lasting = below(4) < persistent_;
        wish.clean_start = lasting ? one_in(8) : one_in(2);
        if (!modern) wish.clean_start = !lasting;
        if (modern)
            wish.expiry_s = lasting ? pick<uint32_t>({3, 30, 3600, 3600, mqtt::kNoExpiry}) : 0;
        wish.keepalive_s = pick<uint16_t>({0, 2, 5, 60});
        if (modern && small_windows_) wish.receive_maximum = pick<uint16_t>({1, 2, 5, 65535});
        // What a client can take is its own, and does not change with the connection.
        if (modern && client % 7 == plan_.seed % 5) wish.packet_bytes_max = 400;
        if (modern) wish.topic_alias_maximum = pick<uint16_t>({0, 0, 1, 10});
        if (below(4) < wills_) {
            wish.will = WillWish{fmt::format("w/{}", client), uint8_t(below(3)), one_in(4), 0};
            if (modern) wish.will->delay_s = pick<uint32_t>({0, 0, 1, 4, 40});
        }
        return wish;
    }

    void draw_client(size_t index) {
        ClientPlan client;
        modern_.push_back(!one_in(3));
        client.id = fmt::format("c{}", index);
        client.connect = connect_wish(index, modern_.back());
        client.begins = kBegin + up_to(milliseconds(500));
        client.latency = pick<Duration>({Duration(100'000), milliseconds(5), milliseconds(60)});
        client.jitter = one_in(2) ? Duration(0) : Duration(below(uint64_t(client.latency.count())));
        if (delayed_acks_ && one_in(2)) client.ack_delay = up_to(milliseconds(400));
        client.window = pick<uint32_t>({1, 4, 20, 100});
        client.eager = one_in(4);
        plan_.clients.push_back(std::move(client));
    }

    /// Whoever wants to see in the end what the broker has kept, and whether everybody still gets
    /// what he subscribed to.
    static ClientPlan auditor() {
        ClientPlan client;
        client.id = "auditor";
        client.connect.clean_start = true;
        client.latency = milliseconds(1);
        client.begins = kNever;
        return client;
    }

    void draw_topics() {
        const size_t count = 1 + below(5);
        for (size_t i = 0; i < count; ++i) plan_.topics.push_back(fmt::format("t/{}", i));
        for (size_t i = 0; i <= below(3); ++i) plan_.topics.push_back(fmt::format("s/{}", i));
        retained_topics_ = one_in(4) ? 0 : 1 + below(3);
        if (one_in(10)) retained_topics_ = 70 + below(100);  // more than one batch of a replay
    }

    std::string filter() {
        const auto number = below(3);
        switch (below(12)) {
            case 0:
                return "#";
            case 1:
                return "t/#";
            case 2:
                return "t/+";
            case 3:
                return "+/0";
            case 4:
                return "w/#";
            case 5:
                return "r/#";
            case 6:
                return "r/+/0";
            case 7:
                return fmt::format("r/{}/{}", below(plan_.clients.size()), number);
            default:
                return plan_.topics[below(plan_.topics.size())];
        }
    }

    SubscribeWish subscribe_wish(size_t client) {
        SubscribeWish wish;
        const bool shared = shared_weight_ > 0 && below(10) < shared_weight_;
        wish.filter = filter();
        if (shared) wish.filter = fmt::format("$share/g{}/{}", below(2), one_in(2) ? "s/#" : "s/0");
        wish.options.qos = mqtt::Qos(below(3));
        if (!modern_[client]) return wish;
        wish.options.no_local = !shared && one_in(4);
        wish.options.retain_as_published = one_in(3);
        wish.options.retain_handling = mqtt::RetainHandling(one_in(3) ? below(3) : 0);
        wish.id = one_in(2) ? 0 : uint32_t(1 + below(1000));
        return wish;
    }

    /// One publisher and one QoS a topic: what is older is then known to everybody.
    PublishWish retained_wish(size_t client, size_t number) const {
        PublishWish wish;
        wish.topic = fmt::format("r/{}/{}", client, number);
        wish.qos = uint8_t((client + number + plan_.seed) % 3);
        wish.retain = true;
        return wish;
    }

    PublishWish publish_wish(size_t client) {
        PublishWish wish;
        wish.bytes = one_in(8) ? pick<uint32_t>({300, 1500, 6000}) : uint32_t(10 + below(30));
        if (retained_topics_ > 0 && one_in(3)) {
            const uint32_t bytes = wish.bytes;
            wish = retained_wish(client, below(retained_topics_));
            wish.bytes = bytes;
            wish.retain = !one_in(10);
            wish.empty = wish.retain && one_in(5);
        } else {
            wish.topic = plan_.topics[below(plan_.topics.size())];
            wish.qos = uint8_t(one_in(4) ? below(3) : 1 + below(2));
        }
        if (modern_[client] && expiring_ && one_in(3))
            wish.expiry_s = pick<uint32_t>({1, 2, 6, 60});
        wish.alias = modern_[client] && one_in(3);
        return wish;
    }

    Duration pause() {
        if (one_in(3)) return up_to(milliseconds(100));
        return up_to(milliseconds(one_in(5) ? 15'000 : 3'000));
    }

    void fill(Action& action) {
        using Kind = Action::Kind;
        action.pause = pause();
        switch (action.kind) {
            case Kind::Publish:
                action.publish = publish_wish(action.client);
                break;
            case Kind::Subscribe:
                for (uint64_t i = 0, count = one_in(4) ? 3 : 1; i < count; ++i)
                    action.subscribe.push_back(subscribe_wish(action.client));
                for (SubscribeWish& each : action.subscribe) each.id = action.subscribe[0].id;
                break;
            case Kind::Unsubscribe:
                action.subscribe.push_back({});  // which one: of those held then, see Client
                action.subscribe[0].id = uint32_t(below(1000));
                break;
            case Kind::Cut:
                action.cut =
                    pick({CutKind::Reset, CutKind::Reset, CutKind::Close, CutKind::HalfOpen});
                break;
            case Kind::Takeover:
                action.cut = pick({CutKind::Reset, CutKind::Close, CutKind::HalfOpen});
                break;
            case Kind::Disconnect:
                action.with_will = modern_[action.client] && one_in(3);
                if (modern_[action.client] && one_in(4))
                    action.new_expiry_s = pick<uint32_t>({0, 2, 60});
                break;
            case Kind::Reconnect:
                action.connect = connect_wish(action.client, modern_[action.client]);
                break;
            case Kind::StallShard:
                action.client = uint32_t(below(plan_.shards));
                action.pause = up_to(milliseconds(200));
                break;
            default:
                break;
        }
    }

    void draw_actions() {
        using Kind = Action::Kind;
        struct Weighted {
            Kind kind;
            uint64_t weight;
        };
        std::vector<Weighted> weights;
        for (const Kind kind :
             {Kind::Cut, Kind::Disconnect, Kind::Takeover, Kind::Reconnect, Kind::StopReading,
              Kind::ReadSlowly, Kind::HoldAcks, Kind::Kick, Kind::StallShard})
            weights.push_back({kind, pick<uint64_t>({0, 0, 1, 3, 8})});
        weights.push_back({Kind::Subscribe, pick<uint64_t>({2, 5, 10})});
        weights.push_back({Kind::Unsubscribe, pick<uint64_t>({0, 1, 5})});
        weights.push_back({Kind::Publish, pick<uint64_t>({30, 60, 120})});
        shared_weight_ = pick<uint64_t>({0, 0, 3, 8});
        expiring_ = one_in(2);
        uint64_t total = 0;
        for (const Weighted& each : weights) total += each.weight;
        const uint64_t count = 60 + below(300);
        plan_.active = milliseconds(count * pick<uint64_t>({10, 50, 200}));
        open_with_subscriptions();
        open_with_retained();
        for (uint64_t i = 0; i < count; ++i) {
            Action action;
            uint64_t draw = below(total);
            size_t at = 0;
            while (draw >= weights[at].weight) draw -= weights[at++].weight;
            action.kind = weights[at].kind;
            action.client = uint32_t(below(plan_.clients.size()));
            action.at =
                kBegin + milliseconds(100) + Duration(below(uint64_t(plan_.active.count())));
            fill(action);
            plan_.actions.push_back(std::move(action));
            if (plan_.actions.back().kind == Kind::Publish && one_in(4))
                burst(plan_.actions.back());
        }
        std::stable_sort(plan_.actions.begin(), plan_.actions.end(),
                         [](const Action& a, const Action& b) { return a.at < b.at; });
    }

    /// The same again, at once: order has something to lose.
    void burst(Action pattern) {
        for (uint64_t i = below(8); i > 0; --i) plan_.actions.push_back(pattern);
    }

    /// One client keeps a value under each of its topics.
    void open_with_retained() {
        if (retained_topics_ < 10) return;
        const auto client = uint32_t(below(plan_.clients.size()));
        for (size_t i = 0; i < retained_topics_; ++i) {
            Action action;
            action.kind = Action::Kind::Publish;
            action.client = client;
            action.at =
                kBegin + milliseconds(600) + Duration(below(uint64_t(plan_.active.count()) / 4));
            action.publish = retained_wish(client, i);
            action.publish.bytes = 12;
            plan_.actions.push_back(std::move(action));
        }
    }

    void open_with_subscriptions() {
        for (uint32_t i = 0; i < plan_.clients.size(); ++i) {
            Action action;
            action.kind = Action::Kind::Subscribe;
            action.at = kBegin;
            action.client = i;
            fill(action);
            plan_.actions.push_back(std::move(action));
        }
    }

    Plan plan_;
    const Bytes fault_choices_;
    std::vector<bool> modern_;
    uint64_t persistent_ = 2, wills_ = 2, shared_weight_ = 0;
    size_t retained_topics_ = 0;
    bool small_windows_ = false, delayed_acks_ = false, expiring_ = false;
};

}  // namespace

Plan plan_of(uint64_t seed, Bytes choices) {
    const size_t of_faults = std::min<size_t>(choices.size() / 4, 64);
    return Drawing(seed, choices.subspan(of_faults), choices.first(of_faults)).draw();
}

std::optional<Plan> plan_of_input(Bytes input) {
    constexpr size_t kSeedBytes = 8;
    if (input.size() < kSeedBytes) return std::nullopt;
    uint64_t seed = 0;
    for (size_t i = kSeedBytes; i > 0; --i) seed = seed << 8 | input[i - 1];
    return plan_of(seed, input.subspan(kSeedBytes));
}

}  // namespace godwit::sim
