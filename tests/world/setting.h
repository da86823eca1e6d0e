// Setting: which broker the running test is about. A conformance test runs once for each setting;
// its body makes worlds without knowing which.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace godwit::world {

struct Setting {
    bool process = false;  // the real process over TCP, else the core alone
    uint16_t shards = 2;
    bool durable = false;  // of a core: with a disk for each shard

    std::string name() const;  // "core2", "durable2", "process2"
};

/// The setting of the test that runs; {core, 2 shards} outside of one.
const Setting& current_setting();
void set_current_setting(const Setting& setting);

/// From GODWIT_SEED, else fixed. A failing test prints it.
uint64_t seed();

/// The program under test: GODWIT_BINARY from the environment, else the one this build made;
/// nullopt where there is none.
std::optional<std::string> process_binary();

}  // namespace godwit::world
