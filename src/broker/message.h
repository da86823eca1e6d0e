// Message: one application message, immutable, in one allocation, shared by all who take it.
// The only thing that is shared between sessions and shards. Its shard alone counts it, until it is
// posted to another one: from then on its count is atomic.
#pragma once

#include "base/bytes.h"
#include "base/ids.h"
#include "base/instant.h"
#include "mqtt/packets.h"

#include <atomic>
#include <optional>
#include <string_view>
#include <utility>

namespace godwit::broker {

/// Who published, as far as a name tells: what a policy is asked about again for retained messages.
struct Source {
    std::string_view client_id;
    std::optional<std::string_view> username;  // nullopt: anonymous
    friend bool operator==(const Source&, const Source&) = default;
};

/// What a message is made of; views are copied into it.
struct MessageParts {
    RealmId realm;
    std::string_view topic;
    Bytes forwarded_properties;  // encoded, as mqtt::append_forwarded_properties leaves them
    Bytes payload;
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool retain = false;
    Instant expires = kNever;
    uint64_t publisher = 0;  // Session::client_hash of the publisher; 0: the broker itself
    uint64_t stamp = 0;      // order of publishing, see OrderClock
    ShardId origin;          // whose clock stamped it; of as many shards as there were then
    std::optional<Source> source;

    /// Memory that the message will occupy.
    size_t size_bytes() const;
};

class Message {
public:
    RealmId realm() const { return realm_; }
    std::string_view topic() const { return as_text(tail(0, topic_bytes_)); }
    Bytes forwarded_properties() const { return tail(topic_bytes_, property_bytes_); }
    Bytes payload() const { return tail(topic_bytes_ + property_bytes_, payload_bytes_); }
    mqtt::Qos qos() const { return qos_; }
    bool retain() const { return retain_; }
    uint64_t publisher() const { return publisher_; }
    uint64_t stamp() const { return stamp_; }
    ShardId origin() const { return origin_; }
    std::optional<Source> source() const;
    /// What another one like it is made of; views into this one.
    MessageParts parts() const;
    bool expired(Instant now) const { return expires_ <= now; }
    Instant expires() const { return expires_; }
    /// Message Expiry Interval to forward: what is left, rounded up, at least 1 [MQTT5-3.3.2-6].
    std::optional<uint32_t> expiry_left_s(Instant now) const;
    /// Memory it occupies, for the accounting of queues.
    size_t size_bytes() const {
        return sizeof(Message) + body_bytes() + (has_source_ ? source_bytes() : 0);
    }

private:
    friend class MessageRef;
    Message(const MessageParts& parts);
    Bytes tail(size_t at, size_t count) const {
        return {reinterpret_cast<const uint8_t*>(this + 1) + at, count};
    }
    size_t body_bytes() const { return size_t(topic_bytes_) + property_bytes_ + payload_bytes_; }
    size_t source_bytes() const;

    void add_ref() {
        if (is_posted_)
            std::atomic_ref(refs_).fetch_add(1, std::memory_order_relaxed);
        else
            ++refs_;
    }
    /// @return  that was the last
    bool drop_ref() {
        if (is_posted_) return std::atomic_ref(refs_).fetch_sub(1, std::memory_order_acq_rel) == 1;
        return --refs_ == 0;
    }

    uint32_t refs_ = 1;
    RealmId realm_;
    mqtt::Qos qos_;
    bool retain_;
    ShardId origin_;
    bool has_source_;
    bool is_posted_ = false;  // only ever set, and before others see it
    uint32_t topic_bytes_;
    uint32_t property_bytes_;
    uint32_t payload_bytes_;
    uint64_t publisher_;
    uint64_t stamp_;
    Instant expires_;
};

/// Counted reference, of one shard. Another shard gets a PostedMessage.
/// @cost copy: an increment, atomic for what was posted; move: nothing
class MessageRef {
public:
    MessageRef() = default;
    /// @cost one allocation, one copy of topic, properties and payload
    static MessageRef make(const MessageParts& parts);
    MessageRef(const MessageRef& other) : message_(other.message_) {
        if (message_) message_->add_ref();
    }
    MessageRef(MessageRef&& other) noexcept : message_(std::exchange(other.message_, nullptr)) {}
    MessageRef& operator=(MessageRef other) noexcept {
        std::swap(message_, other.message_);
        return *this;
    }
    ~MessageRef() {
        if (message_ && message_->drop_ref()) destroy(message_);
    }

    const Message* operator->() const { return message_; }
    const Message& operator*() const { return *message_; }
    explicit operator bool() const { return message_ != nullptr; }
    friend bool operator==(const MessageRef&, const MessageRef&) = default;

protected:
    void set_posted() {
        if (message_ && !message_->is_posted_) message_->is_posted_ = true;
    }

private:
    explicit MessageRef(Message* message) : message_(message) {}
    static void destroy(Message* message) noexcept;
    Message* message_ = nullptr;
};

/// The reference that an envelope takes to another shard.
class PostedMessage : public MessageRef {
public:
    PostedMessage() = default;
    PostedMessage(const MessageRef& message) : MessageRef(message) { set_posted(); }
};

}  // namespace godwit::broker
