// Faults: what went wrong in a run, counted by kind, and in words as often as it helps.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace godwit::bench {

enum class Fault : uint8_t {
    NoConnection,  // nobody there, or no way to get there
    Refused,       // CONNACK said no
    Lost,          // a connection ended by itself
    Denied,        // a SUBSCRIBE or PUBLISH was answered with an error
    Protocol,      // the broker sent what it may not
    Timeout,       // what had to come did not come in time
};
inline constexpr size_t kFaultKinds = 6;

class Faults {
public:
    /// Different sentences kept; further ones are only counted.
    static constexpr size_t kSentencesMax = 8;

    void add(Fault kind, std::string sentence);
    /// Those of another thread.
    void add(const Faults& others);

    bool any() const;
    uint64_t count(Fault kind) const { return counts_[size_t(kind)]; }
    /// No connection could be made: nothing can be measured.
    bool is_hopeless() const { return count(Fault::NoConnection) + count(Fault::Refused) > 0; }
    /// Each with how often it was added, the first first.
    const std::vector<std::pair<std::string, uint64_t>>& sentences() const { return sentences_; }

private:
    void note(std::string sentence, uint64_t more);

    std::array<uint64_t, kFaultKinds> counts_{};
    std::vector<std::pair<std::string, uint64_t>> sentences_;
};

}  // namespace godwit::bench
