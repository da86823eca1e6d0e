#include "os/disk_directory.h"

#include "base/assert.h"
#include "base/mutant.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <system_error>

#include <fmt/format.h>

namespace godwit::os {

namespace {

constexpr const char* kLockName = "lock";
constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr mode_t kOthers = 0077;
constexpr size_t kPageBytes = 4096;

using Outcome = Result<Done, DiskError>;

DiskFault fault_of(int code) {
    switch (code) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
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
            return DiskFault::Busy;
        default:
            return DiskFault::Io;
    }
}

DiskError error_of(int code, std::string_view call, std::string_view name) {
    return {fault_of(code),
            fmt::format("{} {}: {}", call, name, std::generic_category().message(code))};
}

constexpr size_t kZeroBytes = 1 << 20;
constexpr size_t kHugePageBytes = 2 << 20;

/// What a write past the cache takes its bytes from: where the system has huge pages, its huge page
/// of zeros, which takes no memory and is handed to the disk in one piece. @return empty: no memory
Bytes zeros() {
    static const Bytes made = [] {
        const size_t room = 2 * kHugePageBytes;  // somewhere in it one begins
        void* begin =
            ::mmap(nullptr, room, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (begin == MAP_FAILED) return Bytes();
        size_t left = room;
        void* aligned = begin;
        GW_ASSERT(std::align(kHugePageBytes, kHugePageBytes, aligned, left));
        (void)::madvise(aligned, kHugePageBytes, MADV_HUGEPAGE);
        return Bytes(static_cast<const uint8_t*>(aligned), kZeroBytes);
    }();
    return made;
}

class DiskFile : public File {
public:
    DiskFile(Fd fd, std::string name, bool is_writable = true)
        : fd_(std::move(fd)), name_(std::move(name)), is_writable_(is_writable) {}

    Result<size_t, DiskError> read_at(uint64_t offset, std::span<uint8_t> into) override {
        size_t filled = 0;
        while (filled < into.size()) {
            const ssize_t got = ::pread(fd_.get(), into.data() + filled, into.size() - filled,
                                        off_t(offset + filled));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return Err{failed("read")};
            if (got == 0) break;
            filled += size_t(got);
        }
        return filled;
    }

    Outcome write_at(uint64_t offset, Bytes bytes) override {
        if (!is_writable_) return Err{error_of(EROFS, "write", name_)};
        if (!write_on(offset, bytes)) return Err{failed("write")};
        return Done{};
    }

    Outcome write_past_cache(uint64_t offset, Bytes bytes) override {
        const auto place = reinterpret_cast<uintptr_t>(bytes.data());
        if ((offset | bytes.size() | place) % kPageBytes != 0 || !is_writable_ || !set_direct(true))
            return write_at(offset, bytes);
        const bool is_written = write_on(offset, bytes);
        const int code = errno;
        if (!set_direct(false)) return Err{failed("fcntl")};
        if (is_written) return Done{};
        // Some file systems, and disks with larger pages, refuse it only now.
        if (code == EINVAL) return write_at(offset, bytes);
        return Err{error_of(code, "write", name_)};
    }

    /// Past the cache, which costs a third: nothing is copied, and no page is made for it.
    Outcome write_zeros(uint64_t begin, uint64_t end) override {
        if (zeros().empty()) return Err{error_of(ENOMEM, "write", name_)};
        for (uint64_t at = begin; at < end; at += kZeroBytes) {
            const auto written =
                write_past_cache(at, zeros().first(std::min(kZeroBytes, end - at)));
            if (!written) return written;
        }
        return Done{};
    }

    Outcome sync() override {
        if (::fdatasync(fd_.get()) < 0) return Err{failed("fdatasync")};
        return Done{};
    }

    Result<uint64_t, DiskError> size() override {
        struct stat status {};
        if (::fstat(fd_.get(), &status) < 0) return Err{failed("stat")};
        return uint64_t(status.st_size);
    }

    Outcome truncate(uint64_t bytes) override {
        if (!is_writable_) return Err{error_of(EROFS, "truncate", name_)};
        const auto before = size();
        if (!before) return Err{before.error()};
        if (bytes <= *before) {
            if (::ftruncate(fd_.get(), off_t(bytes)) < 0) return Err{failed("truncate")};
            return Done{};
        }
        const int code = ::posix_fallocate(fd_.get(), off_t(*before), off_t(bytes - *before));
        if (code != 0) return Err{error_of(code, "allocate", name_)};
        return Done{};
    }

private:
    DiskError failed(std::string_view call) const { return error_of(errno, call, name_); }

    /// Takes off what is written. @return  false: errno says why not all is
    bool write_on(uint64_t& offset, Bytes& bytes) const {
        while (!bytes.empty()) {
            const ssize_t put = ::pwrite(fd_.get(), bytes.data(), bytes.size(), off_t(offset));
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return false;
            bytes = bytes.subspan(size_t(put));
            offset += uint64_t(put);
        }
        return true;
    }
    /// @return  false: the file system has no such way
    bool set_direct(bool wanted) const {
        const int flags = ::fcntl(fd_.get(), F_GETFL);
        return flags >= 0 &&
               ::fcntl(fd_.get(), F_SETFL, wanted ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
    }

    Fd fd_;
    std::string name_;
    bool is_writable_;
};

std::string_view folder_of(std::string_view name) {
    const size_t slash = name.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
}

/// Who says in the lock file that it has the directory. Who only looks does not say so: then the
/// file names one that has ended.
std::string read_owner(int lock) {
    char text[32];
    const ssize_t got = ::pread(lock, text, sizeof text, 0);
    pid_t pid = 0;
    if (got > 0) std::from_chars(text, text + got, pid);
    const bool lives = pid > 0 && (::kill(pid, 0) == 0 || errno != ESRCH);
    return lives ? fmt::format("process {}", pid) : "another process";
}

}  // namespace

Result<std::unique_ptr<DiskDirectory>, DiskError> DiskDirectory::acquire(const std::string& path) {
    if (::mkdir(path.c_str(), kDirectoryMode) < 0 && errno != EEXIST)
        return Err{error_of(errno, "make directory", path)};
    Fd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return Err{error_of(errno, "open directory", path)};
    std::unique_ptr<DiskDirectory> out(new DiskDirectory(path, std::move(root)));
    const auto closed = out->close_to_others();
    if (!closed) return Err{closed.error()};
    const auto locked = out->lock();
    if (!locked) return Err{locked.error()};
    return out;
}

Outcome DiskDirectory::close_to_others() const {
    struct stat status {};
    if (::fstat(root_.get(), &status) < 0) return Err{failed("stat", "")};
    if ((status.st_mode & kOthers) == 0) return Done{};
    if (::fchmod(root_.get(), kDirectoryMode) == 0) return Done{};
    return Err{DiskError{DiskFault::NotPermitted,
                         fmt::format("{} is open to other users (mode {:04o}) and cannot be closed "
                                     "to them: it belongs to user {}",
                                     path_, status.st_mode & 07777, status.st_uid)}};
}

Outcome DiskDirectory::lock() {
    lock_.reset(
        ::openat(root_.get(), kLockName, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kFileMode));
    if (!lock_) return Err{failed("open", kLockName)};
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK) return Err{failed("lock", kLockName)};
        return Err{in_use()};
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock_.get(), 0) < 0 ||
        ::pwrite(lock_.get(), pid.data(), pid.size(), 0) != ssize_t(pid.size()))
        return Err{failed("write", kLockName)};
    return Done{};
}

