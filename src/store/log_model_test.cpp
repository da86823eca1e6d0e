// Random owners on faulty disks: what is there after a crash is what was there at some commit, none
// older than the last one reported durable.
#include <gtest/gtest.h>

#include "store/test_store.h"

namespace godwit::store {
namespace {

using testing::FaultyDisk;

constexpr uint32_t kObjects = 24;

struct Mood {
    uint32_t large = 0;   // chance in 100 of a large object
    bool crashes = true;  // while the disk works
    bool faults = false;
};

class Model {
public:
    Model(uint64_t seed, Mood mood)
        : random_(seed), mood_(mood), disk_(seed), owner_(disk_, options(seed)) {}

    void run(int rounds, int steps) {
        open_and_compare();
        for (int round = 0; round < rounds && !::testing::Test::HasFatalFailure(); ++round) {
            set_faults(mood_.faults);
            if (mood_.crashes && random_.below(2)) disk_.changes_left = random_.below(60);
            for (int i = 0; i < steps; ++i) step();
            crash();
            open_and_compare();
        }
    }

private:
    static Options options(uint64_t seed) {
        Options out;
        out.segment_bytes = Options::kSegmentBytesMin;
        out.salt = uint32_t(seed);
        if (seed % 2) out.past_cache_min = 2048;
        return out;
    }

    void set_faults(bool on) {
        disk_.write_failures = on ? uint32_t(random_.below(100)) : 0;
        disk_.sync_failures = on ? uint32_t(random_.below(100)) : 0;
        disk_.name_failures = on ? uint32_t(random_.below(60)) : 0;
    }

    std::string text() {
        const bool large = random_.below(100) < mood_.large;
        const uint64_t bytes = random_.below(large ? 20'000 : 200);
        // Once in a while more than a segment holds.
        const bool huge = large && random_.below(50) == 0;
        return std::string(huge ? Options::kSegmentBytesMin + bytes : bytes,
                           char('a' + random_.below(26)));
    }

    void step() {
        const auto id = uint32_t(1 + random_.below(kObjects));
        const bool lives = owner_.log().holds({id});
        owner_.now += std::chrono::milliseconds(random_.below(20));
        switch (random_.below(12)) {
            case 0:
            case 1:
            case 2:
                return owner_.put(id, text());
            case 3:
                return lives ? owner_.note(id, text().substr(0, 300)) : void();
            case 4:
                return lives ? owner_.erase(id) : void();
            case 5:
            case 6:
                return commit();
            case 7:
            case 8:
                return owner_.perform_all();
            case 9:
                owner_.answer_one();
                return;
            case 10:
                return lives ? request(id) : void();
            case 11:
                return owner_.move(1 + random_.below(20'000));
        }
    }

    void commit() {
        if (owner_.commit() >= states_.size()) states_.push_back(owner_.objects);
        ASSERT_LT(owner_.log().durable(), states_.size());
    }

    void request(uint32_t id) {
        owner_.log().request({id});
        while (auto loaded = owner_.log().next_loaded()) {
            ASSERT_TRUE(owner_.objects.contains(loaded->id.value));
            ASSERT_FALSE(loaded->gone) << loaded->why;
            ASSERT_EQ(as_text(loaded->bytes), owner_.bases[loaded->id.value]);
        }
    }

    void crash() {
        durable_ = owner_.log().durable();
        owner_.forget_log();
        if (random_.below(3) > 0) disk_.power_loss(random_);
        disk_.changes_left.reset();
        set_faults(false);
    }

    void open_and_compare() {
        owner_.open();
        ASSERT_FALSE(::testing::Test::HasFatalFailure());
        ASSERT_TRUE(owner_.damage().empty()) << owner_.damage().front().what;
        bool found = states_.empty() && owner_.objects.empty();
        for (uint64_t ticket = durable_; ticket < states_.size(); ++ticket)
            found = found || states_[ticket] == owner_.objects;
        ASSERT_TRUE(found) << "durable " << durable_ << " of " << states_.size();
        states_ = {owner_.objects};
        durable_ = 0;
    }

    Random random_;
    Mood mood_;
    FaultyDisk disk_;
    Owner owner_;
    std::vector<std::map<uint32_t, std::string>> states_;  // by ticket
    uint64_t durable_ = 0;
};

void run_seeds(uint64_t first, uint64_t count, Mood mood) {
    for (uint64_t seed = first; seed < first + count; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Model(seed, mood).run(5, 150);
        ASSERT_FALSE(::testing::Test::HasFailure());
    }
}

TEST(LogModel, HoldsAfterACrashWhatACommitWrote) {
    run_seeds(1, 40, {.large = 0});
}

TEST(LogModel, HoldsItAcrossManySegments) {
    run_seeds(1001, 40, {.large = 60});
}

TEST(LogModel, HoldsItOnADiskThatFailsNowAndThen) {
    run_seeds(2001, 40, {.large = 30, .crashes = false, .faults = true});
}

TEST(LogModel, HoldsItOnADiskThatFailsBeforeTheCrash) {
    run_seeds(3001, 40, {.large = 60, .crashes = true, .faults = true});
}

}  // namespace
}  // namespace godwit::store
