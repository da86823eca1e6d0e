#include "broker/refusal_lines.h"

#include <fmt/format.h>

namespace godwit::broker {

namespace {

constexpr auto kLineTime = std::chrono::seconds(1);

/// The last event of this turn, if it is the same again.
Event* same_again(Core& core, const Session* session, RealmId realm, const char* name,
                  std::string_view reason) {
    if (core.fx->events.empty()) return nullptr;
    Event& last = core.fx->events.back();
    const std::string_view client = session ? session->client_id.view() : std::string_view();
    const bool is_same = last.count > 0 && last.realm == realm && last.client == client &&
                         std::string_view(last.name) == name && last.reason == reason;
    return is_same ? &last : nullptr;
}

std::string others(uint32_t count) {
    return fmt::format("{} more since the last line", count);
}

void tell(Core& core, Session* session, Event event, RefusalLine& line) {
    event.quiet = core.now < line.due;
    if (event.quiet) {
        ++line.untold;
    } else {
        if (line.untold > 0) event.detail += "; " + others(line.untold);
        line = {core.now + kLineTime, 0};
    }
    if (session) {
        event.client = session->client_id;
        if (session->online) event.connection = session->connection;
    }
    core.fx->events.push_back(std::move(event));
}

}  // namespace

void tell_refusal(Core& core, Session& session, const char* name, std::string_view reason,
                  std::array<std::string_view, 2> detail) {
    RefusalLine& line = session.need_extras().refusals;
    if (Event* last = same_again(core, &session, session.realm, name, reason)) {
        ++last->count;
        ++line.untold;
        return;
    }
    Event event{.severity = Severity::Warning,
                .name = name,
                .realm = session.realm,
                .reason = std::string(reason),
                .detail = std::string(detail[0])};
    event.detail += detail[1];
    tell(core, &session, std::move(event), line);
}

void tell_refusal(Core& core, RealmId realm, const char* name, std::string_view reason,
                  std::string_view detail) {
    if (Event* last = same_again(core, nullptr, realm, name, reason)) {
        ++last->count;
        ++core.refusals.untold;
        return;
    }
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
               others(std::exchange(session.extras->refusals.untold, 0)));
    core.fx->events.back().count = 0;
}

}  // namespace godwit::broker
