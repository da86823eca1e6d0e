// Story: a history written by hand, for the tests of the checkers.
#pragma once

#include "sim/check.h"

#include <map>
#include <string>

namespace godwit::sim {

using Kind = Event::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A history written by hand: an event each second, a turn an event.
class Story {
public:
    Story() {
        h_.clients = {"p", "s", "t"};
        h_.end = kBegin + seconds(1000);
    }

    /// A client comes. @return its connection
    uint32_t connect(uint32_t client, bool present = false, uint32_t expiry_s = 3600) {
        const auto number = uint32_t(h_.connections.size());
        ConnectionFacts facts;
        facts.client = client;
        facts.expiry_s = expiry_s;
        facts.clean_start = false;
        facts.session_present = present;
        facts.accepted = next();
        facts.accepted_order = ++order_;
        facts.last_read = facts.accepted.at;
        h_.connections.push_back(facts);
        connection_[client] = number;
        return number;
    }
    /// Client 1 has subscribed to the topic of the will.
    uint32_t connect_with_will(uint32_t client, uint32_t delay_s = 0) {
        connect(1);
        subscribe(1, "w");
        const uint32_t connection = connect(client);
        const uint32_t will = message(1, false, "w");
        h_.messages[will].will = true;
        h_.messages[will].publisher = client;
        h_.messages[will].delay_s = delay_s;
        h_.connections[connection].will = will;
        return connection;
    }
    void close(uint32_t connection) {
        ConnectionFacts& facts = h_.connections[connection];
        facts.closed = next();
        facts.closed_order = ++order_;
    }
    uint32_t message(uint8_t qos, bool retain = false, const std::string& topic = "t") {
        MessageFacts facts;
        facts.publisher = 0;
        facts.topic = topic;
        facts.qos = qos;
        facts.retain = retain;
        h_.messages.push_back(facts);
        return uint32_t(h_.messages.size() - 1);
    }
    Event& event(Kind kind, uint32_t client, uint32_t m = kNone) {
        Event& e = h_.events.emplace_back();
        e.kind = kind;
        e.client = client;
        e.connection = connection_[client];
        e.message = m;
        e.broker = next();
        e.at = e.broker.at;
        return e;
    }
    void publish(uint32_t m, bool dup = false) {
        Event& e = event(Kind::Publish, 0, m);
        e.qos = h_.messages[m].qos;
        e.dup = dup;
    }
    void publish_acked(uint32_t m) {
        publish(m);
        event(h_.messages[m].qos == 2 ? Kind::Pubrec : Kind::Puback, 0, m);
    }
    Event& receive(uint32_t client, uint32_t m, uint8_t qos) {
        Event& e = event(Kind::Received, client, m);
        e.qos = qos;
        e.fresh = true;
        e.text = h_.messages[m].topic;
        return e;
    }
    void subscribe(uint32_t client, const std::string& filter, uint8_t qos = 2,
                   bool no_local = false) {
        for (const Kind kind : {Kind::Subscribe, Kind::Suback}) {
            Event& e = event(kind, client);
            e.text = filter;
            e.options.qos = mqtt::Qos(qos);
            e.options.no_local = no_local;
        }
    }
    void unsubscribe(uint32_t client, const std::string& filter) {
        event(Kind::Unsubscribe, client).text = filter;
        event(Kind::Unsuback, client).text = filter;
    }
    void drop(uint32_t client, const std::string& topic, const std::string& why) {
        Event& e = event(Kind::Dropped, client);
        e.text = topic;
        e.why = why;
    }
    /// The broker crashes and is there again.
    void crash(Duration jump = {}) {
        h_.crashes.push_back(next());
        h_.jumps.push_back(jump);
    }
    /// ... and finds damage on the disk of this shard.
    void damage(uint16_t shard) {
        crash();
        h_.damages.push_back({next(), shard, "damaged"});
    }
    /// From now on this long from event to event.
    void pace(Duration step) { step_ = step; }
    Instant now() const { return now_; }
    History& history() { return h_; }
    size_t count(Violations (*checker)(const View&)) const { return checker(View(h_)).size(); }

private:
    Moment next() {
        now_ += step_;
        return {now_, ++turn_};
    }
    History h_;
    std::map<uint32_t, uint32_t> connection_;
    uint64_t turn_ = 0, order_ = 0;
    Instant now_ = kBegin;
    Duration step_ = seconds(1);
};

/// Publisher p and subscriber s of "t".
inline Story pair() {
    Story story;
    story.connect(0);
    story.connect(1);
    story.subscribe(1, "t");
    return story;
}

}  // namespace godwit::sim
