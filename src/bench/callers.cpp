#include "bench/callers.h"

#include <utility>

namespace godwit::bench {

Callers::Callers(Fleet& fleet, const Identity& identity, uint32_t count)
    : fleet_(fleet), identity_(identity) {
    for (uint32_t i = 0; i < count; ++i) states_.push_back({&fleet.add(*this, i)});
}

void Callers::start() {
    running_ = true;
    for (const State& state : states_) call(*state.client);
}

void Callers::call(Client& client) {
    ++busy_count_;
    fleet_.connect(client);
}

void Callers::greet(const Client& client, Buffer& out) {
    put_connect(out, identity_, {.role = 'c', .number = client.number});
}

void Callers::on_open(Client& client, Instant) {
    ++accepted_;
    states_[client.number].accepted = true;
    fleet_.leave(client);
}

void Callers::on_gone(Client& client, Instant) {
    State& state = states_[client.number];
    if (!std::exchange(state.accepted, false)) return;  // an attempt that is made again
    --busy_count_;
    if (running_) call(client);
}

}  // namespace godwit::bench
