#include "auth/profiles.h"

namespace godwit::auth {

Profiles::Profiles(const Policy& policy) : policy_(&policy) {
    all_.push_back(&known_.emplace(Rules{}, ProfileId{}).first->first);
}

ProfileId Profiles::of(const Subject& subject) {
    const auto [at, is_new] =
        known_.emplace(policy_->rules_about(subject), ProfileId{uint32_t(all_.size())});
    if (is_new) all_.push_back(&at->first);
    return at->second;
}

}  // namespace godwit::auth
