// The keys of [auth].
#include "config/schema_rows.h"

namespace godwit::config {
namespace {

template <auto Path>
constexpr auto auth() {
    return member<Options, &Options::auth, Path>();
}

const Row<Options> kAuth[] = {
    {{.section = "auth",
      .name = "password_file",
      .initial = "",
      .doc = "Users and password hashes, one `user:hash` a line, made with `godwit passwd` or "
             "mosquitto_passwd. Empty: without users, too, nobody can log in with a password."},
     auth<&AuthOptions::password_file>()},
    {{.section = "auth",
      .name = "users",
      .type = Type::Flag,
      .initial = false,
      .doc = "Users of the control store (control.db in server.data) can log in with a password, "
             "besides those of password_file or in their place. `godwit user` adds, changes, "
             "disables and removes them, and a running broker follows within a second."},
     auth<&AuthOptions::users>()},
    {{.section = "auth",
      .name = "policy_file",
      .initial = "",
      .doc = "Who may connect, publish, retain, subscribe and receive what, in the language of "
             "docs/policy.md. With a file, what no line allows is denied. Empty: every client may "
             "do everything, unless there is an acl_file."},
     auth<&AuthOptions::policy_file>()},
    {{.section = "auth",
      .name = "acl_file",
      .initial = "",
      .doc = "The same in the format of Mosquitto's acl_file, which says who may publish and read "
             "which topics. One of the two, not both."},
     auth<&AuthOptions::acl_file>()},
    {{.section = "auth",
      .name = "jwt_keys_file",
      .initial = "",
      .doc = "Public keys that tokens (JWT) in the place of a password may be signed with: a JWK "
             "set, or one key in PEM. RS256, ES256 and EdDSA, as the key is; see "
             "docs/authentication.md. Read again on SIGHUP."},
     auth<&AuthOptions::jwt_keys_file>()},
    {{.section = "auth",
      .name = "jwt_secret_file",
      .initial = "",
      .doc = "A secret of at least 32 bytes that tokens may be signed with by HS256: whoever can "
             "check such tokens can make them. Read again on SIGHUP."},
     auth<&AuthOptions::jwt_secret_file>()},
    {{.section = "auth",
      .name = "jwt_keys_url",
      .initial = "",
      .doc = "Where a JWK set is fetched from, as jwt_keys_file holds one: https, or http on "
             "loopback. The broker starts without an answer and takes these tokens once there is "
             "one. If an answer fails, the keys of the last good one stay."},
     auth<&AuthOptions::jwt_keys_url>()},
    {{.section = "auth",
      .name = "jwt_keys_ca",
      .initial = "",
      .doc = "File with the authorities that the certificate of jwt_keys_url may come from, PEM. "
             "Empty: those of the system."},
     auth<&AuthOptions::jwt_keys_ca>()},
    {{.section = "auth",
      .name = "jwt_keys_refresh_s",
      .type = Type::Number,
      .unit = "s",
      .range = {1, 86400},
      .initial = 300u,
      .doc = "Time between two fetches of jwt_keys_url. A token with an unknown key id makes one "
             "more, at most one in 10 s, and waits for it."},
     auth<&AuthOptions::jwt_keys_refresh_s>()},
    {{.section = "auth",
      .name = "jwt_issuer",
      .initial = "",
      .doc = "What a token's iss must be. Empty: anything."},
     auth<&AuthOptions::jwt_issuer>()},
    {{.section = "auth",
      .name = "jwt_audience",
      .initial = "",
      .doc = "What a token's aud must be or hold. Empty: anything."},
     auth<&AuthOptions::jwt_audience>()},
    {{.section = "auth",
      .name = "jwt_username_claim",
      .initial = "sub",
      .doc = "The claim that is the client's user name. The one in CONNECT must be the same or "
             "empty."},
     auth<&AuthOptions::jwt_username_claim>()},
    {{.section = "auth",
      .name = "jwt_expiry_required",
      .type = Type::Flag,
      .initial = true,
      .doc = "A token without exp is refused. Where there is one the connection ends at that time "
             "at the latest."},
     auth<&AuthOptions::jwt_expiry_required>()},
    {{.section = "auth",
      .name = "jwt_realm_claim",
      .initial = "",
      .doc = "The claim that is the client's realm; a token without it is refused. Empty: tokens "
             "name no realm."},
     auth<&AuthOptions::jwt_realm_claim>()},
    {{.section = "auth",
      .name = "callout_url",
      .initial = "",
      .doc = "An HTTP server that is asked about logins of users who are not in password_file: "
             "https, or http on loopback; see docs/authentication.md. Empty: nobody is asked."},
     auth<&AuthOptions::callout_url>()},
    {{.section = "auth",
      .name = "callout_ca",
      .initial = "",
      .doc = "File with the authorities that the certificate of callout_url may come from, PEM. "
             "Empty: those of the system."},
     auth<&AuthOptions::callout_ca>()},
    {{.section = "auth",
      .name = "callout_token_file",
      .initial = "",
      .doc =
          "A token that the broker shows to callout_url (Authorization: Bearer), so that nobody "
          "else can ask: 16 to 256 visible ASCII characters. Read again on SIGHUP. Empty: none."},
     auth<&AuthOptions::callout_token_file>()},
    {{.section = "auth",
      .name = "callout_timeout_s",
      .type = Type::Number,
      .unit = "s",
      .range = {1, 60},
      .initial = 5u,
      .doc = "Time for an answer of callout_url, waiting for a turn included. Without one the "
             "client is refused (0x88, server unavailable)."},
     auth<&AuthOptions::callout_timeout_s>()},
    {{.section = "auth",
      .name = "callout_in_flight_max",
      .type = Type::Number,
      .range = {1, 1024},
      .initial = 64u,
      .doc = "Questions that callout_url is asked at a time, each over a connection of its own. "
             "Up to 10000 logins wait; beyond that clients are refused (0x89, server busy)."},
     auth<&AuthOptions::callout_in_flight_max>()},
    {{.section = "auth",
      .name = "callout_cache_s",
      .type = Type::Number,
      .unit = "s",
      .range = {0, 86400},
      .initial = 0u,
      .doc = "The longest time that an answer of callout_url is used again for the very same "
             "question. Refusals are kept only if the answer says for how long. 0: never."},
     auth<&AuthOptions::callout_cache_s>()},
    {{.section = "auth",
      .name = "allow_anonymous",
      .type = Type::Flag,
      .doc =
          "Clients without a user name may connect, on every listener that says nothing itself. "
          "When nothing is written: yes on loopback and Unix sockets and where client "
          "certificates are required, as long as there are no passwords and no tokens; else no. A "
          "listener that other machines can reach and that nothing protects does not start until "
          "true is "
          "written."},
     auth<&AuthOptions::allow_anonymous>()},
};

}  // namespace

std::span<const Row<Options>> auth_rows() {
    return kAuth;
}

}  // namespace godwit::config
