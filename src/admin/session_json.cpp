#include "admin/session_json.h"

#include "base/json.h"

#include <fmt/format.h>

#include <iterator>

namespace godwit::admin {

std::string render_session(std::string_view realm, std::string_view client_id,
                           const broker::SessionReport& report) {
    std::string out = "{\"client\":";
    append_json_text(out, client_id);
    out += ",\"realm\":";
    append_json_text(out, realm);
    const auto at = std::back_inserter(out);
    fmt::format_to(at, ",\"shard\":{},\"mqtt\":\"{}\",\"online\":{}", report.shard.value,
                   version_text(report.version), report.online);
    if (report.online)
        out += ",\"expires_in_s\":null";
    else
        fmt::format_to(at, ",\"expires_in_s\":{}", report.expires_in_s);
    fmt::format_to(at, ",\"subscriptions\":{},\"queued\":{},\"queued_bytes\":{},\"inflight\":{}",
                   report.subscriptions, report.queued, report.queued_bytes, report.inflight);
    const broker::HeldBackReport& held = report.held_back;
    fmt::format_to(at, ",\"held_back\":{{\"by\":{},\"times\":{},\"seconds\":{:.3f}}}",
                   held.by ? fmt::format("\"{}\"", broker::kRateOfNames[size_t(*held.by)]) : "null",
                   held.times, std::chrono::duration<double>(held.held).count());
    out += ",\"lost\":{";
    for (size_t i = 0; i < broker::kLossCount; ++i)
        fmt::format_to(at, "{}\"{}\":{}", i ? "," : "", broker::kLosses[i].reason,
                       report.lost.counts[i]);
    out += "}}\n";
    return out;
}

}  // namespace godwit::admin
