#include "os/file.h"

#include "os/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace godwit::os {

namespace {

constexpr size_t kReadStepBytes = 64 << 10;

/// Removes the temporary file unless it was renamed into place.
struct TemporaryFile {
    std::string path;
    Fd fd;
    bool in_place = false;

    explicit TemporaryFile(const std::string& target) : path(target + ".XXXXXX") {
        fd.reset(::mkostemp(path.data(), O_CLOEXEC));
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        if (fd && !in_place) ::unlink(path.c_str());
    }
};

Result<Done, IoError> write_all(int fd, Bytes bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return Err{last_error("write")};
        bytes = bytes.subspan(size_t(written));
    }
    return Done{};
}

std::string directory_of(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

/// A rename is durable once its directory is.
Result<Done, IoError> sync_directory_of(const std::string& path) {
    const Fd fd(::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return Err{last_error("open directory")};
    if (::fsync(fd.get()) < 0) return Err{last_error("fsync directory")};
    return Done{};
}

}  // namespace

Result<std::string, IoError> read_whole_file(const std::string& path, size_t bytes_max) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return Err{last_error("open")};
    std::string out;
    while (true) {
        const size_t before = out.size();
        // One byte beyond the limit tells a file that just fits from one that does not.
        out.resize(before + std::min(kReadStepBytes, bytes_max - before) + 1);
        const ssize_t got = ::read(fd.get(), out.data() + before, out.size() - before);
        const int code = errno;
        out.resize(before + size_t(std::max<ssize_t>(got, 0)));
        if (got < 0 && code == EINTR) continue;
        if (got < 0) return Err{IoError{code, "read"}};
        if (got == 0) return out;
        if (out.size() > bytes_max) return Err{IoError{EFBIG, "read"}};
    }
}

Result<Done, IoError> write_file_atomically(const std::string& path, Bytes bytes, mode_t mode) {
    TemporaryFile file(path);  // mode 0600 until it is complete
    if (!file.fd) return Err{last_error("mkostemp")};
    const auto written = write_all(file.fd.get(), bytes);
    if (!written) return Err{written.error()};
    if (::fchmod(file.fd.get(), mode) < 0) return Err{last_error("fchmod")};
    if (::fsync(file.fd.get()) < 0) return Err{last_error("fsync")};
    if (::rename(file.path.c_str(), path.c_str()) < 0) return Err{last_error("rename")};
    file.in_place = true;
    return sync_directory_of(path);
}

Result<Done, IoError> make_directory(const std::string& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) == 0) return Done{};
    if (errno != EEXIST) return Err{last_error("mkdir")};
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0) return Err{last_error("stat")};
    if (!S_ISDIR(status.st_mode)) return Err{IoError{ENOTDIR, "mkdir"}};
    return Done{};
}

Result<Done, IoError> make_private_file(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd && errno == EEXIST) return Done{};
    if (!fd) return Err{last_error("open")};
    if (::geteuid() != 0) return Done{};
    struct stat directory {};
    if (::stat(directory_of(path).c_str(), &directory) < 0) return Err{last_error("stat")};
    if (::fchown(fd.get(), directory.st_uid, directory.st_gid) < 0)
        return Err{last_error("fchown")};
    return Done{};
}

FileStamp stamp_of(const std::string& path) {
    constexpr int64_t kSecond = 1'000'000'000;
    struct stat found;
    if (::stat(path.c_str(), &found) < 0) return {};
    return {.device = found.st_dev,
            .inode = found.st_ino,
            .bytes = uint64_t(found.st_size),
            .changed_ns = found.st_ctim.tv_sec * kSecond + found.st_ctim.tv_nsec,
            .modified_ns = found.st_mtim.tv_sec * kSecond + found.st_mtim.tv_nsec};
}

Result<bool, IoError> is_readable_by_others(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0) return Err{last_error("stat")};
    return (status.st_mode & S_IROTH) != 0;
}

}  // namespace godwit::os
