#include "server/data_directory.h"

#include "broker/core.h"
#include "os/entropy.h"

#include <cinttypes>
#include <cstdio>

namespace godwit::server {

namespace {

constexpr const char* kName = "identity";
constexpr const char* kNewName = "identity.new";
constexpr const char* kFormat = "godwit 1\nshards %" SCNu16 "\nkey %" SCNx64 " %" SCNx64 "\n";
constexpr size_t kBytesMax = 4096;

/// All of a small file; nullopt when there is none.
Result<std::optional<std::string>, DiskError> read_small(Directory& directory, const char* name) {
    auto file = directory.open(name);
    if (!file && file.error().fault == DiskFault::NotFound) return std::optional<std::string>{};
    if (!file) return Err{file.error()};
    Buffer bytes(kBytesMax);
    const auto count = (*file)->read_at(0, bytes);
    if (!count) return Err{count.error()};
    return std::optional(std::string(as_text(Bytes(bytes).first(*count))));
}

/// A new small file in place, whole or not at all.
Result<Done, DiskError> write_small(Directory& directory, std::string_view text) {
    (void)directory.remove(kNewName);  // what a crash left
    auto file = directory.create(kNewName);
    if (!file) return Err{file.error()};
    if (auto done = (*file)->write_at(0, as_bytes(text)); !done) return done;
    if (auto done = (*file)->sync(); !done) return done;
    if (auto done = directory.rename(kNewName, kName); !done) return done;
    return directory.sync("");
}

}  // namespace

Result<std::unique_ptr<DataDirectory>, std::string> DataDirectory::open(const std::string& path,
                                                                        uint16_t shards,
                                                                        uint16_t usual) {
    auto directory = os::DiskDirectory::acquire(path);
    if (!directory) return Err{directory.error().what};
    auto data = std::make_unique<DataDirectory>();
    data->directory_ = std::move(*directory);
    const auto text = read_small(*data->directory_, kName);
    if (!text) return Err{text.error().what};
    const auto done = *text ? data->read(**text) : data->begin(shards ? shards : usual);
    if (!done) return Err{path + ": " + done.error()};
    if (shards != 0 && shards != data->shard_count_)
        return Err{path + " holds the state of " + std::to_string(data->shard_count_) +
                   " shards, not of " + std::to_string(shards) +
                   "; leave the number out, or start with --shards " +
                   std::to_string(data->shard_count_)};
    return data;
}

Result<std::unique_ptr<DataDirectory>, std::string> DataDirectory::inspect(
    const std::string& path) {
    auto directory = os::DiskDirectory::inspect(path);
    if (!directory) return Err{directory.error().what};
    auto data = std::make_unique<DataDirectory>();
    data->directory_ = std::move(*directory);
    const auto text = read_small(*data->directory_, kName);
    if (!text) return Err{text.error().what};
    if (!*text) return Err{path + " is no data directory of godwit: it has no file " + kName};
    if (auto done = data->read(**text); !done) return Err{path + ": " + done.error()};
    return data;
}

Result<Done, std::string> DataDirectory::read(const std::string& text) {
    const int found = std::sscanf(text.c_str(), kFormat, &shard_count_, &key_.k0, &key_.k1);
    if (found == 3 && shard_count_ >= 1 && shard_count_ <= broker::kShardsMax) return Done{};
    return Err{
        std::string("the file identity is not one of this release; is this the data "
                    "directory of another program?")};
}

Result<Done, std::string> DataDirectory::begin(uint16_t shards) {
    const auto names = directory_->list("");
    if (!names) return Err{names.error().what};
    for (const std::string& name : *names)
        if (name != "lock" && name != kNewName)
            return Err{"holds files that are not the broker's (" + name +
                       "); name a directory of its own"};
    shard_count_ = shards;
    key_ = os::random_hash_key();
    std::array<char, 128> text{};
    const int size = std::snprintf(text.data(), text.size(),
                                   "godwit 1\nshards %u\nkey %" PRIx64 " %" PRIx64 "\n",
                                   unsigned(shard_count_), key_.k0, key_.k1);
    const auto written = write_small(*directory_, {text.data(), size_t(size)});
    if (!written) return Err{written.error().what};
    return Done{};
}

}  // namespace godwit::server
