#include "os/disk_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace godwit::os {

namespace {

constexpr const char* kLockName = "lock";

DiskFault fault_of(int code) {
    switch (code) {
        case ENOSPC:
        case EDQUOT:
            return DiskFault::NoSpace;
        case ENOENT:
            return DiskFault::NotFound;
        case EEXIST:
            return DiskFault::Exists;
        case EACCES:
        case EPERM:
        case EROFS:
            return DiskFault::NotPermitted;
        case EMFILE:
        case ENFILE:
        case ENOMEM:
        case EAGAIN:
            return DiskFault::Busy;
        default:
            return DiskFault::Io;
    }
}

class DiskFile : public File {
public:
    DiskFile(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

    Result<size_t, DiskError> read_at(uint64_t offset, std::span<uint8_t> into) override {
        size_t done = 0;
        while (done < into.size()) {
            const ssize_t count =
                ::pread(fd_.get(), into.data() + done, into.size() - done, off_t(offset + done));
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return Err{last_disk_error("read", path_)};
            if (count == 0) break;
            done += size_t(count);
        }
        return done;
    }

    Result<Done, DiskError> write_at(uint64_t offset, Bytes bytes) override {
        while (!bytes.empty()) {
            const ssize_t count = ::pwrite(fd_.get(), bytes.data(), bytes.size(), off_t(offset));
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return Err{last_disk_error("write", path_)};
            bytes = bytes.subspan(size_t(count));
            offset += uint64_t(count);
        }
        return Done{};
    }

    Result<Done, DiskError> sync() override {
        if (::fdatasync(fd_.get()) != 0) return Err{last_disk_error("fdatasync", path_)};
        return Done{};
    }

    Result<uint64_t, DiskError> size() override {
        struct stat found {};
        if (::fstat(fd_.get(), &found) != 0) return Err{last_disk_error("stat", path_)};
        return uint64_t(found.st_size);
    }

    Result<Done, DiskError> truncate(uint64_t bytes) override {
        if (::ftruncate(fd_.get(), off_t(bytes)) != 0)
            return Err{last_disk_error("truncate", path_)};
        if (bytes == 0) return Done{};
        if (const int code = ::posix_fallocate(fd_.get(), 0, off_t(bytes)); code != 0) {
            errno = code;
            return Err{last_disk_error("allocate", path_)};
        }
        return Done{};
    }

private:
    Fd fd_;
    std::string path_;
};

}  // namespace

DiskError last_disk_error(std::string_view call, const std::string& path) {
    const int code = errno;
    return {fault_of(code), std::string(call) + " " + path + ": " + std::strerror(code)};
}

Result<std::unique_ptr<DiskDirectory>, DiskError> DiskDirectory::open_unlocked(
    const std::string& path) {
    Fd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return Err{last_disk_error("open", path)};
    return std::unique_ptr<DiskDirectory>(new DiskDirectory(path, std::move(root)));
}

Result<std::unique_ptr<DiskDirectory>, DiskError> DiskDirectory::open(const std::string& path) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        return Err{last_disk_error("make directory", path)};
    auto directory = open_unlocked(path);
    if (!directory) return directory;
    struct stat found {};
    if (::fstat((*directory)->root_.get(), &found) != 0) return Err{last_disk_error("stat", path)};
    if ((found.st_mode & 0022) != 0)
        return Err{
            DiskError{DiskFault::NotPermitted,
                      path + ": others may write there; take that right away: chmod go-w " + path}};
    if (auto locked = (*directory)->lock(); !locked) return Err{locked.error()};
    return directory;
}

Result<Done, DiskError> DiskDirectory::lock() {
    lock_.reset(::openat(root_.get(), kLockName, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock_) return Err{last_disk_error("open", shown(kLockName))};
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
        std::array<char, 32> who{};
        const ssize_t count = ::pread(lock_.get(), who.data(), who.size() - 1, 0);
        const std::string pid(who.data(), count > 0 ? size_t(count) : 0);
        return Err{DiskError{DiskFault::Busy, path_ + ": in use by another process" +
                                                  (pid.empty() ? "" : ", pid " + pid)}};
    }
    const std::string pid = std::to_string(::getpid());
    if (::ftruncate(lock_.get(), 0) != 0 ||
        ::pwrite(lock_.get(), pid.data(), pid.size(), 0) != ssize_t(pid.size()))
        return Err{last_disk_error("write", shown(kLockName))};
    return Done{};
}

std::string DiskDirectory::shown(std::string_view name) const {
    return path_ + "/" + std::string(name);
}

Result<Fd, DiskError> DiskDirectory::open_folder(std::string_view folder) {
    const std::string name = folder.empty() ? "." : std::string(folder);
    Fd fd(::openat(root_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return Err{last_disk_error("open", shown(name))};
    return fd;
}

Result<std::vector<std::string>, DiskError> DiskDirectory::list(std::string_view folder) {
    auto fd = open_folder(folder);
    if (!fd) return Err{fd.error()};
    DIR* stream = ::fdopendir(fd->get());
    if (!stream) return Err{last_disk_error("list", shown(folder))};
    (void)fd->release();  // closedir() closes it
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(stream)) {
        struct stat found {};
        if (::fstatat(::dirfd(stream), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(found.st_mode))
            names.emplace_back(entry->d_name);
    }
    ::closedir(stream);
    std::sort(names.begin(), names.end());
    return names;
}

Result<std::unique_ptr<File>, DiskError> DiskDirectory::open(std::string_view name) {
    Fd fd(::openat(root_.get(), std::string(name).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!fd && errno == EACCES)  // for those who only look
        fd.reset(::openat(root_.get(), std::string(name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return Err{last_disk_error("open", shown(name))};
    return std::unique_ptr<File>(std::make_unique<DiskFile>(std::move(fd), shown(name)));
}

Result<std::unique_ptr<File>, DiskError> DiskDirectory::create(std::string_view name) {
    if (const size_t slash = name.find('/'); slash != name.npos) {
        const std::string folder(name.substr(0, slash));
        if (::mkdirat(root_.get(), folder.c_str(), 0700) == 0) {
            if (auto synced = sync(""); !synced) return Err{synced.error()};
        } else if (errno != EEXIST) {
            return Err{last_disk_error("make directory", shown(folder))};
        }
    }
    Fd fd(::openat(root_.get(), std::string(name).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
                   0600));
    if (!fd) return Err{last_disk_error("create", shown(name))};
    return std::unique_ptr<File>(std::make_unique<DiskFile>(std::move(fd), shown(name)));
}

Result<Done, DiskError> DiskDirectory::rename(std::string_view from, std::string_view to) {
    if (::renameat(root_.get(), std::string(from).c_str(), root_.get(), std::string(to).c_str()) !=
        0)
        return Err{last_disk_error("rename", shown(from))};
    return Done{};
}

Result<Done, DiskError> DiskDirectory::remove(std::string_view name) {
    if (::unlinkat(root_.get(), std::string(name).c_str(), 0) != 0)
        return Err{last_disk_error("remove", shown(name))};
    return Done{};
}

Result<Done, DiskError> DiskDirectory::sync(std::string_view folder) {
    auto fd = open_folder(folder);
    if (!fd) return Err{fd.error()};
    if (::fsync(fd->get()) != 0) return Err{last_disk_error("fsync", shown(folder))};
    return Done{};
}

}  // namespace godwit::os
