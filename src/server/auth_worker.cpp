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

void AuthWorker::set_passwords(std::unique_ptr<const auth::PasswordFile> passwords) {
    const std::lock_guard lock(mutex_);
    passwords_ = std::move(passwords);
    known_.clear();
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
        request.connection, mqtt::ReasonCode::ServerBusy, {}, "too many logins wait"};
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
        crossing_.mailbox(job.shard).post(AuthAnswer{judge(job.request)});
    }
}

broker::Verdict AuthWorker::judge(const broker::AuthRequest& request) {
    if (!request.auth_method.empty())
        return {
            request.connection, mqtt::ReasonCode::BadAuthenticationMethod, {}, "no such mechanism"};
    if (is_right(request)) return {request.connection, mqtt::ReasonCode::Success, {}, {}};
    return {request.connection,
            mqtt::ReasonCode::BadUserNameOrPassword,
            {},
            "user " + request.username};
}

bool AuthWorker::is_right(const broker::AuthRequest& request) {
    const std::string print = digest(request.username, request.password, secret_);
    std::shared_ptr<const auth::PasswordFile> passwords;
    {
        const std::lock_guard lock(mutex_);
        const auto known = known_.find(request.username);
        if (known != known_.end() && known->second == print) return true;
        passwords = passwords_;
    }
    if (!passwords || !passwords->verify(request.username, request.password)) return false;
    const std::lock_guard lock(mutex_);
    if (passwords == passwords_) known_[request.username] = print;
    return true;
}

}  // namespace godwit::server
