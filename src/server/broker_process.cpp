#include "server/broker_process.h"

#include "admin/client_events.h"
#include "auth/policy_doubts.h"
#include "base/version.h"
#include "broker/realms.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/file.h"
#include "os/privileges.h"
#include "os/thread.h"
#include "server/credentials.h"
#include "server/explaining.h"
#include "server/logins.h"

#include <algorithm>
#include <future>

namespace godwit::server {

namespace {

/// For a shard to say something about itself.
constexpr auto kAskTime = std::chrono::seconds(1);

/// Every address the listener's host means: one socket each.
Result<std::vector<os::SocketAddress>, std::string> addresses_of(const config::ListenUrl& url) {
    auto found = os::resolve({url.host, url.port});
    if (!found) return Err{std::string(os::describe(found.error()))};
    found->resize(1);
    return std::move(*found);
}

Result<os::Listener, std::string> listen(const config::ListenUrl& url) {
    if (url.scheme == config::Scheme::Unix) {
        auto listener = os::listen_unix(url.path);
        if (!listener) return Err{listener.error().text()};
        return std::move(*listener);
    }
    const auto addresses = addresses_of(url);
    if (!addresses) return Err{addresses.error()};
    auto listener = os::listen_tcp(addresses->front());
    if (!listener) return Err{listener.error().text()};
    return std::move(*listener);
}

/// The URL with the port that the kernel chose.
std::string name_of(config::ListenUrl url, const os::Listener& listener) {
    if (url.scheme != config::Scheme::Unix) url.port = listener.address().port();
    return config::to_text(url);
}

}  // namespace

BrokerProcess::BrokerProcess(const config::Options& options, os::LogWriter& log)
    : options_(options),
      log_(log),
      started_(os::monotonic_now()),
      tls_files_(tls_files(options)),
      users_(options) {
    os::fill_random(tickets_.current.bytes);
}

Result<std::unique_ptr<BrokerProcess>, std::string> BrokerProcess::make(
    const config::Options& options, os::LogWriter& log) {
    std::unique_ptr<BrokerProcess> process(new BrokerProcess(options, log));
    if (auto done = process->open_listeners(); !done) return Err{done.error()};
    if (auto done = process->drop_root(); !done) return Err{done.error()};
    if (auto done = process->open_audit_log(); !done) return Err{done.error()};
    if (auto done = process->check_tls(); !done) return Err{done.error()};
    if (auto done = process->open_data(); !done) return Err{done.error()};
    if (auto done = process->build_shards(); !done) return Err{done.error()};
    if (auto done = process->load_credentials(); !done) return Err{done.error()};
    return process;
}

BrokerProcess::~BrokerProcess() {
    stop();
}

Result<Done, std::string> BrokerProcess::open_listeners() {
    for (const config::ListenerOptions& wish : options_.listeners) {
        auto socket = listen(wish.url);
        if (!socket)
            return Err{"cannot listen on " + config::to_text(wish.url) + ": " + socket.error()};
        std::string name = name_of(wish.url, *socket);
        const ListenerId id{uint16_t(listeners_.size())};
        auto open = std::make_unique<OpenListener>(std::move(*socket), id, std::move(name));
        open->tls = config::is_tls(wish.url.scheme);
        open->proxy_protocol = wish.proxy_protocol;
        open->websocket = config::is_websocket(wish.url.scheme);
        open->websocket_path = open->websocket ? wish.url.path : "";
        open->connections_max = wish.connections_max;
        options_.broker.listeners[id.value].name = open->name;
        listeners_.push_back(std::move(open));
    }
    prepare_admission();
    return Done{};
}

/// What needs root is done.
Result<Done, std::string> BrokerProcess::drop_root() const {
    const config::ServerOptions& server = options_.server;
    if (!server.user.empty())
        if (auto done = os::become_user(server.user, server.log_file); !done)
            return Err{"server.user: " + done.error()};
    os::allow_core_dumps(server.core_dumps);
    if (os::is_root())
        log_.log(LogLine(LogLevel::Warning, "running_as_root")
                     .add("detail", "server.user names whom to become once the sockets are open"));
    return Done{};
}

/// As the user who will have to begin new files.
Result<Done, std::string> BrokerProcess::open_audit_log() {
    const config::ServerOptions& server = options_.server;
    auto audit = AuditLog::open({.file = server.audit_file,
                                 .bytes_max = server.audit_bytes_max,
                                 .old_files_max = server.audit_files});
    if (!audit) return Err{"server.audit_file: " + audit.error()};
    audit_ = *std::move(audit);
    return Done{};
}

/// Said here, before anything else is begun.
Result<Done, std::string> BrokerProcess::check_tls() const {
    for (const auto& listener : listeners_) {
        if (!listener->tls) continue;
        if (auto tls = make_tls(listener->id.value); !tls)
            return Err{listener->name + ": " + tls.error()};
    }
    return Done{};
}

/// Who may come in, of all listeners.
void BrokerProcess::prepare_admission() {
    AdmissionLimits limits{.address_connections_max = options_.server.address_connections_max,
                           .address_rate = Rate::per_second(options_.server.address_rate,
                                                            options_.server.address_burst),
                           .listener_rates = {}};
    for (const config::ListenerOptions& each : options_.listeners)
        limits.listener_rates.push_back(
            Rate::per_second(each.connection_rate, each.connection_burst));
    admission_ = std::make_unique<Admission>(std::move(limits), os::random_hash_key());
}

void BrokerProcess::say_doubts(const auth::Policy& policy) const {
    for (const auth::FileError& doubt : auth::find_doubts(policy))
        log_.log(LogLine(LogLevel::Warning, "policy_doubt")
                     .add("what", policy.source() + ":" + std::to_string(doubt.line))
                     .add("detail", doubt.what));
}

Result<Done, std::string> BrokerProcess::load_credentials() {
    auth_ = std::make_unique<AuthWorker>(*crossing_, key_);
    auto policy = load_access(options_.auth);
    if (!policy) return Err{policy.error()};
    policy_ = std::move(*policy);
    if (policy_) say_doubts(*policy_);
    if (auto done = prepare_logins(*auth_, options_, log_); !done) return done;
    return read_users();
}

Result<Done, std::string> BrokerProcess::read_users() {
    if (!options_.auth.has_passwords()) return Done{};
    if (users_.has_file())
        if (auto done = users_.read_file(); !done) return done;
    if (users_.has_store()) {
        if (auto done = users_.make_store(); !done) return done;
        if (auto done = users_.read_store(); !done) return done;
        tell_users();
    }
    (void)auth_->set_passwords(users_.joined());
    return Done{};
}

uint16_t BrokerProcess::wished_shard_count() const {
    if (options_.server.shard_count != 0) return uint16_t(options_.server.shard_count);
    return uint16_t(std::min<size_t>(os::usable_cpu_count(), broker::kShardsMax));
}

Result<Done, std::string> BrokerProcess::open_data() {
    const config::ServerOptions& server = options_.server;
    if (server.directory.empty() || options_.store.durability == store::Durability::Memory) {
        key_ = os::random_hash_key();
        log_.log(LogLine(LogLevel::Warning, "state.in_memory")
                     .add("detail", server.directory.empty()
                                        ? "no data directory: a restart forgets everything; --data "
                                          "DIR keeps sessions and messages on disk"
                                        : "durability is memory: a restart forgets everything"));
        return Done{};
    }
    auto data = DataDirectory::open(server.directory, wished_shard_count());
    if (!data) return Err{"data directory: " + data.error()};
    data_ = std::move(*data);
    key_ = data_->key();
    auto realms = data_->number_realms(broker::names_of(options_.broker.realms));
    if (!realms) return Err{"data directory: " + realms.error()};
    broker::renumber_realms(options_.broker, *realms);
    return Done{};
}

Result<Done, std::string> BrokerProcess::build_shards() {
    const bool as_it_is = data_ && options_.server.shard_count == 0;
    const uint16_t count = as_it_is ? data_->shard_count() : wished_shard_count();
    using Tables = Crossing::FileTables;
    auto crossing =
        Crossing::make(count, options_.server.file_tables ? Tables::Own : Tables::Shared);
    if (!crossing) return Err{"cannot prepare the shards: " + crossing.error().text()};
    crossing_ = std::move(*crossing);
    rates_ = std::make_unique<broker::SharedRates>(options_.broker);
    for (uint16_t i = 0; i < count; ++i) counters_.push_back(std::make_unique<SharedCounters>());
    return Done{};
}

broker::ShardConfig BrokerProcess::shard_config(uint16_t index) const {
    return {.id = {index},
            .shard_count = crossing_->shard_count(),
            .hash_key = key_,
            .random_seed = os::random_hash_key().k0,
            .options = &options_.broker,
            .pace = {},
            .rates = rates_.get()};
}

/// The directory is of as many shards as there are to be.
Result<Done, std::string> BrokerProcess::match_shards() {
    const uint16_t before = data_->shard_count(), wanted = crossing_->shard_count();
    if (before == wanted) return Done{};
    broker::ShardConfig config = shard_config(0);
    config.shard_count = before;
    const auto done = reshard(*data_, wanted, {config, options_.store, policy_.get(), &log_});
    if (done) return done;
    return Err{"cannot move the state of " + std::to_string(before) + " shards to " +
               std::to_string(wanted) + ": " + done.error()};
}

Result<Done, std::string> BrokerProcess::restore() {
    if (auto done = match_shards(); !done) return done;
    auto opened = open_shards(*data_, shard_config(0), options_.store, log_);
    if (!opened) return Err{"cannot restore the state of " + opened.error()};
    opened_ = std::move(*opened);
    for (uint16_t i = 0; i < crossing_->shard_count(); ++i) {
        const broker::Found& found = opened_.shards[i].found;
        log_.log(LogLine(LogLevel::Info, "state.restored")
                     .add("shard", i)
                     .add("sessions", found.sessions)
                     .add("subscriptions", found.subscriptions)
                     .add("messages", found.messages)
                     .add("retained", found.retained)
                     .add("unreadable", found.unreadable));
    }
    opened_.restart(policy_.get());
    for (uint16_t i = 0; i < crossing_->shard_count(); ++i)
        store_workers_.push_back(std::make_unique<StoreWorker>(
            data_->directory(), data_->folder({i}), ShardId{i}, crossing_->mailbox({i}).waker()));
    return Done{};
}

Result<Done, std::string> BrokerProcess::make_runner(uint16_t index) {
    RunnerParts parts;
    parts.shard = shard_config(index);
    parts.crossing = crossing_.get();
    for (const auto& listener : listeners_) {
        parts.listeners.push_back(listener.get());
        parts.tls.emplace_back();
        if (!listener->tls) continue;
        auto tls = make_tls(listener->id.value);
        if (!tls) return Err{listener->name + ": " + tls.error()};
        parts.tls.back() = std::move(*tls);
    }
    parts.auth = auth_.get();
    parts.log = &log_;
    parts.audit = audit_.get();
    parts.counters = counters_[index].get();
    if (policy_) parts.policy = std::make_unique<const auth::Policy>(*policy_);
    parts.admission = admission_.get();
    parts.memory_bytes_max = memory_bytes_max(options_.server.memory_bytes_max);
    const uint64_t files = os::file_limit();
    parts.files_max =
        files - std::min(files, os::next_file_number(listeners_.front()->listener.fd()));
    parts.history_events_max = options_.server.history_events_max / crossing_->shard_count();
    parts.clock_ahead = opened_.clock_ahead;
    if (data_) {
        parts.opened = std::move(opened_.shards[index].shard);
        parts.opened_fx = std::move(opened_.shards[index].fx);
        parts.store = store_workers_[index].get();
    }
    auto runner = ShardRunner::make(std::move(parts));
    if (!runner)
        return Err{"cannot start shard " + std::to_string(index) + ": " + runner.error().text()};
    runners_.push_back(std::move(*runner));
    return Done{};
}

Result<Done, std::string> BrokerProcess::start() {
    if (data_)
        if (auto done = restore(); !done) return done;
    for (uint16_t i = 0; i < crossing_->shard_count(); ++i)
        if (auto done = make_runner(i); !done) return done;
    if (options_.admin.address)
        if (auto done = start_admin(); !done) return done;
    return start_threads();
}

Result<Done, std::string> BrokerProcess::start_admin() {
    const config::HostPort& address = *options_.admin.address;
    auto token = load_optional_token(options_.admin.token_file);
    if (!token) return Err{token.error()};
    auto admin = admin::AdminServer::start(
        address.host, address.port,
        {[this] {
             admin::BrokerStats all = stats();
             all.realms = realms();
             return all;
         },
         [this](const std::string& realm, const std::string& client_id) {
             return session(realm, client_id);
         },
         [this](const admin::Target& query) { return explain(query); },
         [this](const std::string& client_id, const admin::Target& query) {
             return events(client_id, query);
         },
         [this](const admin::AuditedRequest& request) { audit_request(request); }},
        *std::move(token));
    if (!admin) return Err{admin.error()};
    admin_ = std::move(*admin);
    return Done{};
}

void BrokerProcess::audit_request(const admin::AuditedRequest& request) {
    audit_->note(LogLine(LogLevel::Warning, "admin_request")
                     .add("method", request.method)
                     .add("path", request.path)
                     .add("address", request.address)
                     .add("status", request.status));
}

Result<Done, std::string> BrokerProcess::start_threads() {
    using Outcome = Result<Done, os::IoError>;
    std::vector<std::future<Outcome>> begun;
    for (size_t i = 0; i < runners_.size(); ++i) {
        std::promise<Outcome> promise;
        begun.push_back(promise.get_future());
        threads_.emplace_back([this, i, promise = std::move(promise)]() mutable {
            os::name_this_thread("shard-" + std::to_string(i));
            const Outcome begin =
                crossing_->has_own_tables() ? runners_[i]->take_file_table() : Outcome(Done{});
            promise.set_value(begin);
            if (begin) runners_[i]->run();
        });
    }
    for (auto& each : begun)
        if (const Outcome begin = each.get(); !begin)
            return Err{"cannot give a shard its own file table (server.file_tables): " +
                       begin.error().text()};
    return Done{};
}

void BrokerProcess::stop() {
    for (size_t i = 0; i < threads_.size(); ++i)
        crossing_->mailbox({uint16_t(i)}).post(StopShard{});
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    admin_.reset();
}

std::string BrokerProcess::listeners_text() const {
    std::string text;
    for (const auto& listener : listeners_) text += (text.empty() ? "" : " ") + listener->name;
    if (admin_) text += " admin=" + admin_->url();
    return text;
}

admin::BrokerStats BrokerProcess::stats() const {
    admin::BrokerStats stats;
    stats.version = version();
    stats.now = os::monotonic_now();
    stats.started = started_;
    for (const auto& each : counters_) stats.shards.push_back(each->load());
    for (const auto& each : listeners_)
        stats.listeners.push_back({each->name, each->connections.load()});
    stats.log_lines_dropped = log_.dropped_count();
    if (const Callout* callout = auth_->callout()) stats.callout = callout->counts();
    stats.audit_lines_lost = audit_->lost_count();
    return stats;
}

std::vector<broker::RealmReport> BrokerProcess::realms() const {
    std::vector<std::future<std::vector<broker::RealmReport>>> answers;
    for (uint16_t i = 0; i < crossing_->shard_count(); ++i) {
        AskRealms question;
        answers.push_back(question.answer.get_future());
        crossing_->mailbox({i}).post(std::move(question));
    }
    const auto end = std::chrono::steady_clock::now() + kAskTime;
    std::vector<broker::RealmReport> sum;
    for (auto& answer : answers) {
        if (answer.wait_until(end) != std::future_status::ready) return {};
        const std::vector<broker::RealmReport> part = answer.get();
        if (sum.empty()) sum.resize(part.size());
        for (size_t i = 0; i < part.size(); ++i) sum[i] += part[i];
        for (size_t i = 0; i < part.size(); ++i) sum[i].realm = part[i].realm;
    }
    return sum;
}

template <class Ask>
auto BrokerProcess::ask(const std::string& realm, Ask question) const
    -> Result<decltype(question.answer.get_future().get()), Fault> {
    const auto& realms = options_.broker.realms;
    const auto at = std::find_if(realms.begin(), realms.end(),
                                 [&](const auto& each) { return each.name == realm; });
    if (at == realms.end()) return Err{Fault::Unknown};
    question.realm = {uint16_t(at - realms.begin())};
    const broker::Homes homes{key_, crossing_->shard_count()};
    const ShardId home = homes.of_client(question.realm, question.client_id);
    auto answer = question.answer.get_future();
    crossing_->mailbox(home).post(std::move(question));
    if (answer.wait_for(kAskTime) != std::future_status::ready) return Err{Fault::NoAnswer};
    return answer.get();
}

Result<broker::SessionReport, admin::AdminSources::Fault> BrokerProcess::session(
    const std::string& realm, const std::string& client_id) const {
    const auto report = ask(realm, AskSession{.realm = {}, .client_id = client_id, .answer = {}});
    if (!report) return Err{report.error()};
    if (!*report) return Err{Fault::Unknown};
    return **report;
}

namespace {

admin::AdminSources::Answer fault_answer(admin::AdminSources::Fault fault, const char* unknown) {
    if (fault == admin::AdminSources::Fault::Unknown) return {404, unknown};
    return {503, "the client's shard is too busy to say\n"};
}

}  // namespace

admin::AdminSources::Answer BrokerProcess::explain(const admin::Target& query) const {
    static constexpr const char* kUnknown =
        "no such session; for a client that is not there, ask: godwit explain --config FILE\n";
    const auto question = read_question(query);
    if (!question) return {400, question.error() + "\n"};
    std::vector<auth::Explanation> answers;
    for (const auth::OwnedRequest& request : question->requests()) {
        auto answer = ask(question->realm, AskExplain{{}, question->client_id, request, {}});
        if (!answer) return fault_answer(answer.error(), kUnknown);
        if (!*answer) return fault_answer(Fault::Unknown, kUnknown);
        answers.push_back(**std::move(answer));
    }
    return {200, render_answer(*question, decisive(answers)), !question->as_text};
}

admin::AdminSources::Answer BrokerProcess::events(const std::string& client_id,
                                                  const admin::Target& query) const {
    const std::string realm = query.value("realm", "default");
    const auto past = ask(realm, AskHistory{{}, client_id, {}});
    if (!past) return fault_answer(past.error(), "no such realm\n");
    if (query.value("format", "json") == "text") return {200, admin::render_events_text(*past)};
    return {200, admin::render_events(realm, client_id, *past), true};
}

void BrokerProcess::inject(const admin::SysMessage& message) {
    crossing_->mailbox({0}).post(InjectMessage{{}, message.topic, message.payload, true});
}

}  // namespace godwit::server
