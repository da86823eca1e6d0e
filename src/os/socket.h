// Stream sockets, TCP and unix, never blocking. Descriptors are passed as numbers: who owns one is
// the caller's affair. All are close-on-exec; none raises SIGPIPE.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "os/address.h"
#include "os/fd.h"
#include "os/io_error.h"

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>

namespace godwit::os {

// --- listening ---

/// A listening socket. For a unix path it owns the file as well and removes it at the end, unless
/// somebody else has put another in its place.
class Listener {
public:
    Listener(Listener&& other) noexcept;
    Listener& operator=(Listener&& other) noexcept;
    ~Listener();

    int fd() const { return fd_.get(); }
    /// Where it listens; with the port the kernel chose when port 0 was asked for.
    const SocketAddress& address() const { return address_; }

private:
    friend Result<Listener, IoError> listen_tcp(const SocketAddress& address, int backlog);
    friend Result<Listener, IoError> listen_unix(const std::string& path, int backlog);
    struct SocketFile {
        std::string path;
        dev_t device = 0;
        ino_t inode = 0;
    };
    Listener(Fd fd, const SocketAddress& address, std::optional<SocketFile> file);
    void remove_file();

    Fd fd_;
    SocketAddress address_;
    std::optional<SocketFile> file_;
};

inline constexpr int kBacklog = 4096;

/// "[::]" takes IPv6 alone, so that "0.0.0.0" can listen on the same port. Accepted connections
/// have TCP_NODELAY from birth.
/// @errors EADDRINUSE, EADDRNOTAVAIL, EACCES (a port below 1024), EMFILE, ENFILE
Result<Listener, IoError> listen_tcp(const SocketAddress& address, int backlog = kBacklog);

/// Makes a socket file of mode 0660. A file that a dead process left is replaced.
/// @errors EADDRINUSE when somebody listens there; EEXIST when a file there is no socket;
///         ENAMETOOLONG, EINVAL (empty, zero byte); EACCES, ENOENT and the like of the directory
Result<Listener, IoError> listen_unix(const std::string& path, int backlog = kBacklog);

enum class AcceptError : uint8_t {
    WouldBlock,        // nobody waits
    Aborted,           // the caller gave up while it waited: go on with the next
    OutOfDescriptors,  // EMFILE, ENFILE or no kernel memory: it still waits; pause, then try again
    Broken,            // the listener itself cannot be used any more
};

struct Accepted {
    Fd fd;
    SocketAddress peer;
};

/// One waiting connection. @cost one system call
Result<Accepted, AcceptError> accept_one(int listener);

// --- connecting ---

/// Begins to connect; the socket turns writable when it is decided, then ask socket_error().
/// @param source  own address to call from, port 0 for any; nullptr lets the kernel choose
/// @errors        EADDRNOTAVAIL, ENETUNREACH, EMFILE, ENFILE; ECONNREFUSED may come here or later
Result<Fd, IoError> connect_tcp(const SocketAddress& to, const SocketAddress* source = nullptr);

/// Connected when it returns.
/// @errors ECONNREFUSED, ENOENT, EACCES, EAGAIN (backlog full), ENAMETOOLONG, EINVAL
Result<Fd, IoError> connect_unix(const std::string& path);

/// The pending error of a socket: how a connect ended, why a hangup came. Asking clears it.
Result<Done, IoError> socket_error(int fd);

// --- bytes ---

/// Why no byte moved.
struct StreamError {
    enum class Kind : uint8_t {
        WouldBlock,   // nothing to read, or no room to write: wait for the Poller
        EndOfStream,  // the peer will send nothing more
        Failed,       // reset, timed out, ...: close it; `code` says why
    };
    Kind kind = Kind::Failed;
    int code = 0;  // errno of Failed

    /// "end of stream", "Connection reset by peer", for log lines
    std::string text() const;
};

/// What has come, at least one byte. @param room not empty
/// @cost one system call
Result<size_t, StreamError> receive_some(int fd, std::span<uint8_t> room);
/// The same of what need not be a socket: standard input.
Result<size_t, StreamError> read_some(int fd, std::span<uint8_t> room);

/// How many pieces one write_some looks at.
inline constexpr size_t kWritePiecesMax = 128;

/// Sends pieces in order, as one. Looks at the first kWritePiecesMax; empty ones are skipped.
/// @return  bytes taken from the front, which may end within a piece; 0 when all were empty
/// @errors  WouldBlock, Failed (EPIPE, ECONNRESET, ...); never EndOfStream
/// @cost    one system call, no allocation
Result<size_t, StreamError> write_some(int fd, std::span<const Bytes> pieces);

/// Says "no more from here"; the other direction stays open. Harmless on a dead connection.
void shutdown_write(int fd);

// --- properties ---

/// Sends small packets at once. Does nothing on a unix socket.
void set_nodelay(int fd);

/// Closing it from now on resets the connection: nothing lingers, on either side.
void reset_on_close(int fd);

/// @errors ENOTCONN of peer_address when the connection is gone
Result<SocketAddress, IoError> local_address(int fd);
Result<SocketAddress, IoError> peer_address(int fd);

struct PeerCredentials {
    pid_t pid = 0;  // 0 when its pid means nothing in our pid namespace
    uid_t uid = 0;
    gid_t gid = 0;
};

/// Who connected to a unix socket, as the kernel knows it. @errors ENOTCONN, also for TCP
Result<PeerCredentials, IoError> peer_credentials(int fd);

}  // namespace godwit::os
