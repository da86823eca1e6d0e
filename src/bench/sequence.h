// SequenceTracker: what came of one numbered stream of messages, 0, 1, 2 ..., at one receiver:
// lost, twice, out of order.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace godwit::bench {

/// What an arrival means.
struct Arrival {
    enum class Kind : uint8_t {
        New,    // younger than all before
        Late,   // was skipped before: out of order
        Again,  // was here already
    };
    Kind kind = Kind::New;
    uint64_t skipped = 0;  // New: how many before it have not come (yet)
};

/// 16 bytes while nothing is missing.
class SequenceTracker {
public:
    /// The gaps remembered of one stream; older ones are forgotten: what was missing there stays
    /// lost, and if it comes after all it counts as Again.
    static constexpr size_t kGapsMax = 1024;

    /// @cost constant in order; one search over the gaps else
    Arrival take(uint64_t sequence);

    /// One more than the youngest that came: 0 before the first.
    uint64_t next() const { return next_; }

private:
    struct Gap {
        uint64_t begin, end;  // missing: begin .. end - 1
    };
    bool fill(uint64_t sequence);

    uint64_t next_ = 0;
    std::unique_ptr<std::vector<Gap>> gaps_;  // ascending
};

}  // namespace godwit::bench
