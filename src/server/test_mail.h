// For tests: waits for mail as a shard does.
#pragma once

#include "os/poller.h"
#include "server/crossing.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <vector>

namespace godwit::server {

/// What waits in the mailbox, at least one thing; a wait of more than half a minute fails the test.
inline std::vector<Control> wait_for_mail(Mailbox& mailbox) {
    auto poller = os::Poller::open().value();
    os::Waker& waker = mailbox.waker();
    EXPECT_TRUE(poller.add(waker.fd(), 0, os::Interest::Read));
    std::array<os::PollEvent, 1> room;
    for (;;) {
        waker.prepare_sleep();
        if (mailbox.empty() && poller.wait(std::chrono::seconds(30), room).empty()) {
            ADD_FAILURE() << "no mail came";
            return {};
        }
        waker.cancel_sleep();
        waker.drain();
        if (auto mail = mailbox.take(); !mail.empty()) return mail;
    }
}

}  // namespace godwit::server
