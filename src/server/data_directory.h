// DataDirectory: where a broker's state lies on disk: one folder with a log for each shard, and a
// file that says how many there are and the key that tells whose home is where. Locked while open.
//
//   identity = "godwit 2\nshards " N "\ngeneration " G "\nkey " hex " " hex "\n"
//              (of the first release: "godwit 1", and no generation: it is 1)
//
//   realms   = { name "\n" }   in the order of their numbers, by which the logs know them
//
// When the number of shards changes, their new logs are a new generation of folders: written beside
// the old ones, then named by the identity, then the old ones go. Whatever happens in between, one
// whole generation is there and the identity names it; what is left of another goes at the next
// opening.
#pragma once

#include "base/directory.h"
#include "base/hash.h"
#include "base/ids.h"

#include <memory>
#include <string>
#include <vector>

namespace godwit::server {

class DataDirectory {
public:
    /// Opens it, or makes a new one for so many shards.
    /// @errors  a sentence for the operator
    static Result<std::unique_ptr<DataDirectory>, std::string> open(const std::string& path,
                                                                    uint16_t shards_if_new);
    /// The same in a directory that is this process's already, and lives longer.
    static Result<std::unique_ptr<DataDirectory>, std::string> open(Directory& directory,
                                                                    uint16_t shards_if_new);

    /// Opens one that is there for looking at it: nothing changes, and no broker may have it.
    /// @errors  a sentence for the operator
    static Result<std::unique_ptr<DataDirectory>, std::string> inspect(const std::string& path);

    /// All realms that there ever were here, by number; those that are new come last.
    /// @param names  that there are to be. Of a directory that has not noted any, they have been
    ///               in this order
    /// @errors       a sentence for the operator
    Result<std::vector<std::string>, std::string> number_realms(
        const std::vector<std::string>& names);

    Directory& directory() { return *directory_; }
    uint16_t shard_count() const { return shard_count_; }
    const HashKey& key() const { return key_; }
    std::string folder(ShardId shard) const { return folder(shard, generation_); }
    /// Of all shards, by id.
    std::vector<std::string> folders() const;

    /// Of the next generation.
    std::string next_folder(ShardId shard) const { return folder(shard, generation_ + 1); }
    /// There is no log in it: also what becomes of one that was begun and is given up.
    Result<Done, DiskError> prepare_next();
    /// From now on the next generation is what counts, with so many shards; its logs are on disk.
    /// The old one goes. @errors  which one counts is not known before the next opening
    Result<Done, DiskError> switch_to_next(uint16_t shards);

private:
    static std::string folder(ShardId shard, uint32_t generation);
    Result<Done, std::string> read(const std::string& text);
    Result<Done, std::string> begin(uint16_t shards);
    Result<Done, DiskError> write_identity();
    void remove_leftovers();
    Result<Done, DiskError> remove_generation(uint32_t generation);
    Result<Done, DiskError> remove_log(const std::string& folder);

    std::unique_ptr<Directory> owned_;
    Directory* directory_ = nullptr;
    uint16_t shard_count_ = 0;
    uint32_t generation_ = 1;
    HashKey key_;
};

}  // namespace godwit::server
