#include "bench/commands.h"

#include "bench/floor.h"
#include "bench/run.h"
#include "os/entropy.h"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>

namespace godwit::bench {

namespace {

constexpr const char* kWhere = "Where and who";
constexpr const char* kWhat = "What is sent";
constexpr const char* kTold = "How it is told";

// --- running ---

ScenarioFunction function_of(Scenario scenario) {
    switch (scenario) {
        case Scenario::Queue:
            return run_queue;
        case Scenario::Storm:
            return run_storm;
        case Scenario::Flood:
            return run_flood;
        case Scenario::Retain:
            return run_retain;
        case Scenario::Sub:
            return run_sub;
        case Scenario::Conn:
            return run_conn;
        default:
            return run_traffic;
    }
}

uint32_t draw_number() {
    uint8_t drawn[4];
    os::fill_random(drawn);
    return *ByteReader(drawn).u32();
}

int fail(const std::string& why) {
    fmt::print(stderr, "godwit bench: {}\n", why);
    return 1;
}

int run_bench(const Options& options) {
    const uint32_t number = draw_number();
    auto plan = prepare(options, number);
    if (!plan) return fail(plan.error());
    auto run = Run::make(std::move(*plan), number);
    if (!run) return fail(run.error());
    function_of(options.scenario)(**run);
    const Report& report = (*run)->report();
    fmt::print("{}", options.json ? to_json(report) : to_table(report));
    return report.is_good() ? 0 : 1;
}

// --- options ---

void add_where(CLI::App& app, Options& to) {
    app.add_option("url", to.url,
                   "The broker: mqtt://HOST:PORT, mqtts://..., ws://HOST:PORT/PATH, wss://..., "
                   "unix:PATH")
        ->type_name("URL")
        ->capture_default_str()
        ->group(kWhere);
    app.add_option("-V,--protocol-version", to.version, "MQTT 5, 311 or 31")
        ->type_name("VERSION")
        ->capture_default_str()
        ->group(kWhere);
    app.add_option("-u,--username", to.username, "User name")->type_name("USER")->group(kWhere);
    app.add_option("-P,--pw", to.password, "Password")->type_name("TEXT")->group(kWhere);
    app.add_option("--cafile", to.tls_files.cafile, "Authorities to trust (PEM)")
        ->type_name("FILE")
        ->group(kWhere);
    app.add_option("--cert", to.tls_files.cert, "Own certificate (PEM)")
        ->type_name("FILE")
        ->group(kWhere);
    app.add_option("--key", to.tls_files.key, "Its private key (PEM)")
        ->type_name("FILE")
        ->group(kWhere);
    app.add_flag("--insecure", to.tls_files.insecure, "Accept any certificate")->group(kWhere);
    app.add_option("--id-prefix", to.id_prefix, "Client ids begin so; default: drawn")
        ->type_name("TEXT")
        ->group(kWhere);
}

void add_connections(CLI::App& app, Options& to) {
    app.add_option("--connecting", to.connecting_max, "Attempts to connect under way at once")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhere);
    app.add_option("--connect-rate", to.connects_per_second,
                   "New connections in a second; 0: as fast as it goes")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhere);
    app.add_option("--sources", to.sources,
                   "Call from so many addresses, 127.1.0.1 on, each with some 28,000 ports; "
                   "default: enough for many clients on loopback")
        ->type_name("N")
        ->group(kWhere);
    app.add_option("-k,--keepalive", to.keepalive_s, "Keep alive in seconds, with pings; 0: none")
        ->type_name("S")
        ->capture_default_str()
        ->group(kWhere);
}

void add_told(CLI::App& app, Options& to) {
    app.add_option("--pid", to.pid, "Process of the broker on this machine: its CPU and memory")
        ->type_name("PID")
        ->group(kTold);
    app.add_flag("--json", to.json, "Print JSON in place of the table")->group(kTold);
    app.add_flag("--progress,!--no-progress", to.progress,
                 "A line each second on standard error; default: at a terminal")
        ->group(kTold);
    app.add_option("--stall", to.stall_s, "Give up when nothing has come for so long")
        ->type_name("S")
        ->check(CLI::PositiveNumber)
        ->capture_default_str()
        ->group(kTold);
    app.add_flag("--busy", to.busy,
                 "Never sleep: latency without the wake-up of this program; costs a core")
        ->group(kTold);
}

