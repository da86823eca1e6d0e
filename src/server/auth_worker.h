// AuthWorker: says who clients are, off the shards' threads, since a slow hash is slow on purpose.
// Authenticators in a fixed order; each accepts, refuses, or passes on what is none of its own:
//   0. an authentication method (MQTT 5.0): SCRAM-SHA-256 with the password file, and nothing else
//   1. a password that looks like a token, if tokens are taken: its signature and claims
//   2. the password file, for users who are in it
//   3. the call-out, where there is one
// What nobody accepts is refused. A token whose key is not known waits for the key fetcher, where
// there is one, and is judged once more. Who shows no password at all never comes here: whether
// anonymous clients may connect is the listener's. A bounded queue: what finds it full is told to
// come again (ServerBusy).
#pragma once

#include "auth/password_file.h"
#include "base/hash.h"
#include "broker/effects.h"
#include "server/callout.h"
#include "server/credentials.h"
#include "server/crossing.h"
#include "server/key_fetcher.h"
#include "server/scram_logins.h"

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace godwit::server {

class AuthWorker {
public:
    static constexpr size_t kQueueMax = 10'000;
    static constexpr size_t kThreads = 2;

    /// @param key  for what SCRAM says of users who are not there (ScramLogins)
    AuthWorker(Crossing& crossing, const HashKey& key);
    ~AuthWorker();
    AuthWorker(const AuthWorker&) = delete;
    AuthWorker& operator=(const AuthWorker&) = delete;

    /// The users from now on; also forgets which passwords were right. Every verdict that is
    /// posted after it is of the new users.
    /// @return  the users that are gone or have another password; sorted
    std::vector<std::string> set_passwords(std::unique_ptr<const auth::PasswordFile> passwords);
    /// What tokens are judged by from now on; null: none is taken. Likewise for verdicts.
    void set_tokens(std::unique_ptr<const TokenLogins> tokens);
    /// Keys for tokens come from there too, from now on, besides those of set_tokens(). At most
    /// once.
    /// @param log  outlives this
    void start_fetching(KeySource source, os::LogWriter& log);
    /// What the URL says now, meanwhile. Nothing without start_fetching().
    void fetch_soon();
    /// Whom none of the others knows is asked about there, from now on. At most once.
    /// @param names  outlives this
    void start_callout(CalloutSource source, const broker::BrokerOptions& names);
    /// nullptr without start_callout(). Thread: any, after it
    Callout* callout() const { return callout_.get(); }
    /// The verdict goes to the shard's mailbox. Thread: any
    void ask(ShardId shard, broker::AuthRequest request, LoginPeer peer = {});

private:
    struct Job {
        ShardId shard;
        broker::AuthRequest request;
        LoginPeer peer;
        uint64_t fetch = 0;  // of keys, that it has waited for or does; 0: none
    };
    using Users = std::shared_ptr<const auth::PasswordFile>;
    using Tokens = std::shared_ptr<const TokenLogins>;
    /// What one verdict is made by.
    struct Authenticators {
        Users passwords;
        Tokens tokens;
        friend bool operator==(const Authenticators&, const Authenticators&) = default;
    };
    struct Judged {
        broker::Verdict verdict;
        bool lacks_key = false;   // another key set may change it
        bool is_unknown = false;  // the call-out may know it
    };
    void work();
    void answer(Job job);
    bool waits_for_keys(Job& job);
    void ask_callout(Job job);
    void take_callout(Job& job, const Callout::Answer& answer);
    void take_keys(uint64_t fetch, std::unique_ptr<const auth::TokenKeys> keys);
    void join_tokens();
    Judged judge(const broker::AuthRequest& request, const Authenticators& by);
    bool is_right(const std::string& user, const std::string& password, const Users& users);

    Crossing& crossing_;
    const HashKey secret_;  // for known_: nobody outside can foresee it
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Job> jobs_;
    bool stopping_ = false;
    Authenticators current_;
    Tokens of_files_;                                 // what current_.tokens is made of, and
    std::unique_ptr<const auth::TokenKeys> fetched_;  // null: nothing yet
    uint64_t last_fetch_ = 0;
    ScramLogins scram_;
    std::vector<Job> waiting_;  // for keys
    std::unordered_map<std::string, std::string>
        known_;  // user -> keyed digest of the password that was right
    const broker::BrokerOptions* names_ = nullptr;
    std::vector<std::thread> threads_;     // these three last: they use all of the above
    std::unique_ptr<KeyFetcher> fetcher_;  // null: keys are in files alone
    std::unique_ptr<Callout> callout_;     // null: nobody else is asked
};

}  // namespace godwit::server
