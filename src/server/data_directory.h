// DataDirectory: where a broker's state lies on disk: one folder with a log for each shard, and a
// file that says how many there are and the key that tells whose home is where. Locked while open.
#pragma once

#include "base/hash.h"
#include "base/ids.h"
#include "os/disk_directory.h"

#include <memory>
#include <string>

namespace godwit::server {

class DataDirectory {
public:
    /// Opens it, or makes a new one.
    /// @param shards  how many are wanted; 0: as many as there are, `usual` in a new one
    /// @errors        a sentence for the operator
    static Result<std::unique_ptr<DataDirectory>, std::string> open(const std::string& path,
                                                                    uint16_t shards,
                                                                    uint16_t usual);

    /// Opens one that is there for looking at it: nothing changes, and no broker may have it.
    /// @errors  a sentence for the operator
    static Result<std::unique_ptr<DataDirectory>, std::string> inspect(const std::string& path);

    Directory& directory() { return *directory_; }
    uint16_t shard_count() const { return shard_count_; }
    const HashKey& key() const { return key_; }
    static std::string folder(ShardId shard) { return "shard-" + std::to_string(shard.value); }

private:
    Result<Done, std::string> read(const std::string& text);
    Result<Done, std::string> begin(uint16_t shards);

    std::unique_ptr<os::DiskDirectory> directory_;
    uint16_t shard_count_ = 0;
    HashKey key_;
};

}  // namespace godwit::server