void add_message(CLI::App& app, Options& to) {
    app.add_option("-q,--qos", to.qos, "QoS of publishers and subscribers")
        ->type_name("QOS")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("-s,--size", to.payload_bytes, "Bytes of a payload, at least 24")
        ->type_name("BYTES")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("-t,--topic", to.topic_prefix, "Topics are TOPIC/0000000 on; default: drawn")
        ->type_name("TOPIC")
        ->group(kWhat);
    app.add_option("-w,--window", to.window,
                   "Closed loop: messages of a publisher under way at once, that is not yet "
                   "acknowledged or not yet with every receiver here")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("-r,--rate", to.per_second,
                   "Open loop: messages in a second, of all publishers; one that goes late counts "
                   "as late")
        ->type_name("N")
        ->group(kWhat);
}

void add_extent(CLI::App& app, Options& to) {
    app.add_option("-n,--count", to.messages, "End after so many messages of all publishers")
        ->type_name("N")
        ->group(kWhat);
    app.add_option("-d,--duration", to.duration_s, "Seconds that are measured, without -n")
        ->type_name("S")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("--warm-up", to.warm_up_s, "Seconds before that, without -n")
        ->type_name("S")
        ->capture_default_str()
        ->group(kWhat);
}

void add_crowd(CLI::App& app, Options& to, bool with_subscribers) {
    app.add_option("-p,--publishers", to.publishers, "Clients that publish")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("--topics", to.topics,
                   "Topics, dealt out to publishers and subscribers in turn; 0: one each publisher")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    if (!with_subscribers) return;
    app.add_option("-c,--subscribers", to.subscribers, "Clients that subscribe")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("--share", to.share, "Subscribers are a shared group of this name")
        ->type_name("NAME")
        ->group(kWhat);
}

void add_sessions(CLI::App& app, Options& to) {
    app.add_option("-c,--sessions", to.subscribers, "Persistent sessions, each with its own topic")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("-p,--publishers", to.publishers, "Clients that fill their queues")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("-m,--each", to.messages_each, "Messages for each session")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_flag("--keep", to.keep, "Leave the sessions there at the end")->group(kWhat);
}

void add_beside(CLI::App& app, Options& to) {
    app.add_option("--beside", to.beside, "Pairs in steady traffic beside that, at QoS 0")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("--beside-rate", to.beside_per_second, "Their messages in a second, all pairs")
        ->type_name("N")
        ->check(CLI::PositiveNumber)
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("-d,--duration", to.duration_s, "Seconds of quiet that theirs are compared with")
        ->type_name("S")
        ->capture_default_str()
        ->group(kWhat);
}

void add_strangers(CLI::App& app, Options& to) {
    app.add_option("-r,--rate", to.strangers_per_second, "Attempts in a second, open loop")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("--strangers", to.stranger_addresses,
                   "Addresses that they come from, 127.2.0.1 on")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("--hold", to.hold_s,
                   "Seconds until one goes, sooner where files that may be open do not suffice")
        ->type_name("S")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("--callers", to.callers_per_second,
                   "Clients in a second that connect beside that, and leave")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("-s,--size", to.payload_bytes, "Bytes of a payload of the pairs, at least 24")
        ->type_name("BYTES")
        ->capture_default_str()
        ->group(kWhat);
}

void add_holding(CLI::App& app, Options& to) {
    app.add_option("-c,--clients", to.subscribers, "Clients")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("-d,--hold", to.duration_s, "Seconds to hold them")
        ->type_name("S")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("--threads", to.threads,
                   "Deal the clients out to so many threads, each with its own file table: many "
                   "more clients than open files are allowed (ulimit -n)")
        ->type_name("N")
        ->check(CLI::Range(1, 64))
        ->capture_default_str()
        ->group(kWhat);
    app.add_flag("!--no-subscription", to.subscribes,
                 "Without the one subscription that each has else")
        ->group(kWhat);
}

