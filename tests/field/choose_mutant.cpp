// Part of test programs where mutants are compiled in: the environment variable GODWIT_MUTANT names
// the one that is active.
#include "base/mutant.h"

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace godwit {
namespace {

Mutant mutant_of_environment() {
    const char* wanted = std::getenv("GODWIT_MUTANT");
    if (!wanted) return Mutant::None;
#define GW_NAME(name, what) \
    if (std::string_view(wanted) == #name) return Mutant::name;
    GW_MUTANTS(GW_NAME)
    GW_FIELD_MUTANTS(GW_NAME)
#undef GW_NAME
    std::fprintf(stderr, "GODWIT_MUTANT: there is no mutant %s\n", wanted);
    std::abort();
}

[[maybe_unused]] const bool chosen = (active_mutant = mutant_of_environment(), true);

}  // namespace
}  // namespace godwit
