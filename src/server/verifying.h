// Verifying: what `godwit verify` says of a data directory: what each shard holds, and what of it
// is damaged. Changes nothing.
#pragma once

#include "base/directory.h"
#include "base/result.h"
#include "broker/keeping/stored_shard.h"

#include <span>
#include <string>
#include <vector>

namespace godwit::server {

struct ShardVerdict {
    std::string folder;
    store::StoreReport report;
    broker::StoredShard::Counts counts;
    std::vector<std::string> faults;  // objects that mean nothing; counts.faults of them in all
    bool is_missing = false;          // its folder is not there

    bool is_sound() const { return report.damage.empty() && counts.faults == 0 && !is_missing; }
};

struct Verdict {
    std::vector<ShardVerdict> shards;
    bool is_sound() const;
};

/// @param folders  of the shards, by id
/// A group cut off at the end of a log, and files that an earlier start set aside, are no damage.
/// So is a folder that is not there, as long as no shard holds anything.
/// @errors  a sentence: a folder cannot be read, or is of a later version
Result<Verdict, std::string> verify(Directory& directory, std::span<const std::string> folders);

/// For people: a table, then a line for each thing out of order, then the verdict.
std::string verdict_text(const Verdict& verdict);
/// One JSON object, with a newline.
std::string verdict_json(const Verdict& verdict);

}  // namespace godwit::server
