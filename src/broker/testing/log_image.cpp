#include "broker/testing/log_image.h"

#include "broker/keeping/summing.h"
#include "store/recovery.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace godwit::broker::testing {

namespace {

/// One log, object by object.
struct Objects : store::Replay {
    struct Object {
        Buffer bytes;
        std::vector<Note> notes;
    };
    std::map<uint32_t, Object> living;

    void on_put(ObjectId id, Bytes bytes) override {
        living[id.value] = {Buffer(bytes.begin(), bytes.end()), {}};
    }
    void on_note(ObjectId id, Bytes bytes) override {
        living.at(id.value).notes.push_back(*read_note(bytes));
    }
    void on_erase(ObjectId id) override { living.erase(id.value); }
};

/// "never", or the number.
std::string at(Instant instant) {
    return instant == kNever ? "never" : std::to_string(instant.time_since_epoch().count());
}
std::string ids(const std::vector<PacketId>& all) {
    std::string text;
    for (const PacketId each : all) text += " " + std::to_string(each.value);
    return text;
}

std::string text_of(const WillRecord& will) {
    return fmt::format("will {} {} at {} after {} s, qos {} retain {} expiry {} {}", will.topic,
                       as_text(will.payload), at(will.due), will.delay_s, int(will.qos),
                       will.retain, will.expiry_s.value_or(0), as_text(will.forwarded_properties));
}

std::string text_of(const MessageParts& parts) {
    return fmt::format("{} {} qos {} retain {} expires {} by {:x} stamp {} of {} {}", parts.topic,
                       as_text(parts.payload), int(parts.qos), parts.retain, at(parts.expires),
                       parts.publisher, parts.stamp, parts.origin.value,
                       as_text(parts.forwarded_properties));
}

std::string text_of(const TakerRecord& taker, PacketId packet_id) {
    return fmt::format("takes it at qos {} retain {} as {} for {}", int(taker.qos), taker.retain,
                       packet_id.value, fmt::join(taker.subscription_ids, ","));
}

std::string text_of(const SubscriptionRecord& record) {
    const auto& options = record.options;
    return fmt::format("subscribes {} {} id {} number {} qos {} {}{}{}", record.share,
                       record.filter, record.subscription_id, record.membership, int(options.qos),
                       options.no_local, options.retain_as_published, int(options.retain_handling));
}

class Painter {
public:
    Painter(const Objects& objects, LogImage& image) : objects_(objects), image_(image) {}

    void paint() {
        for (const auto& [id, object] : objects_.living) paint_owner(id, object);
        for (const auto& [id, object] : objects_.living) paint_subscription(object);
        std::map<uint64_t, const Objects::Object*> messages;  // in order
        for (const auto& [id, object] : objects_.living)
            if (const auto record = read_message(object.bytes))
                messages.emplace(record->number, &object);
        for (const auto& [number, object] : messages) paint_message(*object);
    }

private:
    void paint_owner(uint32_t id, const Objects::Object& object) {
        if (auto record = read_session(object.bytes)) paint_session(id, *record, object.notes);
        if (const auto record = read_group(object.bytes)) {
            owners_[id] =
                fmt::format("group {} {} {}", record->realm.value, record->share, record->filter);
            image_[owners_[id]].emplace_back("is there");
        }
        if (const auto parts = read_retained(object.bytes))
            image_[fmt::format("retained {} {}", parts->realm.value, parts->topic)].push_back(
                text_of(*parts));
    }
    void paint_session(uint32_t id, const SessionRecord& record, const std::vector<Note>& notes) {
        owners_[id] = fmt::format("session {} {}", record.realm.value, record.client_id);
        OpenHandshakes open = sum_up(record);
        for (const Note& note : notes) add(open, note);
        image_[owners_[id]].push_back(fmt::format(
            "version {} user {} ends {} expiry {} at {} unreleased{} owed{} {}",
            int(record.version), record.username.value_or("-"), record.ends_with_connection,
            record.expiry_s, at(record.expires), ids(open.unreleased), ids(open.owed),
            record.will ? text_of(*record.will) : "no will"));
    }
    void paint_subscription(const Objects::Object& object) {
        const auto record = read_subscription(object.bytes);
        if (!record) return;
        auto& lines = image_[owners_.at(record->session.value)];
        lines.insert(std::upper_bound(lines.begin() + 1, lines.end(), text_of(*record)),
                     text_of(*record));
    }
    void paint_message(const Objects::Object& object) {
        const auto record = *read_message(object.bytes);
        OwedMessage owed = *sum_up(record);
        for (const Note& note : object.notes) add(owed, note);
        const std::string text = text_of(record.parts);
        if (owed.waiting_shards != 0) image_["between"].push_back(text);
        Bytes takers = record.takers;
        for (uint32_t i = 0; i < record.taker_count; ++i) {
            const TakerRecord taker = *read_taker(takers);
            for (const OwedTaker& each : owed.takers)
                if (each.taker == i && owners_.contains(each.owner.value))
                    image_[owners_.at(each.owner.value)].push_back(text + " " +
                                                                   text_of(taker, each.packet_id));
        }
    }

    const Objects& objects_;
    LogImage& image_;
    std::map<uint32_t, std::string> owners_;  // keys in the image, by object
};

}  // namespace

LogImage image_of(std::span<const LogFolder> logs) {
    LogImage image;
    for (const LogFolder& each : logs) {
        Objects objects;
        const auto found = store::recover(*each.directory, each.name, objects);
        GW_ASSERT(found && found->damage.empty());
        Painter(objects, image).paint();
    }
    return image;
}

}  // namespace godwit::broker::testing
