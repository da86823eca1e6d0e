#include "sim/shrink.h"

#include <algorithm>

namespace godwit::sim {

namespace {

constexpr size_t kRunsMax = 3000;

class Shrinking {
public:
    Shrinking(Plan plan, Mutant mutant, const std::string& checker)
        : plan_(std::move(plan)), mutant_(mutant), checker_(checker) {}

    Plan run() {
        drop_actions();
        make_plain();
        drop_actions();
        return std::move(plan_);
    }

private:
    bool fails(const Plan& plan) {
        if (++runs_ > kRunsMax) return false;
        const Verdict verdict = examine(plan, mutant_, 0).verdict;
        return verdict.failed && verdict.checker == checker_;
    }

    bool keep_if_it_fails(Plan candidate) {
        if (!fails(candidate)) return false;
        plan_ = std::move(candidate);
        return true;
    }

    /// Ever smaller pieces of the list.
    void drop_actions() {
        for (size_t piece = std::max<size_t>(plan_.actions.size() / 2, 1); piece > 0; piece /= 2)
            for (size_t at = 0; at < plan_.actions.size();) {
                Plan candidate = plan_;
                const auto begin = candidate.actions.begin() + ptrdiff_t(at);
                const size_t count = std::min(piece, plan_.actions.size() - at);
                candidate.actions.erase(begin, begin + ptrdiff_t(count));
                if (!keep_if_it_fails(std::move(candidate))) at += piece;
            }
    }

    template <class Change>
    void attempt(Change&& change) {
        Plan candidate = plan_;
        change(candidate);
        keep_if_it_fails(std::move(candidate));
    }

    void make_plain() {
        attempt([](Plan& p) { p.limits = broker::Limits{}; });
        attempt([](Plan& p) { p.network = NetworkPlan{.cut_bytes = false}; });
        attempt([](Plan& p) { p.hop_max = Duration(50'000); });
        attempt([](Plan& p) { p.turn_max = Duration(20'000); });
        attempt([](Plan& p) { p.shards = 1; });
        attempt([](Plan& p) { p.shards = std::min<uint16_t>(p.shards, 2); });
        for (size_t i = 0; i < plan_.clients.size(); ++i) {
            attempt([i](Plan& p) { p.clients[i].connect.will.reset(); });
            attempt([i](Plan& p) { p.clients[i].ack_delay = {}; });
            attempt([i](Plan& p) { p.clients[i].jitter = {}; });
            attempt([i](Plan& p) { p.clients[i].connect.keepalive_s = 0; });
            attempt([i](Plan& p) { p.clients[i].connect.topic_alias_maximum = 0; });
            attempt([i](Plan& p) { p.clients[i].connect.receive_maximum = 65535; });
        }
        for (size_t i = 0; i < plan_.actions.size(); ++i) {
            attempt([i](Plan& p) {
                if (p.actions[i].subscribe.size() > 1) p.actions[i].subscribe.resize(1);
            });
            attempt([i](Plan& p) { p.actions[i].publish.bytes = 10; });
        }
    }

    Plan plan_;
    Mutant mutant_;
    std::string checker_;
    size_t runs_ = 0;
};

}  // namespace

Plan shrink(Plan plan, Mutant mutant, const std::string& checker) {
    return Shrinking(std::move(plan), mutant, checker).run();
}

}  // namespace godwit::sim
