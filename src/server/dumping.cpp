#include "server/dumping.h"

#include "auth/base64.h"
#include "base/json.h"
#include "base/utf8.h"
#include "broker/keeping/stored_shard.h"
#include "client/message_format.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace godwit::server {

using broker::ObjectKind;
using broker::StoredShard;
using broker::StoredTaker;

namespace {

std::string quoted(std::string_view text) {
    std::string out;
    append_json_text(out, text);
    return out;
}

std::string ids_json(const std::vector<PacketId>& ids) {
    std::string out = "[";
    for (const PacketId id : ids) out += (out.size() > 1 ? "," : "") + std::to_string(id.value);
    return out + "]";
}

std::string_view protocol_name(mqtt::Version version) {
    return version == mqtt::Version::V5 ? "5.0" : version == mqtt::Version::V311 ? "3.1.1" : "3.1";
}

void append_payload(std::string& out, Bytes payload) {
    out += fmt::format(R"(,"payloadlen":{})", payload.size());
    if (is_mqtt_utf8(as_text(payload))) {
        out += R"(,"payload":)";
        return append_json_text(out, as_text(payload));
    }
    std::string text = auth::encode_base64(payload);
    text.resize((text.size() + 3) / 4 * 4, '=');
    out += R"(,"payload_base64":")" + text + '"';
}

void append_properties(std::string& out, Bytes properties) {
    if (properties.empty()) return;
    out += R"(,"properties":)";
    client::append_json_properties(out, properties);
}

std::string will_json(const broker::WillRecord& will) {
    std::string out = fmt::format(R"({{"topic":{},"qos":{},"retain":{},"delay_s":{})",
                                  quoted(will.topic), int(will.qos), will.retain, will.delay_s);
    if (will.expiry_s) out += fmt::format(R"(,"expiry_s":{})", *will.expiry_s);
    append_properties(out, will.forwarded_properties);
    append_payload(out, will.payload);
    return out + "}";
}

std::string subscription_json(const broker::SubscriptionRecord& record) {
    std::string out = "{";
    if (!record.share.empty()) out += fmt::format(R"("share":{},)", quoted(record.share));
    out += fmt::format(
        R"("filter":{},"qos":{},"no_local":{},"retain_as_published":{},"retain_handling":{})",
        quoted(record.filter), int(record.options.qos), record.options.no_local,
        record.options.retain_as_published, int(record.options.retain_handling));
    if (record.subscription_id != 0) out += fmt::format(R"(,"id":{})", record.subscription_id);
    return out + "}";
}

/// One shard, line by line.
class ShardDump {
public:
    using Print = std::function<bool(std::string_view)>;
    ShardDump(StoredShard& stored, const DumpOptions& options, const Print& print, Dumped& out)
        : stored_(stored), options_(options), print_(print), out_(out) {}

    /// @return  false when nobody listens any more
    bool run() {
        for (const ObjectId id : stored_.all(ObjectKind::Session))
            if (!session(id)) return false;
        if (options_.client_id) return true;
        for (const ObjectId id : stored_.all(ObjectKind::Group))
            if (!group(id)) return false;
        if (!options_.retained) return true;
        for (const ObjectId id : stored_.all(ObjectKind::Retained))
            if (!retained(id)) return false;
        return true;
    }

private:
    bool session(ObjectId id) {
        const auto record = stored_.session(id);
        if (!record) return lost();
        if (options_.client_id && record->client_id != *options_.client_id) return true;
        const std::string owner = R"("client_id":)" + quoted(record->client_id);
        if (options_.sessions && !line(session_line(*record, owner, id))) return false;
        return messages(id, owner);
    }

    std::string session_line(const broker::SessionRecord& record, const std::string& owner,
                             ObjectId id) {
        std::string out = fmt::format(R"({{"type":"session",{},"protocol":"{}")", owner,
                                      protocol_name(record.version));
        if (record.realm.value != 0) out += fmt::format(R"(,"realm":{})", record.realm.value);
        if (record.username) out += R"(,"username":)" + quoted(*record.username);
        out += fmt::format(R"(,"expiry_s":{},"online":{})",
                           record.ends_with_connection ? 0 : record.expiry_s,
                           record.expires == kNever);
        append_left(out, "expires_in_s", record.expires);
        if (record.will) out += R"(,"will":)" + will_json(*record.will);
        if (record.will) append_left(out, "will_due_in_s", record.will->due);
        out += fmt::format(R"(,"unreleased":{},"pubrel_owed":{})", ids_json(record.unreleased),
                           ids_json(record.owed));
        std::vector<PacketId> inflight;
        for (const StoredTaker& each : stored_.owed_to(id))
            if (each.packet_id.value != 0) inflight.push_back(each.packet_id);
        out += fmt::format(R"(,"inflight":{},"queued":{})", ids_json(inflight),
                           stored_.owed_to(id).size() - inflight.size());
        // The record's texts are gone from here on.
        return out + R"(,"subscriptions":[)" + subscriptions(id) + "]}\n";
    }

