// AuthWorker: checks passwords off the shards' threads, since a slow hash is slow on purpose. A
// bounded queue: what finds it full is told to come again (ServerBusy).
#pragma once

#include "auth/password_file.h"
#include "base/hash.h"
#include "broker/effects.h"
#include "server/crossing.h"

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

    explicit AuthWorker(Crossing& crossing);
    ~AuthWorker();
    AuthWorker(const AuthWorker&) = delete;
    AuthWorker& operator=(const AuthWorker&) = delete;

    /// The users from now on; also forgets which passwords were right. Every verdict that is
    /// posted after it is of the new users.
    /// @return  the users that are gone or have another password; sorted
    std::vector<std::string> set_passwords(std::unique_ptr<const auth::PasswordFile> passwords);
    /// The verdict goes to the shard's mailbox. Thread: any
    void ask(ShardId shard, broker::AuthRequest request);

private:
    struct Job {
        ShardId shard;
        broker::AuthRequest request;
    };
    using Users = std::shared_ptr<const auth::PasswordFile>;
    void work();
    void answer(const Job& job);
    broker::Verdict judge(const broker::AuthRequest& request, const Users& users);
    bool is_right(const broker::AuthRequest& request, const Users& users);

    Crossing& crossing_;
    const HashKey secret_;  // for known_: nobody outside can foresee it
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Job> jobs_;
    bool stopping_ = false;
    Users passwords_;
    std::unordered_map<std::string, std::string>
        known_;                         // user -> keyed digest of the password that was right
    std::vector<std::thread> threads_;  // last: they use all of the above
};

}  // namespace godwit::server
