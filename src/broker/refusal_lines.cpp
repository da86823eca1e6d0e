#include "broker/refusal_lines.h"

#include <fmt/format.h>

namespace godwit::broker {

namespace {

constexpr auto kLineTime = std::chrono::seconds(1);

/// The last event of this turn, if it is the same again.
Event* same_again(Core& core, const Session* session, const Event& event) {
    if (core.fx->events.empty()) return nullptr;
    Event& last = core.fx->events.back();
    const std::string_view client = session ? session->client_id.view() : std::string_view();
    const bool is_same = last.count > 0 && last.realm == event.realm && last.client == client &&
                         std::string_view(last.name) == event.name && last.reason == event.reason &&
                         last.detail == event.detail;
    return is_same ? &last : nullptr;
}

void tell(Core& core, Session* session, Event event, RefusalLine& line) {
    if (Event* last = same_again(core, session, event)) {
        ++last->count;
        ++line.untold;
        return;
    }
    event.quiet = core.now < line.due;
    if (event.quiet) {
        ++line.untold;
    } else {
        event.untold = line.untold;
        line = {core.now + kLineTime, 0};
    }
    if (session) {
        event.client = session->client_id;
        if (session->online) event.connection = session->connection;
    }
    core.fx->events.push_back(std::move(event));
}

}  // namespace

std::string more_since_the_last_line(uint32_t count) {
    return fmt::format("{} more since the last line", count);
}

void tell_refusal(Core& core, Session& session, const char* name, std::string_view reason,
                  std::array<std::string_view, 2> detail) {
    Event event{.severity = Severity::Warning,
                .name = name,
                .realm = session.realm,
                .reason = std::string(reason),
                .detail = std::string(detail[0])};
    event.detail += detail[1];
    tell(core, &session, std::move(event), session.need_extras().refusals);
}

void tell_refusal(Core& core, RealmId realm, const char* name, std::string_view reason,
                  std::string_view detail) {
    tell(core, nullptr,
         {.severity = Severity::Warning,
          .name = name,
          .realm = realm,
          .reason = std::string(reason),
          .detail = std::string(detail)},
         core.refusals);
}

void tell_untold_refusals(Core& core, Session& session) {
    if (!session.extras || session.extras->refusals.untold == 0) return;
    core.event(Severity::Warning, "requests_refused", session, {},
               more_since_the_last_line(std::exchange(session.extras->refusals.untold, 0)));
    core.fx->events.back().count = 0;
}

}  // namespace godwit::broker
