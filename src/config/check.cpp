// Whether the options fit together. Each rule is one function that adds what it finds.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "config/draft.h"
#include "config/schema.h"

namespace godwit::config {
namespace {

using transport::PeerVerify;

constexpr uint32_t kTlsConnectionBytes = 16'000;  // docs/adr/0018-idle-memory.md
constexpr size_t kRealmBytesMax = 64;
constexpr size_t kRealmsMax = 10'000;  // a RealmId counts to 65535
constexpr const char* kRealmHint = "1 to 64 of a-z, 0-9, '-', '_' and '.'";

bool is_realm(const std::string& name) {
    const bool characters_fit =
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == name.npos;
    return !name.empty() && name.size() <= kRealmBytesMax && characters_fit;
}

bool is_exposed(const ListenUrl& url) {
    return url.scheme != Scheme::Unix && !is_loopback(url.host);
}

class Check {
public:
    explicit Check(Draft& draft) : draft_(draft) {}

    void run() {
        for (DraftListener& listener : draft_.listeners) check_listener(listener);
        check_admin();
        check_pairs();
        check_access_files();
        check_tokens();
        check_callout();
        check_limits();
        check_realms();
        fill_broker();
    }

private:
    Options& options() { return draft_.options; }

    void fail(const DraftListener& at, std::string message, std::string hint = "") {
        draft_.errors.push_back({at.url_line, 0, at.place, std::move(message), std::move(hint)});
    }
    void fail(const std::string& key, std::string message, std::string hint = "") {
        draft_.errors.push_back({draft_.line_of(key), 0, key, std::move(message), std::move(hint)});
    }
    void warn(const DraftListener& at, std::string message, std::string hint = "") {
        draft_.warnings.push_back({at.url_line, 0, at.place, std::move(message), std::move(hint)});
    }
    void warn(const std::string& key, std::string message, std::string hint = "") {
        draft_.warnings.push_back(
            {draft_.line_of(key), 0, key, std::move(message), std::move(hint)});
    }

    void check_listener(DraftListener& listener) {
        ListenerOptions& own = listener.options;
        if (own.url_text.empty())
            return fail(listener, "the listener has no url",
                        "as in url = \"mqtt://127.0.0.1:1883\"");
        auto url = parse_listen_url(own.url_text);
        if (!url)
            return fail(listener, fmt::format("url \"{}\": {}", own.url_text, url.error().message));
        own.url = std::move(url).value();
        if (is_tls(own.url.scheme))
            check_tls(listener);
        else
            refuse_tls_keys(listener);
        check_realm(listener);
        check_access(listener);
    }

    void refuse_tls_keys(const DraftListener& listener) {
        const ListenerOptions& own = listener.options;
        const std::pair<bool, const char*> kWritten[] = {
            {!own.cert.empty(), "cert"},
            {!own.key.empty(), "key"},
            {!own.ca.empty(), "ca"},
            {!own.crl.empty(), "crl"},
            {own.verify.has_value(), "verify"},
            {own.certificate_username, "certificate_username"}};
        for (const auto& [written, key] : kWritten)
            if (written)
                fail(listener,
                     fmt::format("{} has no TLS, so {} means nothing here", to_text(own.url), key),
                     "use mqtts:// or wss://");
    }

    /// Joins the keys with those of the URL, and checks that TLS can work with them.
    void check_tls(DraftListener& listener) {
        ListenerOptions& own = listener.options;
        ListenUrl& url = own.url;
        join_file(listener, "cert", own.cert, url.cert);
        join_file(listener, "key", own.key, url.key);
        join_file(listener, "ca", own.ca, url.ca);
        join_file(listener, "crl", own.crl, url.crl);
        if (own.verify && url.verify && own.verify != url.verify)
            fail(listener, "verify is one thing in the URL and another as a key");
        if (!url.verify) url.verify = own.verify;

        const bool verifies = url.verify.value_or(PeerVerify::None) != PeerVerify::None;
        if (url.cert.empty() || url.key.empty())
            fail(listener, fmt::format("{} needs cert and key", to_text(url)),
                 "a certificate and its private key, PEM files");
        else if (file_list(url.cert).size() != file_list(url.key).size())
            fail(listener, "cert and key do not name as many files",
                 "to each certificate its key, in one order");
        if (!verifies && !url.crl.empty())
            fail(listener, "crl needs verify", "write verify = \"required\" or \"optional\"");
        if (verifies && url.ca.empty())
            fail(listener, "verify needs ca", "a PEM file with the authorities of the clients");
        if (!verifies && own.certificate_username)
            fail(listener, "certificate_username needs verify",
                 "write verify = \"required\" or \"optional\"");
        if (!verifies && !url.ca.empty())
            warn(listener, "ca is not used without verify",
                 "write verify = \"required\" or \"optional\"");
    }

