#include "sim/simulation.h"

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
    using namespace godwit::sim;
    const uint64_t from = argc > 1 ? strtoull(argv[1], nullptr, 10) : 1;
    const uint64_t to = argc > 2 ? strtoull(argv[2], nullptr, 10) : from;
    for (uint64_t seed = from; seed <= to; ++seed) {
        const Plan plan = plan_of(seed);
        if (from == to) puts(text_of(plan).c_str());
        const Outcome o = play(plan);
        if (from == to) puts(tail_of(o.history, 100000).c_str());
        size_t faults = 0, unsettled = 0, received = 0;
        for (const Event& e : o.history.events) {
            if (e.kind == Event::Kind::Fault || e.kind == Event::Kind::Unsettled) {
                if (faults + unsettled < 3) printf("%s\n", text_of(o.history, e).c_str());
            }
            faults += e.kind == Event::Kind::Fault;
            unsettled += e.kind == Event::Kind::Unsettled;
            received += e.kind == Event::Kind::Received;
        }
        printf(
            "seed %lu: %.1f s, %lu events %lu turns, %zu history, %zu received, faults %zu "
            "unsettled %zu\n",
            seed, double(o.virtual_time.count()) / 1e9, o.events, o.turns, o.history.events.size(),
            received, faults, unsettled);
    }
}
