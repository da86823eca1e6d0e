#include "config/schema.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/schema_rows.h"

namespace godwit::config {
namespace {

constexpr std::string_view kLogLevels[] = {"debug", "info", "warning", "error"};
constexpr std::string_view kLogFormats[] = {"logfmt", "json"};
constexpr std::string_view kDurability[] = {"fsync", "os", "memory"};

template <auto Path>
constexpr auto server() {
    return member<Options, &Options::server, Path>();
}
template <auto Path>
constexpr auto store() {
    return member<Options, &Options::store, Path>();
}

constexpr Section kSections[] = {
    {.name = "server", .doc = "The process: threads, logs."},
    {.name = "store", .doc = "How the state in server.data is kept."},
    {.name = "listener",
     .is_list = true,
     .doc = "Where connections are taken; one [[listener]] for each address. Without any, the "
            "broker listens on mqtt://127.0.0.1:1883 and ws://127.0.0.1:8083/mqtt."},
    {.name = "admin",
     .doc = "The HTTP port with /metrics for Prometheus, /healthz and /api/clients/ID."},
    {.name = "auth", .doc = "Who may connect, and who may do what."},
    {.name = "limits",
     .doc = "What peers may hold or ask for. Each limit says what happens when it is reached."},
    {.name = "realm",
     .is_list = true,
     .doc = "What one realm may hold, and how fast its clients may come and send, where that is "
            "not what [limits] says; one [[realm]] for each."},
    {.name = "mqtt", .doc = "What the broker tells MQTT 5.0 clients about itself."},
};

constexpr uint64_t kMemoryBytesMax = uint64_t(1) << 50;

const Row<Options> kServer[] = {
    {{.section = "server",
      .name = "data",
      .initial = "",
      .doc = "Directory for the broker's state, of its own. It is made if it is not there. Empty: "
             "sessions, messages and retained messages are in memory alone, and a restart forgets "
             "them."},
     server<&ServerOptions::directory>()},
    {{.section = "server",
      .name = "shards",
      .type = Type::Number,
      .unit = "threads",
      .range = {0, 64},
      .initial = 0u,
      .doc = "Threads that serve clients, each with its own share of them. 0: as many as the data "
             "directory is of; without one, or in a new one, one per core. Another number than "
             "before moves the state at the start."},
     server<&ServerOptions::shard_count>()},
    {{.section = "server",
      .name = "file_tables",
      .type = Type::Flag,
      .initial = false,
      .doc = "Each shard gets a table of open files of its own, so that the limit of open files "
             "(ulimit -n) holds for each shard's connections and not for all of them together."},
     server<&ServerOptions::file_tables>()},
    {{.section = "server",
      .name = "realms",
      .initial = "",
      .doc = "Realms that clients, tokens or a call-out can name, between blanks: \"acme "
             "umbra\". Those of listeners need not be here."},
     server<&ServerOptions::realms>()},
    {{.section = "server",
      .name = "user",
      .initial = "",
      .doc = "Where the broker is started as root: the user that it becomes for good once its "
             "sockets are open. Files and the data directory are opened as this user, who must be "
             "able to read the former, now and at a reload, and to write the latter."},
     server<&ServerOptions::user>()},
    {{.section = "server",
      .name = "core_dumps",
      .type = Type::Flag,
      .initial = false,
      .doc = "The kernel may write the memory of the process to a core file, with the keys and "
             "messages in it, and debuggers of the same user may look into it."},
     server<&ServerOptions::core_dumps>()},
    {{.section = "server",
      .name = "log_level",
      .type = Type::Choice,
      .choices = kLogLevels,
      .initial = "info",
      .doc = "Events below this level are not written."},
     server<&ServerOptions::log_level>()},
    {{.section = "server",
      .name = "log_format",
      .type = Type::Choice,
      .choices = kLogFormats,
      .initial = "logfmt",
      .doc = "How an event becomes a line."},
     server<&ServerOptions::log_format>()},
    {{.section = "server",
      .name = "log_file",
      .initial = "",
      .doc = "File that events are appended to. Empty: standard error."},
     server<&ServerOptions::log_file>()},
    {{.section = "server",
      .name = "audit_file",
      .initial = "",
      .doc = "File that every login, refusal, change of users, policies and certificates and "
             "administrative act is appended to, one JSON object a line, for the owner alone; see "
             "security.md. Empty: none."},
     server<&ServerOptions::audit_file>()},
    {{.section = "server",
      .name = "audit_bytes_max",
      .type = Type::Number,
      .unit = "bytes",
      .range = {65536, kMemoryBytesMax},
      .initial = 100'000'000u,
      .doc = "Size at which audit_file becomes audit_file.1, that one audit_file.2 and so on, and "
             "a new one begins."},
     server<&ServerOptions::audit_bytes_max>()},
    {{.section = "server",
      .name = "audit_files",
      .type = Type::Number,
      .unit = "files",
      .range = {1, 1000},
      .initial = 10u,
      .doc = "How many old ones are kept. The oldest goes."},
     server<&ServerOptions::audit_files>()},
    {{.section = "server",
      .name = "history_events_max",
      .type = Type::Number,
      .unit = "events",
      .range = {0, 10'000'000},
      .initial = 2048u,
      .doc = "The last events of clients that `godwit why` can tell, of all clients together; some "
             "200 bytes each. Those of clients that had no trouble and were silent for longest go "
             "first. 0: none."},
     server<&ServerOptions::history_events_max>()},
    {{.section = "server",
      .name = "memory_bytes_max",
      .type = Type::Number,
      .unit = "bytes",
      .range = {0, kMemoryBytesMax},
      .initial = 0u,
      .doc = "Memory that the broker may use. From 80 % of it on it refuses what would be kept for "
             "longer, from 92 % on new sessions as well, and it disconnects who holds most: see "
             "limits.md. 0: three quarters of what the machine or the control group has."},
     server<&ServerOptions::memory_bytes_max>()},
    {{.section = "server",
      .name = "sys_interval_s",
      .type = Type::Number,
      .unit = "s",
      .range = {0, 86400},
      .initial = 10u,
      .doc = "Time between two rounds of messages on $SYS/broker/... topics. 0: none are sent."},
     server<&ServerOptions::sys_interval_s>()},
};

const Row<Options> kStore[] = {
    {{.section = "store",
      .name = "durability",
      .type = Type::Choice,
      .choices = kDurability,
      .initial = "fsync",
      .doc = "When an acknowledgement may leave. fsync: what it promises is on disk and survives a "
             "loss of power; os: it is with the operating system and survives the end of the "
             "broker; memory: it is in memory, and nothing is written to disk."},
     store<&store::Options::durability>()},
    {{.section = "store",
      .name = "segment_bytes",
      .type = Type::Number,
      .unit = "bytes",
      .range = {1024 * 1024, store::Options::kSegmentBytesMax},
      .initial = 16u * 1024 * 1024,
      .doc = "Size of the files that a shard's log is made of. Each shard has at least three."},
     store<&store::Options::segment_bytes>()},
};

const Row<Options> kAdmin[] = {
    {{.section = "admin",
      .name = "listen",
      .initial = "127.0.0.1:8080",
      .doc = "Address and port. Beyond loopback it needs token_file. Empty: no admin port."},
     member<Options, &Options::admin, &AdminOptions::listen>()},
    {{.section = "admin",
      .name = "token_file",
      .initial = "",
      .doc = "File with a token of 16 to 256 visible characters, which requests carry as "
             "`Authorization: Bearer TOKEN`; all but /healthz are answered 401 without it. Read "
             "again at SIGHUP. `godwit why` and `godwit explain` take the file with --token-file."},
     member<Options, &Options::admin, &AdminOptions::token_file>()},
};

std::vector<Row<Options>> joined_rows() {
    std::vector<Row<Options>> all;
    for (const std::span<const Row<Options>> part :
         {std::span<const Row<Options>>(kServer), std::span<const Row<Options>>(kStore),
          std::span<const Row<Options>>(kAdmin), auth_rows(), limits_rows(), realm_limits_rows(),
          mqtt_rows()})
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

/// A Choice's initial text becomes what its member holds.
Value initial_value(const Key& key) {
    const auto* text = std::get_if<std::string>(&key.initial);
    if (key.type != Type::Choice || !text) return key.initial;
    const auto choice = find_choice(key, *text);
    GW_ASSERT(choice.has_value());
    return *choice;
}

}  // namespace

std::span<const Section> sections() {
    return kSections;
}

std::string heading(const Section& section) {
    return section.is_list ? fmt::format("[[{}]]", section.name)
                           : fmt::format("[{}]", section.name);
}

std::span<const Row<Options>> option_rows() {
    static const std::vector<Row<Options>> kAll = joined_rows();
    return kAll;
}

std::vector<const Key*> keys_of(std::string_view section) {
    std::vector<const Key*> keys;
    for (const auto& row : option_rows())
        if (row.key.section == section) keys.push_back(&row.key);
    for (const auto& row : listener_rows())
        if (row.key.section == section) keys.push_back(&row.key);
    if (section != realm_name_key().section) return keys;
    keys.push_back(&realm_name_key());
    for (const auto& row : realm_rows()) keys.push_back(&row.key);
    return keys;
}

Options initial_options() {
    Options options;
    for (const auto& row : option_rows()) row.member.set(options, initial_value(row.key));
    return options;
}

ListenerOptions initial_listener() {
    ListenerOptions listener;
    for (const auto& row : listener_rows())
        if (row.key.name != "url") row.member.set(listener, initial_value(row.key));
    return listener;
}

std::string to_toml(const Key& key, const Value& value) {
    if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
    if (const auto* number = std::get_if<uint64_t>(&value))
        return key.type == Type::Choice ? fmt::format("\"{}\"", key.choices[*number])
                                        : fmt::format("{}", *number);
    if (const auto* text = std::get_if<std::string>(&value)) return fmt::format("\"{}\"", *text);
    return "";
}

std::optional<uint64_t> find_choice(const Key& key, std::string_view text) {
    const auto found = std::ranges::find(key.choices, text);
    if (found == key.choices.end()) return std::nullopt;
    return uint64_t(found - key.choices.begin());
}

std::vector<std::string> changed_keys(const Options& before, const Options& after) {
    std::vector<std::string> changed;
    for (const auto& [key, member] : option_rows())
        if (member.get(before) != member.get(after))
            changed.push_back(fmt::format("{}.{}", key.section, key.name));

    const auto same = [](const ListenerOptions& left, const ListenerOptions& right) {
        return std::ranges::all_of(listener_rows(), [&](const Row<ListenerOptions>& row) {
            return row.member.get(left) == row.member.get(right);
        });
    };
    if (!std::ranges::equal(before.listeners, after.listeners, same)) changed.push_back("listener");
    if (before.realms != after.realms) changed.push_back("realm");
    return changed;
}

}  // namespace godwit::config
