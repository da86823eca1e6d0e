// `godwit verify` over damaged stores of hostile objects: it changes nothing, what it prints is
// JSON, and of what it calls sound a broker refuses nothing. The input: write_damaged() in
// broker/testing/store_script.h.
#include "server/verifying.h"

#include "base/json.h"
#include "broker/testing/small_broker.h"
#include "broker/testing/store_script.h"

using namespace godwit;
using broker::testing::SmallBroker;

namespace {

constexpr size_t kInputBytesMax = 4096;

bool refuses(const broker::Found& found) {
    const auto is_of_a_realm = [](const std::string& each) {
        return each.find("realm") != std::string::npos;  // the configuration's to know
    };
    return found.unreadable > 0 &&
           std::none_of(found.refused.begin(), found.refused.end(), is_of_a_realm);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2 || size > kInputBytesMax) return 0;
    SmallBroker broker(uint16_t(1 + data[0] % 2));
    const auto folders = broker::testing::write_damaged(broker.disk, {data, size});
    const auto before = broker.disk.counts();
    const auto verdict = server::verify(broker.disk, folders);
    const auto after = broker.disk.counts();
    GW_ASSERT(before.writes == after.writes && before.name_changes == after.name_changes);
    if (!verdict) {  // of a later version
        GW_ASSERT(!broker.open());
        return 0;
    }
    const std::string json = server::verdict_json(*verdict);
    GW_ASSERT(json.ends_with('\n') && is_json(json));
    GW_ASSERT(
        server::verdict_text(*verdict).ends_with(verdict->is_sound() ? "\nsound\n" : "of it\n"));
    GW_ASSERT(broker.open());
    for (uint16_t i = 0; i < folders.size(); ++i)
        GW_ASSERT(!verdict->shards[i].is_sound() ||
                  (broker.damage(i).empty() && !refuses(broker.found(i))));
    return 0;
}
