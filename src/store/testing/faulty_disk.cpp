#include "store/testing/faulty_disk.h"

#include "base/assert.h"

#include <algorithm>

namespace godwit::store::testing {

/// The bytes of one file, whatever its name.
struct DiskFile {
    struct Unsynced {
        uint64_t offset = 0;
        Buffer bytes;
        std::optional<uint64_t> size;  // a truncation
    };
    Buffer seen;
    Buffer on_disk;
    std::vector<Unsynced> unsynced;
};

namespace {

constexpr uint64_t kSectorBytes = 512;

DiskError disk_error(DiskFault fault, std::string what) {
    return {fault, std::move(what)};
}

std::string folder_of(std::string_view name) {
    const size_t slash = name.rfind('/');
    return slash == std::string_view::npos ? "" : std::string(name.substr(0, slash));
}

void put_at(Buffer& file, uint64_t offset, Bytes bytes) {
    if (file.size() < offset + bytes.size()) file.resize(offset + bytes.size());
    std::copy(bytes.begin(), bytes.end(), file.begin() + ptrdiff_t(offset));
}

/// How one write fares when the power goes.
enum class Fate : uint8_t { Whole, Lost, Prefix, Sectors };

void settle(Buffer& on_disk, const DiskFile::Unsynced& write, Fate fate, Random& random) {
    if (write.size) {
        if (fate != Fate::Lost) on_disk.resize(*write.size);
        return;
    }
    const Bytes bytes(write.bytes);
    if (fate == Fate::Whole) put_at(on_disk, write.offset, bytes);
    if (fate == Fate::Prefix)
        put_at(on_disk, write.offset, bytes.first(random.below(bytes.size() + 1)));
    if (fate != Fate::Sectors) return;
    for (uint64_t at = 0; at < bytes.size();) {
        const uint64_t sector_end =
            (write.offset + at) / kSectorBytes * kSectorBytes + kSectorBytes;
        const uint64_t length = std::min(sector_end - write.offset - at, bytes.size() - at);
        if (random.below(2) == 0) put_at(on_disk, write.offset + at, bytes.subspan(at, length));
        at += length;
    }
}

void lose_power(DiskFile& file, Random& random) {
    // Some losses take everything or nothing, others choose for each write.
    const uint64_t mood = random.below(6);
    for (const DiskFile::Unsynced& write : file.unsynced) {
        const auto fate = Fate(mood < 4 ? mood : random.below(4));
        settle(file.on_disk, write, fate, random);
    }
    file.unsynced.clear();
    file.seen = file.on_disk;
}

}  // namespace

class OpenFile : public File {
public:
    OpenFile(FaultyDisk& disk, size_t number) : disk_(disk), number_(number) {}

    Result<size_t, DiskError> read_at(uint64_t offset, std::span<uint8_t> into) override {
        ++disk_.counts_.reads;
        if (disk_.strikes(disk_.read_failures))
            return Err{disk_error(DiskFault::Io, "read: injected fault")};
        const Buffer& seen = file().seen;
        if (offset >= seen.size()) return size_t(0);
        size_t length = std::min<uint64_t>(into.size(), seen.size() - offset);
        if (disk_.strikes(disk_.short_reads)) length = disk_.random_.below(length + 1);
        std::copy_n(seen.begin() + ptrdiff_t(offset), length, into.begin());
        return length;
    }

    Result<Done, DiskError> write_at(uint64_t offset, Bytes bytes) override {
        ++disk_.counts_.writes;
        if (disk_.is_dead() || disk_.strikes(disk_.write_failures)) {
            write(offset, bytes.first(disk_.random_.below(bytes.size() + 1)));
            return Err{disk_error(DiskFault::Io, "write: injected fault")};
        }
        const uint64_t room = growth_left(offset + bytes.size());
        if (room < bytes.size()) {
            write(offset, bytes.first(room));
            return Err{disk_error(DiskFault::NoSpace, "write: no space left on device")};
        }
        write(offset, bytes);
        return Done{};
    }