void add_listening(CLI::App& app, Options& to) {
    app.add_option("-c,--subscribers", to.subscribers, "Clients that subscribe")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("--filter", to.filter, "What each subscribes to")
        ->type_name("FILTER")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("-q,--qos", to.qos, "QoS")
        ->type_name("QOS")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("-n,--count", to.messages, "End after so many messages")
        ->type_name("N")
        ->group(kWhat);
    app.add_option("-d,--duration", to.duration_s, "Or after so many seconds")
        ->type_name("S")
        ->capture_default_str()
        ->group(kWhat);
}

void add_filters(CLI::App& app, Options& to) {
    app.add_option("-c,--clients", to.subscribers, "Clients that subscribe")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("--filters", to.topics, "Filters of all clients, each for a topic of its own")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("--filters-per-packet", to.filters_per_packet, "Filters in one SUBSCRIBE")
        ->type_name("N")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("--wildcards", to.wildcard_percent, "So many of a hundred have a wildcard")
        ->type_name("PERCENT")
        ->check(CLI::Range(0, 100))
        ->capture_default_str()
        ->group(kWhat);
    app.add_option("-p,--publishers", to.publishers, "Clients that then publish to these topics")
        ->type_name("N")
        ->capture_default_str()
        ->group(kWhat);
}

// --- scenarios ---

struct Entry {
    Scenario scenario;
    const char* doc;
    const char* footer;
};

constexpr Entry kEntries[] = {
    {Scenario::Pub, "Publish, and nobody here listens",
     "  godwit bench pub -q 1 -p 1 -w 1 -d 10          how long one PUBACK takes\n"
     "  godwit bench pub -p 10 --topics 10 -r 50000    50,000 messages a second, open loop"},
    {Scenario::Sub, "Subscribe, and count what others publish",
     "  godwit bench sub -c 10 --filter 'bench/#' -d 60"},
    {Scenario::Pairs, "Pairs of a publisher and a subscriber, each on a topic of its own",
     "  godwit bench pairs --pairs 500 -q 1 --pid $(pidof godwit)\n"
     "  godwit bench pairs --pairs 500 -r 20000        latency at 20,000 messages a second\n"
     "  godwit bench pairs mqtts://localhost --cafile ca.pem --pairs 100"},
    {Scenario::FanIn, "Many publishers, one subscriber to all their topics",
     "  godwit bench fanin -p 1000\n"
     "  godwit bench fanin -p 10 -w 1000               few busy publishers\n"
     "  godwit bench fanin -p 100 -c 4 --share workers"},
    {Scenario::FanOut, "One publisher, many subscribers to its topic",
     "  godwit bench fanout -c 1000\n"
     "  godwit bench fanout -p 50 --topics 50 -c 500   each message to ten"},
    {Scenario::Queue, "Fill the queues of persistent sessions that are offline",
     "  godwit bench queue -c 1000 -p 100 -w 100 -m 1000        durable throughput\n"
     "  godwit bench queue -c 100000 -m 10 -s 200 --drain       and all of it comes back"},
    {Scenario::Storm, "Persistent sessions with queued messages, and all of them come back at once",
     "  godwit bench storm -c 2000 -m 10\n"
     "  godwit bench storm -c 15000 -m 0 --beside 500 mqtts://localhost --cafile ca.pem"},
    {Scenario::Flood,
     "Attempts to connect that lead to nothing: silence, garbage, half TLS handshakes and CONNECTs",
     "  godwit bench flood --pid $(pidof godwit)       20,000 a second, and who is there or comes "
     "anew\n"
     "  godwit bench flood -r 5000 --hold 3 -d 30 mqtts://127.0.0.1 --cafile ca.pem"},
    {Scenario::Retain, "Store a retained message for each topic, then replay all of them",
     "  godwit bench retain --topics 1000000 -s 200"},
    {Scenario::Conn, "Connect many clients, hold them, ping",
     "  godwit bench conn -c 15000 -d 60 --pid $(pidof godwit)\n"
     "  godwit bench conn -c 60000 --sources 4\n"
     "  godwit bench conn -c 100000 --threads 8        with at most 20,000 open files each"},
    {Scenario::Subs, "Subscribe to many filters, as fast as it goes",
     "  godwit bench subs -c 100 --filters 1000000 --wildcards 30"},
};