Result<std::unique_ptr<DiskDirectory>, DiskError> DiskDirectory::inspect(const std::string& path) {
    Fd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return Err{error_of(errno, "open directory", path)};
    std::unique_ptr<DiskDirectory> out(new DiskDirectory(path, std::move(root)));
    out->read_only_ = true;
    const auto locked = out->lock_for_reading();
    if (!locked) return Err{locked.error()};
    return out;
}

/// Without the file nobody ever had the directory.
Outcome DiskDirectory::lock_for_reading() {
    lock_.reset(::openat(root_.get(), kLockName, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!lock_ && errno == ENOENT) return Done{};
    if (!lock_) return Err{failed("open", kLockName)};
    if (::flock(lock_.get(), LOCK_SH | LOCK_NB) == 0) return Done{};
    if (errno != EWOULDBLOCK) return Err{failed("lock", kLockName)};
    return Err{in_use()};
}

DiskError DiskDirectory::in_use() const {
    return {DiskFault::NotPermitted,
            fmt::format("{} is in use by {}", path_, read_owner(lock_.get()))};
}

Outcome DiskDirectory::may_change() const {
    if (!read_only_) return Done{};
    return Err{DiskError{DiskFault::NotPermitted, path_ + " is only looked at"}};
}

Result<std::vector<std::string>, DiskError> DiskDirectory::list(std::string_view folder) {
    auto fd = open_folder(folder);
    if (!fd) return Err{fd.error()};
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd->get()), ::closedir);
    if (!stream) return Err{failed("list", folder)};
    [[maybe_unused]] const int owned_by_stream = fd->release();
    std::vector<std::string> out;
    for (errno = 0; const dirent* entry = ::readdir(stream.get()); errno = 0) {
        struct stat status {};
        if (::fstatat(::dirfd(stream.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode))
            out.emplace_back(entry->d_name);
    }
    if (errno != 0) return Err{failed("list", folder)};
    std::sort(out.begin(), out.end());
    return out;
}