    void join_file(const DraftListener& listener, const char* name, const std::string& from_key,
                   std::string& in_url) {
        if (!from_key.empty() && !in_url.empty() && from_key != in_url)
            fail(listener, fmt::format("{} is one file in the URL and another as a key", name));
        if (in_url.empty()) in_url = from_key;
    }

    void check_realm(const DraftListener& listener) {
        const ListenerOptions& own = listener.options;
        if (!is_realm(own.realm))
            fail(listener, fmt::format("\"{}\" is no name of a realm", own.realm), kRealmHint);
        if (own.realm_by == broker::RealmBy::ServerName && !is_tls(own.url.scheme))
            fail(listener, fmt::format("{} has no TLS, so nobody names a server", to_text(own.url)),
                 "use mqtts:// or wss://, or realm_by = \"user\"");
    }

    void check_realms() {
        const auto names = split_at_blanks(options().server.realms);
        if (names.size() + draft_.realms.size() > kRealmsMax)
            fail("server.realms", fmt::format("there are more than {} realms", kRealmsMax));
        for (const std::string& each : names)
            if (!is_realm(each))
                fail("server.realms", fmt::format("\"{}\" is no name of a realm", each),
                     kRealmHint);
        std::set<std::string_view> seen;
        for (const DraftRealm& realm : draft_.realms) check_own(realm, seen);
    }

    void check_own(const DraftRealm& realm, std::set<std::string_view>& seen) {
        const std::string& name = realm.settings.name;
        const auto fail_it = [&](std::string message, std::string hint) {
            draft_.errors.push_back(
                {realm.line, 0, "realm.name", std::move(message), std::move(hint)});
        };
        if (name.empty()) return fail_it("the realm has no name", "as in name = \"acme\"");
        if (!is_realm(name))
            return fail_it(fmt::format("\"{}\" is no name of a realm", name), kRealmHint);
        if (!seen.insert(name).second)
            fail_it(fmt::format("there are two [[realm]] named \"{}\"", name), "");
        const broker::RealmLimits own = limits_of(realm), &all = options().broker.limits.realm;
        if (own.queue_bytes_max != all.queue_bytes_max)
            warn_of_queue("realm.realm_queue_bytes_max", realm.line, own.queue_bytes_max);
        if (own.rates.publish_burst != all.rates.publish_burst)
            warn_of_burst("realm.realm_publish", realm.line, own.rates.publishes());
        if (own.rates.byte_burst != all.rates.byte_burst)
            warn_of_burst("realm.realm_byte", realm.line, own.rates.bytes());
    }

    /// Its own, and for the others those of [limits].
    broker::RealmLimits limits_of(const DraftRealm& realm) {
        broker::RealmLimits limits = options().broker.limits.realm;
        for (const auto& [name, value] : realm.settings.limits)
            for (const auto& row : realm_rows())
                if (row.key.name == name) row.member.set(limits, value);
        return limits;
    }

    void check_access(DraftListener& listener) {
        ListenerOptions& own = listener.options;
        const AuthOptions& auth = options().auth;
        const bool exposed = is_exposed(own.url);
        const bool has_logins = auth.has_logins();
        const bool has_certificates =
            is_tls(own.url.scheme) && own.url.verify == PeerVerify::Required;
        const auto written = own.allow_anonymous ? own.allow_anonymous : auth.allow_anonymous;
        own.anonymous_allowed = written.value_or(!has_logins && !own.certificate_username);
        if (!written && exposed && !has_logins && !has_certificates && !own.certificate_username) {
            own.anonymous_allowed = false;
            return fail(
                listener,
                fmt::format("{} can be reached from other machines, and anybody could connect",
                            to_text(own.url)),
                "set auth.users, auth.password_file, auth.jwt_keys_file or auth.callout_url, or "
                "verify = \"required\", or write allow_anonymous = true");
        }
        if (own.anonymous_allowed && exposed && !has_certificates)
            warn(listener, fmt::format("anybody who can reach {} may connect without a user name",
                                       to_text(own.url)));
        if (!own.anonymous_allowed && !has_logins && !own.certificate_username)
            warn(
                listener,
                fmt::format("nobody can connect to {}: anonymous clients may not, and there are no "
                            "users",
                            to_text(own.url)),
                "set auth.users, auth.password_file, auth.jwt_keys_file or auth.callout_url");
    }

