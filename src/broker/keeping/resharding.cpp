#include "broker/keeping/resharding.h"

#include "broker/keeping/survey.h"
#include "store/recovery.h"

#include <algorithm>

namespace godwit::broker {

namespace {

using Outcome = Result<Done, DiskError>;

constexpr uint64_t kWatchEvery = 4096;

/// The second reading of one old log: what counts is written to the new ones.
class Mover : public store::Replay {
public:
    struct Place {
        size_t log = 0;
        uint64_t numbers_before = 0;  // of messages, used up by the logs before
    };
    Mover(Place place, Survey& survey, std::vector<NewLog>& logs, Resharded& sum,
          ReshardWatch& watch)
        : place_(place),
          survey_(survey),
          logs_(logs),
          sum_(sum),
          watch_(watch),
          total_(survey.living()),
          shares_(logs.size()) {}

    void on_put(ObjectId id, Bytes bytes) override;
    void on_note(ObjectId, Bytes) override {}
    void on_erase(ObjectId) override {}
    const std::optional<DiskError>& error() const { return error_; }

private:
    /// What one new log gets of a message.
    struct Share {
        uint32_t count = 0;
        Buffer takers;
    };
    void move(ObjectId id, ObjectKind kind, Bytes bytes);
    void move_session(const Survey::Owner& session, Bytes bytes);
    void move_subscription(Bytes bytes);
    void move_group(const Survey::Owner& group, Bytes bytes);
    void move_retained(Bytes bytes);
    void move_message(const OwedMessage& owed, Bytes bytes);
    void share_out(const OwedMessage& owed, Bytes takers);
    void write(ShardId to, ObjectId id, Bytes bytes);
    void write_new(ShardId to, Bytes bytes) { write(to, logs_[to.value].next_id(), bytes); }

