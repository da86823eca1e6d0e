#include "bench/send_window.h"

#include "base/assert.h"

namespace godwit::bench {

PacketId SendWindow::add(Instant meant) {
    GW_ASSERT(!is_full(kMax));
    slot(next_) = meant;
    return PacketId{id_of(next_++)};
}

std::optional<Instant> SendWindow::take(PacketId id) {
    const uint64_t message = first_ + (id.value + kIds - id_of(first_)) % kIds;
    if (id.value == 0 || message >= next_ || slot(message) == kNone) return std::nullopt;
    const Instant meant = slot(message);
    slot(message) = kNone;
    while (first_ < next_ && slot(first_) == kNone) ++first_;
    return meant;
}

}  // namespace godwit::bench
