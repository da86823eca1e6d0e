// Losses: every message that somebody takes and does not get has a reason here, and is counted by
// it, for the shard and for the session.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

namespace godwit::broker {

// X(Name, reason, help): why a message did not come to somebody who takes it. The reason is what
// metrics, $SYS, the admin API and log lines call it.
#define GW_LOSSES(X)                                                                            \
    X(QueueFull, queue_full, "the session's queue is full: the newest")                         \
    X(QueueOldest, queue_oldest, "the session's queue is full: the oldest made room")           \
    X(RealmFull, realm_full, "the realm's queues are full: the newest")                         \
    X(RealmOldest, realm_oldest, "the realm's queues are full: the session's oldest made room") \
    X(Refused, refused, "a queue is full: the publisher was told Quota exceeded")               \
    X(GroupFull, group_full, "shared group queue full or nobody to take QoS 0")                 \
    X(MemoryFull, memory_full, "the broker's memory, or the realm's, is used up: the newest")   \
    X(OutputFull, output_full, "QoS 0: the client reads too slowly")                            \
    X(OfflineQos0, offline_qos0, "QoS 0: not kept for offline sessions")                        \
    X(Expired, expired, "message expiry")                                                       \
    X(TooLarge, too_large, "larger than the client's maximum packet size")                      \
    X(NotAuthorized, not_authorized, "access rules")                                            \
    X(SessionEnd, session_end, "the session that they waited for has ended")                    \
    X(Damaged, damaged, "the disk gave them back damaged, or not at all")                       \
    X(RetainedFull, retained_full, "the realm's retained messages are full: delivered, not kept")

enum class Loss : uint8_t {
#define GW_LOSS(name, reason, help) name,
    GW_LOSSES(GW_LOSS)
#undef GW_LOSS
};

struct LossText {
    std::string_view reason;
    std::string_view help;
};
inline constexpr LossText kLosses[] = {
#define GW_LOSS(name, reason, help) {#reason, help},
    GW_LOSSES(GW_LOSS)
#undef GW_LOSS
};
inline constexpr size_t kLossCount = std::size(kLosses);

inline constexpr std::string_view reason_of(Loss loss) {
    return kLosses[size_t(loss)].reason;
}

/// Messages lost, by reason.
struct Losses {
    std::array<uint64_t, kLossCount> counts{};
    uint64_t& operator[](Loss loss) { return counts[size_t(loss)]; }
    uint64_t operator[](Loss loss) const { return counts[size_t(loss)]; }
};

}  // namespace godwit::broker
