#include "config/render.h"

#include <fmt/format.h>

#include "config/schema.h"

namespace godwit::config {
namespace {

constexpr size_t kSampleColumns = 96;

std::string quoted_list(std::span<const std::string_view> choices) {
    std::string list;
    for (const std::string_view choice : choices)
        list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", choice);
    return list;
}

/// "1 to 65535 messages", "one of "none", "optional""
std::string type_text(const Key& key) {
    switch (key.type) {
        case Type::Flag:
            return "true or false";
        case Type::Text:
            return "text";
        case Type::Choice:
            return "one of " + quoted_list(key.choices);
        case Type::Number:
            break;
    }
    return fmt::format("{} to {}{}{}", key.range.min, key.range.max, key.unit.empty() ? "" : " ",
                       key.unit);
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
    std::string out;
    while (true) {
        const size_t at = text.find(from);
        out += text.substr(0, at);
        if (at == text.npos) return out;
        out += to;
        text.remove_prefix(at + from.size());
    }
}

// --- Markdown ---

constexpr std::string_view kMarkdownHead =
    R"(# Configuration

<!-- Made from the table in src/config/schema*.cpp; a test compares. Change the table, then run the
     config test with GODWIT_WRITE_DOCS=1. -->

`godwit serve --config FILE` reads one [TOML](https://toml.io) file. Without a file every key has its default, and the broker
listens on loopback only. `godwit check FILE` says what is wrong with a file, line by line; `docs/godwit.toml` is a sample with
every key.

Later sources win: defaults, file, environment, command line. A key's variable is `GODWIT_SECTION_KEY`, as in
`GODWIT_LIMITS_RECEIVE_MAXIMUM=100`. `GODWIT_LISTENER_URL` holds one or more URLs between blanks and replaces the listeners of the
file; the other `GODWIT_LISTENER_` variables set their key on every listener. `--listen` replaces listeners too.

A file with an unknown key, a wrong type or a value out of range is refused as a whole.
)";

/// Headings would be links.
std::string in_code(std::string_view doc) {
    return replaced(replaced(doc, "[[listener]]", "`[[listener]]`"), "[[realm]]", "`[[realm]]`");
}

std::string markdown_row(const Key& key) {
    const std::string initial = to_toml(key, key.initial);
    const std::string doc = in_code(replaced(key.doc, "|", "\\|"));
    return fmt::format("| `{}` | {} | {} | {} |\n", key.name, type_text(key),
                       initial.empty() ? "" : "`" + initial + "`", doc);
}

// --- manual page ---

/// Text that roff takes as text: no request at the beginning of a line, no escape, real hyphens.
std::string roff(std::string_view text) {
    std::string out = replaced(text, "\\", "\\e");
    out = replaced(out, "-", "\\-");
    if (out.starts_with('.') || out.starts_with('\'')) out.insert(0, "\\&");
    return out;
}

constexpr std::string_view kManHead =
    R"(.\" Made from the table in src/config/schema*.cpp; a test compares.
.TH GODWIT.TOML 5 "" "godwit" "File formats"
.SH NAME
godwit.toml \- configuration of the Godwit MQTT broker
.SH SYNOPSIS
.B godwit serve \-\-config
.I FILE
.SH DESCRIPTION
A TOML file with the sections below. Without a file every key has its default, and the broker listens on loopback only.
.PP
A file with an unknown key, a wrong type or a value out of range is refused as a whole;
.B godwit check
.I FILE
says what is wrong with it, line by line.
)";

constexpr std::string_view kManTail = R"(.SH ENVIRONMENT
Every key can be set by a variable
.BI GODWIT_ SECTION _ KEY\fR,
as in GODWIT_LIMITS_RECEIVE_MAXIMUM=100, which wins over the file.
.PP
.B GODWIT_LISTENER_URL
holds one or more URLs between blanks and replaces the listeners of the file; the other GODWIT_LISTENER_ variables set their key
on every listener. Options of the command line win over variables.
.SH EXAMPLE
.nf
[[listener]]
url = "mqtts://0.0.0.0:8883"
cert = "/etc/godwit/cert.pem"
key = "/etc/godwit/key.pem"

[auth]
password_file = "/etc/godwit/passwords"
policy_file = "/etc/godwit/policy"
.fi
.SH SEE ALSO
.BR godwit-policy (5),
.BR mosquitto_passwd (1),
.BR mqtt (7)
)";

std::string man_entry(const Key& key) {
    const std::string initial = to_toml(key, key.initial);
    return fmt::format(".TP\n.B {}\n{}.{}\n.br\n{}\n", roff(key.name), roff(type_text(key)),
                       initial.empty() ? "" : fmt::format(" Default: {}.", roff(initial)),
                       roff(key.doc));
}

// --- sample ---

constexpr std::string_view kSampleHead =
    R"(# Godwit, every key with its default. Take the '#' off a key to change it.
# A variable of the environment wins over this file: GODWIT_SECTION_KEY, as in GODWIT_LIMITS_RECEIVE_MAXIMUM=100.
# Made from the table in src/config/schema*.cpp; a test compares.
)";

constexpr std::string_view kSampleListeners = R"(
# MQTT for this machine only:
#[[listener]]
#url = "mqtt://127.0.0.1:1883"

# MQTT over TLS for everybody with a password (see auth.password_file):
#[[listener]]
#url = "mqtts://0.0.0.0:8883"
#cert = "/etc/godwit/cert.pem"
#key = "/etc/godwit/key.pem"

# Every key of a listener:
#[[listener]]
)";

/// The text as comment lines, cut at blanks.
std::string comment(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        size_t end = text.size();
        if (end > kSampleColumns) {
            end = text.rfind(' ', kSampleColumns);
            if (end == text.npos || end == 0) end = std::min(text.find(' '), text.size());
        }
        out += fmt::format("# {}\n", text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

/// What stands after "key = " where the key has no default.
std::string example_value(const Key& key) {
    if (!std::holds_alternative<std::monostate>(key.initial)) return to_toml(key, key.initial);
    if (key.name == "url") return "\"mqtt://127.0.0.1:1883\"";
    if (key.name == "name") return "\"acme\"";
    return key.type == Type::Choice ? fmt::format("\"{}\"", key.choices[0]) : "false";
}

std::string sample_entry(const Key& key) {
    return fmt::format("\n{}# {}\n#{} = {}\n", comment(key.doc), type_text(key), key.name,
                       example_value(key));
}

}  // namespace

std::string render_markdown() {
    std::string out(kMarkdownHead);
    for (const Section& section : sections()) {
        out += fmt::format("\n## {}\n\n{}\n\n", heading(section), in_code(section.doc));
        out += "| key | values | default | meaning |\n|---|---|---|---|\n";
        for (const Key* key : keys_of(section.name)) out += markdown_row(*key);
    }
    return out;
}

std::string render_man() {
    std::string out(kManHead);
    for (const Section& section : sections()) {
        out += fmt::format(".SH {}\n{}\n", heading(section), roff(section.doc));
        for (const Key* key : keys_of(section.name)) out += man_entry(*key);
    }
    out += kManTail;
    return out;
}

std::string render_sample() {
    std::string out(kSampleHead);
    for (const Section& section : sections()) {
        out += fmt::format("\n{}", comment(section.doc));
        if (section.name == "listener")
            out += kSampleListeners;
        else
            out += (section.is_list ? "#" : "") + heading(section) + "\n";
        for (const Key* key : keys_of(section.name)) out += sample_entry(*key);
    }
    return out;
}

}  // namespace godwit::config
