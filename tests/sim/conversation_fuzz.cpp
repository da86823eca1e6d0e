// Whole conversations: the input chooses a run of the simulator (the first eight bytes are its
// seed, the rest what is drawn before the seed's numbers), and the checkers judge it.
#include "base/assert.h"
#include "sim/check.h"
#include "sim/plan.h"
#include "sim/simulation.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace godwit;
using namespace godwit::sim;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    uint64_t seed = 0;
    if (size < sizeof seed) return 0;
    std::memcpy(&seed, data, sizeof seed);
    const Plan plan = plan_of(seed, Bytes(data, size).subspan(sizeof seed));
    const Violations violations = check(play(plan).history);
    if (violations.empty()) return 0;
    std::fputs(text_of(plan).c_str(), stderr);
    for (const Violation& each : violations)
        std::fprintf(stderr, "%s: %s\n", each.checker, each.what.c_str());
    std::abort();
}
