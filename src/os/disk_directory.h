// DiskDirectory: the Directory port over the file system. One process at a time: a lock file says
// whose it is. Directories 0700, files 0600, whatever the umask.
#pragma once

#include "base/directory.h"
#include "os/fd.h"

#include <memory>
#include <string>

namespace godwit::os {

class DiskDirectory : public Directory {
public:
    /// Makes the directory if it is not there (its parent is), and locks it until this object goes.
    /// @errors  Busy: another process has it, with its pid; NotPermitted: others may write there
    static Result<std::unique_ptr<DiskDirectory>, DiskError> open(const std::string& path);
    /// For looking only: no lock, nothing is made.
    static Result<std::unique_ptr<DiskDirectory>, DiskError> open_unlocked(const std::string& path);

    Result<std::vector<std::string>, DiskError> list(std::string_view folder) override;
    Result<std::unique_ptr<File>, DiskError> open(std::string_view name) override;
    Result<std::unique_ptr<File>, DiskError> create(std::string_view name) override;
    Result<Done, DiskError> rename(std::string_view from, std::string_view to) override;
    Result<Done, DiskError> remove(std::string_view name) override;
    Result<Done, DiskError> sync(std::string_view folder) override;

private:
    DiskDirectory(std::string path, Fd root) : path_(std::move(path)), root_(std::move(root)) {}
    Result<Done, DiskError> lock();
    Result<Fd, DiskError> open_folder(std::string_view folder);
    std::string shown(std::string_view name) const;

    std::string path_;  // for people
    Fd root_;
    Fd lock_;
};

/// The DiskError of the system call that has just failed.
DiskError last_disk_error(std::string_view call, const std::string& path);

}  // namespace godwit::os
