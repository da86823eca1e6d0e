// Callers: the party of clients that connect, are accepted, leave, and connect anew, so many a
// second as the fleet's pace says: whether newcomers still come in, and how soon.
#pragma once

#include "bench/fleet.h"
#include "bench/identity.h"

namespace godwit::bench {

class Callers : public Party {
public:
    /// @param fleet  makes failed attempts again by itself: Fleet::insist()
    Callers(Fleet& fleet, const Identity& identity, uint32_t count);

    void start();
    /// Nobody connects anew; who is under way may end.
    void stop() { running_ = false; }
    /// Connections that were accepted.
    uint64_t accepted() const { return accepted_; }
    bool all_gone() const { return busy_count_ == 0; }

    void greet(const Client& client, Buffer& out) override;
    void on_open(Client& client, Instant now) override;
    void on_gone(Client& client, Instant now) override;

private:
    struct State {
        Client* client = nullptr;
        bool accepted = false;
    };
    void call(Client& client);

    Fleet& fleet_;
    const Identity& identity_;
    std::vector<State> states_;
    bool running_ = false;
    size_t busy_count_ = 0;  // that connect, are connected or leave
    uint64_t accepted_ = 0;
};

}  // namespace godwit::bench
