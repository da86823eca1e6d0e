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
#include "store/options.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace godwit::store {

/// Where a record stands: segment number << 32 | offset. Later is larger. 0: nowhere.
struct Position {
    uint64_t value = 0;
    uint32_t segment() const { return uint32_t(value >> 32); }
    uint32_t offset() const { return uint32_t(value); }
    friend bool operator==(const Position&, const Position&) = default;
};

/// Takes what a log holds, in the order of writing. Views live for the call. A note or erase comes
/// only for an object whose put came before.
class Replay {
public:
    virtual ~Replay() = default;
    virtual void on_put(ObjectId id, Bytes bytes) = 0;
    virtual void on_note(ObjectId id, Bytes bytes) = 0;
    virtual void on_erase(ObjectId id) = 0;
};

/// One thing for the disk. Made by Log, performed by perform() on any thread, in the order of
/// making within a lane.
struct Work {
    enum class Kind : uint8_t {
        Commit,   // write `bytes` at `offset` of segment `segment`, then sync
        Prepare,  // make segment `segment` ready: allocated, zeroed, synced, from `recycle` if named
        Read,     // `length` bytes at `offset` of `segment`
        Retire,   // remove segment `segment`
    };
    Kind kind = Kind::Commit;
    uint64_t number = 0;
    uint32_t segment = 0;
    uint32_t offset = 0;
    uint32_t length = 0;    // Prepare: bytes of the segment
    uint32_t recycle = 0;   // Prepare: number of the old segment whose file becomes this one; 0: none
    bool sync = true;
    ObjectId object;        // Read
    Buffer bytes;           // Commit: what to write. Returned in WorkDone, so that it is reused

    /// Commits and reads are wanted soon; preparing and retiring may take long, and has a thread of
    /// its own.
    bool urgent() const { return kind == Kind::Commit || kind == Kind::Read; }
};

struct WorkDone {
    Work work;
    std::optional<DiskError> error;
    Buffer bytes;  // Read
};

/// @cost  blocks for as long as the disk takes
WorkDone perform(Work work, Directory& directory, std::string_view folder);

/// An object that was asked for. A record that was moved or erased meanwhile is not delivered; its
/// owner hears `gone`.
struct Loaded {
    ObjectId id;
    Buffer bytes;       // as put, without its notes
    bool gone = false;  // damaged or not readable: `why`
    std::string why;
};

enum class Condition : uint8_t {
    Good,
    Full,    // the disk has no room: nothing becomes durable until there is some
    Broken,  // writing or syncing failed: tried again elsewhere, with growing pauses
};

struct Usage {
    uint64_t live_bytes = 0;
    uint64_t used_bytes = 0;   // of segments with records
    uint64_t disk_bytes = 0;   // spares included
    uint32_t segments = 0;
    uint64_t groups = 0;       // committed to disk
    uint64_t records = 0;      // written since the start
    uint64_t moved_records = 0;
    uint64_t pending_bytes = 0;  // not yet durable
};

/// What opening found out of order. Each is one line for the log.
struct Damage {
    std::string what;  // "segment-00000004: records 17 to 19 fail their checksum; set aside ..."
};

class Log {
public:
    /// Reads all segments in `folder` of `directory`, oldest first. A torn tail is cut. A damaged
    /// segment is set aside (its sound records are used) and reported. Always starts, unless the
    /// directory itself cannot be read or written.
    struct Opened;
    static Result<Opened, DiskError> open(Directory& directory, std::string folder,
                                          const Options& options, Replay& replay);

    // --- changing; bytes are copied ---
    /// The object is `head` then `tail`. @cost  one copy, no allocation in a steady state
    void put(ObjectId id, Bytes head, Bytes tail = {});
    /// The object must live.
    void note(ObjectId id, Bytes bytes);
    void erase(ObjectId id);
    bool holds(ObjectId id) const;
    /// Ends a group. Nothing happens if nothing was written since the last one.
    /// @return the ticket to compare with durable(); that of the last group if this one is empty
    uint64_t commit();
    /// All groups up to this ticket are on disk.
    uint64_t durable() const { return durable_; }
    /// The ticket that the next commit() of a non-empty group returns.
    uint64_t next_ticket() const { return committed_ + 1; }

    // --- the disk ---
    /// The next thing to do; call until nullopt, at the end of each turn and after each done().
    std::optional<Work> work(Instant now);
    void done(WorkDone done, Instant now);
    /// When work() may have something although nothing happened (a pause after a failure ends).
    std::optional<Instant> next_deadline() const;
    Condition condition() const { return condition_; }
    /// Why it is not Good.
    const std::string& trouble() const { return trouble_; }
    /// True when new objects should be refused: the disk is full or broken, or too much waits for it.
    bool should_refuse() const;

    // --- reading back ---
    /// Asks for an object whose put is on disk or in a group; comes by next_loaded().
    void request(ObjectId id);
    std::optional<Loaded> next_loaded();

    // --- cleaning ---
    /// Objects to put again, up to about `bytes_max` of them; each is named once. The owner puts what
    /// it holds, and requests first what it does not hold. Empty: nothing to do.
    void to_move(uint64_t bytes_max, std::vector<ObjectId>& out);

    Usage usage() const;
    /// Forgets what was erased from memory tables is not needed here: ids are the owner's to reuse
    /// once erase() was called.

private:
    // ...
    uint64_t committed_ = 0;
    uint64_t durable_ = 0;
    Condition condition_ = Condition::Good;
    std::string trouble_;
};

}  // namespace godwit::store
