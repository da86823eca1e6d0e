#include "server/key_fetcher.h"

#include "os/test_directory.h"

#include <gtest/gtest.h>

#include <future>

namespace godwit::server {
namespace {

/// A fetch ends for whoever waits before the fetcher is ready for the next one. Who comes between
/// has seen what it brought, and waits for another.
TEST(KeyFetcher, ADemandWhileAFetchIsToldIsForTheNext) {
    const os::TestDirectory directory;
    const auto log = std::move(os::LogWriter::open({.path = directory.path("log")}).value());
    std::promise<KeyFetcher*> made;
    auto fetcher_made = made.get_future();
    std::promise<std::pair<uint64_t, uint64_t>> demanded;
    std::promise<uint64_t> next;
    const KeySource nobody{.url = config::parse_http_url("http://127.0.0.1:1/keys").value(),
                           .name = "nobody",
                           .ca_pem = "",
                           .refresh = std::chrono::hours(1)};
    KeyFetcher tested(nobody, *log, [&](uint64_t fetch, const auto&) {
        if (fetch > 1) return next.set_value(fetch);
        KeyFetcher* fetcher = fetcher_made.get();
        const uint64_t waiting = fetcher->demand(0);
        demanded.set_value({waiting, fetcher->demand(fetch)});
    });
    made.set_value(&tested);
    EXPECT_EQ(demanded.get_future().get(), std::pair(uint64_t(1), uint64_t(2)));
    EXPECT_EQ(next.get_future().get(), 2u);
    EXPECT_EQ(tested.demand(2), 0u) << "too early";
}

}  // namespace
}  // namespace godwit::server
