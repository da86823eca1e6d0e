#include "admin/client_events.h"

#include "base/json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace godwit::admin {

namespace {

void append_member(std::string& out, const char* name, std::string_view text) {
    out += fmt::format(",\"{}\":", name);
    append_json_text(out, text);
}

std::string time_text(WallTime time) {
    return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::time_t(time.unix_ms / 1000)));
}

}  // namespace

std::string render_events(std::string_view realm, std::string_view client_id,
                          const std::vector<broker::PastEvent>& events) {
    std::string out = "{\"client\":";
    append_json_text(out, client_id);
    append_member(out, "realm", realm);
    out += ",\"events\":[";
    for (size_t i = 0; i < events.size(); ++i) {
        const broker::PastEvent& each = events[i];
        out += fmt::format("{}{{\"first\":{},\"last\":{},\"count\":{}", i ? "," : "",
                           each.first.unix_ms, each.last.unix_ms, each.count);
        append_member(out, "event", each.name);
        append_member(out, "reason", each.reason);
        append_member(out, "detail", each.detail);
        append_member(out, "address", each.address);
        out += '}';
    }
    return out + "]}\n";
}

std::string render_events_text(const std::vector<broker::PastEvent>& events) {
    std::string out;
    for (const broker::PastEvent& each : events) {
        out += fmt::format("{}  {}", time_text(each.last), each.name);
        for (const std::string& word : {each.reason, each.detail})
            if (!word.empty()) out += "  " + word;
        if (!each.address.empty()) out += "  from " + each.address;
        if (each.count > 1)
            out += fmt::format("  ({} times since {})", each.count, time_text(each.first));
        out += '\n';
    }
    return out;
}

}  // namespace godwit::admin
