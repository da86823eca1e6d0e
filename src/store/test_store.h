// For tests: a log on a faulty disk, with a model of what it holds.
#pragma once

#include <gtest/gtest.h>

#include "base/random.h"
#include "store/log.h"
#include "store/testing/faulty_disk.h"

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace godwit::store {

/// What an owner makes of a replay: put, then notes, one after the other.
class Contents : public Replay {
public:
    void on_put(ObjectId id, Bytes bytes) override {
        objects[id.value] = as_text(bytes);
        bases[id.value] = as_text(bytes);
    }
    void on_note(ObjectId id, Bytes bytes) override {
        ASSERT_TRUE(objects.contains(id.value));
        objects[id.value] += as_text(bytes);
    }
    void on_erase(ObjectId id) override { ASSERT_EQ(objects.erase(id.value), 1u); }

    std::map<uint32_t, std::string> objects;
    std::map<uint32_t, std::string> bases;  // without their notes
};

/// The owner of a log: keeps what it holds, in memory, and does its work when told to.
class Owner {
public:
    Owner(Directory& disk, Options options) : disk_(disk), options_(options) {}

    /// Whatever the disk holds becomes what the owner has.
    void open() {
        Contents found;
        auto opened = Log::open(disk_, kFolder, options_, found);
        ASSERT_TRUE(opened) << opened.error().what;
        log_.emplace(std::move(opened->log));
        damage_ = std::move(opened->damage);
        objects = std::move(found.objects);
        bases = std::move(found.bases);
        waiting_.clear();
    }
    void forget_log() { log_.reset(); }
    Log& log() { return *log_; }
    const std::vector<Damage>& damage() const { return damage_; }

    void put(uint32_t id, const std::string& text) {
        log().put({id}, as_bytes(text));
        objects[id] = text;
        bases[id] = text;
    }
    void note(uint32_t id, const std::string& text) {
        log().note({id}, as_bytes(text));
        objects[id] += text;
    }
    void erase(uint32_t id) {
        log().erase({id});
        objects.erase(id);
    }
    uint64_t commit() { return log().commit(); }
    /// Puts again what the log wants moved.
    void move(uint64_t bytes_max = 64 << 10) {
        std::vector<ObjectId> ids;
        log().to_move(bytes_max, ids);
        for (const ObjectId id : ids)
            if (objects.contains(id.value)) put(id.value, std::string(objects[id.value]));
    }

    /// Takes what the log wants and performs it; its answers wait.
    void perform_all() {
        while (auto work = log().work(now))
            waiting_.push_back(perform(std::move(*work), disk_, kFolder));
    }
    bool answer_one() {
        if (waiting_.empty()) return false;
        WorkDone done = std::move(waiting_.front());
        waiting_.pop_front();
        log().done(std::move(done), now);
        return true;
    }
    /// Until the log wants nothing more at this moment.
    void settle() {
        do perform_all();
        while (answer_one());
    }
    /// The same, through all its pauses.
    void settle_all() {
        settle();
        for (int i = 0; i < 100 && log().next_deadline(); ++i) {
            now = std::max(now, *log().next_deadline());
            settle();
        }
    }
    void commit_and_settle() {
        commit();
        settle();
    }

    static constexpr const char* kFolder = "shard-0";
    std::map<uint32_t, std::string> objects;
    std::map<uint32_t, std::string> bases;  // without their notes
    Instant now{};

private:
    Directory& disk_;
    Options options_;
    std::optional<Log> log_;
    std::vector<Damage> damage_;
    std::deque<WorkDone> waiting_;
};

}  // namespace godwit::store
