// The last events of one client, for GET /api/clients/ID/events and `godwit why`.
#pragma once

#include "broker/client_history.h"

#include <string>
#include <string_view>
#include <vector>

namespace godwit::admin {

/// One object and a newline: {"client":..,"realm":..,"events":[{"first":..,"last":..,"count":..,
/// "event":..,"reason":..,"detail":..,"address":..}]}; times in ms since 1970.
std::string render_events(std::string_view realm, std::string_view client_id,
                          const std::vector<broker::PastEvent>& events);

/// A line for each: "2026-11-26 08:01:02 UTC  publish_refused  not_authorized  a/b: policy:12".
std::string render_events_text(const std::vector<broker::PastEvent>& events);

}  // namespace godwit::admin
