// Whole conversations: the input chooses a run of the simulator (the first eight bytes are its
// seed, the rest what is drawn before the seed's numbers), and the checkers judge it.
#include "sim/check.h"
#include "sim/plan.h"
#include "sim/simulation.h"

#include <cstdio>
#include <cstdlib>

using namespace godwit;
using namespace godwit::sim;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto plan = plan_of_input({data, size});
    if (!plan) return 0;
    const Violations violations = check(play(*plan).history);
    if (violations.empty()) return 0;
    std::fputs(text_of(*plan).c_str(), stderr);
    for (const Violation& each : violations)
        std::fprintf(stderr, "%s: %s\n", each.checker, each.what.c_str());
    std::abort();
}
