// One session in JSON, for GET /api/clients/ID.
#pragma once

#include "broker/session_report.h"

#include <string>
#include <string_view>

namespace godwit::admin {

/// One object and a newline. "lost" has every reason that there is, so that a reader need not know
/// which are left out; "expires_in_s" is null while the client is online.
std::string render_session(std::string_view realm, std::string_view client_id,
                           const broker::SessionReport& report);

}  // namespace godwit::admin
