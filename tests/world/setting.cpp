#include "world/setting.h"

#include <unistd.h>
#include <cstdlib>

namespace godwit::world {

namespace {
Setting the_setting;  // of the one test that runs
constexpr uint64_t kSeed = 20260728;
}  // namespace

std::string Setting::name() const {
    return (process ? "process" : durable ? "durable" : "core") + std::to_string(shards);
}

const Setting& current_setting() {
    return the_setting;
}

void set_current_setting(const Setting& setting) {
    the_setting = setting;
}

uint64_t seed() {
    const char* text = std::getenv("GODWIT_SEED");
    return text && *text ? std::strtoull(text, nullptr, 10) : kSeed;
}

std::optional<std::string> process_binary() {
    if (const char* path = std::getenv("GODWIT_BINARY"); path && *path) return path;
#ifdef GODWIT_BINARY
    if (::access(GODWIT_BINARY, X_OK) == 0) return GODWIT_BINARY;
#endif
    return std::nullopt;
}

}  // namespace godwit::world
