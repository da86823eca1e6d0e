// ShardRunner: one thread, one core, one shard. Turns: wait, feed what came to the shard, perform
// what it asks. It is the only place where a shard meets sockets, clocks and other threads.
#pragma once

#include "broker/client_history.h"
#include "broker/shard.h"
#include "os/log_writer.h"
#include "os/poller.h"
#include "os/socket.h"
#include "server/admission.h"
#include "server/audit_log.h"
#include "server/auth_worker.h"
#include "server/crossing.h"
#include "server/memory_gauge.h"
#include "server/newcomers.h"
#include "server/openings.h"
#include "server/shared_counters.h"
#include "server/socket_table.h"
#include "server/store_worker.h"

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace godwit::server {

/// One open listener, shared by all shards.
struct OpenListener {
    OpenListener(os::Listener open, ListenerId number, std::string url)
        : listener(std::move(open)), id(number), name(std::move(url)) {}
    os::Listener listener;
    ListenerId id;
    std::string name;  // URL with the real port
    bool tls = false;
    bool proxy_protocol = false;
    bool websocket = false;
    std::string websocket_path;
    uint32_t connections_max = 0;  // 0: no limit
    std::atomic<uint32_t> connections{0};

    bool plain() const { return !tls && !websocket && !proxy_protocol; }
    Openings::Kind opening() const { return tls ? Openings::Kind::Tls : Openings::Kind::Plain; }
};

struct RunnerParts {
    broker::ShardConfig shard;
    Crossing* crossing = nullptr;
    std::vector<OpenListener*> listeners;
    std::vector<std::unique_ptr<transport::TlsContext>>
        tls;  // by listener, this shard's; null: none
    AuthWorker* auth = nullptr;
    os::LogWriter* log = nullptr;
    AuditLog* audit = nullptr;
    SharedCounters* counters = nullptr;
    std::unique_ptr<const auth::Policy> policy;
    std::unique_ptr<broker::Shard> opened;  // from its log; null: nothing is kept
    broker::Effects opened_fx;              // what it wants done since
    StoreWorker* store = nullptr;           // with `opened`
    Admission* admission = nullptr;
    size_t history_events_max = 0;           // of clients, of this shard
    uint64_t memory_bytes_max = UINT64_MAX;  // of the process
    uint64_t files_max = UINT64_MAX;         // that may be open
    Duration clock_ahead{};                  // of the broker's clock, which goes on across restarts
};

class ShardRunner {
public:
    static Result<std::unique_ptr<ShardRunner>, os::IoError> make(RunnerParts parts);
    /// Gives the calling thread, which is to run(), a file table of its own.
    /// @errors  of os::take_own_file_table
    Result<Done, os::IoError> take_file_table();
    /// Turns until StopShard came and every client was told, or a second after it.
    void run();

private:
    // Tokens of the poller: a ConnectionId has a generation of at least 1 in its high half, a
    // listener stands for itself.
    static constexpr uint64_t kWakerToken = 0xffff'ffff;
    static constexpr uint64_t kArrivalsToken = 0xffff'fffe;
    static uint64_t token_of(ConnectionId id) { return uint64_t(id.generation) << 32 | id.slot; }
    static ConnectionId connection_of(uint64_t token) {
        return {uint32_t(token), uint32_t(token >> 32)};
    }

    ShardRunner(RunnerParts parts, os::Poller poller);
    void turn();
    void end_turn(WallTime wall);
    void look_at_memory(Instant now);
    void feed_outcomes();
    Instant read_clock() const;
    std::optional<Duration> patience(Instant now) const;
    bool has_mail();
    void take_events(std::span<const os::PollEvent> events);
    void take_openings();
    bool is_opening(const os::PollEvent& event);
    void on_event(const os::PollEvent& event);
    void accept_from(OpenListener& listener);
    void open(OpenListener& listener, os::Accepted accepted);
    void turn_away(const OpenListener& listener, const std::string& address, const char* why);
    const char* refusal(const OpenListener& listener, Socket& socket);
    void release(const Socket& socket);
    bool receive_proxy(ConnectionId id, Socket& socket, Bytes& raw);
    void end_by_transport(ConnectionId id, Socket& socket, std::string_view why);
    bool make_room(size_t kept);
    bool end_one_lingering();
    bool crowd_out_oldest(size_t kept);
    size_t newcomers_kept() const;
    void tell_oldest_newcomer();
    void pause_accepting(Duration pause = std::chrono::milliseconds(100));
    bool is_open(const OpenListener& listener) const;
    void watch_listeners();
    void read_from(ConnectionId id, Socket& socket);
    void receive(ConnectionId id, Socket& socket, Bytes raw);
    void identify(ConnectionId id, Socket& socket);
    void replace_tls(NewTls fresh);
    bool is_revoked(const Socket& socket) const;
    void on_gone(ConnectionId id, Socket& socket, std::string_view why);
    void take_controls();
    void take_envelopes();
    void take_envelopes(ShardId from);
    void take_store_done();
    void on_control(Control& control);
    void take_arrivals();
    void begin_opening(ConnectionId id, Socket& socket);
    bool begin_next_opening(Openings::Kind kind);
    void open_wire(ConnectionId id, Socket& socket);
    void adopt(MovedConnection moved);
    void feed(const broker::Input& input);

    void perform();
    LoginPeer login_peer(ConnectionId id);
    void write_all();
    void write_plain(const broker::Effects::Dirty& dirty, Socket& socket);
    void write_wired(const broker::Effects::Dirty& dirty, Socket& socket);
    void send_packet_by_packet(Socket& socket);
    void flush(ConnectionId id, Socket& socket);
    void note_flushed(ConnectionId id, Socket& socket);
    void close(const broker::Effects::Close& close);
    void end_if_sent(Socket& socket);
    void note_broken(ConnectionId id, Socket& socket, std::string why);
    void drop(ConnectionId id);
    void drop_gone();
    void set_interest(ConnectionId id, Socket& socket);
    void set_paused(ConnectionId id, bool paused);
    void end_lingering();
    void log_events();
    bool may_tell(broker::Event& event);
    LogLine line_of(const broker::Event& event, const Socket* socket,
                    const std::string& address) const;

    RunnerParts parts_;
    os::Poller poller_;
    std::unique_ptr<broker::Shard> shard_;
    broker::Effects fx_;
    std::vector<store::WorkDone> store_done_;  // scratch
    SocketTable sockets_;
    Outgoing outgoing_;
    Instant now_;
    bool accepting_ = true;
    Instant accept_again_ = kNever;
    std::vector<bool> watched_;  // by listener: the poller tells of it
    bool has_tls_;               // of some listener
    Openings openings_;
    std::vector<os::PollEvent> opening_events_;  // scratch: of the turn
    bool openings_go_on_ = false;                // those under way, and no others began
    uint64_t messages_ = 0;                      // received and sent
    Instant messages_at_ = Instant::min();       // the last turn with one
    Newcomers newcomers_;
    Instant tell_turned_away_ = Instant::min();  // no earlier line about those turned away
    uint64_t turned_away_ = 0, turned_away_told_ = 0;
    RateGate stranger_lines_;
    uint32_t strangers_untold_ = 0;
    bool stopping_ = false;
    Instant stop_by_ = kNever;
    bool behind_ = false;                                       // envelopes wait for room in a ring
    std::vector<broker::Flushed> flushed_;                      // to be fed next
    std::vector<std::pair<ConnectionId, std::string>> broken_;  // writing failed: to be fed next
    std::vector<ConnectionId> gone_;  // to be dropped once their last lines are logged
    std::deque<std::pair<Instant, ConnectionId>> lingering_;
    std::vector<uint8_t> read_room_;  // the one read buffer
    Buffer mqtt_;                     // scratch: what a Wire gives or takes
    std::vector<Bytes> pieces_;       // scratch
    std::unique_ptr<const auth::Policy> policy_;
    broker::ClientHistory history_;
    MemoryGauge memory_;
};

}  // namespace godwit::server
