// SessionIndex: the sessions of a shard by their client id, which each of them keeps itself.
#pragma once

#include "base/handle_table.h"
#include "broker/session/session.h"
#include "topic/cell_table.h"

#include <string_view>

namespace godwit::broker {

using SessionTable = HandleTable<Session, SessionRef>;

/// @cost  one probe each, and 10 to 16 bytes a session; what grows, grows in pieces
class SessionIndex {
public:
    /// @param client_hash  of realm and client id, keyed
    /// @return             nullptr: there is none
    Session* find(const SessionTable& sessions, uint64_t client_hash, RealmId realm,
                  std::string_view client_id) const;
    /// One that has this hash.
    Session* find(const SessionTable& sessions, uint64_t client_hash) const;
    /// It is in its table, with hash, realm and client id, and not yet in here.
    void insert(const Session& session);
    /// It is in here and in its table.
    void erase(const SessionTable& sessions, const Session& session);

private:
    struct Cell {
        uint32_t tag_;
        uint32_t slot;
        uint32_t tag() const { return tag_; }
        bool empty() const { return slot == kNone; }
        constexpr void clear() { tag_ = UINT32_MAX, slot = kNone; }
    };
    static constexpr uint32_t kNone = UINT32_MAX;
    using Cells = topic::CellTable<Cell>;
    Cells cells_;
};

}  // namespace godwit::broker
