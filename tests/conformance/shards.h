// Words of the tests that run one rule with 1, 2 and 4 shards over many seeds. The seed decides
// where clients dial in, how their bytes are cut and how late mail between shards is; the script
// draws from it too. A failing run prints shards and seed.
#pragma once

#include "conformance/conformance.h"

#include "base/random.h"

namespace godwit::conformance {

inline constexpr uint64_t kRunsOfARule = 50;

/// One world, and what the script draws.
struct Trial {
    Trial(uint64_t with_seed, uint16_t shard_count, world::CoreOptions options)
        : world(with_seed,
                [&] {
                    options.shards = shard_count;
                    return options;
                }()),
          random(with_seed * 2 + 1) {}

    world::World world;
    Random random;

    size_t draw(size_t bound) { return random.below(bound); }
    bool chance(size_t percent) { return random.below(100) < percent; }
    std::string id_anywhere(std::string_view stem) {
        return world.id_on(uint16_t(draw(world.shard_count())), stem);
    }

    /// Lets the world go on for some turns and these clients answer what comes; mail and bytes may
    /// stay under way. `each_turn` looks at the broker between turns.
    template <class Look>
    void turns(size_t count, const std::vector<Client>& clients, Look&& each_turn) {
        world.core().run_until(
            [&] {
                each_turn();
                return count-- == 0;
            },
            [&] {
                bool any = false;
                for (Client client : clients) any |= client.state().absorb();
                return any;
            });
    }
    void turns(size_t count, const std::vector<Client>& clients) {
        turns(count, clients, [] {});
    }
};

/// Runs `script(run)` for every number of shards and seed, up to the first that fails.
template <class Script>
void for_all_runs(Script&& script, const world::CoreOptions& options = {}) {
    for (const uint16_t shards : {1, 2, 4}) {
        for (uint64_t i = 0; i < kRunsOfARule; ++i) {
            SCOPED_TRACE("shards " + std::to_string(shards) +
                         " GODWIT_SEED=" + std::to_string(seed() + i));
            Trial run(seed() + i, shards, options);
            script(run);
            if (::testing::Test::HasFailure()) return;
        }
    }
}

inline uint64_t number_of(const Publish& publish) {
    return std::stoull(publish.payload);
}

/// Payloads as numbers, in order of arrival.
inline std::vector<uint64_t> numbers(const std::vector<Publish>& publishes) {
    std::vector<uint64_t> all;
    for (const Publish& each : publishes) all.push_back(number_of(each));
    return all;
}

/// first, first + 1, .. last
inline std::vector<uint64_t> count_up(uint64_t first, uint64_t last) {
    std::vector<uint64_t> all;
    for (uint64_t i = first; i <= last; ++i) all.push_back(i);
    return all;
}

}  // namespace godwit::conformance
