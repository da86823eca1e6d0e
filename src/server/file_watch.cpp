#include "server/file_watch.h"

#include "base/mutant.h"

#include <utility>

namespace godwit::server {

FileWatch::FileWatch(std::vector<std::string> paths)
    : paths_(std::move(paths)), taken_(stamps()), seen_(taken_) {}

std::vector<os::FileStamp> FileWatch::stamps() const {
    std::vector<os::FileStamp> found;
    for (const std::string& path : paths_) found.push_back(os::stamp_of(path));
    return found;
}

bool FileWatch::look() {
    auto now = stamps();
    const bool settled = now == seen_;
    seen_ = std::move(now);
    if (!settled || seen_ == taken_ || GW_MUTANT(FilesNeverChange)) return false;
    taken_ = seen_;
    return true;
}

}  // namespace godwit::server