    void check_admin() {
        AdminOptions& admin = options().admin;
        if (admin.listen.empty()) return;
        auto address = parse_host_port(admin.listen);
        if (!address)
            return fail("admin.listen",
                        fmt::format("\"{}\": {}", admin.listen, address.error().message));
        admin.address = std::move(address).value();
        if (!is_loopback(admin.address->host) && admin.token_file.empty())
            fail("admin.listen",
                 "the admin port can be reached from other machines, and anybody could ask it",
                 "set admin.token_file, or keep it on 127.0.0.1");
    }

    void check_pairs() {
        const auto& all = draft_.listeners;
        for (size_t i = 0; i < all.size(); ++i)
            for (size_t j = 0; j < i; ++j)
                if (same_socket(all[i].options.url, all[j].options.url))
                    fail(all[i],
                         fmt::format("two listeners share one address: {} and {}",
                                     to_text(all[j].options.url), to_text(all[i].options.url)));
        if (!options().admin.address) return;
        ListenUrl admin;
        admin.host = options().admin.address->host;
        admin.port = options().admin.address->port;
        for (const DraftListener& listener : all)
            if (same_socket(listener.options.url, admin))
                fail(listener, fmt::format("{} has the address of admin.listen",
                                           to_text(listener.options.url)));
    }

    void check_access_files() {
        const AuthOptions& auth = options().auth;
        if (!auth.policy_file.empty() && !auth.acl_file.empty())
            fail("auth.acl_file", "there are a policy_file and an acl_file",
                 "keep one of them: both say all that clients may do");
        if (auth.users && options().server.directory.empty())
            fail("auth.users", "the users are in the data directory, and there is none",
                 "set server.data");
    }

    /// @param ca  file of authorities for it, written at `ca_key`
    std::optional<HttpUrl> checked_url(const std::string& key, const std::string& text,
                                       const std::string& ca_key, const std::string& ca) {
        auto url = parse_http_url(text);
        if (!url) {
            fail(key, fmt::format("\"{}\": {}", text, url.error().message));
            return std::nullopt;
        }
        if (!url->tls && !is_loopback(url->address.host))
            fail(key, "over http anybody on the way could answer in its place", "use https://");
        if (!url->tls && !ca.empty()) fail(ca_key, "http has no certificates", "use https://");
        return std::move(url).value();
    }

    void check_callout() {
        AuthOptions& auth = options().auth;
        if (!auth.callout_url.empty()) {
            auth.callout_http = checked_url("auth.callout_url", auth.callout_url, "auth.callout_ca",
                                            auth.callout_ca);
            if (std::chrono::seconds(auth.callout_timeout_s) >=
                options().broker.limits.connect_timeout)
                warn("auth.callout_timeout_s",
                     "it is not less than limits.connect_timeout_s: clients are cut off before "
                     "they hear why");
            return;
        }
        for (const auto& [written, key] :
             {std::pair{!auth.callout_ca.empty(), "auth.callout_ca"},
              {!auth.callout_token_file.empty(), "auth.callout_token_file"},
              {auth.callout_cache_s != 0, "auth.callout_cache_s"}})
            if (written) fail(key, "nobody is asked", "set auth.callout_url");
    }