    std::string subscriptions(ObjectId session) {
        std::string out;
        for (const broker::StoredSubscription& each : stored_.subscriptions_of(session)) {
            const auto record = stored_.subscription(each.id);
            if (!record) {
                lost();
                continue;
            }
            if (!out.empty()) out += ',';
            out += subscription_json(*record);
        }
        return out;
    }

    bool group(ObjectId id) {
        const auto record = stored_.group(id);
        if (!record) return lost();
        const std::string owner =
            fmt::format(R"("share":{},"filter":{})", quoted(record->share), quoted(record->filter));
        if (options_.sessions && !line(fmt::format("{{\"type\":\"group\",{},\"queued\":{}}}\n",
                                                   owner, stored_.owed_to(id).size())))
            return false;
        return messages(id, owner);
    }

    bool messages(ObjectId owner, const std::string& owner_json) {
        if (!options_.queues) return true;
        for (const StoredTaker& each : stored_.owed_to(owner)) {
            const auto parts = stored_.message(each);
            if (!parts) {
                lost();
                continue;
            }
            std::string out = fmt::format(
                R"({{"type":"message",{},"topic":{},"qos":{},"retain":{})", owner_json,
                quoted(parts->topic), int(each.is_group ? parts->qos : each.qos), each.retain);
            if (each.packet_id.value != 0) out += fmt::format(R"(,"mid":{})", each.packet_id.value);
            if (!line(finish(std::move(out), *parts))) return false;
        }
        return true;
    }

    bool retained(ObjectId id) {
        const auto parts = stored_.retained(id);
        if (!parts) return lost();
        return line(finish(fmt::format(R"({{"type":"retained","topic":{},"qos":{})",
                                       quoted(parts->topic), int(parts->qos)),
                           *parts));
    }

    std::string finish(std::string out, const broker::MessageParts& parts) const {
        append_source(out, parts.source);
        append_left(out, "expires_in_s", parts.expires);
        append_properties(out, parts.forwarded_properties);
        append_payload(out, parts.payload);
        return out + "}\n";
    }

    /// What was left when the clock was written last; 0 when it was over.
    void append_left(std::string& out, std::string_view name, Instant at) const {
        if (at == kNever || !stored_.clock()) return;
        const auto left = std::chrono::ceil<std::chrono::seconds>(at - stored_.clock()->now);
        out += fmt::format(R"(,"{}":{})", name, std::max<int64_t>(left.count(), 0));
    }

    static void append_source(std::string& out, const std::optional<broker::Source>& source) {
        if (!source) return;
        out += R"(,"client":)" + quoted(source->client_id);
        if (source->username) out += R"(,"user":)" + quoted(*source->username);
    }

    bool lost() {
        out_.is_damaged = true;
        return true;
    }

    bool line(const std::string& text) {
        ++out_.lines;
        return print_(text);
    }

    StoredShard& stored_;
    const DumpOptions& options_;
    const Print& print_;
    Dumped& out_;
};

}  // namespace

Result<Dumped, std::string> dump(Directory& directory, std::span<const std::string> folders,
                                 const DumpOptions& options,
                                 const std::function<bool(std::string_view)>& print) {
    Dumped out;
    const auto shard_count = uint16_t(folders.size());
    for (uint16_t i = 0; i < shard_count; ++i) {
        auto stored = StoredShard::read(directory, folders[i], {i}, shard_count);
        if (!stored && stored.error().fault == DiskFault::NotFound) continue;
        if (!stored) return Err{folders[i] + ": " + stored.error().what};
        out.is_damaged |= !stored->report().damage.empty() || stored->counts().faults > 0;
        if (!ShardDump(*stored, options, print, out).run()) break;
    }
    return out;
}

}  // namespace godwit::server
