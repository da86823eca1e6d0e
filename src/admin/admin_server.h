// AdminServer: HTTP for people and tools, in a thread of its own: /metrics for Prometheus,
// /healthz. Loopback by default.
#pragma once

#include "admin/broker_stats.h"
#include "base/result.h"

#include <functional>
#include <memory>
#include <string>

namespace godwit::admin {

class AdminServer {
public:
    /// Listens and serves until it is destroyed.
    /// @param stats  called from the server's thread
    /// @errors       a sentence: which address, and why not
    static Result<std::unique_ptr<AdminServer>, std::string> start(
        const std::string& host, uint16_t port, std::function<BrokerStats()> stats);
    ~AdminServer();
    /// "http://127.0.0.1:8080", with the real port.
    std::string url() const;

private:
    struct Impl;
    explicit AdminServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace godwit::admin
