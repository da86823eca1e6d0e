// FileWatch: whether files have become others, by looking now and then. A change counts once
// nothing has changed for one look: a certificate and its key, or a link and what it leads to, are
// seldom put in place in one step.
#pragma once

#include "os/file.h"

#include <string>
#include <vector>

namespace godwit::server {

class FileWatch {
public:
    /// What there is now is the old.
    explicit FileWatch(std::vector<std::string> paths);

    /// @return  true once for each change, also where a file went or cannot be reached
    /// @cost    one system call a file
    bool look();
    bool is_idle() const { return paths_.empty(); }

private:
    std::vector<os::FileStamp> stamps() const;

    const std::vector<std::string> paths_;
    std::vector<os::FileStamp> taken_, seen_;  // as last told; as last looked at
};

}  // namespace godwit::server
