// BrokerProcess: the parts of a running broker, built from checked options and taken apart in
// reverse. One thread a shard; the calling thread keeps signals, reloads and the admin side.
#pragma once

#include "admin/admin_server.h"
#include "admin/sys_topics.h"
#include "config/config.h"
#include "server/audit_log.h"
#include "server/auth_worker.h"
#include "server/crossing.h"
#include "server/file_watch.h"
#include "server/password_users.h"
#include "server/resharding.h"
#include "server/shard_runner.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace godwit::server {

class BrokerProcess {
public:
    /// Opens every listener and reads every file it was told of; takes no client yet.
    /// @errors  a sentence for the operator: which file or address, and what is wrong with it
    static Result<std::unique_ptr<BrokerProcess>, std::string> make(const config::Options& options,
                                                                    os::LogWriter& log);
    ~BrokerProcess();

    /// Starts the shards' threads and the admin server.
    Result<Done, std::string> start();
    /// Says good-bye to every client and ends the threads. @cost at most about a second
    void stop();

    /// "mqtt://127.0.0.1:1883 ws://127.0.0.1:8083/mqtt admin=http://127.0.0.1:8080"
    std::string listeners_text() const;
    /// Reads password, policy and TLS files again. What is faulty is reported and the old kept.
    void reload(const config::Options& options);
    bool serves_tls() const { return !tls_files_.is_idle(); }
    /// Reads the TLS files again if one has changed since: certificates, keys, authorities and
    /// revocation lists.
    void watch_tls_files();
    bool has_user_store() const { return users_.has_store(); }
    /// Takes the users of the control store if they have changed; to be called a few times a
    /// second.
    void watch_users();
    /// Session tickets are made with a new secret; those of the last one are still taken. To be
    /// called every kTicketTime.
    static constexpr auto kTicketTime = std::chrono::hours(1);
    void renew_tickets();
    /// In the log and the audit log. Thread: any
    void tell(const LogLine& line) const;
    AuditLog& audit() { return *audit_; }
    /// What the admin server and $SYS tell. Thread: any
    admin::BrokerStats stats() const;
    /// Asks the session's home shard. Thread: any but a shard's
    /// @cost  blocks for a turn of that shard, at most kAskTime
    Result<broker::SessionReport, admin::AdminSources::Fault> session(
        const std::string& realm, const std::string& client_id) const;
    void inject(const admin::SysMessage& message);

private:
    using Fault = admin::AdminSources::Fault;
    /// Puts a question about one client to its home shard. Thread: any but a shard's
    template <class Ask>
    auto ask(const std::string& realm, Ask question) const
        -> Result<decltype(question.answer.get_future().get()), Fault>;
    /// Asks all shards, and adds up what they say; empty: one does not say it in kAskTime.
    std::vector<broker::RealmReport> realms() const;
    admin::AdminSources::Answer explain(const admin::Target& query) const;
    admin::AdminSources::Answer events(const std::string& client_id,
                                       const admin::Target& query) const;
    BrokerProcess(const config::Options& options, os::LogWriter& log);
    void say_doubts(const auth::Policy& policy) const;
    void report_reload(const std::string& what, const std::string& fault) const;
    Result<std::unique_ptr<transport::TlsContext>, std::string> make_tls(size_t listener) const;
    Result<Done, std::string> replace_tls(size_t listener);
    void reload_tls();
    Result<Done, std::string> read_users();
    void replace_users();
    void tell_users();
    Result<Done, std::string> open_listeners();
    void prepare_admission();
    Result<Done, std::string> load_credentials();
    Result<Done, std::string> open_data();
    Result<Done, std::string> build_shards();
    Result<Done, std::string> match_shards();
    Result<Done, std::string> restore();
    Result<Done, std::string> make_runner(uint16_t index);
    Result<Done, std::string> start_threads();
    Result<Done, std::string> start_admin();
    void reload_token();
    void reload_callout();
    Result<Done, std::string> drop_root() const;
    Result<Done, std::string> open_audit_log();
    void audit_request(const admin::AuditedRequest& request);
    Result<Done, std::string> check_tls() const;
    uint16_t wished_shard_count() const;
    broker::ShardConfig shard_config(uint16_t index) const;

    config::Options options_;
    os::LogWriter& log_;
    Instant started_;
    std::unique_ptr<AuditLog> audit_;
    std::unique_ptr<DataDirectory> data_;  // null: state is in memory alone
    HashKey key_;
    std::unique_ptr<Crossing> crossing_;
    std::vector<std::unique_ptr<OpenListener>> listeners_;
    transport::TicketSecrets tickets_;
    FileWatch tls_files_;
    std::unique_ptr<Admission> admission_;
    std::unique_ptr<broker::SharedRates> rates_;
    PasswordUsers users_;
    std::string users_fault_;  // of the control store, as last reported; empty: none
    std::unique_ptr<AuthWorker> auth_;
    std::unique_ptr<const auth::Policy> policy_;  // as read at the start; each shard has its own
    std::vector<std::unique_ptr<SharedCounters>> counters_;
    OpenedShards opened_;  // between restore() and make_runner()
    std::vector<std::unique_ptr<StoreWorker>> store_workers_;
    std::vector<std::unique_ptr<ShardRunner>> runners_;
    std::unique_ptr<admin::AdminServer> admin_;
    std::vector<std::thread> threads_;
};

}  // namespace godwit::server
