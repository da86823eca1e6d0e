// The table of all keys: parsing, environment, manual, sample and checks come from these rows.
#pragma once

#include "config/key.h"
#include "config/options.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::config {

struct Section {
    std::string_view name;
    bool is_list = false;  // [[listener]]: as often as wanted
    std::string_view doc;
};

std::span<const Section> sections();
/// "[limits]", "[[listener]]"
std::string heading(const Section& section);
/// Every key outside of [[listener]] and [[realm]], section by section.
std::span<const Row<Options>> option_rows();
std::span<const Row<ListenerOptions>> listener_rows();
/// The keys of [[realm]] but for its name: those of [limits] that bound a realm, by the same names.
std::span<const Row<broker::RealmLimits>> realm_rows();
const Key& realm_name_key();

/// The keys of one section, in the order of the documents; none for an unknown section.
std::vector<const Key*> keys_of(std::string_view section);

/// Options as the table's defaults have them, without a listener.
Options initial_options();
ListenerOptions initial_listener();

/// As TOML writes it: 10, true, "text"; of a Choice its text. Empty for monostate.
std::string to_toml(const Key& key, const Value& value);

/// The position of a text in the key's choices.
std::optional<uint64_t> find_choice(const Key& key, std::string_view text);

/// "limits.receive_maximum" of every key outside of lists whose value differs, and "listener" or
/// "realm" if any of them does: what a reload would change.
std::vector<std::string> changed_keys(const Options& before, const Options& after);

}  // namespace godwit::config
