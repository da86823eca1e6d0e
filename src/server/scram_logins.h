// ScramLogins: the SCRAM exchanges under way, between the challenge and the answer. Bounded: beyond
// kLoginsMax who begins is told to come again, and an exchange that is not ended in time is
// forgotten. Every step costs some hashes: the slow one is the client's.
#pragma once

#include "auth/password_file.h"
#include "auth/scram.h"
#include "base/hash.h"
#include "broker/effects.h"
#include "broker/input.h"

#include <deque>
#include <map>
#include <tuple>

namespace godwit::server {

class ScramLogins {
public:
    static constexpr size_t kLoginsMax = 10'000;
    static constexpr auto kPatience = std::chrono::seconds(60);

    /// @param key  for users who are not there; the same after a restart where it can be
    explicit ScramLogins(const HashKey& key) : key_(key) {}

    /// One message of the client: the first of an exchange, or the one that ends it.
    /// @param users  null: nobody is there
    broker::Verdict step(ShardId shard, const broker::AuthRequest& request,
                         const auth::PasswordFile* users, Instant now);
    /// Other users: who is at it begins anew.
    void clear();
    size_t size() const { return logins_.size(); }

private:
    using Key = std::tuple<uint16_t, uint32_t, uint32_t>;  // shard, slot, generation
    struct Login {
        auth::ScramLogin scram;
        bool is_there;
        Instant begun;
    };
    broker::Verdict begin(const Key& key, const broker::AuthRequest& request,
                          const auth::PasswordFile* users, Instant now);
    static broker::Verdict finish(const Login& login, const broker::AuthRequest& request);
    void forget_old(Instant now);

    HashKey key_;
    std::map<Key, Login> logins_;
    std::deque<std::pair<Instant, Key>> order_;  // of begins; some have ended
};

}  // namespace godwit::server
