#include "server/data_directory.h"

#include "broker/homes.h"
#include "os/disk_directory.h"
#include "os/entropy.h"
#include "store/log_format.h"
#include "store/work.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace godwit::server {

namespace {

constexpr const char* kName = "identity";
constexpr const char* kNewName = "identity.new";
constexpr const char* kRealms = "realms";
constexpr const char* kNewRealms = "realms.new";
constexpr const char* kFormat =
    "godwit 2\nshards %" SCNu16 "\ngeneration %" SCNu32 "\nkey %" SCNx64 " %" SCNx64 "\n";
constexpr const char* kFirstFormat = "godwit 1\nshards %" SCNu16 "\nkey %" SCNx64 " %" SCNx64 "\n";
constexpr size_t kBytesMax = 4096;
constexpr size_t kRealmsBytesMax = 8 * 1024 * 1024;  // a RealmId counts no further

/// All of a small file; nullopt when there is none.
Result<std::optional<std::string>, DiskError> read_small(Directory& directory, const char* name,
                                                         size_t bytes_max = kBytesMax) {
    auto file = directory.open(name);
    if (!file && file.error().fault == DiskFault::NotFound) return std::optional<std::string>{};
    if (!file) return Err{file.error()};
    Buffer bytes(bytes_max);
    const auto count = (*file)->read_at(0, bytes);
    if (!count) return Err{count.error()};
    return std::optional(std::string(as_text(Bytes(bytes).first(*count))));
}

/// A new small file in place, whole or not at all.
/// @param meanwhile  its name until then
Result<Done, DiskError> write_small(Directory& directory, const char* name, const char* meanwhile,
                                    std::string_view text) {
    (void)directory.remove(meanwhile);  // what a crash left
    auto file = directory.create(meanwhile);
    if (!file) return Err{file.error()};
    if (auto done = (*file)->write_at(0, as_bytes(text)); !done) return done;
    if (auto done = (*file)->sync(); !done) return done;
    if (auto done = directory.rename(meanwhile, name); !done) return done;
    return directory.sync("");
}

}  // namespace

Result<std::unique_ptr<DataDirectory>, std::string> DataDirectory::open(const std::string& path,
                                                                        uint16_t shards_if_new) {
    auto directory = os::DiskDirectory::acquire(path);
    if (!directory) return Err{directory.error().what};
    auto data = open(**directory, shards_if_new);
    if (!data) return Err{path + ": " + data.error()};
    (*data)->owned_ = std::move(*directory);
    return data;
}

Result<std::unique_ptr<DataDirectory>, std::string> DataDirectory::open(Directory& directory,
                                                                        uint16_t shards_if_new) {
    auto data = std::make_unique<DataDirectory>();
    data->directory_ = &directory;
    const auto text = read_small(directory, kName);
    if (!text) return Err{text.error().what};
    const auto done = *text ? data->read(**text) : data->begin(shards_if_new);
    if (!done) return Err{done.error()};
    data->remove_leftovers();
    return data;
}

Result<std::unique_ptr<DataDirectory>, std::string> DataDirectory::inspect(
    const std::string& path) {
    auto directory = os::DiskDirectory::inspect(path);
    if (!directory) return Err{directory.error().what};
    auto data = std::make_unique<DataDirectory>();
    data->directory_ = directory->get();
    data->owned_ = std::move(*directory);
    const auto text = read_small(*data->directory_, kName);
    if (!text) return Err{text.error().what};
    if (!*text) return Err{path + " is no data directory of godwit: it has no file " + kName};
    if (auto done = data->read(**text); !done) return Err{path + ": " + done.error()};
    return data;
}

std::vector<std::string> DataDirectory::folders() const {
    std::vector<std::string> names;
    for (uint16_t i = 0; i < shard_count_; ++i) names.push_back(folder({i}));
    return names;
}

std::string DataDirectory::folder(ShardId shard, uint32_t generation) {
    const std::string name = "shard-" + std::to_string(shard.value);
    return generation == 1 ? name : "g" + std::to_string(generation) + "-" + name;
}

