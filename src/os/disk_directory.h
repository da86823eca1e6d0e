// DiskDirectory: the directory of a store on a real disk. Belongs to one process at a time, or to
// several that only look: a file `lock` in it is locked while this lives, and names the owner.
// Directories are for the owner alone (0700), files too (0600). Links are not followed.
#pragma once

#include "base/directory.h"
#include "os/fd.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::os {

/// Thread: any, also several at once.
class DiskDirectory : public Directory {
public:
    /// Takes the directory for this process. Made if it is not there; its parent is. One that
    /// others may enter is closed to them.
    /// @errors  NotPermitted: another process has it (and which); it belongs to another user and is
    ///          open to others; NotFound, NoSpace, Io
    static Result<std::unique_ptr<DiskDirectory>, DiskError> acquire(const std::string& path);

    /// Takes a directory for looking at it: nothing in it changes, and what would change it is
    /// refused (NotPermitted). Several may look at once, but nobody has it meanwhile.
    /// @errors  NotPermitted: another process has it (and which); NotFound, Io
    static Result<std::unique_ptr<DiskDirectory>, DiskError> inspect(const std::string& path);

    Result<std::vector<std::string>, DiskError> list(std::string_view folder) override;
    Result<std::unique_ptr<File>, DiskError> open(std::string_view name) override;
    Result<std::unique_ptr<File>, DiskError> create(std::string_view name) override;
    Result<Done, DiskError> rename(std::string_view from, std::string_view to) override;
    Result<Done, DiskError> remove(std::string_view name) override;
    Result<Done, DiskError> remove_folder(std::string_view folder) override;
    Result<Done, DiskError> sync(std::string_view folder) override;

private:
    DiskDirectory(std::string path, Fd root) : path_(std::move(path)), root_(std::move(root)) {}
    Result<Done, DiskError> close_to_others() const;
    Result<Done, DiskError> lock();
    Result<Done, DiskError> lock_for_reading();
    DiskError in_use() const;
    Result<Done, DiskError> may_change() const;
    Result<Done, DiskError> make_folder_of(std::string_view name);
    Result<Fd, DiskError> open_folder(std::string_view folder) const;
    DiskError failed(std::string_view call, std::string_view name) const;

    std::string path_;
    Fd root_;
    Fd lock_;
    bool read_only_ = false;
};

}  // namespace godwit::os
