// Survey: the first reading of an old log: which record of each object counts, who lives where in
// the new logs, who is owed which message. No bodies.
#pragma once

#include "broker/homes.h"
#include "broker/keeping/summing.h"
#include "store/replay.h"

#include <vector>

namespace godwit::broker {

/// Values under numbers that are used again.
template <class T>
class Slots {
public:
    uint32_t add(T value) {
        if (free_.empty()) {
            values_.push_back(std::move(value));
            return uint32_t(values_.size() - 1);
        }
        const uint32_t at = free_.back();
        free_.pop_back();
        values_[at] = std::move(value);
        return at;
    }
    void drop(uint32_t at) {
        values_[at] = T{};
        free_.push_back(at);
    }
    T& operator[](uint32_t at) { return values_[at]; }

private:
    std::vector<T> values_;
    std::vector<uint32_t> free_;
};

class Survey : public store::Replay {
public:
    /// @param homes  in the new logs
    explicit Survey(const Homes& homes) : homes_(homes) {}
    void on_put(ObjectId id, Bytes bytes) override;
    void on_note(ObjectId id, Bytes bytes) override;
    void on_erase(ObjectId id) override;

    /// A session or a group, and the id it gets there.
    struct Owner {
        ShardId home;
        ObjectId id;
        OpenHandshakes handshakes;
    };
    /// Gives each owner its id: calls next_id(home).
    template <class NextId>
    void name_owners(NextId next_id) {
        for (Row& row : rows_)
            if (is_owner(row.kind)) owners_[row.index].id = next_id(owners_[row.index].home);
    }

    /// The second reading, put by put: is this the record that counts? None: it is not, or nobody
    /// needs it.
    ObjectKind take(ObjectId id);
    /// nullptr: there is none of this kind.
    const Owner* owner(ObjectId id, ObjectKind kind);
    const OwedMessage& message(ObjectId id) { return messages_[row(id).index]; }

    const Homes& homes() const { return homes_; }
    uint64_t living() const;                          // objects that take() has still to name
    bool is_surprised() const { return surprised_; }  // take() met puts that were not there before
    uint64_t message_number() const { return message_number_; }  // the largest
    uint64_t newest_stamp() const { return newest_stamp_; }
    uint64_t unreadable() const { return unreadable_; }

private:
    struct Row {
        ObjectKind kind = ObjectKind::None;  // None: it does not live, or is not moved
        uint32_t index = 0;                  // into owners_ or messages_
        uint32_t puts = 0;
    };
    static bool is_owner(ObjectKind kind) {
        return kind == ObjectKind::Session || kind == ObjectKind::Group;
    }
    Row& row(ObjectId id);
    ObjectKind enter(Row& row, Bytes bytes);
    ObjectKind enter_session(Row& row, Bytes bytes);
    ObjectKind enter_group(Row& row, Bytes bytes);
    ObjectKind enter_message(Row& row, Bytes bytes);
    void see(uint64_t stamp) { newest_stamp_ = std::max(newest_stamp_, stamp); }
    void see_crossings(Bytes bytes);

    const Homes homes_;
    std::vector<Row> rows_;  // by id
    Slots<Owner> owners_;
    Slots<OwedMessage> messages_;
    uint64_t message_number_ = 0;
    uint64_t newest_stamp_ = 0;
    uint64_t unreadable_ = 0;
    bool surprised_ = false;
};

}  // namespace godwit::broker