    Result<Done, DiskError> write_zeros(uint64_t begin, uint64_t end) override {
        return write_at(begin, Buffer(end - begin));
    }

    Result<Done, DiskError> sync() override {
        ++disk_.counts_.syncs;
        DiskFile& synced = file();
        if (disk_.is_dead()) return Err{disk_error(DiskFault::Io, "fdatasync: no power")};
        if (disk_.strikes(disk_.sync_failures)) {
            // Some of it was written before the fault; the rest is marked clean, and is not.
            for (const DiskFile::Unsynced& write : synced.unsynced)
                settle(synced.on_disk, write, Fate(disk_.random_.below(4)), disk_.random_);
            synced.unsynced.clear();
            return Err{disk_error(DiskFault::Io, "fdatasync: injected fault")};
        }
        for (const DiskFile::Unsynced& write : synced.unsynced)
            settle(synced.on_disk, write, Fate::Whole, disk_.random_);
        synced.unsynced.clear();
        return Done{};
    }

    Result<uint64_t, DiskError> size() override { return uint64_t(file().seen.size()); }

    Result<Done, DiskError> truncate(uint64_t bytes) override {
        const uint64_t before = file().seen.size();
        if (bytes > before && growth_left(bytes) < bytes - before)
            return Err{disk_error(DiskFault::NoSpace, "fallocate: no space left on device")};
        file().seen.resize(bytes);
        file().unsynced.push_back({0, {}, bytes});
        return Done{};
    }

private:
    DiskFile& file() {
        GW_ASSERT(disk_.files_[number_]);
        return *disk_.files_[number_];
    }
    void write(uint64_t offset, Bytes bytes) {
        disk_.counts_.written_bytes += bytes.size();
        if (bytes.empty()) return;
        put_at(file().seen, offset, bytes);
        file().unsynced.push_back({offset, Buffer(bytes.begin(), bytes.end()), std::nullopt});
    }
    /// Of the bytes up to `end`, how many may be written; all of them if the file does not grow.
    uint64_t growth_left(uint64_t end) {
        const uint64_t size = file().seen.size();
        if (!disk_.capacity || end <= size) return UINT64_MAX;
        const uint64_t used = disk_.used_bytes();
        return used + (end - size) <= *disk_.capacity ? UINT64_MAX : 0;
    }

