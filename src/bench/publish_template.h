// PublishTemplate: a PUBLISH encoded once; each message is a copy with its topic number, packet
// identifier and stamp written over. Topics are PREFIX/0000042: seven digits and so of one length.
#pragma once

#include "bench/stamp.h"
#include "mqtt/packets.h"

#include <string>
#include <string_view>

namespace godwit::bench {

inline constexpr uint32_t kTopicsMax = 10'000'000;

/// "PREFIX/0000042". @param number  below kTopicsMax
std::string topic_name(std::string_view prefix, uint32_t number);

struct PublishShape {
    mqtt::Version version = mqtt::Version::V5;
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool retain = false;
    std::string topic_prefix;
    /// At least kStampBytes; or 0 for messages without a stamp, which remove retained ones.
    size_t payload_bytes = kStampBytes;
};

class PublishTemplate {
public:
    explicit PublishTemplate(const PublishShape& shape);

    /// Appends one message.
    /// @param topic  number of the topic, below kTopicsMax
    /// @param id     counts from QoS 1 on
    /// @cost         one copy of the packet
    void append(Buffer& out, uint32_t topic, PacketId id, const Stamp& stamp) const;
    size_t packet_bytes() const { return packet_.size(); }

private:
    Buffer packet_;
    size_t digits_at_ = 0;
    size_t id_at_ = 0;     // 0: none
    size_t stamp_at_ = 0;  // 0: none
};

}  // namespace godwit::bench
