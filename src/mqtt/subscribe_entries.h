// The payload of SUBSCRIBE and UNSUBSCRIBE as a view: filters with their options, read one by one
// from the received bytes. Source: MQTT 5.0 section 3.8.3, MQTT 3.1.1 section 3.8.3.
#pragma once

#include "base/bytes.h"
#include "mqtt/protocol.h"

#include <iterator>

namespace godwit::mqtt {

enum class RetainHandling : uint8_t { SendAlways = 0, SendIfNew = 1, SendNever = 2 };

struct SubscriptionOptions {
    Qos qos = Qos::AtMostOnce;
    bool no_local = false;
    bool retain_as_published = false;
    RetainHandling retain_handling = RetainHandling::SendAlways;
    friend bool operator==(const SubscriptionOptions&, const SubscriptionOptions&) = default;
};

struct SubscribeEntry {
    std::string_view filter;  // as sent, "$share/..." included; not yet checked as a filter
    SubscriptionOptions options;
};

/// The entries of a SUBSCRIBE (or the filters of an UNSUBSCRIBE, options at their default), read
/// one by one from the validated bytes: `for (SubscribeEntry e : packet.entries)`.
class SubscribeEntries {
public:
    SubscribeEntries() = default;
    SubscribeEntries(Bytes encoded, Version version, bool with_options, uint32_t count)
        : encoded_(encoded), version_(version), with_options_(with_options), count_(count) {}
    class Iterator;
    Iterator begin() const;
    Iterator end() const;
    uint32_t size() const { return count_; }

private:
    Bytes encoded_;
    Version version_ = Version::V5;
    bool with_options_ = true;
    uint32_t count_ = 0;
};

class SubscribeEntries::Iterator {
public:
    using value_type = SubscribeEntry;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = const value_type&;
    using iterator_category = std::forward_iterator_tag;
    Iterator() = default;
    Iterator(Bytes rest, Version version, bool with_options)
        : rest_(rest), version_(version), with_options_(with_options) {
        advance();
    }
    const SubscribeEntry& operator*() const { return current_; }
    const SubscribeEntry* operator->() const { return &current_; }
    Iterator& operator++() {
        advance();
        return *this;
    }
    Iterator operator++(int) {
        const Iterator before = *this;
        advance();
        return before;
    }
    bool operator==(const Iterator& other) const {
        return done_ == other.done_ && (done_ || rest_.data() == other.rest_.data());
    }

private:
    void advance();
    Bytes rest_;
    Version version_ = Version::V5;
    bool with_options_ = true;
    SubscribeEntry current_;
    bool done_ = true;
};

inline SubscribeEntries::Iterator SubscribeEntries::begin() const {
    return Iterator(encoded_, version_, with_options_);
}
inline SubscribeEntries::Iterator SubscribeEntries::end() const {
    return Iterator();
}

}  // namespace godwit::mqtt
