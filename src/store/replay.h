// Position and Replay: where a record stands, and who takes what a log holds.
#pragma once

#include "base/bytes.h"
#include "base/ids.h"

#include <cstdint>
#include <string>

namespace godwit::store {

/// Where a record stands: segment number << 32 | offset. Later is larger. 0: nowhere.
struct Position {
    uint64_t value = 0;
    static Position at(uint32_t segment, uint32_t offset) {
        return {uint64_t(segment) << 32 | offset};
    }
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

/// What opening found out of order. Each is one line for the log.
struct Damage {
    std::string
        what;  // "segment-00000004: 3 groups are damaged; 17 sound records of them are used"
};

}  // namespace godwit::store
