// Layout: who publishes what to whom. A stream is a numbered sequence of messages of one publisher
// to one topic. There are as many streams as publishers or topics, whichever are more; stream s
// belongs to publisher s mod P and topic s mod T, so every publisher and every topic has its share.
// Topics are dealt out to subscribers in turn, again until both are used up: subscriber r takes
// topic r mod T, or with fewer subscribers than topics r, r + S, r + 2S ...
#pragma once

#include <cstdint>

namespace godwit::bench {

struct Layout {
    uint32_t publishers = 1;
    uint32_t subscribers = 0;
    uint32_t topics = 1;
    /// Every subscriber takes all topics.
    bool wildcard = false;
    /// The subscribers are one shared group: each message goes to one of them.
    bool shared = false;

    // --- publishers ---

    /// One message of one publisher.
    struct Place {
        uint32_t stream = 0;
        uint64_t sequence = 0;
    };
    uint32_t streams() const { return publishers > topics ? publishers : topics; }
    uint32_t publisher_of(uint32_t stream) const { return stream % publishers; }
    uint32_t topic_of(uint32_t stream) const { return stream % topics; }
    /// Publisher p has streams p, p + P, p + 2P ...
    uint32_t streams_of_publisher(uint32_t p) const { return 1 + (streams() - 1 - p) / publishers; }
    /// Its message number n, from 0: the streams take turns.
    Place place_of(uint32_t p, uint64_t n) const {
        const uint32_t count = streams_of_publisher(p);
        return {p + publishers * uint32_t(n % count), n / count};
    }
    /// How many messages of this stream are among the publisher's first n.
    uint64_t in_stream(uint32_t stream, uint64_t n) const {
        const uint32_t count = streams_of_publisher(publisher_of(stream));
        return n / count + (stream / publishers < n % count ? 1 : 0);
    }

    // --- subscribers ---

    /// How many subscribers get each message of a topic.
    uint32_t receivers_of(uint32_t topic) const {
        if (subscribers == 0) return 0;
        if (shared) return 1;
        if (wildcard) return subscribers;
        if (subscribers <= topics) return 1;
        return 1 + (subscribers - 1 - topic) / topics;
    }
    /// How many topics subscriber r takes, not as a wildcard.
    uint32_t topics_of_subscriber(uint32_t r) const {
        return subscribers < topics ? 1 + (topics - 1 - r) / subscribers : 1;
    }
    uint32_t topic_of_subscriber(uint32_t r, uint32_t k) const {
        return subscribers < topics ? r + k * subscribers : r % topics;
    }
    bool is_received_by(uint32_t stream, uint32_t r) const {
        if (wildcard) return true;
        const uint32_t topic = topic_of(stream);
        return subscribers < topics ? topic % subscribers == r : topic == r % topics;
    }
    /// Streams of a subscriber have an index below this; a few indices may have none.
    uint32_t indices_of_subscriber(uint32_t r) const {
        if (wildcard) return streams();
        return (streams() + topics - 1) / topics * topics_of_subscriber(r);
    }
    /// Of a stream that subscriber r gets.
    uint32_t index_of(uint32_t stream, uint32_t r) const {
        if (wildcard) return stream;
        const uint32_t k = subscribers < topics ? topic_of(stream) / subscribers : 0;
        return stream / topics * topics_of_subscriber(r) + k;
    }
    /// The other way; streams() or more where there is none.
    uint32_t stream_at(uint32_t index, uint32_t r) const {
        if (wildcard) return index;
        const uint32_t count = topics_of_subscriber(r);
        return index / count * topics + topic_of_subscriber(r, index % count);
    }
};

}  // namespace godwit::bench