Result<Done, std::string> DataDirectory::read(const std::string& text) {
    int found = std::sscanf(text.c_str(), kFormat, &shard_count_, &generation_, &key_.k0, &key_.k1);
    if (found < 4)
        found = 1 + std::sscanf(text.c_str(), kFirstFormat, &shard_count_, &key_.k0, &key_.k1);
    const bool sound = shard_count_ >= 1 && shard_count_ <= broker::kShardsMax && generation_ >= 1;
    if (found == 4 && sound) return Done{};
    return Err{
        std::string("the file identity is not one of this release; is this the data "
                    "directory of another program?")};
}

Result<std::vector<std::string>, std::string> DataDirectory::number_realms(
    const std::vector<std::string>& names) {
    const auto text = read_small(*directory_, kRealms, kRealmsBytesMax);
    if (!text) return Err{text.error().what};
    std::vector<std::string> all;
    std::string_view rest = *text ? std::string_view(**text) : std::string_view();
    for (size_t end = 0; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1))
        all.emplace_back(rest.substr(0, end));
    const size_t known = all.size();
    for (const std::string& each : names)
        if (std::ranges::find(all, each) == all.end()) all.push_back(each);
    if (all.size() > UINT16_MAX)
        return Err{std::string("the file realms names more realms than there can be")};
    if (all.size() == known) return all;
    std::string lines;
    for (const std::string& each : all) lines += each + '\n';
    const auto written = write_small(*directory_, kRealms, kNewRealms, lines);
    if (!written) return Err{written.error().what};
    return all;
}

Result<Done, std::string> DataDirectory::begin(uint16_t shards) {
    const auto names = directory_->list("");
    if (!names) return Err{names.error().what};
    for (const std::string& name : *names)
        if (name != "lock" && name != kNewName && !name.starts_with("control.db"))
            return Err{"holds files that are not the broker's (" + name +
                       "); name a directory of its own"};
    shard_count_ = shards;
    key_ = os::random_hash_key();
    const auto written = write_identity();
    if (!written) return Err{written.error().what};
    return Done{};
}

Result<Done, DiskError> DataDirectory::write_identity() {
    std::array<char, 160> text{};
    const int size =
        std::snprintf(text.data(), text.size(),
                      "godwit 2\nshards %u\ngeneration %" PRIu32 "\nkey %" PRIx64 " %" PRIx64 "\n",
                      unsigned(shard_count_), generation_, key_.k0, key_.k1);
    return write_small(*directory_, kName, kNewName, {text.data(), size_t(size)});
}

Result<Done, DiskError> DataDirectory::prepare_next() {
    return remove_generation(generation_ + 1);
}

Result<Done, DiskError> DataDirectory::switch_to_next(uint16_t shards) {
    ++generation_;
    shard_count_ = shards;
    if (auto done = write_identity(); !done) return done;
    (void)remove_generation(generation_ - 1);  // what is left goes at the next opening
    return Done{};
}

/// Of a change that was not finished, before or after the identity was written. It names one whole
/// generation; that it does so is on disk before the other goes.
void DataDirectory::remove_leftovers() {
    if (!directory_->sync("")) return;
    (void)remove_generation(generation_ - 1);
    (void)remove_generation(generation_ + 1);
}

Result<Done, DiskError> DataDirectory::remove_generation(uint32_t generation) {
    for (uint16_t i = 0; i < broker::kShardsMax; ++i)
        if (auto done = remove_log(folder({i}, generation)); !done) return done;
    return Done{};
}

/// Segments alone: what was set aside as damaged stays for people to look at.
Result<Done, DiskError> DataDirectory::remove_log(const std::string& folder) {
    const auto files = directory_->list(folder);
    if (!files && files.error().fault == DiskFault::NotFound) return Done{};
    if (!files) return Err{files.error()};
    size_t left = files->size();
    for (const std::string& each : *files) {
        if (!store::parse_segment_name(each)) continue;
        if (auto done = directory_->remove(store::path_in(folder, each)); !done) return done;
        --left;
    }
    if (auto done = directory_->sync(folder); !done || left > 0) return done;
    return directory_->remove_folder(folder);
}

}  // namespace godwit::server