    void check_tokens() {
        AuthOptions& auth = options().auth;
        if (auth.jwt_username_claim.empty())
            fail("auth.jwt_username_claim", "a token must name its user",
                 "as in jwt_username_claim = \"sub\"");
        if (!auth.jwt_keys_url.empty())
            auth.keys_url = checked_url("auth.jwt_keys_url", auth.jwt_keys_url, "auth.jwt_keys_ca",
                                        auth.jwt_keys_ca);
        if (auth.has_tokens()) return;
        for (const auto& [written, key] : {std::pair{!auth.jwt_issuer.empty(), "jwt_issuer"},
                                           {!auth.jwt_audience.empty(), "jwt_audience"},
                                           {!auth.jwt_keys_ca.empty(), "jwt_keys_ca"},
                                           {auth.jwt_username_claim != "sub", "jwt_username_claim"},
                                           {!auth.jwt_realm_claim.empty(), "jwt_realm_claim"},
                                           {!auth.jwt_expiry_required, "jwt_expiry_required"}})
            if (written)
                fail(fmt::format("auth.{}", key), "without keys no token is taken at all",
                     "set auth.jwt_keys_file, auth.jwt_secret_file or auth.jwt_keys_url");
    }

    void check_limits() {
        const broker::Limits& limits = options().broker.limits;
        for (const auto& [key, bytes_max] :
             {std::pair{std::string("limits.queue_bytes_max"), limits.queue_bytes_max},
              {"limits.realm_queue_bytes_max", limits.realm.queue_bytes_max}})
            warn_of_queue(key, draft_.line_of(key), bytes_max);
        for (const auto& [key, flow] :
             {std::pair{std::string("limits.client_publish"), limits.client_rates.publishes()},
              {"limits.client_byte", limits.client_rates.bytes()},
              {"limits.realm_publish", limits.realm.rates.publishes()},
              {"limits.realm_byte", limits.realm.rates.bytes()}})
            warn_of_burst(key, draft_.line_of(key + "_burst"), flow);
    }

    void warn_of_burst(const std::string& key, uint32_t line, const Flow& flow) {
        if (flow.is_bounded() || flow.burst() == 0) return;
        draft_.warnings.push_back(
            {line, 0, key + "_burst", "it means nothing without " + key + "_rate", ""});
    }

    void warn_of_queue(const std::string& key, uint32_t line, uint64_t bytes_max) {
        if (bytes_max >= options().broker.limits.packet_bytes_max) return;
        draft_.warnings.push_back(
            {line, 0, key,
             "it is less than limits.packet_bytes_max: a message that may be sent could never wait",
             ""});
    }

    /// The broker knows listeners and realms by number, in the order of the configuration.
    void fill_broker() {
        broker::BrokerOptions& out = options().broker;
        out.realms = {broker::RealmOptions{"default"}};
        for (const std::string& each : split_at_blanks(options().server.realms))
            (void)realm_number(each);
        out.listeners.clear();
        out.auth_methods.clear();
        if (options().auth.has_passwords()) out.auth_methods = {"SCRAM-SHA-256"};
        options().listeners.clear();
        for (DraftListener& listener : draft_.listeners) {
            const ListenerOptions& own = listener.options;
            broker::ListenerPolicy policy;
            policy.realm = realm_number(own.realm);
            policy.realm_by = own.realm_by;
            policy.allow_anonymous = own.anonymous_allowed;
            policy.check_password = options().auth.has_logins();
            policy.certificate_username = own.certificate_username;
            policy.rates = own.rates;
            policy.name = to_text(own.url);
            if (is_tls(own.url.scheme)) policy.connection_bytes = kTlsConnectionBytes;
            out.listeners.push_back(std::move(policy));
            options().listeners.push_back(std::move(listener.options));
        }
        for (DraftRealm& realm : draft_.realms) {
            out.realms[realm_number(realm.settings.name)].limits = limits_of(realm);
            options().realms.push_back(std::move(realm.settings));
        }
    }

    uint16_t realm_number(const std::string& name) {
        auto& realms = options().broker.realms;
        const auto found = std::ranges::find(realms, name, &broker::RealmOptions::name);
        const auto number = uint16_t(found - realms.begin());
        if (found == realms.end()) realms.push_back(broker::RealmOptions{name});
        return number;
    }

    Draft& draft_;
};

}  // namespace

void check_draft(Draft& draft) {
    constexpr size_t kListenersMax = 1024;  // far below what a ListenerId can count
    if (draft.listeners.size() > kListenersMax) {
        draft.errors.push_back(
            {0, 0, "listener", fmt::format("there are more than {} listeners", kListenersMax), ""});
        return;
    }
    Check(draft).run();
}

}  // namespace godwit::config
