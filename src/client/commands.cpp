#include "client/commands.h"

#include "client/publish_task.h"
#include "client/subscribe_task.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace godwit::client {

namespace {

using Text = std::optional<std::string>;

/// An option whose absence differs from an empty text. `into` outlives the parsing.
CLI::Option* add_text(CLI::App& app, const std::string& names, Text& into, const std::string& doc) {
    return app.add_option_function<std::string>(
        names, [&into](const std::string& word) { into = word; }, doc);
}

/// The check without its words in the help, where the option's own words say it.
CLI::Validator silent(CLI::Validator check) {
    check.description("");
    return check;
}

/// An option that may be given again, with one value each time.
CLI::Option* add_list(CLI::App& app, const std::string& names, std::vector<std::string>& into,
                      const std::string& doc) {
    return app.add_option(names, into, doc)->allow_extra_args(false);
}

constexpr const char* kWhere = "Where to connect";
constexpr const char* kTls = "TLS";
constexpr const char* kWho = "Who connects";
constexpr const char* kHow = "How to behave";

void add_where(CLI::App& app, CommonOptions& to) {
    add_text(app, "-h,--host", to.host, "Host of the broker; default: localhost")
        ->type_name("HOST")
        ->group(kWhere);
    app.add_option("-p,--port", to.port,
                   "Port; default: 1883, with TLS 8883, over WebSocket 8083, both 8084")
        ->type_name("PORT")
        ->group(kWhere);
    add_text(app, "-L,--url", to.url,
             "All in one, in place of -h, -p, -u, -P and -t:\n"
             "mqtt://USER:PASSWORD@HOST:PORT/TOPIC, mqtts://..., ws://HOST:PORT/PATH, wss://..., "
             "unix:PATH")
        ->type_name("URL")
        ->group(kWhere);
    add_text(app, "--unix", to.unix_path, "Unix socket of the broker")
        ->type_name("PATH")
        ->group(kWhere);
    app.add_flag("--ws{/mqtt}", to.websocket_path,
                 "Speak MQTT over WebSocket; --ws=/PATH for another path than /mqtt")
        ->group(kWhere)
        ->each([&to](const std::string&) { to.websocket = true; });
    add_list(app, "--ws-header", to.websocket_fields,
             "One more field of the WebSocket's HTTP request")
        ->type_name("\"NAME: VALUE\"")
        ->group(kWhere);
    app.add_option("-A,--bind", to.bind_address, "Own address to connect from")
        ->type_name("ADDRESS")
        ->group(kWhere);
    app.add_flag_function(
           "--nodelay", [](int64_t) {},
           "Accepted for mosquitto's sake: packets are never held back")
        ->group(kWhere);
}

void add_tls(CLI::App& app, CommonOptions& to) {
    TlsFiles& files = to.tls_files;
    app.add_flag("--tls,--tls-use-os-certs", to.tls,
                 "Use TLS and trust the authorities that this system trusts")
        ->group(kTls);
    const auto add_file = [&app](const char* name, std::string& into, const char* doc) {
        app.add_option(name, into, doc)->type_name("FILE")->group(kTls);
    };
    add_file("--cafile", files.cafile, "Use TLS and trust these authorities (PEM)");
    add_file("--cert", files.cert, "Own certificate (PEM), where the broker asks for one");
    add_file("--key", files.key, "Its private key (PEM)");
    app.add_option("--capath", files.capath, "Use TLS and trust the authorities in a directory")
        ->type_name("DIR")
        ->group(kTls);
    app.add_option("--keypass", files.key_password, "Password of the private key")
        ->type_name("TEXT")
        ->group(kTls);
    app.add_flag("--insecure", files.insecure,
                 "Accept a certificate of another host; without --cafile any certificate at all")
        ->group(kTls);
    app.add_option("--servername", to.server_name,
                   "Host name to ask for (SNI) and to expect; default: HOST")
        ->type_name("NAME")
        ->group(kTls);
    app.add_option("--tls-alpn", to.alpn, "Protocol to offer (ALPN)")
        ->type_name("NAME")
        ->group(kTls);
    app.add_option("--tls-version", to.tls_version, "tlsv1.2 (and up, the default) or tlsv1.3")
        ->type_name("VERSION")
        ->group(kTls);
    app.add_option("--ciphers", files.ciphers, "Ciphers for TLS 1.2, in OpenSSL's notation")
        ->type_name("LIST")
        ->group(kTls);
}

void add_will(CLI::App& app, CommonOptions& to) {
    add_text(app, "--will-topic", to.will_topic,
             "The broker publishes here when the connection is lost")
        ->type_name("TOPIC")
        ->group(kWho);
    add_text(app, "--will-payload", to.will_payload, "What it publishes; default: nothing")
        ->type_name("TEXT")
        ->group(kWho);
    app.add_option("--will-qos", to.will_qos, "With which QoS: 0, 1 or 2")
        ->check(silent(CLI::Range(0, 2)))
        ->type_name("QOS")
        ->group(kWho);
    app.add_flag("--will-retain", to.will_retain, "Retained")->group(kWho);
}

void add_who(CLI::App& app, CommonOptions& to) {
    app.add_option("-V,--protocol-version", to.version,
                   "MQTT 5 (mqttv5), 311 (mqttv311) or 31 (mqttv31); default: 5")
        ->type_name("VERSION")
        ->group(kWho);
    add_text(app, "-i,--id", to.client_id, "Client id; default: the broker chooses")
        ->type_name("ID")
        ->group(kWho);
    add_text(app, "-I,--id-prefix", to.id_prefix, "Client id: this and the process id")
        ->type_name("PREFIX")
        ->group(kWho);
    add_text(app, "-u,--username", to.username, "User name")->type_name("USER")->group(kWho);
    add_text(app, "-P,--pw", to.password, "Password (others can see it on the command line)")
        ->type_name("PASSWORD")
        ->group(kWho);
    app.add_flag("-c,--disable-clean-session", to.keep_session,
                 "Keep the session (needs -i): take up an old one, and leave it for the next time")
        ->group(kWho);
    add_text(app, "-x,--session-expiry-interval", to.session_expiry,
             "Seconds the session outlives the connection; -1 for ever, the default with -c")
        ->type_name("S")
        ->group(kWho);
    app.add_option("-k,--keepalive", to.keepalive_s,
                   "Seconds of silence before a ping; 0: none; default: 60")
        ->type_name("S")
        ->group(kWho);
    add_will(app, to);
    // Groups of four words; CLI11 fills a shorter group up with an empty one.
    app.add_option(
           "-D,--property", to.properties,
           "MQTT 5 property: connect, publish, subscribe, unsubscribe, will or disconnect,\n"
           "then its name and value: -D publish content-type text/plain\n"
           "-D connect user-property site north")
        ->type_size(3, 4)
        ->allow_extra_args(false)
        ->type_name("COMMAND NAME VALUE")
        ->group(kWho);
}

void add_how(CLI::App& app, CommonOptions& to) {
    app.add_option("-M,--max-inflight", to.inflight_max,
                   "Messages of QoS 1 and 2 under way at once; default: 20")
        ->check(silent(CLI::Range(1, 60000)))
        ->type_name("N")
        ->group(kHow);
    app.add_option("-W,--timeout", to.timeout_s, "Give up after so many seconds, with status 27")
        ->check(silent(CLI::NonNegativeNumber))
        ->type_name("S")
        ->group(kHow);
    app.add_flag("-d,--debug", to.debug, "Tell every packet on standard error")->group(kHow);
    app.add_flag("--quiet", to.quiet, "Tell no errors")->group(kHow);
}

void add_common(CLI::App& app, CommonOptions& to) {
    app.set_help_flag("--help", "Print this and exit");
    add_where(app, to);
    add_tls(app, to);
    add_who(app, to);
    add_how(app, to);
}

constexpr const char* kPublishExamples =
    "Exit status: 0 sent, and acknowledged at QoS 1 and 2; 1 refused or failed; 27 timed out.\n\n"
    "Examples:\n"
    "  godwit pub -t home/lamp -m on\n"
    "  godwit pub -h broker.example --cafile ca.pem -u ann -P secret -t plant/7 -f reading.json -q "
    "1\n"
    "  godwit pub -t home/lamp -r -n                     remove the retained message\n"
    "  vmstat 1 | godwit pub -t load -l -q 1             a message for each line\n"
    "  godwit pub -t a -m hi -D publish user-property colour green";

constexpr const char* kSubscribeExamples =
    "-F: %t topic, %p payload, %x %X in hex, %l length, %q QoS, %r retain, %m packet id, %j %J "
    "JSON,\n"
    "    %I time, %U seconds since 1970, %C %D %E %F %P %R %S %A properties, @H @M ... as "
    "strftime,\n"
    "    \\n \\t \\0 ...; widths as in %10t, %-10t, %05l, %.8t\n"
    "Exit status: 0 good, 1 refused or failed, 27 timed out (-W).\n\n"
    "Examples:\n"
    "  godwit sub -t 'home/#' -v\n"
    "  godwit sub -t '$SYS/#' -C 10 -F '%I %t %p'\n"
    "  godwit sub -L mqtts://ann:secret@broker.example/plant/+/temp -q 1\n"
    "  godwit sub -t '$share/workers/jobs/#' -q 2 -c -i worker-1\n"
    "  godwit sub -t 'old/#' --remove-retained --retained-only -W 5";

void add_payload(CLI::App& app, PublishOptions& to) {
    add_text(app, "-m,--message", to.message, "This text")->type_name("TEXT");
    add_text(app, "-f,--file", to.file, "What is in a file")->type_name("FILE");
    app.add_flag("-n,--null-message", to.nothing, "Nothing: a payload of 0 bytes");
    app.add_flag("-l,--stdin-line", to.lines, "Each line of standard input, a message each");
    app.add_flag("-s,--stdin-file", to.whole_input, "All of standard input, one message");
}

void add_selection(CLI::App& app, SubscribeOptions& to) {
    add_list(app, "-T,--filter-out", to.filter_out,
             "Leave out what this filter matches; repeatable")
        ->type_name("FILTER");
    app.add_option("-C", to.count, "End after so many messages")->type_name("N");
    app.add_flag("-R", to.no_stale, "Leave out retained messages");
    app.add_flag("--retained-only", to.retained_only,
                 "Retained messages only; ends at the first other one");
    app.add_flag("--remove-retained", to.remove_retained,
                 "Remove the retained messages that come (not those that -T leaves out)");
    app.add_option("--random-filter", to.random_percent, "Print so many of a hundred, at random")
        ->check(silent(CLI::Range(0.0, 100.0)))
        ->type_name("PERCENT");
    app.add_flag("--no-local", to.no_local, "Not the own messages (MQTT 5)");
    app.add_flag("--retain-as-published", to.retain_as_published,
                 "Leave the retain flag as it was published (MQTT 5)");
    app.add_option("--retain-handling", to.retain_handling,
                   "Retained messages always, for a new subscription, never (MQTT 5)")
        ->type_name("always|new|never");
}

void add_output(CLI::App& app, SubscribeOptions& to) {
    app.add_flag("-v,--verbose", to.verbose, "Print the topic before the payload");
    add_text(app, "-F", to.format, "Print in this format; see below")->type_name("FORMAT");
    app.add_flag("-N", to.no_end_of_line, "Add no end of line");
    app.add_flag("-E", to.exit_after_subscribing, "End once the broker has granted everything");
    app.add_flag("--no-reconnect", to.no_reconnect,
                 "End when the connection is lost, rather than connect again");
}

}  // namespace

