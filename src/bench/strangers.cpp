#include "bench/strangers.h"

#include "os/entropy.h"
#include "os/socket.h"

#include <fmt/format.h>

#include <cerrno>

namespace godwit::bench {

namespace {

constexpr size_t kBatch = 256;
constexpr size_t kGarbageBytes = 64;

std::vector<os::SocketAddress> addresses(uint32_t count) {
    std::vector<os::SocketAddress> out;
    for (uint32_t i = 0; i < count; ++i)
        out.push_back(*os::parse_address(fmt::format("127.2.{}.{}:0", i / 250, i % 250 + 1)));
    return out;
}

Buffer random_bytes(size_t count) {
    Buffer bytes(count);
    os::fill_random(bytes);
    return bytes;
}

/// A record of 512 bytes is announced, and a hundred of its ClientHello come.
Buffer half_client_hello() {
    Buffer hello = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03};
    put_bytes(hello, random_bytes(100));
    return hello;
}

Buffer half_connect(const Identity& identity) {
    Buffer connect;
    put_connect(connect, identity, {.role = 'x'});
    connect.resize(connect.size() / 2);
    return connect;
}

}  // namespace

Strangers::Strangers(const StrangersPlan& plan, Instant begin)
    : plan_(plan),
      schedule_(begin, plan.per_second),
      addresses_(addresses(plan.addresses)),
      words_{Buffer(), random_bytes(kGarbageBytes), half_client_hello(),
             half_connect(plan.identity)} {
    words_[1][0] = 'x';  // no packet that MQTT begins with
}

bool Strangers::turn(Instant now) {
    while (!held_.empty() && held_.front().since + plan_.hold <= now) end_oldest();
    const uint64_t due = schedule_.due_by(now);
    for (size_t i = 0; i < kBatch; ++i) {
        if (tally_.attempts + tally_.failed >= due) return false;
        begin(now);
    }
    return true;
}

void Strangers::begin(Instant now) {
    if (held_.size() >= plan_.open_max) end_oldest();
    const uint64_t number = tally_.attempts + tally_.failed;
    auto fd = os::connect_tcp(plan_.target, &addresses_[number % addresses_.size()]);
    if (!fd) {
        // A refusal is an answer to an attempt; all else is our own want.
        const bool is_answer = fd.error().code == ECONNREFUSED;
        tally_.attempts += is_answer;
        tally_.turned_away += is_answer;
        tally_.failed += !is_answer;
        return;
    }
    ++tally_.attempts;
    os::reset_on_close(fd->get());
    // On loopback the connection is there at once, or the kernel had no place for it.
    const Bytes words = words_[number / addresses_.size() % kKinds];
    Held held{.fd = std::move(*fd), .since = now};
    if (!words.empty()) {
        const auto sent = os::write_some(held.fd.get(), {&words, 1});
        held.has_spoken = sent.has_value();
        held.has_ended = !sent && sent.error().kind != os::StreamError::Kind::WouldBlock;
    }
    held_.push_back(std::move(held));
}

void Strangers::end_oldest() {
    const Held oldest = std::move(held_.front());
    held_.pop_front();
    const int fd = oldest.fd.get();
    if (oldest.has_ended) {
        ++tally_.turned_away;
        return;
    }
    if (!oldest.has_spoken && !os::peer_address(fd)) {
        // It never was a connection, or is none any more.
        ++(os::socket_error(fd) ? tally_.unanswered : tally_.turned_away);
        return;
    }
    std::array<uint8_t, 512> room;
    for (;;) {
        const auto got = os::receive_some(fd, room);
        if (got) continue;  // a last word
        tally_.turned_away += got.error().kind != os::StreamError::Kind::WouldBlock;
        return;
    }
}

void Strangers::end_all() {
    while (!held_.empty()) end_oldest();
}

}  // namespace godwit::bench
