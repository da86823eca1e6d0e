// Log: the durable objects of one shard, in segments that are only ever appended to.
//
// An object is bytes under an id that its owner picked: put() replaces it, note() adds a change to
// it, erase() ends it. Replay gives back the last put of every living object and the notes since,
// in the order of writing. The log does not know what the bytes mean.
//
// Groups: all that was written since the last commit() is one group; after a crash a group is
// there as a whole or not at all, and groups are lost from the end only.
//
// Without I/O: work() says what the disk must do next, perform() does it on any thread, done()
// takes the answer. One group is under way at a time, the next one forms meanwhile. Same inputs,
// same work. Thread: its shard's.
//
// Space: segments are freed oldest first. When more than half of the used bytes are dead, the
// owner is asked to put the living objects of the oldest segment again (to_move()); the segment is
// recycled once these are on disk. So a note or an erase never outlives what it speaks of.
#pragma once

#include "base/bytes.h"
#include "base/directory.h"
#include "base/ids.h"
#include "base/instant.h"
#include "store/group_queue.h"
#include "store/object_table.h"
#include "store/options.h"
#include "store/pause.h"
#include "store/read_queue.h"
#include "store/replay.h"
#include "store/segment_table.h"
#include "store/space.h"
#include "store/work.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace godwit::store {

struct Recovered;

/// From good to bad. Unless it is Good no new objects should be put. Erases and moves go on: they
/// are what makes room.
enum class Condition : uint8_t {
    Good,
    Behind,  // more waits for the disk than may; until half of it is written
    Full,    // the disk has no room: only a reserve is left, for erases and moves, or nothing
    Broken,  // writing, syncing or making room failed: tried again elsewhere, with growing pauses
};

struct Usage {
    uint64_t live_bytes = 0;  // records of living objects
    uint64_t used_bytes = 0;  // of segments with records
    uint64_t disk_bytes = 0;  // files of all segments, spares included
    uint32_t segments = 0;    // with records
    uint64_t objects = 0;     // living
    uint64_t groups = 0;      // committed to disk since the start
    uint64_t records = 0;     // written since the start
    uint64_t moved_records = 0;
    uint64_t pending_bytes = 0;  // not yet durable
};

class Log {
public:
    /// Reads all segments in `folder` of `directory`, oldest first. A torn tail is cut. A damaged
    /// segment is set aside (its sound records are used) and reported. What was recovered is on
    /// disk when this returns.
    /// @errors  the folder cannot be read or written; a segment was written by a later version
    struct Opened;
    static Result<Opened, DiskError> open(Directory& directory, const std::string& folder,
                                          const Options& options, Replay& replay);

    // --- changing; bytes are copied ---

    /// @param id  1 .. kObjectIdMax-1 @cost  one copy, no allocation in a steady state
    void put(ObjectId id, Bytes bytes);
    /// The same for an object that `write(uint8_t* at)` puts down in its place, all of its bytes.
    template <class Write>
    void put(ObjectId id, size_t bytes, Write write) {
        const auto begun = begin_put(id, bytes);
        write(begun.body);
        queue_.end(begun);
    }
    /// The object lives.
    void note(ObjectId id, Bytes bytes);
    /// The object lives. Its id may be used again at once.
    void erase(ObjectId id);
    bool holds(ObjectId id) const { return objects_.find(id).lives(); }
    /// Ends a group. Nothing happens if nothing was written since the last one.
    /// @return the ticket to compare with durable(); that of the last group if this one is empty
    uint64_t commit();
    /// All groups up to this ticket are on disk (Durability::Os: with the system).
    uint64_t durable() const { return durable_; }
    /// The ticket that the next commit() of a non-empty group returns.
    uint64_t next_ticket() const { return queue_.committed() + 1; }

    // --- the disk ---

    /// The next thing to do. Call after commit(), at the end of each turn and after each done(),
    /// until nullopt.
    std::optional<Work> work(Instant now);
    /// Others want for room on the disk: this log keeps nothing beyond need. @cost  none
    void set_sparing(bool sparing) { space_.set_sparing(sparing); }
    /// Takes the answer to a work() of this log.
    void done(WorkDone done, Instant now);
    /// When work() may have something although nothing happened (a pause after a failure ends).
    std::optional<Instant> next_deadline() const;
    Condition condition() const { return condition_; }
    /// Why it is not Good, for people.
    const std::string& trouble() const { return trouble_; }

    // --- reading back ---

    /// Asks for an object that lives; it comes by next_loaded(), unless it is erased before. One
    /// that is put again meanwhile comes as last put.
    void request(ObjectId id);
    std::optional<Loaded> next_loaded() { return reads_.take(); }

    // --- cleaning ---

    /// Adds objects to put again to `out`, up to about `bytes_max` of them; each is named once. The
    /// owner puts what it holds, and requests first what it does not hold; one that turns out gone
    /// it erases. @cost  looks at some 100,000 table entries at most
    void to_move(uint64_t bytes_max, std::vector<ObjectId>& out);
    /// to_move() has something to name or to look at: call it soon, also if nothing happens.
    bool wants_move();

    Usage usage() const;

private:
    Log(const Options& options, uint32_t next_number, ObjectTable objects);
    GroupQueue::Begun begin_put(ObjectId id, size_t bytes);
    void append(RecordKind kind, ObjectId id, Bytes bytes);
    void take_over(const Recovered& found);
    void forget(const Place& before);

    std::optional<Work> commit_work(Instant now);
    Segment* segment_for(uint64_t group_bytes, Instant now);
    bool end_with_page(Batch& batch, const Segment& segment);
    static void fill_page(Work& work, const Segment& segment);
    std::optional<Work> read_work();
    void serve(ObjectId id, const uint8_t* record);
    void serve_more(const WorkDone& done);
    void serve_if_sound(ObjectId id, Position at, Bytes bytes);
    void committed(Work& work);
    void failed(const DiskError& error, Instant now);
    void give_up(Segment& segment);
    void loaded(const WorkDone& done, Instant now);
    void retire_dead();
    void judge();

    Options options_;
    ObjectTable objects_;
    SegmentTable segments_;
    GroupQueue queue_;
    ReadQueue reads_;
    Space space_;
    uint64_t last_work_ = 0;
    uint64_t last_sequence_ = 0;
    uint64_t durable_ = 0;

    bool is_committing_ = false;
    bool waits_for_segment_ = false;
    Pause commit_pause_;
    Pause read_pause_;
    std::optional<DiskError> commit_error_;
    Condition condition_ = Condition::Good;
    std::string trouble_;

    bool find_target();
    uint32_t target_ = 0;         // the segment that is cleaned; 0: none
    uint32_t cursor_ = 0;         // objects below were looked at
    uint32_t clean_through_ = 0;  // segments up to this one are to go, whatever is in them

    uint64_t groups_ = 0;
    uint64_t records_ = 0;
    uint64_t moved_records_ = 0;
};

struct Log::Opened {
    Log log;
    std::vector<Damage> damage;
};

}  // namespace godwit::store
