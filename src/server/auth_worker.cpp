#include "server/auth_worker.h"

#include "os/entropy.h"
#include "os/thread.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace godwit::server {

namespace {

/// HMAC-SHA256 under a key of this process: says only whether two passwords are the same.
std::string digest(const std::string& user, const std::string& password, const HashKey& secret) {
    const std::string text = std::to_string(user.size()) + ":" + user + password;
    uint8_t out[EVP_MAX_MD_SIZE];
    unsigned int bytes = 0;
    HMAC(EVP_sha256(), &secret, sizeof secret, as_bytes(text).data(), text.size(), out, &bytes);
    return std::string(as_text({out, bytes}));
}

}  // namespace

AuthWorker::AuthWorker(Crossing& crossing) : crossing_(crossing), secret_(os::random_hash_key()) {
    for (size_t i = 0; i < kThreads; ++i) threads_.emplace_back([this] { work(); });
}

AuthWorker::~AuthWorker() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

std::vector<std::string> AuthWorker::set_passwords(
    std::unique_ptr<const auth::PasswordFile> passwords) {
    Users before;
    const Users next = std::move(passwords);
    {
        const std::lock_guard lock(mutex_);
        before = std::exchange(passwords_, next);
        known_.clear();
    }
    return before ? next->changed_since(*before) : std::vector<std::string>();
}

void AuthWorker::ask(ShardId shard, broker::AuthRequest request) {
    {
        const std::lock_guard lock(mutex_);
        if (jobs_.size() < kQueueMax) {
            jobs_.push_back({shard, std::move(request)});
            wake_.notify_one();
            return;
        }
    }
    const broker::Verdict busy{
        request.connection, mqtt::ReasonCode::ServerBusy, {}, "too many logins wait", {}};
    crossing_.mailbox(shard).post(AuthAnswer{busy});
}

void AuthWorker::work() {
    os::name_this_thread("godwit-auth");
    for (;;) {
        Job job;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
            if (stopping_) return;
            job = std::move(jobs_.front());
            jobs_.pop_front();
        }
        answer(job);
    }
}

/// Judges again if the users change meanwhile, and posts under the lock: whoever replaces the users
/// may rely on it that no verdict about the old ones comes later.
void AuthWorker::answer(const Job& job) {
    std::unique_lock lock(mutex_);
    for (;;) {
        const Users users = passwords_;
        lock.unlock();
        broker::Verdict verdict = judge(job.request, users);
        lock.lock();
        if (users != passwords_) continue;
        return crossing_.mailbox(job.shard).post(AuthAnswer{std::move(verdict)});
    }
}

broker::Verdict AuthWorker::judge(const broker::AuthRequest& request, const Users& users) {
    if (!request.auth_method.empty())
        return {request.connection,
                mqtt::ReasonCode::BadAuthenticationMethod,
                {},
                "no such mechanism",
                {}};
    if (is_right(request, users))
        return {request.connection, mqtt::ReasonCode::Success, {}, {}, {}};
    return {request.connection,
            mqtt::ReasonCode::BadUserNameOrPassword,
            {},
            "user " + request.username,
            {}};
}

bool AuthWorker::is_right(const broker::AuthRequest& request, const Users& users) {
    const std::string print = digest(request.username, request.password, secret_);
    {
        const std::lock_guard lock(mutex_);
        const auto known = known_.find(request.username);
        if (users == passwords_ && known != known_.end() && known->second == print) return true;
    }
    if (!users || !users->verify(request.username, request.password)) return false;
    const std::lock_guard lock(mutex_);
    if (users == passwords_) known_[request.username] = print;
    return true;
}

}  // namespace godwit::server
