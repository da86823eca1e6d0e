// Profiles: which rules of a policy are about which client. Clients with the same rules share one
// profile, so an idle session keeps four bytes. Thread: its shard's.
#pragma once

#include "auth/policy.h"

#include <map>
#include <vector>

namespace godwit::auth {

/// Valid for the Profiles that gave it. The one of value 0 is of nobody and allows nothing.
struct ProfileId {
    uint32_t value = 0;
    friend bool operator==(const ProfileId&, const ProfileId&) = default;
};

class Profiles {
public:
    /// @param policy  outlives it
    explicit Profiles(const Policy& policy);
    Profiles(const Profiles&) = delete;  // all_ points into known_
    Profiles& operator=(const Profiles&) = delete;

    /// @cost  as Policy::rules_about, and a search among the profiles
    ProfileId of(const Subject& subject);
    /// @param subject  one for whom of() said `profile`, with the same values
    Decision decide(ProfileId profile, const Subject& subject, const Request& request) const {
        return policy_->decide(*all_[profile.value], subject, request);
    }
    const Policy& policy() const { return *policy_; }
    size_t size() const { return all_.size(); }

private:
    using Rules = std::vector<uint32_t>;
    const Policy* policy_;
    std::map<Rules, ProfileId> known_;
    std::vector<const Rules*> all_;  // into known_
};

}  // namespace godwit::auth
