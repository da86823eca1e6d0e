#include "broker/message.h"

#include <new>

namespace godwit::broker {

Message::Message(const MessageParts& parts)
    : realm_(parts.realm),
      qos_(parts.qos),
      retain_(parts.retain),
      origin_(parts.origin),
      topic_bytes_(uint32_t(parts.topic.size())),
      property_bytes_(uint32_t(parts.forwarded_properties.size())),
      payload_bytes_(uint32_t(parts.payload.size())),
      publisher_(parts.publisher),
      stamp_(parts.stamp),
      expires_(parts.expires) {
    auto* at = reinterpret_cast<uint8_t*>(this + 1);
    const auto append = [&at](const void* from, size_t count) {
        if (count > 0) std::memcpy(at, from, count);
        at += count;
    };
    append(parts.topic.data(), parts.topic.size());
    append(parts.forwarded_properties.data(), parts.forwarded_properties.size());
    append(parts.payload.data(), parts.payload.size());
}

std::optional<uint32_t> Message::expiry_left_s(Instant now) const {
    if (expires_ == kNever) return std::nullopt;
    const auto left = std::chrono::ceil<std::chrono::seconds>(expires_ - now).count();
    return left > 1 ? uint32_t(left) : 1u;
}

MessageRef MessageRef::make(const MessageParts& parts) {
    const size_t tail =
        parts.topic.size() + parts.forwarded_properties.size() + parts.payload.size();
    return MessageRef(new (::operator new(sizeof(Message) + tail)) Message(parts));
}

void MessageRef::release() noexcept {
    if (!message_ || message_->refs_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    message_->~Message();
    ::operator delete(message_);
    message_ = nullptr;
}

}  // namespace godwit::broker