    const Place place_;
    Survey& survey_;
    std::vector<NewLog>& logs_;
    Resharded& sum_;
    ReshardWatch& watch_;
    const uint64_t total_;
    uint64_t done_ = 0;
    std::vector<Share> shares_;  // scratch, by new log
    Buffer scratch_;
    std::optional<DiskError> error_;  // the first; nothing is written after it
};

void Mover::on_put(ObjectId id, Bytes bytes) {
    const ObjectKind kind = survey_.take(id);
    if (kind == ObjectKind::None || error_) return;
    move(id, kind, bytes);
    if (++done_ % kWatchEvery == 0) watch_.on_progress(place_.log, done_, total_);
}

void Mover::move(ObjectId id, ObjectKind kind, Bytes bytes) {
    switch (kind) {
        case ObjectKind::Session:
            return move_session(*survey_.owner(id, kind), bytes);
        case ObjectKind::Subscription:
        case ObjectKind::Membership:
            return move_subscription(bytes);
        case ObjectKind::Group:
            return move_group(*survey_.owner(id, kind), bytes);
        case ObjectKind::Retained:
            return move_retained(bytes);
        case ObjectKind::Message:
            return move_message(survey_.message(id), bytes);
        case ObjectKind::None:
        case ObjectKind::Crossing:
        case ObjectKind::Clock:
            return;
    }
}

void Mover::write(ShardId to, ObjectId id, Bytes bytes) {
    if (error_) return;
    if (const auto done = logs_[to.value].put(id, bytes); !done) error_ = done.error();
}

void Mover::move_session(const Survey::Owner& session, Bytes bytes) {
    auto record = *read_session(bytes);
    record.unreleased = session.handshakes.unreleased;
    record.owed = session.handshakes.owed;
    scratch_.clear();
    append_object(scratch_, record);
    write(session.home, session.id, scratch_);
    ++sum_.sessions;
}

void Mover::move_subscription(Bytes bytes) {
    auto record = read_subscription(bytes);
    const auto* session = record ? survey_.owner(record->session, ObjectKind::Session) : nullptr;
    if (!session) {
        ++sum_.dropped;
        return;
    }
    record->session = session->id;
    scratch_.clear();
    append_object(scratch_, *record);
    write_new(session->home, scratch_);
    ++sum_.subscriptions;
}

void Mover::move_group(const Survey::Owner& group, Bytes bytes) {
    write(group.home, group.id, bytes);
    ++sum_.groups;
}

void Mover::move_retained(Bytes bytes) {
    const auto parts = *read_retained(bytes);
    write_new(survey_.homes().of_topic(parts.realm, parts.topic), bytes);
    ++sum_.retained;
}

void Mover::move_message(const OwedMessage& owed, Bytes bytes) {
    if (owed.waiting_shards != 0) {
        error_ = DiskError{DiskFault::Io, "a message is still on its way between two shards"};
        return;
    }
    auto record = *read_message(bytes);
    share_out(owed, record.takers);
    record.number += place_.numbers_before;
    record.waiting_shards = 0;
    bool wanted = false;
    for (size_t i = 0; i < shares_.size(); ++i) {
        const Share& share = shares_[i];
        if (share.count == 0) continue;
        wanted = true;
        record.taker_count = share.count;
        record.takers = share.takers;
        scratch_.clear();
        append_object(scratch_, record);
        write_new({uint16_t(i)}, scratch_);
        ++sum_.messages;
    }
    if (!wanted) ++sum_.dropped;
}

/// Who is owed the message still, sorted by new home. A loan is settled: nothing is between the
/// shards.
void Mover::share_out(const OwedMessage& owed, Bytes takers) {
    for (Share& share : shares_) {
        share.count = 0;
        share.takers.clear();
    }
    uint32_t place = 0;
    for (const OwedTaker& each : owed.takers) {
        auto taker = read_taker(takers);
        for (; taker && place < each.taker; ++place) taker = read_taker(takers);
        if (!taker) return;
        ++place;
        const auto* owner =
            survey_.owner(each.owner, each.group ? ObjectKind::Group : ObjectKind::Session);
        if (!owner) continue;
        taker->owner = owner->id;
        taker->packet_id = each.packet_id;
        taker->loan.reset();
        Share& share = shares_[owner->home.value];
        append_taker(share.takers, *taker);
        ++share.count;
    }
}

class Resharder {
public:
    Resharder(const ReshardPlan& plan, ReshardWatch& watch) : plan_(plan), watch_(watch) {}
    Outcome make_logs();
    Outcome move_log(size_t i);
    Outcome finish();
    const Resharded& sum() const { return sum_; }

private:
    const ReshardPlan& plan_;
    ReshardWatch& watch_;
    std::vector<NewLog> logs_;
    Resharded sum_;
    uint64_t message_numbers_ = 0;
    uint64_t newest_stamp_ = 0;
};

Outcome Resharder::make_logs() {
    store::Options options = plan_.store;
    options.durability = store::Durability::Fsync;
    for (const LogFolder& folder : plan_.to) {
        options.salt = uint32_t(mix_hash(plan_.store.salt, logs_.size()));
        auto log = NewLog::make(folder, options);
        if (!log) return Err{log.error()};
        logs_.push_back(std::move(*log));
    }
    return Done{};
}

Outcome Resharder::move_log(size_t i) {
    const LogFolder& from = plan_.from[i];
    Survey survey({plan_.key, uint16_t(plan_.to.size())});
    auto first = store::recover(*from.directory, from.name, survey);
    if (!first) return Err{first.error()};
    if (!first->damage.empty()) return Err{DiskError{DiskFault::Io, first->damage.front().what}};
    survey.name_owners([this](ShardId home) { return logs_[home.value].next_id(); });
    Mover mover({i, message_numbers_}, survey, logs_, sum_, watch_);
    const auto second = store::recover(*from.directory, from.name, mover);
    if (!second) return Err{second.error()};
    if (mover.error()) return Err{*mover.error()};
    if (survey.living() > 0 || survey.is_surprised())
        return Err{DiskError{DiskFault::Io, from.name + ": could not be read twice alike"}};
    sum_.dropped += survey.unreadable();
    message_numbers_ += survey.message_number();
    newest_stamp_ = std::max(newest_stamp_, survey.newest_stamp());
    return Done{};
}

/// The clocks come last: what has a clock was moved as a whole.
Outcome Resharder::finish() {
    Buffer clock;
    append_object(clock, ClockRecord{plan_.now, plan_.wall, newest_stamp_});
    for (NewLog& log : logs_) {
        if (auto done = log.put(log.next_id(), clock); !done) return done;
        if (auto done = log.sync(); !done) return done;
    }
    return Done{};
}

}  // namespace

Result<Resharded, DiskError> reshard(const ReshardPlan& plan, ReshardWatch& watch) {
    Resharder resharder(plan, watch);
    if (auto done = resharder.make_logs(); !done) return Err{done.error()};
    for (size_t i = 0; i < plan.from.size(); ++i)
        if (auto done = resharder.move_log(i); !done) return Err{done.error()};
    if (auto done = resharder.finish(); !done) return Err{done.error()};
    return resharder.sum();
}

}  // namespace godwit::broker
