// Across shards: takeover, wills and delayed wills, session expiry.
#include "conformance/shards.h"

namespace godwit::conformance {
namespace {

Client dial_with_connect(Trial& run, const std::string& id, const ConnectOptions& options) {
    auto client = run.world.dial(options);
    client.push(world::connect_packet(id, options));
    return client;
}

TEST(Takeover, OldConnectionIsToldAndClosed) {
    for_all_runs([](Trial& run) {
        const std::string id = run.id_anywhere("c");
        auto old = run.world.connect(id, lasting()).subscribe("t", {.qos = 1});
        auto young = run.world.connect(id, next_time(lasting()));
        expect_disconnect(old, R::SessionTakenOver);
        EXPECT_TRUE(young.session_present());
        EXPECT_FALSE(young.closed());
        run.world.connect(run.id_anywhere("p")).publish("t", "1", {.qos = 1});
        EXPECT_EQ(young.received(), Messages{"1"});
        EXPECT_EQ(old.received(), Messages{});
    });
}

TEST(Takeover, OneOfManyAtOnceSurvivesAndNeverTwoLive) {
    for_all_runs([](Trial& run) {
        const std::string id = run.id_anywhere("c");
        std::vector<Client> all;
        for (int i = 0; i < 4; ++i) {
            auto options = lasting();
            options.clean_start = run.chance(30);
            all.push_back(dial_with_connect(run, id, options));
            run.turns(run.draw(6), all);
        }
        run.turns(1'000'000, all, [&] {
            const auto counters = run.world.counters();
            EXPECT_LE(counters.sessions, 1u);
            EXPECT_LE(counters.sessions_online, 1u);
        });
        size_t open = 0;
        for (Client& each : all) {
            EXPECT_EQ(each.connack_reason(), R::Success);
            if (!each.closed())
                ++open;
            else
                expect_disconnect(each, R::SessionTakenOver);
        }
        EXPECT_EQ(open, 1u);
        EXPECT_EQ(run.world.counters().takeovers, 3u);
    });
}

TEST(Takeover, NothingIsLostToAStreamOfTakeovers) {
    for_all_runs([](Trial& run) {
        const std::string id = run.id_anywhere("c");
        std::vector<Client> all{run.world.connect(id, lasting()).subscribe("t", {.qos = 2})};
        auto publisher = run.world.connect(run.id_anywhere("p"));
        for (uint16_t i = 1; i <= 40; ++i) {
            publisher.push(world::publish_packet(Version::V5, "t", std::to_string(i),
                                                 {.qos = 1, .packet_id = i}));
            if (run.chance(15)) {
                // what is on its way to the old connection may never be read
                if (run.chance(50) && all.back().state().online())
                    all.back().state().link_->set_reading(false);
                all.push_back(dial_with_connect(run, id, next_time(lasting())));
            }
            run.turns(run.draw(5), all);
        }
        run.world.settle();
        std::set<uint64_t> got;
        for (Client& each : all)
            for (const uint64_t number : numbers(each.publishes())) got.insert(number);
        EXPECT_EQ(got.size(), 40u);
    });
}

// --- wills ---

WillOptions will(uint32_t delay_s) {
    return {.topic = "will", .payload = "gone", .qos = 1, .delay_s = delay_s};
}

/// One watcher on each shard.
std::vector<Client> watchers(Trial& run) {
    std::vector<Client> all;
    for (uint16_t i = 0; i < run.world.shard_count(); ++i)
        all.push_back(run.world.connect(run.world.id_on(i, "w")).subscribe("will", {.qos = 1}));
    return all;
}

void expect_all(std::vector<Client>& watchers, const Messages& expected) {
    for (Client& each : watchers) EXPECT_EQ(each.received(), expected);
}

TEST(Will, IsSentOnceToWatchersOnEveryShard) {
    for_all_runs([](Trial& run) {
        auto all = watchers(run);
        const auto options = lasting({.will = will(0)});
        auto client = run.world.connect(run.id_anywhere("c"), options);
        if (run.chance(50))
            client.cut();
        else
            client.raw(packet("30 # 'a+' ()"));
        if (run.chance(50)) {
            client.reconnect(next_time(lasting()));
            client.cut();
        }
        run.world.advance(seconds(4000));  // the session ends, too
        expect_all(all, Messages{"gone"});
        EXPECT_EQ(run.world.counters().wills_published, 1u);
    });
}

TEST(Will, IsNotSentAfterANormalDisconnect) {
    for_all_runs([](Trial& run) {
        auto all = watchers(run);
        run.world.connect(run.id_anywhere("c"), lasting({.will = will(0)})).disconnect();
        run.world.advance(seconds(4000));
        expect_all(all, Messages{});
    });
}

TEST(DelayedWill, IsNotSentAfterATimelyReconnect) {
    for_all_runs([](Trial& run) {
        auto all = watchers(run);
        auto client = run.world.connect(run.id_anywhere("c"), lasting({.will = will(60)}));
        for (int i = 0; i < 3; ++i) {
            client.cut();
            run.world.advance(seconds(1 + run.draw(59)));
            client.reconnect(next_time(lasting({.will = will(60)})));
        }
        run.world.advance(seconds(1000));
        expect_all(all, Messages{});
    });
}

TEST(DelayedWill, IsSentOnceWhenTheDelayIsOver) {
    for_all_runs([](Trial& run) {
        auto all = watchers(run);
        auto client = run.world.connect(run.id_anywhere("c"), lasting({.will = will(60)}));
        client.cut();
        run.world.advance(seconds(59));
        expect_all(all, Messages{});
        run.world.advance(seconds(2));
        expect_all(all, Messages{"gone"});
        client.reconnect(next_time(lasting()));
        client.cut();
        run.world.advance(seconds(10'000));
        expect_all(all, Messages{});
    });
}

TEST(DelayedWill, IsSentWhenTheSessionEndsFirst) {
    for_all_runs([](Trial& run) {
        auto all = watchers(run);
        const std::string id = run.id_anywhere("c");
        auto client = run.world.connect(id, {.expiry_s = 30, .will = will(60)});
        client.cut();
        if (run.chance(50)) {
            run.world.advance(seconds(29));
            expect_all(all, Messages{});
            run.world.advance(seconds(2));  // its expiry
        } else {
            run.world.connect(id);  // a clean start
        }
        expect_all(all, Messages{"gone"});
        run.world.advance(seconds(1000));
        expect_all(all, Messages{});
    });
}

TEST(DelayedWill, OfATakenOverConnectionIsNotSent) {
    for_all_runs([](Trial& run) {
        auto all = watchers(run);
        const std::string id = run.id_anywhere("c");
        auto old = run.world.connect(id, lasting({.will = will(60)}));
        auto young = dial_with_connect(run, id, next_time(lasting()));
        run.world.advance(seconds(1000));
        expect_disconnect(old, R::SessionTakenOver);
        EXPECT_FALSE(young.closed());
        expect_all(all, Messages{});
    });
}

// --- session expiry ---

TEST(SessionExpiry, KeepsTheSessionToTheSecondAndNoLonger) {
    for_all_runs([](Trial& run) {
        auto client = run.world.connect(run.id_anywhere("c"), {.expiry_s = 100});
        client.subscribe("t", {.qos = 1});
        auto publisher = run.world.connect(run.id_anywhere("p"));
        client.cut();
        run.world.advance(seconds(99));
        publisher.publish("t", "1", {.qos = 1});
        EXPECT_EQ(publisher.ack_reason(Type::Puback), R::Success);
        client.reconnect({.clean_start = false, .expiry_s = 100});
        EXPECT_TRUE(client.session_present());
        EXPECT_EQ(client.received(), Messages{"1"});
        client.cut();
        run.world.advance(seconds(101));
        publisher.publish("t", "2", {.qos = 1});  // no shard routes it any more
        EXPECT_EQ(publisher.ack_reason(Type::Puback), R::NoMatchingSubscribers);
        EXPECT_EQ(run.world.counters().sessions, 1u);
        EXPECT_EQ(run.world.counters().queued, 0u);
        client.reconnect({.clean_start = false});
        EXPECT_FALSE(client.session_present());
        EXPECT_EQ(client.received(), Messages{});
    });
}

TEST(SessionExpiry, CountsFromTheLastConnection) {
    for_all_runs([](Trial& run) {
        const std::string id = run.id_anywhere("c");
        auto client = run.world.connect(id, {.expiry_s = 100});
        client.cut();
        run.world.advance(seconds(60));
        client.reconnect({.clean_start = false, .expiry_s = 100});
        if (run.chance(50)) client.cut();
        run.world.advance(seconds(60));  // the first deadline passes
        if (client.closed()) client.reconnect({.clean_start = false, .expiry_s = 100});
        EXPECT_TRUE(client.session_present());
        client.disconnect(R::Success, 200);
        run.world.advance(seconds(150));
        client.reconnect({.clean_start = false, .expiry_s = 100});
        EXPECT_TRUE(client.session_present());
        client.disconnect(R::Success, 0);
        client.reconnect({.clean_start = false});
        EXPECT_FALSE(client.session_present());
    });
}

}  // namespace
}  // namespace godwit::conformance
