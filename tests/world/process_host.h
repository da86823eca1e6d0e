// ProcessHost: the real program as a child process, dialled over TCP on a port that it chose.
#pragma once

#include "world/host.h"

#include <sys/types.h>
#include <string>
#include <vector>

namespace godwit::world {

class SocketLink;

class ProcessHost : public Host {
public:
    /// Starts `binary serve` with two shards and waits for its `godwit ready` line.
    explicit ProcessHost(const std::string& binary, uint16_t shards);
    /// Ends it with SIGTERM and expects exit status 0.
    ~ProcessHost() override;

    std::unique_ptr<Link> dial(uint16_t listener) override;
    void run_until(const std::function<bool()>& done, const Absorb& absorb) override;
    bool is_core() const override { return false; }

private:
    friend class SocketLink;
    std::string read_ready_line();
    bool poll_links(int timeout_ms);

    pid_t child_ = -1;
    int out_ = -1;  // its standard output
    uint16_t port_ = 0;
    std::vector<SocketLink*> links_;
};

}  // namespace godwit::world
