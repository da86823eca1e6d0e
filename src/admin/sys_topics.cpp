#include "admin/sys_topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace godwit::admin {

namespace {

using Clock = std::chrono::duration<double>;

/// Messages that were taken and then lost: neither those that nobody promised to keep (QoS 0 to an
/// offline session) nor those that somebody was told of.
uint64_t dropped_of(const broker::Counters& sum) {
    using broker::Loss;
    uint64_t all = 0;
    for (const uint64_t each : sum.lost.counts) all += each;
    return all - sum.lost[Loss::OfflineQos0] - sum.lost[Loss::NotAuthorized] -
           sum.lost[Loss::Refused];
}

/// What the round tells besides the load averages. Names as Mosquitto's documentation lists them.
std::vector<SysMessage> plain_values(const BrokerStats& stats, const broker::Counters& sum,
                                     uint64_t sessions_peak) {
    const auto uptime =
        std::chrono::duration_cast<std::chrono::seconds>(stats.now - stats.started).count();
    const auto number = [](uint64_t value) { return std::to_string(value); };
    const uint64_t offline = sum.sessions - sum.sessions_online;
    const uint64_t refused =
        sum.publishes_refused + sum.publishes_refused_full + sum.publishes_refused_broken;
    return {
        {"version", "godwit version " + stats.version},
        {"uptime", fmt::format("{} seconds", uptime)},
        {"clients/total", number(sum.sessions)},
        {"clients/maximum", number(sessions_peak)},
        {"clients/connected", number(sum.sessions_online)},
        {"clients/active", number(sum.sessions_online)},
        {"clients/disconnected", number(offline)},
        {"clients/inactive", number(offline)},
        {"clients/expired", number(sum.sessions_expired)},
        {"messages/received", number(sum.packets_received)},
        {"messages/sent", number(sum.packets_sent)},
        {"messages/inflight", number(sum.inflight)},
        {"messages/stored", number(sum.queued + sum.retained)},
        {"store/messages/count", number(sum.queued + sum.retained)},
        {"store/messages/bytes", number(sum.queued_bytes + sum.retained_bytes)},
        {"publish/messages/received", number(sum.publishes_received)},
        {"publish/messages/sent", number(sum.publishes_sent)},
        {"publish/messages/dropped", number(dropped_of(sum))},
        {"publish/messages/refused", number(refused)},
        {"store/condition", sum.store_broken   ? "broken"
                            : sum.store_full   ? "full"
                            : sum.store_behind ? "behind"
                                               : "good"},
        {"publish/bytes/received", number(sum.publish_bytes_received)},
        {"publish/bytes/sent", number(sum.publish_bytes_sent)},
        {"bytes/received", number(sum.bytes_received)},
        {"bytes/sent", number(sum.bytes_sent)},
        {"retained messages/count", number(sum.retained)},
        {"subscriptions/count", number(sum.subscriptions)},
        {"shared_subscriptions/count", number(sum.shared_subscriptions)},
        {"connections/socket/count", number(sum.connections)},
    };
}

/// Every loss by its reason: "dropped/queue_full".
void add_losses(const broker::Losses& lost, std::vector<SysMessage>& out) {
    for (size_t i = 0; i < broker::kLossCount; ++i)
        out.push_back(
            {fmt::format("dropped/{}", broker::kLosses[i].reason), std::to_string(lost.counts[i])});
}

}  // namespace

void SysTopics::add_load(const std::string& name, uint64_t total, double elapsed_s,
                         std::vector<SysMessage>& out) {
    auto at = std::find_if(loads_.begin(), loads_.end(),
                           [&](const auto& each) { return each.first == name; });
    if (at == loads_.end()) at = loads_.insert(loads_.end(), {name, Load{{0, 0, 0}, total}});
    Load& load = at->second;
    // A difference of two counters may sink: a connection is refused after it was accepted.
    const double grown = double(int64_t(total - load.last));
    const double rate = elapsed_s > 0 ? grown * 60 / elapsed_s : 0;
    load.last = total;
    static constexpr struct {
        const char* name;
        double seconds;
    } kSpans[] = {{"1min", 60}, {"5min", 300}, {"15min", 900}};
    for (size_t i = 0; i < 3; ++i) {
        const double keep = std::exp(-elapsed_s / kSpans[i].seconds);
        load.per_minute[i] = load.per_minute[i] * keep + rate * (1 - keep);
        out.push_back({"load/" + name + "/" + kSpans[i].name,
                       fmt::format("{:.2f}", std::max(0.0, load.per_minute[i]))});
    }
}

std::vector<SysMessage> SysTopics::round(const BrokerStats& stats) {
    const broker::Counters sum = stats.total();
    const double elapsed_s = first_ ? 0 : Clock(stats.now - last_round_).count();
    sessions_peak_ = std::max(sessions_peak_, sum.sessions);
    std::vector<SysMessage> all = plain_values(stats, sum, sessions_peak_);
    add_losses(sum.lost, all);
    add_load("messages/received", sum.packets_received, elapsed_s, all);
    add_load("messages/sent", sum.packets_sent, elapsed_s, all);
    add_load("publish/received", sum.publishes_received, elapsed_s, all);
    add_load("publish/sent", sum.publishes_sent, elapsed_s, all);
    add_load("publish/dropped", dropped_of(sum), elapsed_s, all);
    add_load("bytes/received", sum.bytes_received, elapsed_s, all);
    add_load("bytes/sent", sum.bytes_sent, elapsed_s, all);
    add_load("sockets", sum.connections_accepted, elapsed_s, all);
    add_load("connections", sum.connections_accepted - sum.connections_refused, elapsed_s, all);
    first_ = false;
    last_round_ = stats.now;

    std::vector<SysMessage> changed;
    for (size_t i = 0; i < all.size(); ++i) {
        const bool same = i < last_.size() && last_[i].topic == all[i].topic &&
                          last_[i].payload == all[i].payload;
        if (!same) changed.push_back({"$SYS/broker/" + all[i].topic, all[i].payload});
    }
    last_ = std::move(all);
    return changed;
}

}  // namespace godwit::admin