void add_pub(CLI::App& app, std::function<int()>& run) {
    auto* command = app.add_subcommand("pub", "Publish messages");
    const auto wishes = std::make_shared<PublishOptions>();
    wishes->common.program = "godwit pub";
    command->add_option("-t,--topic", wishes->topic, "Topic to publish to")->type_name("TOPIC");
    add_payload(*command, *wishes);
    command->add_option("-q,--qos", wishes->qos, "QoS 0, 1 or 2; default: 0")
        ->check(silent(CLI::Range(0, 2)))
        ->type_name("QOS");
    command->add_flag("-r,--retain", wishes->retain, "The broker keeps it for later subscribers");
    command->add_option("--repeat", wishes->repeat, "Publish it so many times")
        ->check(silent(CLI::PositiveNumber))
        ->type_name("N");
    command->add_option("--repeat-delay", wishes->repeat_delay_s, "Seconds between two")
        ->check(silent(CLI::NonNegativeNumber))
        ->type_name("S");
    add_common(*command, wishes->common);
    command->footer(kPublishExamples);
    command->callback([wishes, &run] { run = [wishes] { return run_publish(*wishes); }; });
}

void add_sub(CLI::App& app, std::function<int()>& run) {
    auto* command = app.add_subcommand("sub", "Subscribe, and print what comes");
    const auto wishes = std::make_shared<SubscribeOptions>();
    wishes->common.program = "godwit sub";
    add_list(*command, "-t,--topic", wishes->topics, "Topic filter to subscribe to; repeatable")
        ->type_name("FILTER");
    add_list(*command, "-U,--unsubscribe", wishes->unsubscribe,
             "Topic filter to unsubscribe from; repeatable")
        ->type_name("FILTER");
    command->add_option("-q,--qos", wishes->qos, "QoS 0, 1 or 2; default: 0")
        ->check(silent(CLI::Range(0, 2)))
        ->type_name("QOS");
    add_selection(*command, *wishes);
    add_output(*command, *wishes);
    add_common(*command, wishes->common);
    command->footer(kSubscribeExamples);
    command->callback([wishes, &run] { run = [wishes] { return run_subscribe(*wishes); }; });
}

}  // namespace godwit::client
