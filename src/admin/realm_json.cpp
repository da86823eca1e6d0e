#include "admin/realm_json.h"

#include "base/json.h"

#include <fmt/format.h>

#include <iterator>

namespace godwit::admin {

std::string render_realms(const std::vector<broker::RealmReport>& realms) {
    std::string out = "{\"realms\":[";
    const auto at = std::back_inserter(out);
    for (const broker::RealmReport& each : realms) {
        out += &each == realms.data() ? "{\"realm\":" : ",{\"realm\":";
        append_json_text(out, each.realm);
#define GW_FIELD(name, help) fmt::format_to(at, ",\"{}\":{}", #name, each.name);
        GW_REALM_GAUGES(GW_FIELD)
        GW_REALM_COUNTERS(GW_FIELD)
#undef GW_FIELD
        out += '}';
    }
    out += "]}\n";
    return out;
}

}  // namespace godwit::admin
