// AdminServer: HTTP for people and tools, in a thread of its own: /metrics for Prometheus,
// /healthz, /api/clients/ID for one session, /api/clients/ID/events for what happened to it,
// /api/explain for what it may do, /api/realms for what each realm holds. Loopback by default.
#pragma once

#include "admin/broker_stats.h"
#include "admin/target.h"
#include "base/result.h"
#include "broker/session_report.h"

#include <functional>
#include <memory>
#include <string>

namespace godwit::admin {

struct AuditedRequest {
    std::string method, path;  // without the query
    std::string address;       // of who asked
    unsigned status = 0;       // of the answer
};

/// Where the server's answers come from. Called from its thread.
struct AdminSources {
    enum class Fault : uint8_t {
        Unknown,   // no such realm, or no such session in it
        NoAnswer,  // its shard is too busy to say
    };
    std::function<BrokerStats()> stats;
    std::function<Result<broker::SessionReport, Fault>(const std::string& realm,
                                                       const std::string& client_id)>
        session;
    struct Answer {
        unsigned status = 200;
        std::string body;
        bool is_json = false;
    };
    /// What may a client do, and why: /api/explain?client=ID&action=publish&topic=T...
    std::function<Answer(const Target&)> explain;
    /// What happened to a client: /api/clients/ID/events.
    std::function<Answer(const std::string& client_id, const Target&)> events;
    /// Is told of each request that carries a wrong token or none, or would change something.
    /// Empty: nobody is.
    std::function<void(const AuditedRequest&)> audit;
};

class AdminServer {
public:
    /// Listens and serves until it is destroyed.
    /// @param token  requests must carry it, all but those for /healthz; empty: none is needed
    /// @errors  a sentence: which address, and why not
    static Result<std::unique_ptr<AdminServer>, std::string> start(const std::string& host,
                                                                   uint16_t port,
                                                                   AdminSources sources,
                                                                   std::string token = "");
    ~AdminServer();
    /// From the next request on. Thread: any
    void set_token(std::string token);
    /// "http://127.0.0.1:8080", with the real port.
    std::string url() const;

private:
    struct Impl;
    explicit AdminServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::admin
