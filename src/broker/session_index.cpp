#include "broker/session_index.h"

#include "base/assert.h"

namespace godwit::broker {

Session* SessionIndex::find(const SessionTable& sessions, uint64_t client_hash, RealmId realm,
                            std::string_view client_id) const {
    for (const Cell* cell = cells_.first(client_hash); Cells::has_tag(cell, client_hash); ++cell) {
        Session* session = sessions.at(cell->slot);
        if (session->client_hash == client_hash && session->realm == realm &&
            session->client_id.view() == client_id)
            return session;
    }
    return nullptr;
}

Session* SessionIndex::find(const SessionTable& sessions, uint64_t client_hash) const {
    for (const Cell* cell = cells_.first(client_hash); Cells::has_tag(cell, client_hash); ++cell)
        if (Session* session = sessions.at(cell->slot); session->client_hash == client_hash)
            return session;
    return nullptr;
}

void SessionIndex::insert(const Session& session) {
    cells_.insert(session.client_hash, {Cells::tag_of(session.client_hash), session.self.slot});
}

void SessionIndex::erase(const SessionTable& sessions, const Session& session) {
    Cell* cell = cells_.first(session.client_hash);
    while (Cells::has_tag(cell, session.client_hash) && sessions.at(cell->slot) != &session) ++cell;
    GW_ASSERT(Cells::has_tag(cell, session.client_hash));
    cells_.erase(session.client_hash, cell);
}

}  // namespace godwit::broker
