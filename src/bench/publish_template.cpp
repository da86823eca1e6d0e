#include "bench/publish_template.h"

#include "base/assert.h"
#include "mqtt/encoder.h"

#include <fmt/format.h>

namespace godwit::bench {

namespace {

constexpr size_t kDigits = 7;

void write_digits(uint8_t* out, uint32_t number) {
    for (size_t i = kDigits; i-- > 0; number /= 10) out[i] = uint8_t('0' + number % 10);
}

}  // namespace

std::string topic_name(std::string_view prefix, uint32_t number) {
    GW_ASSERT(number < kTopicsMax);
    return fmt::format("{}/{:07}", prefix, number);
}

PublishTemplate::PublishTemplate(const PublishShape& shape) {
    GW_ASSERT(shape.payload_bytes == 0 || shape.payload_bytes >= kStampBytes);
    const std::string topic = topic_name(shape.topic_prefix, 0);
    const bool has_id = shape.qos != mqtt::Qos::AtMostOnce;
    const mqtt::PublishHead head{.qos = shape.qos,
                                 .retain = shape.retain,
                                 .topic = topic,
                                 .packet_id = PacketId{uint16_t(has_id ? 1 : 0)}};
    Buffer payload(shape.payload_bytes);
    // Not zeros: a broker or a link that compresses would be flattered.
    for (size_t i = 0; i < payload.size(); ++i) payload[i] = uint8_t(i * 151 + (i >> 8) * 31);
    mqtt::encode_publish(packet_, shape.version, head, payload);

    const size_t body_bytes =
        2 + topic.size() + (has_id ? 2 : 0) + (shape.version == mqtt::Version::V5 ? 1 : 0);
    const size_t body_at = packet_.size() - payload.size() - body_bytes;
    const size_t topic_end = body_at + 2 + topic.size();
    digits_at_ = topic_end - kDigits;
    if (has_id) id_at_ = topic_end;
    if (!payload.empty()) stamp_at_ = packet_.size() - payload.size();
}

void PublishTemplate::append(Buffer& out, uint32_t topic, PacketId id, const Stamp& stamp) const {
    const size_t at = out.size();
    out.insert(out.end(), packet_.begin(), packet_.end());
    uint8_t* packet = out.data() + at;
    write_digits(packet + digits_at_, topic);
    if (id_at_ > 0) {
        packet[id_at_] = uint8_t(id.value >> 8);
        packet[id_at_ + 1] = uint8_t(id.value);
    }
    if (stamp_at_ > 0) write_stamp(packet + stamp_at_, stamp);
}

}  // namespace godwit::bench