Result<std::unique_ptr<File>, DiskError> DiskDirectory::open(std::string_view name) {
    const std::string path(name);
    const auto open_to = [&](int access) {
        return Fd(::openat(root_.get(), path.c_str(), access | O_CLOEXEC | O_NOFOLLOW));
    };
    bool is_writable = !read_only_;
    Fd fd = open_to(is_writable ? O_RDWR : O_RDONLY);
    // A file system that errors have turned read-only still has what it has.
    if (!fd && is_writable && errno == EROFS) {
        is_writable = false;
        fd = open_to(O_RDONLY);
    }
    if (!fd) return Err{failed("open", name)};
    return std::unique_ptr<File>(
        std::make_unique<DiskFile>(std::move(fd), path_ + "/" + path, is_writable));
}

Result<std::unique_ptr<File>, DiskError> DiskDirectory::create(std::string_view name) {
    if (auto may = may_change(); !may) return Err{may.error()};
    const auto made = make_folder_of(name);
    if (!made) return Err{made.error()};
    const std::string path(name);
    const mode_t mode = GW_MUTANT(FilesForEverybody) ? 0644 : kFileMode;
    Fd fd(::openat(root_.get(), path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                   mode));
    if (!fd) return Err{failed("create", name)};
    return std::unique_ptr<File>(std::make_unique<DiskFile>(std::move(fd), path_ + "/" + path));
}

Outcome DiskDirectory::make_folder_of(std::string_view name) {
    const std::string folder(folder_of(name));
    if (folder.empty()) return Done{};
    if (::mkdirat(root_.get(), folder.c_str(), kDirectoryMode) == 0) return sync("");
    if (errno != EEXIST) return Err{failed("make directory", folder)};
    return Done{};
}

Outcome DiskDirectory::rename(std::string_view from, std::string_view to) {
    if (auto may = may_change(); !may) return Err{may.error()};
    const std::string source(from);
    const std::string target(to);
    if (::renameat(root_.get(), source.c_str(), root_.get(), target.c_str()) < 0)
        return Err{failed("rename", from)};
    return Done{};
}

Outcome DiskDirectory::remove(std::string_view name) {
    if (auto may = may_change(); !may) return Err{may.error()};
    const std::string path(name);
    if (::unlinkat(root_.get(), path.c_str(), 0) < 0) return Err{failed("remove", name)};
    return Done{};
}

Outcome DiskDirectory::remove_folder(std::string_view folder) {
    if (auto may = may_change(); !may) return may;
    const std::string path(folder);
    if (::unlinkat(root_.get(), path.c_str(), AT_REMOVEDIR) < 0)
        return Err{failed("remove directory", folder)};
    return Done{};
}

Outcome DiskDirectory::sync(std::string_view folder) {
    const auto fd = open_folder(folder);
    if (!fd) return Err{fd.error()};
    if (::fsync(fd->get()) < 0) return Err{failed("fsync", folder)};
    return Done{};
}

Result<Fd, DiskError> DiskDirectory::open_folder(std::string_view folder) const {
    const std::string path(folder.empty() ? "." : folder);
    Fd fd(::openat(root_.get(), path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) return Err{failed("open directory", folder)};
    return fd;
}

DiskError DiskDirectory::failed(std::string_view call, std::string_view name) const {
    const int code = errno;
    return error_of(code, call, name.empty() ? path_ : fmt::format("{}/{}", path_, name));
}

}  // namespace godwit::os
