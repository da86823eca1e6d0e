// Refusal lines: what is said of requests that are refused, however many. Of each client one line a
// second, with the number of the others: a flood of them must not push other lines out of the log.
// `godwit why` counts them all.
#pragma once

#include "broker/core.h"

namespace godwit::broker {

/// One more request of this client is refused.
/// @param name, reason  as of Event; `name` is of static storage
/// @param detail        two parts of one text, the second may be empty
void tell_refusal(Core& core, Session& session, const char* name, std::string_view reason,
                  std::array<std::string_view, 2> detail);
/// Of a client that is not known here.
void tell_refusal(Core& core, RealmId realm, const char* name, std::string_view reason,
                  std::string_view detail);
/// For Event::untold.
std::string more_since_the_last_line(uint32_t count);
/// The client goes: says how many were refused since the last line, if any.
void tell_untold_refusals(Core& core, Session& session);

}  // namespace godwit::broker
