#include "server/verifying.h"

#include "base/json.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace godwit::server {

using broker::ObjectKind;
using broker::StoredShard;

namespace {

struct Column {
    const char* name;
    uint64_t (*value)(const ShardVerdict& shard);
};

uint64_t used_segments(const ShardVerdict& shard) {
    return uint64_t(std::ranges::count(shard.report.segments, "used", &store::SegmentReport::role));
}
uint64_t file_bytes(const ShardVerdict& shard) {
    uint64_t bytes = 0;
    for (const store::SegmentReport& each : shard.report.segments) bytes += each.file_bytes;
    return bytes;
}
template <ObjectKind kind>
uint64_t count_of(const ShardVerdict& shard) {
    return shard.counts.of(kind);
}
uint64_t subscriptions(const ShardVerdict& shard) {
    return shard.counts.of(ObjectKind::Subscription) + shard.counts.of(ObjectKind::Membership);
}

/// The columns of the table, and the numbers of a shard in JSON.
constexpr Column kColumns[] = {
    {"segments", used_segments},
    {"file_bytes", file_bytes},
    {"live_bytes", [](const ShardVerdict& shard) { return shard.report.live_bytes; }},
    {"objects", [](const ShardVerdict& shard) { return shard.report.objects; }},
    {"sessions", count_of<ObjectKind::Session>},
    {"subscriptions", subscriptions},
    {"messages", count_of<ObjectKind::Message>},
    {"queued", [](const ShardVerdict& shard) { return shard.counts.queued; }},
    {"inflight", [](const ShardVerdict& shard) { return shard.counts.inflight; }},
    {"groups", count_of<ObjectKind::Group>},
    {"in_groups", [](const ShardVerdict& shard) { return shard.counts.group_messages; }},
    {"crossing", [](const ShardVerdict& shard) { return shard.counts.crossings; }},
    {"retained", count_of<ObjectKind::Retained>},
};

void append_table(std::string& out, const Verdict& verdict) {
    constexpr size_t kGap = 2;
    out += fmt::format("{:<8}", "");
    for (const Column& each : kColumns)
        out += fmt::format("{:>{}}", each.name,
                           std::max<size_t>(8, std::string_view(each.name).size()) + kGap);
    out += '\n';
    const auto row = [&](std::string_view name, auto&& value) {
        out += fmt::format("{:<8}", name);
        for (const Column& each : kColumns)
            out += fmt::format("{:>{}}", value(each),
                               std::max<size_t>(8, std::string_view(each.name).size()) + kGap);
        out += '\n';
    };
    for (const ShardVerdict& shard : verdict.shards)
        row(shard.folder, [&](const Column& each) { return each.value(shard); });
    row("all", [&](const Column& each) {
        uint64_t sum = 0;
        for (const ShardVerdict& shard : verdict.shards) sum += each.value(shard);
        return sum;
    });
}

/// What is out of order in one shard, a line each.
void append_remarks(std::string& out, const ShardVerdict& shard) {
    for (const store::SegmentReport& each : shard.report.segments)
        if (each.torn)
            out += fmt::format(
                "torn: {}/{}, offset {}: a group that a crash cut off, with {} whole records; "
                "nobody was promised it\n",
                shard.folder, each.name, each.torn->offset, each.torn->sound_records);
    for (const std::string& each : shard.report.set_aside)
        out += fmt::format("set aside: {}/{}: an earlier start found it damaged\n", shard.folder,
                           each);
    if (shard.is_missing)
        out += fmt::format("damaged: {}: the folder is not there\n", shard.folder);
    for (const store::Damage& each : shard.report.damage)
        out += fmt::format("damaged: {}/{}\n", shard.folder, each.what);
    for (const std::string& each : shard.faults)
        out += fmt::format("unusable: {}: {}\n", shard.folder, each);
    if (shard.counts.faults > shard.faults.size())
        out += fmt::format("unusable: {}: and {} more\n", shard.folder,
                           shard.counts.faults - shard.faults.size());
}

std::string json_texts(const std::vector<std::string>& texts) {
    std::string out = "[";
    for (const std::string& each : texts) {
        if (out.size() > 1) out += ',';
        append_json_text(out, each);
    }
    return out + "]";
}

std::string segment_json(const store::SegmentReport& segment) {
    std::string out = fmt::format(
        R"({{"name":"{}","role":"{}","file_bytes":{},"group_bytes":{},"groups":{},"puts":{},)"
        R"("notes":{},"erases":{},"living":{},"live_bytes":{},"damaged":{})",
        segment.name, segment.role, segment.file_bytes, segment.group_bytes, segment.groups,
        segment.puts, segment.notes, segment.erases, segment.living, segment.live_bytes,
        segment.is_damaged);
    if (segment.torn)
        out += fmt::format(R"(,"torn":{{"offset":{},"records":{}}})", segment.torn->offset,
                           segment.torn->sound_records);
    return out + "}";
}

std::string shard_json(const ShardVerdict& shard) {
    std::string out = fmt::format(R"({{"folder":"{}","sound":{},"missing":{})", shard.folder,
                                  shard.is_sound(), shard.is_missing);
    for (const Column& each : kColumns)
        out += fmt::format(R"(,"{}":{})", each.name, each.value(shard));
    out += R"(,"log":[)";
    for (const store::SegmentReport& each : shard.report.segments) {
        if (&each != shard.report.segments.data()) out += ',';
        out += segment_json(each);
    }
    std::vector<std::string> damage;
    for (const store::Damage& each : shard.report.damage) damage.push_back(each.what);
    return out + fmt::format(R"(],"damage":{},"unusable_count":{},"unusable":{},"set_aside":{}}})",
                             json_texts(damage), shard.counts.faults, json_texts(shard.faults),
                             json_texts(shard.report.set_aside));
}

}  // namespace

bool Verdict::is_sound() const {
    return std::ranges::all_of(shards, &ShardVerdict::is_sound);
}

Result<Verdict, std::string> verify(Directory& directory, std::span<const std::string> folders) {
    Verdict out;
    const auto shard_count = uint16_t(folders.size());
    for (uint16_t i = 0; i < shard_count; ++i) {
        ShardVerdict& shard = out.shards.emplace_back();
        shard.folder = folders[i];
        const auto stored = StoredShard::read(directory, shard.folder, {i}, shard_count);
        if (!stored && stored.error().fault != DiskFault::NotFound)
            return Err{shard.folder + ": " + stored.error().what};
        shard.is_missing = !stored;
        if (!stored) continue;
        shard.report = stored->report();
        shard.counts = stored->counts();
        shard.faults = stored->faults();
    }
    const auto holds_something = [](const ShardVerdict& shard) {
        return shard.report.objects > 0 || !shard.report.damage.empty();
    };
    if (std::ranges::none_of(out.shards, holds_something))
        for (ShardVerdict& shard : out.shards) shard.is_missing = false;
    return out;
}

std::string verdict_text(const Verdict& verdict) {
    std::string out;
    append_table(out, verdict);
    for (const ShardVerdict& shard : verdict.shards) append_remarks(out, shard);
    return out +
           (verdict.is_sound() ? "sound\n" : "damaged; a broker starts with what is sound of it\n");
}

std::string verdict_json(const Verdict& verdict) {
    std::string out = fmt::format(R"({{"sound":{},"shards":[)", verdict.is_sound());
    for (const ShardVerdict& shard : verdict.shards) {
        if (&shard != verdict.shards.data()) out += ',';
        out += shard_json(shard);
    }
    return out + "]}\n";
}

}  // namespace godwit::server
