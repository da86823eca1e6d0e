#include "broker/session/session.h"

#include "base/assert.h"
#include "base/growth.h"

#include <algorithm>
#include <cstring>

namespace godwit::broker {

std::span<HeldFilter> HeldFilters::all() {
    if (more_) return *more_;
    return {&one_, size()};
}

HeldFilter* HeldFilters::first_from(topic::FilterId id) {
    const auto held = all();
    return held.data() + (std::lower_bound(held.begin(), held.end(), id,
                                           [](const HeldFilter& each, topic::FilterId wanted) {
                                               return each.id < wanted;
                                           }) -
                          held.begin());
}

HeldFilter* HeldFilters::find(topic::FilterId id) {
    HeldFilter* at = first_from(id);
    return at == all().data() + size() || at->id != id ? nullptr : at;
}

HeldFilter* HeldFilters::add(topic::FilterId id) {
    if (size() == 0) {
        one_ = {id, {}};
        return &one_;
    }
    if (!more_) more_ = std::make_unique<std::vector<HeldFilter>>(1, one_);
    make_room(*more_, 1);  // thousands of them may be all that a session is
    const auto at = more_->begin() + (first_from(id) - more_->data());
    return &*more_->insert(at, {id, {}});
}

void HeldFilters::remove(topic::FilterId id) {
    HeldFilter* held = find(id);
    GW_ASSERT(held != nullptr);
    if (!more_) return clear();
    more_->erase(more_->begin() + (held - more_->data()));
    if (more_->empty()) clear();
}

void HeldFilters::clear() {
    more_.reset();
    one_.id = kNone;
}

OwnText::OwnText(std::string_view text) {
    if (text.empty()) return;
    GW_ASSERT(text.size() <= UINT16_MAX);
    const auto bytes = uint16_t(text.size());
    const size_t head = bytes < kLong ? 1 : 3;
    all_ = std::make_unique_for_overwrite<char[]>(head + bytes);
    all_[0] = char(bytes < kLong ? bytes : kLong);
    if (bytes >= kLong) std::memcpy(&all_[1], &bytes, sizeof bytes);
    std::memcpy(&all_[head], text.data(), bytes);
}

std::string_view OwnText::view() const {
    if (!all_) return {};
    const auto first = uint8_t(all_[0]);
    if (first < kLong) return {&all_[1], first};
    uint16_t bytes = 0;
    std::memcpy(&bytes, &all_[1], sizeof bytes);
    return {&all_[3], bytes};
}

std::unique_ptr<Replay> Session::take_replay() {
    if (!extras) return nullptr;
    auto replay = std::move(extras->replay);
    if (extras->empty()) extras.reset();
    return replay;
}

PacketId Session::next_packet_id() {
    do {
        if (++last_packet_id.value == 0) last_packet_id.value = 1;
    } while (outbox && outbox->find(last_packet_id) != nullptr);
    return last_packet_id;
}

}  // namespace godwit::broker
