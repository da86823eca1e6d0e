// NewLog: a log that is written from nothing, in one thread and with nobody waiting for it.
#pragma once

#include "store/log.h"

#include <string>

namespace godwit::broker {

/// Where a shard's log lies.
struct LogFolder {
    Directory* directory = nullptr;
    std::string name;  // "": the directory itself
};

class NewLog {
public:
    /// @errors  the folder holds records already; what the disk says
    static Result<NewLog, DiskError> make(const LogFolder& folder, const store::Options& options);

    /// Ids are given once each, from 1 on.
    ObjectId next_id() { return {++last_id_}; }
    /// On disk after sync(), or sooner. @cost  now and then a write and a sync of a mebibyte
    Result<Done, DiskError> put(ObjectId id, Bytes bytes);
    /// All of it is on disk, its folder's names too.
    Result<Done, DiskError> sync();

private:
    NewLog(LogFolder folder, store::Log log) : folder_(std::move(folder)), log_(std::move(log)) {}

    LogFolder folder_;
    store::Log log_;
    uint32_t last_id_ = 0;
    uint64_t pending_bytes_ = 0;
};

}  // namespace godwit::broker
