// Callout: asks an HTTP server who somebody is. One thread and as many connections as questions may
// be under way; the rest waits in order. Equal questions that are under way are asked once. Nobody
// waits longer than the server's patience, from ask() on; whoever joins a question that is under
// way is told with it. What is not wholly understood is a failure, never a yes.
#pragma once

#include "admin/broker_stats.h"
#include "base/hash.h"
#include "broker/effects.h"
#include "broker/input.h"
#include "broker/options.h"
#include "server/callout_cache.h"
#include "server/http_client.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace godwit::server {

struct CalloutSource {
    HttpServer server;
    size_t in_flight_max = 64;  // questions that the server has at a time
    Duration cache{};           // the longest that an answer is used again; 0: never
    std::string token;          // that the broker shows; empty: none
};

class Callout {
public:
    static constexpr size_t kWaitingMax = 10'000;

    /// What it said, or half a sentence for the log.
    using Answer = Result<CalloutReply, std::string>;
    using Done = std::function<void(const Answer&)>;

    explicit Callout(CalloutSource source);
    /// Whoever waits is told nothing more.
    ~Callout();
    Callout(const Callout&) = delete;
    Callout& operator=(const Callout&) = delete;

    /// Calls `done` once, on this object's thread. Thread: any
    /// @param question  all that is sent, and what makes it equal to another
    /// @return          false: too many wait, and `done` is not called
    bool ask(std::string question, Done done);
    /// Nothing that was said before is used any more, nor what is under way for who asks from now
    /// on. Thread: any
    void forget();
    /// What is shown from now on. Thread: any
    void set_token(std::string token);
    /// Thread: any
    admin::CalloutStats counts() const;

private:
    struct Asked {
        std::string question;
        Instant deadline;
        std::vector<Done> askers;
    };
    using Digest = std::string;
    void take(std::string question, Instant deadline, Done done);
    void ask_next();
    void send(const Digest& digest, Asked& asked);
    void on_answer(const Digest& digest, const HttpClient::Answer& answer);
    void end(const Digest& digest, const Answer& answer);
    void tell(const Answer& answer, const Done& done);
    void keep(const Digest& digest, const CalloutReply& reply, const auth::CalloutAnswer& said);

    const CalloutSource source_;
    HashKey secret_;  // of digests: a new one makes all that was before another question
    std::string token_;
    HttpClient client_;
    std::unordered_map<Digest, Asked> under_way_;
    std::deque<Digest> turns_;  // of those that are not asked yet
    CalloutCache cache_;
    std::atomic<size_t> waiting_{0};  // who asked and was not told
    struct {
        std::atomic<uint64_t> asked{0}, allowed{0}, denied{0}, passed{0}, failed{0}, cached{0},
            in_flight{0};
    } counts_;
    std::thread thread_;  // last: it uses all of the above
};

/// What is known of the connection that a login comes over.
struct LoginPeer {
    std::string address;                                // without a port
    std::string server_name;                            // that it asked TLS for; empty: none
    std::string certificate_name, certificate_subject;  // empty: it showed none
};

/// @param names  of listeners and realms
std::string callout_question(const broker::AuthRequest& request, const LoginPeer& peer,
                             const broker::BrokerOptions& names);
/// What follows from the answer. Who is passed on is known to nobody.
broker::Verdict callout_verdict(const broker::AuthRequest& request, const Callout::Answer& answer);

}  // namespace godwit::server
