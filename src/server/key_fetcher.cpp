#include "server/key_fetcher.h"

#include "os/clock.h"
#include "os/thread.h"

namespace godwit::server {

KeyFetcher::KeyFetcher(KeySource source, os::LogWriter& log, Done done)
    : source_(std::move(source)), log_(log), done_(std::move(done)) {
    begun_ = 1;  // whoever asks before the thread runs waits for its first fetch
    thread_ = std::thread([this] { run(); });
}

KeyFetcher::~KeyFetcher() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        if (current_) current_->stop();
    }
    wake_.notify_all();
    thread_.join();
}

uint64_t KeyFetcher::demand(uint64_t seen) {
    const std::lock_guard lock(mutex_);
    if (fetching_ && begun_ > seen) return begun_;
    if (wanted_) return begun_ + 1;
    const Instant now = os::monotonic_now();
    if (now < demand_from_) return 0;
    demand_from_ = now + kDemandPause;
    wanted_ = true;
    wake_.notify_all();
    return begun_ + 1;
}

void KeyFetcher::fetch_soon() {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
    wake_.notify_all();
}

void KeyFetcher::run() {
    os::name_this_thread("godwit-keys");
    for (;;) {
        auto keys = fetch();
        const bool good = keys != nullptr;
        done_(begun_, std::move(keys));
        const Duration pause = good ? source_.refresh : Duration(kDemandPause);
        std::unique_lock lock(mutex_);
        fetching_ = false;
        wake_.wait_for(lock, pause, [this] { return stopping_ || wanted_; });
        if (stopping_) return;
        wanted_ = false;
        fetching_ = true;
        ++begun_;
    }
}

HttpClient::Answer KeyFetcher::ask() {
    HttpClient::Answer out = Err{std::string("the broker stops")};
    HttpClient client({.url = source_.url,
                       .ca_pem = source_.ca_pem,
                       .patience = kPatience,
                       .answer_bytes_max = kBytesMax});
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return out;
        current_ = &client;
    }
    client.ask({.deadline = os::monotonic_now() + kPatience}, [&](HttpClient::Answer answer) {
        out = std::move(answer);
        client.stop();
    });
    client.run();
    const std::lock_guard lock(mutex_);
    current_ = nullptr;
    return out;
}

/// @return  null: it failed, and the log says why
std::unique_ptr<const auth::TokenKeys> KeyFetcher::fetch() {
    const auto text = ask();
    {
        const std::lock_guard lock(mutex_);
        if (stopping_) return nullptr;
    }
    auto keys = text ? auth::TokenKeys::parse_public(text->body)
                     : Result<auth::TokenKeys, std::string>(Err{text.error()});
    if (!keys) {
        log_.log(LogLine(LogLevel::Error, "keys_failed")
                     .add("url", source_.name)
                     .add("detail", keys.error() + "; the old stay"));
        return nullptr;
    }
    log_.log(LogLine(LogLevel::Debug, "keys_fetched")
                 .add("url", source_.name)
                 .add("keys", keys->size()));
    return std::make_unique<const auth::TokenKeys>(*std::move(keys));
}

}  // namespace godwit::server
