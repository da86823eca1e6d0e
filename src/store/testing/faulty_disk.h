// FaultyDisk: a Directory in memory that fails as disks fail, the same way for the same seed. For
// tests and the simulator.
//
// What was written is in the cache: everybody reads it, but only a sync makes it safe. power_loss()
// keeps what was synced, and of the rest some: each write whole, in part, in sectors of 512 bytes
// in any order, or not at all; of the names made, renamed or removed since the folder's sync the
// first few, or any. Thread: one at a time.
#pragma once

#include "base/directory.h"
#include "base/random.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace godwit::store::testing {

struct DiskFile;

class FaultyDisk : public Directory {
public:
    explicit FaultyDisk(uint64_t seed);
    ~FaultyDisk() override;
    FaultyDisk(const FaultyDisk&) = delete;
    FaultyDisk& operator=(const FaultyDisk&) = delete;

    // --- faults: each lasts until it is taken back ---

    /// Bytes of all files together; writing beyond fails with NoSpace. nullopt: no limit
    std::optional<uint64_t> capacity;
    /// Each write fails with this chance in 1000; it may have written a part.
    uint32_t write_failures = 0;
    /// Each sync of a file fails with this chance in 1000. What was to be synced then counts as
    /// clean: later syncs succeed, but the bytes are in the cache alone.
    uint32_t sync_failures = 0;
    /// Each read fails with this chance in 1000.
    uint32_t read_failures = 0;
    /// Each read ends early, as if the file did, with this chance in 1000.
    uint32_t short_reads = 0;
    /// Creating, renaming, removing and syncing names fail with this chance in 1000.
    uint32_t name_failures = 0;

    /// From so many changes (writes, syncs, names) on, all fail: the power is about to go.
    std::optional<uint64_t> changes_left;

    /// The machine goes off and on again. Open files are to be forgotten.
    void power_loss(Random& random);
    /// Flips `bits` bits of what is on disk, between these offsets of one file. It is there.
    void rot(const std::string& name, uint64_t begin, uint64_t end, uint32_t bits);

    struct Counts {
        uint64_t writes = 0;
        uint64_t written_bytes = 0;
        uint64_t reads = 0;
        uint64_t syncs = 0;
        uint64_t name_changes = 0;
    };
    const Counts& counts() const { return counts_; }
    uint64_t used_bytes() const;
    /// What a reader sees of a file. It is there.
    Bytes contents(const std::string& name) const;

    // --- the port ---

    Result<std::vector<std::string>, DiskError> list(std::string_view folder) override;
    Result<std::unique_ptr<File>, DiskError> open(std::string_view name) override;
    Result<std::unique_ptr<File>, DiskError> create(std::string_view name) override;
    Result<Done, DiskError> rename(std::string_view from, std::string_view to) override;
    Result<Done, DiskError> remove(std::string_view name) override;
    /// Folders are there as long as files are in them.
    Result<Done, DiskError> remove_folder(std::string_view folder) override;
    Result<Done, DiskError> sync(std::string_view folder) override;

private:
    friend class OpenFile;
    /// One change of names: `file` stands at `to` from then on, and nothing at `from`.
    struct NameChange {
        std::string folder;
        std::string from;  // "": made
        std::string to;    // "": removed
        size_t file = 0;
    };
    using Names = std::map<std::string, size_t, std::less<>>;

    bool strikes(uint32_t chance) { return chance > 0 && random_.below(1000) < chance; }
    bool is_dead();
    Result<size_t, DiskError> find(std::string_view name) const;
    void change(NameChange change);
    static void apply(Names& names, const NameChange& change);

    Random random_;
    Counts counts_;
    std::vector<std::unique_ptr<DiskFile>> files_;  // by number; null: gone from cache and disk
    Names names_;                                   // as seen
    Names synced_names_;                            // as on disk
    std::vector<NameChange> unsynced_;
    void drop_unused();
};

}  // namespace godwit::store::testing
