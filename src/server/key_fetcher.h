// KeyFetcher: the key set that tokens are checked with, from a URL: at the start, from time to
// time, and when a token comes whose key nobody knows. That last kind is what strangers can cause,
// so it happens at most once in kDemandPause. What fails is logged and tried again after
// kDemandPause; the keys of before stay. One thread of its own.
#pragma once

#include "auth/token_keys.h"
#include "base/instant.h"
#include "os/log_writer.h"
#include "server/http_client.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace godwit::server {

struct KeySource {
    config::HttpUrl url;
    std::string name;    // of the URL, for the log
    std::string ca_pem;  // empty: the authorities of the system
    Duration refresh{};
};

class KeyFetcher {
public:
    static constexpr auto kDemandPause = std::chrono::seconds(10);
    static constexpr auto kPatience = std::chrono::seconds(5);
    static constexpr size_t kBytesMax = 256 * 1024;

    /// Fetches are numbered from 1. @param keys  null: it failed. Thread: the fetcher's
    using Done = std::function<void(uint64_t fetch, std::unique_ptr<const auth::TokenKeys> keys)>;

    /// @param log  outlives this
    KeyFetcher(KeySource source, os::LogWriter& log, Done done);
    ~KeyFetcher();
    KeyFetcher(const KeyFetcher&) = delete;
    KeyFetcher& operator=(const KeyFetcher&) = delete;

    /// Somebody needs a key that is not there. Thread: any
    /// @param seen  the last fetch that was told: what it brought is known
    /// @return      the fetch whose end is worth waiting for; 0: it is too early for another one
    uint64_t demand(uint64_t seen);
    /// The operator wants it. Thread: any
    void fetch_soon();

private:
    void run();
    std::unique_ptr<const auth::TokenKeys> fetch();
    HttpClient::Answer ask();

    const KeySource source_;
    os::LogWriter& log_;
    const Done done_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopping_ = false;
    bool wanted_ = false;
    uint64_t begun_ = 0;             // the number of the last fetch
    bool fetching_ = true;           // until what it brought was told
    HttpClient* current_ = nullptr;  // to stop it; null: none
    Instant demand_from_;            // no demand is heard before
    std::thread thread_;             // last: it uses all of the above
};

}  // namespace godwit::server
