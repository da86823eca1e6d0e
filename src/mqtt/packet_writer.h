// How the encode functions write a packet: header byte, fields in their order, and the lengths put
// in front of what they count when it is known. PUBLISH, the hot one, does not use it.
#pragma once

#include "mqtt/encoder.h"

namespace godwit::mqtt {

/// @cost  one pass, and moving the bytes behind each length by its 1 to 4 bytes
class PacketWriter {
public:
    PacketWriter(Buffer& out, PacketType type, uint8_t flags = 0) : out_(out) {
        put_u8(out, uint8_t(uint8_t(type) << 4 | flags));
        body_ = out.size();
    }

    void u8(uint8_t value) { put_u8(out_, value); }
    void u16(uint16_t value) { put_u16(out_, value); }
    void bytes(Bytes value) { put_bytes(out_, value); }
    /// Two bytes of length, then the text.
    void text(std::string_view value);

    void begin_properties() { properties_ = out_.size(); }
    void end_properties() { insert_length(properties_); }
    void number(PropertyId id, uint32_t value) { put_property(out_, {.id = id, .number = value}); }
    template <class Number>
    void number(PropertyId id, const std::optional<Number>& value) {
        if (value) number(id, uint32_t(*value));
    }
    /// Nothing for an empty text.
    void text(PropertyId id, std::string_view value) {
        if (!value.empty()) put_property(out_, {.id = id, .text = value});
    }
    void text(PropertyId id, const std::optional<std::string_view>& value) {
        if (value) put_property(out_, {.id = id, .text = *value});
    }
    void user_properties(const UserProperties& list);
    void forwarded_properties(Bytes list) { append_forwarded_properties(out_, list); }
    /// The list that most answers have: reason string and user properties, with its length.
    void answer_properties(std::string_view reason_string, const UserProperties& list) {
        begin_properties();
        text(PropertyId::ReasonString, reason_string);
        user_properties(list);
        end_properties();
    }

    /// Writes the remaining length; nothing may follow.
    void finish() { insert_length(body_); }

private:
    /// Puts the size of what was written since `from` in front of it.
    void insert_length(size_t from);

    Buffer& out_;
    size_t body_ = 0;
    size_t properties_ = 0;
};

/// Two bytes of length, then the text.
void put_prefixed(Buffer& out, std::string_view text);

}  // namespace godwit::mqtt