    FaultyDisk& disk_;
    size_t number_;
};

FaultyDisk::FaultyDisk(uint64_t seed) : random_(seed) {}
FaultyDisk::~FaultyDisk() = default;

bool FaultyDisk::is_dead() {
    if (!changes_left) return false;
    if (*changes_left == 0) return true;
    --*changes_left;
    return false;
}

void FaultyDisk::power_loss(Random& random) {
    changes_left.reset();
    // Most file systems write changes of names in their order; nothing says that they must.
    const bool in_order = random.below(2) == 0;
    const uint64_t kept = random.below(unsynced_.size() + 1);
    for (size_t i = 0; i < unsynced_.size(); ++i)
        if (in_order ? i < kept : random.below(2) == 0) apply(synced_names_, unsynced_[i]);
    unsynced_.clear();
    names_ = synced_names_;
    for (auto& file : files_)
        if (file) lose_power(*file, random);
    drop_unused();
}

void FaultyDisk::rot(const std::string& name, uint64_t begin, uint64_t end, uint32_t bits) {
    DiskFile& file = *files_[*find(name)];
    const uint64_t last = std::min<uint64_t>(end, file.seen.size());
    for (uint32_t i = 0; i < bits && begin < last; ++i) {
        const uint64_t at = begin + random_.below(last - begin);
        const auto bit = uint8_t(1u << random_.below(8));
        file.seen[at] ^= bit;
        if (at < file.on_disk.size()) file.on_disk[at] ^= bit;
    }
}

uint64_t FaultyDisk::used_bytes() const {
    uint64_t bytes = 0;
    for (const auto& [name, file] : names_) bytes += files_[file]->seen.size();
    return bytes;
}

Bytes FaultyDisk::contents(const std::string& name) const {
    return files_[*find(name)]->seen;
}

Result<std::vector<std::string>, DiskError> FaultyDisk::list(std::string_view folder) {
    std::vector<std::string> out;
    const std::string prefix = folder.empty() ? "" : std::string(folder) + "/";
    for (const auto& [name, file] : names_) {
        if (!name.starts_with(prefix)) continue;
        const std::string rest = name.substr(prefix.size());
        if (rest.find('/') == std::string::npos) out.push_back(rest);
    }
    if (out.empty() && !folder.empty())
        return Err{disk_error(DiskFault::NotFound, std::string(folder) + ": no such folder")};
    return out;
}

Result<std::unique_ptr<File>, DiskError> FaultyDisk::open(std::string_view name) {
    const auto file = find(name);
    if (!file) return Err{file.error()};
    return std::unique_ptr<File>(std::make_unique<OpenFile>(*this, *file));
}

Result<std::unique_ptr<File>, DiskError> FaultyDisk::create(std::string_view name) {
    if (find(name)) return Err{disk_error(DiskFault::Exists, std::string(name) + ": exists")};
    if (is_dead() || strikes(name_failures))
        return Err{disk_error(DiskFault::Io, "create: injected fault")};
    files_.push_back(std::make_unique<DiskFile>());
    change({folder_of(name), "", std::string(name), files_.size() - 1});
    return open(name);
}

Result<Done, DiskError> FaultyDisk::rename(std::string_view from, std::string_view to) {
    const auto file = find(from);
    if (!file) return Err{file.error()};
    if (is_dead() || strikes(name_failures))
        return Err{disk_error(DiskFault::Io, "rename: injected fault")};
    change({folder_of(from), std::string(from), std::string(to), *file});
    return Done{};
}

Result<Done, DiskError> FaultyDisk::remove(std::string_view name) {
    const auto file = find(name);
    if (!file) return Err{file.error()};
    if (is_dead() || strikes(name_failures))
        return Err{disk_error(DiskFault::Io, "unlink: injected fault")};
    change({folder_of(name), std::string(name), "", *file});
    return Done{};
}

Result<Done, DiskError> FaultyDisk::remove_folder(std::string_view folder) {
    if (is_dead() || strikes(name_failures))
        return Err{disk_error(DiskFault::Io, "rmdir: injected fault")};
    if (list(folder)) return Err{disk_error(DiskFault::Io, std::string(folder) + ": not empty")};
    return Done{};
}

Result<Done, DiskError> FaultyDisk::sync(std::string_view folder) {
    if (is_dead() || strikes(name_failures))
        return Err{disk_error(DiskFault::Io, "fsync: injected fault")};
    std::vector<NameChange> left;
    for (NameChange& each : unsynced_)
        if (each.folder == folder)
            apply(synced_names_, each);
        else
            left.push_back(std::move(each));
    unsynced_ = std::move(left);
    drop_unused();
    return Done{};
}

Result<size_t, DiskError> FaultyDisk::find(std::string_view name) const {
    const auto found = names_.find(name);
    if (found == names_.end())
        return Err{disk_error(DiskFault::NotFound, std::string(name) + ": no such file")};
    return found->second;
}

void FaultyDisk::change(NameChange change) {
    ++counts_.name_changes;
    apply(names_, change);
    unsynced_.push_back(std::move(change));
}

void FaultyDisk::apply(Names& names, const NameChange& change) {
    if (!change.from.empty()) names.erase(change.from);
    if (!change.to.empty()) names[change.to] = change.file;
}

/// Files that no name leads to any more, whatever a loss of power brings back.
void FaultyDisk::drop_unused() {
    if (!unsynced_.empty()) return;
    std::vector<bool> used(files_.size());
    for (const auto& [name, file] : names_) used[file] = true;
    for (const auto& [name, file] : synced_names_) used[file] = true;
    for (size_t i = 0; i < files_.size(); ++i)
        if (!used[i]) files_[i].reset();
}

}  // namespace godwit::store::testing
