// `godwit dump` over damaged stores of hostile objects: it changes nothing, each line is one JSON
// object, and of a store that is not damaged it prints what `godwit verify` counts. The input:
// write_damaged() in broker/testing/store_script.h.
#include "server/dumping.h"

#include "base/json.h"
#include "broker/testing/store_script.h"
#include "server/verifying.h"
#include "store/testing/faulty_disk.h"

#include <map>

using namespace godwit;
using broker::ObjectKind;

namespace {

constexpr size_t kInputBytesMax = 4096;

std::string_view type_of(std::string_view line) {
    constexpr std::string_view kBegin = R"({"type":")";
    GW_ASSERT(line.starts_with(kBegin));
    line.remove_prefix(kBegin.size());
    return line.substr(0, line.find('"'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2 || size > kInputBytesMax) return 0;
    store::testing::FaultyDisk disk(1);
    const auto folders = broker::testing::write_damaged(disk, {data, size});
    const auto before = disk.counts();
    std::map<std::string, uint64_t, std::less<>> lines;
    const auto dumped = server::dump(disk, folders, {}, [&](std::string_view line) {
        GW_ASSERT(line.ends_with('\n') && is_json(line));
        GW_ASSERT(line.find('\n') == line.size() - 1);
        ++lines[std::string(type_of(line))];
        return true;
    });
    const auto after = disk.counts();
    GW_ASSERT(before.writes == after.writes && before.name_changes == after.name_changes);
    const auto verdict = server::verify(disk, folders);
    GW_ASSERT(dumped.has_value() == verdict.has_value());
    if (!dumped) return 0;
    GW_ASSERT(dumped->is_damaged == !verdict->is_sound());
    std::map<std::string, uint64_t, std::less<>> counted;
    for (const server::ShardVerdict& each : verdict->shards) {
        counted["session"] += each.counts.of(ObjectKind::Session);
        counted["group"] += each.counts.of(ObjectKind::Group);
        counted["retained"] += each.counts.of(ObjectKind::Retained);
        counted["message"] +=
            each.counts.queued + each.counts.inflight + each.counts.group_messages;
    }
    std::erase_if(counted, [](const auto& each) { return each.second == 0; });
    GW_ASSERT(lines == counted);
    return 0;
}
