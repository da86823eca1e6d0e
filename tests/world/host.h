// Host: a broker under test, as the scripted clients see it: something to dial, and a way to know
// that everything sent so far has had its effect. Two kinds: the core alone, driven turn by turn
// from a seed (core_host.h), and the real process over TCP (process_host.h).
#pragma once

#include "base/bytes.h"

#include <functional>
#include <memory>

namespace godwit::world {

/// A client's end of one connection. Bytes in order, nothing else.
class Link {
public:
    virtual ~Link() = default;
    /// Takes the bytes; they reach the broker when the host runs.
    virtual void send(Bytes bytes) = 0;
    /// Closes without a word. What the broker sends afterwards is lost.
    virtual void cut() = 0;
    /// Bytes of the broker that have arrived since the last call.
    virtual Buffer take() = 0;
    /// The broker closed it, and take() has nothing more to give.
    virtual bool closed() const = 0;
    /// False: the client reads nothing, so that the broker's output to it piles up.
    virtual void set_reading(bool on) = 0;
};

class Host {
public:
    /// Lets every client look at what has arrived; true while that made one of them send.
    using Absorb = std::function<bool()>;

    virtual ~Host() = default;
    /// @param listener  index into the broker's listeners
    virtual std::unique_ptr<Link> dial(uint16_t listener) = 0;
    /// Runs until `done()`, calling `absorb` whenever something arrived. The core may also stop
    /// because nothing is left to do; the process fails the test after a deadline.
    virtual void run_until(const std::function<bool()>& done, const Absorb& absorb) = 0;
    /// True: run_until({never}) ends when nothing is left to do. False: others decide, in their
    /// own time, and AnyWorld::settle() asks them all.
    virtual bool is_core() const = 0;
};

}  // namespace godwit::world
