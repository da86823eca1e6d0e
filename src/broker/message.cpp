#include "broker/message.h"

#include <array>
#include <new>

#include <sanitizer/asan_interface.h>

namespace godwit::broker {

namespace {

/// Before the names of a source, behind the payload.
struct SourceHead {
    uint32_t client_id_bytes;
    uint32_t username_bytes;  // kAnonymous: there is none
    static constexpr uint32_t kAnonymous = ~uint32_t(0);

    size_t size_bytes() const {
        return sizeof *this + client_id_bytes + (username_bytes == kAnonymous ? 0 : username_bytes);
    }
};

SourceHead head_of(const Source& source) {
    return {uint32_t(source.client_id.size()),
            source.username ? uint32_t(source.username->size()) : SourceHead::kAnonymous};
}

/// Apart from the constructor, which most messages pass through without it.
[[gnu::noinline]] void write_source(uint8_t* at, const Source& source) {
    const SourceHead head = head_of(source);
    std::memcpy(at, &head, sizeof head);
    at += sizeof head;
    std::memcpy(at, source.client_id.data(), source.client_id.size());
    at += source.client_id.size();
    if (source.username) std::memcpy(at, source.username->data(), source.username->size());
}

/// The memory of the messages that left last: most live for a turn, and those that come then are as
/// large. Fewer instructions than malloc() and free() take: see pairs-qos0 and durable-offline in
/// tests/bench/instructions.
class Leftovers {
public:
    Leftovers() = default;
    Leftovers(const Leftovers&) = delete;
    Leftovers& operator=(const Leftovers&) = delete;
    ~Leftovers() {
        while (count_ > 0) ::operator delete(pop());
    }

    void* take(size_t bytes) {
        bytes = room_of(bytes);
        const bool fits = count_ > 0 && pieces_[count_ - 1].bytes == bytes;
        return fits ? pop() : ::operator new(bytes);
    }
    void give(void* memory, size_t bytes) {
        bytes = room_of(bytes);
        if (bytes > kBytesMax) return ::operator delete(memory);
        if (count_ == kCountMax) ::operator delete(pop());  // or another size would never get in
        ASAN_POISON_MEMORY_REGION(memory, bytes);           // as free() would
        pieces_[count_++] = {memory, bytes};
    }

private:
    static constexpr size_t kCountMax = 8;
    static constexpr size_t kBytesMax = 1024;
    /// What malloc() takes for them anyway.
    static size_t room_of(size_t bytes) { return ((bytes + 23) & ~size_t(15)) - 8; }

    struct Piece {
        void* memory;
        size_t bytes;
    };
    void* pop() {
        const Piece& last = pieces_[--count_];
        ASAN_UNPOISON_MEMORY_REGION(last.memory, last.bytes);
        return last.memory;
    }

    std::array<Piece, kCountMax> pieces_{};
    size_t count_ = 0;
};
thread_local Leftovers leftovers;

SourceHead read_head(Bytes bytes) {
    SourceHead head;
    std::memcpy(&head, bytes.data(), sizeof head);
    return head;
}

}  // namespace

size_t MessageParts::size_bytes() const {
    return sizeof(Message) + topic.size() + forwarded_properties.size() + payload.size() +
           (source ? head_of(*source).size_bytes() : 0);
}

Message::Message(const MessageParts& parts)
    : realm_(parts.realm),
      qos_(parts.qos),
      retain_(parts.retain),
      origin_(parts.origin),
      has_source_(parts.source.has_value()),
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
    if (parts.source) [[unlikely]]
        write_source(at, *parts.source);
}

size_t Message::source_bytes() const {
    return read_head(tail(body_bytes(), sizeof(SourceHead))).size_bytes();
}

std::optional<Source> Message::source() const {
    if (!has_source_) return std::nullopt;
    const SourceHead head = read_head(tail(body_bytes(), sizeof(SourceHead)));
    const size_t names = body_bytes() + sizeof head;
    Source source{as_text(tail(names, head.client_id_bytes)), std::nullopt};
    if (head.username_bytes != SourceHead::kAnonymous)
        source.username = as_text(tail(names + head.client_id_bytes, head.username_bytes));
    return source;
}

MessageParts Message::parts() const {
    return {.realm = realm_,
            .topic = topic(),
            .forwarded_properties = forwarded_properties(),
            .payload = payload(),
            .qos = qos_,
            .retain = retain_,
            .expires = expires_,
            .publisher = publisher_,
            .stamp = stamp_,
            .origin = origin_,
            .source = source()};
}

std::optional<uint32_t> Message::expiry_left_s(Instant now) const {
    if (expires_ == kNever) return std::nullopt;
    const auto left = std::chrono::ceil<std::chrono::seconds>(expires_ - now).count();
    return left > 1 ? uint32_t(left) : 1u;
}

MessageRef MessageRef::make(const MessageParts& parts) {
    return MessageRef(new (leftovers.take(parts.size_bytes())) Message(parts));
}

void MessageRef::destroy(Message* message) noexcept {
    const size_t bytes = message->size_bytes();
    message->~Message();
    leftovers.give(message, bytes);
}

}  // namespace godwit::broker