void add_options(CLI::App& app, Options& to) {
    const Scenario scenario = to.scenario;
    add_where(app, to);
    add_connections(app, to);
    add_told(app, to);
    switch (scenario) {
        case Scenario::Pub:
            add_crowd(app, to, false);
            app.add_flag("--retain", to.retain, "Retained")->group(kWhat);
            break;
        case Scenario::Pairs:
            app.add_option("--pairs", to.pairs, "How many")
                ->type_name("N")
                ->check(CLI::PositiveNumber)
                ->capture_default_str()
                ->group(kWhat);
            break;
        case Scenario::FanIn:
        case Scenario::FanOut:
            add_crowd(app, to, true);
            break;
        case Scenario::Queue:
            add_sessions(app, to);
            app.add_flag("--drain", to.drain, "Then let every session come and take its messages")
                ->group(kWhat);
            break;
        case Scenario::Storm:
            add_sessions(app, to);
            add_beside(app, to);
            break;
        case Scenario::Flood:
            add_strangers(app, to);
            add_beside(app, to);
            return;
        case Scenario::Retain:
            add_crowd(app, to, true);
            app.add_flag("--keep", to.keep, "Leave the messages there at the end")->group(kWhat);
            break;
        case Scenario::Sub:
            add_listening(app, to);
            return;
        case Scenario::Conn:
            add_holding(app, to);
            return;
        case Scenario::Subs:
            add_filters(app, to);
            break;
    }
    add_message(app, to);
    if (scenario <= Scenario::FanOut || scenario == Scenario::Subs) add_extent(app, to);
}

void add_scenario(CLI::App& bench, const Entry& entry, std::function<int()>& run) {
    auto* command = bench.add_subcommand(std::string(scenario_name(entry.scenario)), entry.doc);
    const auto options = std::make_shared<Options>(defaults_of(entry.scenario));
    options->progress = ::isatty(STDERR_FILENO) == 1;
    add_options(*command, *options);
    command->footer(
        fmt::format("Exit status: 0 good; 1 a fault, or messages lost, out of order, or twice (not "
                    "at QoS 1).\n\n"
                    "Examples:\n{}",
                    entry.footer));
    command->callback([options, &run] { run = [options] { return run_bench(*options); }; });
}

int run_floor(const std::string& listen) {
    const auto address = os::parse_address(listen);
    if (!address) return fail(fmt::format("{}: {}", listen, os::describe(address.error())));
    if (!os::is_loopback(*address)) return fail(listen + ": the floor is for loopback only");
    auto floor = Floor::open(*address);
    if (!floor) return fail(floor.error());
    fmt::print("godwit bench floor ready mqtt://{}\n", (*floor)->address().text());
    std::fflush(stdout);
    (*floor)->run();
    return 0;
}

void add_floor(CLI::App& bench, std::function<int()>& run) {
    auto* command = bench.add_subcommand(
        "floor", "Be a relay without protocol, to measure what the kernel alone costs");
    const auto listen = std::make_shared<std::string>("127.0.0.1:1885");
    command->add_option("--listen", *listen, "Address and port of loopback")
        ->type_name("ADDRESS")
        ->capture_default_str();
    command->footer(
        "It serves pairs, fanin and fanout of godwit bench, whatever the QoS, until a signal ends "
        "it.\n\n"
        "Example:\n"
        "  godwit bench floor & godwit bench pairs mqtt://127.0.0.1:1885 --pid $!");
    command->callback([listen, &run] { run = [listen] { return run_floor(*listen); }; });
}

}  // namespace

void add_bench(CLI::App& app, std::function<int()>& run) {
    auto* bench = app.add_subcommand("bench", "Put load on a broker, and measure what it does");
    bench->require_subcommand(1);
    bench->footer(
        "Every message has a number and the time it was meant to be sent, so that each run also "
        "says "
        "what was lost,\ncame twice or out of order. It works with any broker.\n\n"
        "Examples:\n"
        "  godwit bench pairs --pairs 100 --pid $(pidof godwit)\n"
        "  godwit bench fanout -c 1000 mqtt://127.0.0.1:1884\n"
        "  godwit bench queue --help");
    for (const Entry& entry : kEntries) add_scenario(*bench, entry, run);
    add_floor(*bench, run);
}

}  // namespace godwit::bench
