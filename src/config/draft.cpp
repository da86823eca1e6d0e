#include "config/draft.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/nearest.h"
#include "config/schema.h"
#include "config/toml_text.h"

namespace godwit::config {
namespace {

/// Where a value was written, for messages about it.
struct Place {
    uint32_t line = 0;
    uint32_t column = 0;
    std::string name;  // "limits.receive_maximum", "GODWIT_LIMITS_RECEIVE_MAXIMUM"
};

std::string_view wanted(Type type) {
    switch (type) {
        case Type::Flag:
            return "true or false";
        case Type::Number:
            return "an integer";
        case Type::Text:
        case Type::Choice:
            return "text in quotes";
    }
    return "";
}

std::string in_range(const Key& key) {
    return fmt::format("it goes from {} to {}{}{}", key.range.min, key.range.max,
                       key.unit.empty() ? "" : " ", key.unit);
}

std::string quoted_list(std::span<const std::string_view> choices) {
    std::string list;
    for (const std::string_view choice : choices)
        list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", choice);
    return list;
}

struct Wrong {
    std::string message;
    std::string hint;
};

Result<Value, Wrong> checked_number(const Key& key, int64_t number) {
    if (number >= 0 && uint64_t(number) >= key.range.min && uint64_t(number) <= key.range.max)
        return Value(uint64_t(number));
    return Err{Wrong{fmt::format("{} is out of range", number), in_range(key)}};
}

Result<Value, Wrong> checked_text(const Key& key, const std::string& text) {
    if (text.find('\0') != text.npos) return Err{Wrong{"the text holds a zero byte", ""}};
    if (key.type == Type::Text) return Value(text);
    if (const auto choice = find_choice(key, text)) return Value(*choice);
    return Err{Wrong{fmt::format("\"{}\" is not known here", text),
                     "it is one of " + quoted_list(key.choices)}};
}

Result<Value, Wrong> checked_value(const Key& key, const TomlValue& raw, std::string_view type) {
    if (const auto* flag = std::get_if<bool>(&raw); flag && key.type == Type::Flag)
        return Value(*flag);
    if (const auto* number = std::get_if<int64_t>(&raw); number && key.type == Type::Number)
        return checked_number(key, *number);
    const bool takes_text = key.type == Type::Text || key.type == Type::Choice;
    if (const auto* text = std::get_if<std::string>(&raw); text && takes_text)
        return checked_text(key, *text);
    return Err{
        Wrong{fmt::format("this is {}", type), fmt::format("it takes {}", wanted(key.type))}};
}

/// Text without quotes, from the environment or the command line.
Result<Value, Wrong> checked_bare(const Key& key, const std::string& text) {
    if (key.type == Type::Flag) {
        if (text == "true") return Value(true);
        if (text == "false") return Value(false);
        return Err{Wrong{fmt::format("\"{}\" is neither true nor false", text), ""}};
    }
    if (key.type != Type::Number) return checked_text(key, text);
    int64_t number = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (bad != std::errc() || end != text.data() + text.size())
        return Err{Wrong{fmt::format("\"{}\" is not an integer", text), in_range(key)}};
    return checked_number(key, number);
}

template <class Owner>
const Row<Owner>* find_row(std::span<const Row<Owner>> rows, std::string_view section,
                           std::string_view name) {
    const auto found = std::ranges::find_if(rows, [&](const Row<Owner>& row) {
        return row.key.section == section && row.key.name == name;
    });
    return found == rows.end() ? nullptr : &*found;
}

const Section* find_section(std::string_view name) {
    const auto found = std::ranges::find(sections(), name, &Section::name);
    return found == sections().end() ? nullptr : &*found;
}

std::string hint_for_section(std::string_view name) {
    std::vector<std::string_view> known;
    for (const Section& section : sections()) known.push_back(section.name);
    const auto meant = nearest(name, known);
    if (!meant) return "";
    return fmt::format("did you mean {}?", heading(*find_section(*meant)));
}

std::string hint_for_key(std::string_view section, std::string_view name) {
    std::vector<std::string_view> known;
    for (const Key* key : keys_of(section)) known.push_back(key->name);
    if (const auto meant = nearest(name, known)) return fmt::format("did you mean {}?", *meant);
    for (const Section& other : sections())
        for (const Key* key : keys_of(other.name))
            if (key->name == name) return fmt::format("{} belongs to [{}]", name, other.name);
    return "";
}

class Builder {
public:
    Builder() { draft_.options = initial_options(); }

    void take_file(std::string_view text) {
        const auto file = read_toml(text);
        if (!file) return draft_.errors.push_back(file.error());
        for (const TomlSection& section : *file) take_section(section);
    }

    void take_listener_urls(const Sources& sources) {
        constexpr const char* kVariable = "GODWIT_LISTENER_URL";
        const auto urls = sources.environment.find(kVariable);
        if (!sources.listen.empty())
            replace_listeners(sources.listen, "--listen");
        else if (urls != sources.environment.end())
            replace_listeners(split_at_blanks(urls->second), kVariable);
        else if (draft_.listeners.empty())
            replace_listeners({"mqtt://127.0.0.1:1883", "ws://127.0.0.1:8083/mqtt"}, "listener");
    }

    void take_environment(const std::map<std::string, std::string>& environment) {
        constexpr std::string_view kPrefix = "GODWIT_";
        for (const auto& [name, text] : environment)
            if (name.starts_with(kPrefix) && name != "GODWIT_LISTENER_URL")
                take_variable(name, name.substr(kPrefix.size()), text);
    }

    void take_setting(std::string_view name, const std::string& text) {
        const size_t dot = std::min(name.find('.'), name.size());
        const std::string_view key = name.substr(std::min(dot + 1, name.size()));
        set_bare({0, 0, std::string(name)}, name.substr(0, dot), key, text);
    }

    Draft finish() { return std::move(draft_); }

private:
    void replace_listeners(const std::vector<std::string>& urls, const std::string& place) {
        draft_.listeners.clear();
        for (const std::string& url : urls) {
            DraftListener listener{initial_listener(), place, 0, 0};
            listener.options.url_text = url;
            draft_.listeners.push_back(std::move(listener));
        }
        if (urls.empty()) fail({0, 0, place}, {"there is no URL", ""});
    }

    void fail(const Place& place, Wrong wrong) {
        draft_.errors.push_back({place.line, place.column, place.name, std::move(wrong.message),
                                 std::move(wrong.hint)});
    }

    void take_section(const TomlSection& text) {
        if (text.form == TomlForm::TopLevel) return refuse_top_level(text);
        const Section* section = find_section(text.name);
        const Place place{text.line, text.column, text.name};
        if (!section) return fail(place, {"there is no such section", hint_for_section(text.name)});
        const bool is_list = text.form == TomlForm::ListElement;
        if (section->is_list != is_list)
            return fail(place, {is_list ? "the section stands there once, in single brackets"
                                        : "the section is a list, in double brackets",
                                "write " + heading(*section)});
        if (text.name == "realm")
            take_realm(text);
        else if (is_list)
            take_listener(text);
        else
            for (const TomlSetting& setting : text.settings) take_option(text.name, setting);
    }

    void refuse_top_level(const TomlSection& text) {
        for (const TomlSetting& setting : text.settings) {
            const Section* section = find_section(setting.key);
            const std::string hint =
                section ? "write " + heading(*section) : "every key stands below a [section]";
            fail({setting.line, setting.column, setting.key}, {"the key is in no section", hint});
        }
    }

    void take_option(const std::string& section, const TomlSetting& setting) {
        const Place place{setting.line, setting.column, section + "." + setting.key};
        const auto* row = find_row(option_rows(), section, setting.key);
        if (!row) return fail(place, {"there is no such key", hint_for_key(section, setting.key)});
        auto value = checked_value(row->key, setting.value, setting.type);
        if (!value) return fail(place, value.error());
        row->member.set(draft_.options, *value);
        draft_.lines[place.name] = setting.line;
    }

    void take_listener(const TomlSection& text) {
        DraftListener listener{initial_listener(), "listener", text.line, text.line};
        for (const TomlSetting& setting : text.settings) {
            const Place place{setting.line, setting.column, "listener." + setting.key};
            const auto* row = find_row(listener_rows(), "listener", setting.key);
            if (!row) {
                fail(place, {"there is no such key", hint_for_key("listener", setting.key)});
                continue;
            }
            auto value = checked_value(row->key, setting.value, setting.type);
            if (!value) {
                fail(place, value.error());
                continue;
            }
            row->member.set(listener.options, *value);
            if (setting.key == "url") listener.url_line = setting.line;
        }
        draft_.listeners.push_back(std::move(listener));
    }

    void take_realm(const TomlSection& text) {
        DraftRealm realm{{}, text.line};
        for (const TomlSetting& setting : text.settings) {
            const Place place{setting.line, setting.column, "realm." + setting.key};
            const bool is_name = setting.key == realm_name_key().name;
            const auto* row = find_row(realm_rows(), "realm", setting.key);
            if (!is_name && !row) {
                fail(place, {"there is no such key", hint_for_key("realm", setting.key)});
                continue;
            }
            const Key& key = is_name ? realm_name_key() : row->key;
            auto value = checked_value(key, setting.value, setting.type);
            if (!value) {
                fail(place, value.error());
            } else if (is_name) {
                realm.settings.name = std::get<std::string>(*value);
                realm.line = setting.line;
            } else {
                realm.settings.limits.emplace_back(key.name, *value);
            }
        }
        draft_.realms.push_back(std::move(realm));
    }

    void take_variable(const std::string& name, std::string rest, const std::string& text) {
        for (char& c : rest)
            if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
        for (const Section& section : sections()) {
            const std::string prefix = std::string(section.name) + "_";
            if (rest.starts_with(prefix))
                return set_bare({0, 0, name}, section.name, rest.substr(prefix.size()), text);
        }
        draft_.warnings.push_back({0, 0, name, "the variable belongs to no section and is not used",
                                   hint_for_section(rest.substr(0, rest.find('_')))});
    }

    void set_bare(const Place& place, std::string_view section, std::string_view key,
                  const std::string& text) {
        if (section == realm_name_key().section)
            return fail(place, {"only the file has realms of their own", "write [[realm]] there"});
        const auto* option = find_row(option_rows(), section, key);
        const auto* listener = find_row(listener_rows(), section, key);
        if (!option && !listener)
            return fail(place, {"there is no such key", hint_for_key(section, key)});
        auto value = checked_bare(option ? option->key : listener->key, text);
        if (!value) return fail(place, value.error());
        if (option) {
            option->member.set(draft_.options, *value);
            draft_.lines.erase(fmt::format("{}.{}", section, key));
        } else {
            for (DraftListener& each : draft_.listeners) listener->member.set(each.options, *value);
        }
    }

    Draft draft_;
};

}  // namespace

std::vector<std::string> split_at_blanks(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const size_t end = std::min(text.find_first_of(" \t\r\n"), text.size());
        if (end > 0) words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

Draft apply_sources(const Sources& sources) {
    Builder builder;
    builder.take_file(sources.text);
    builder.take_listener_urls(sources);
    builder.take_environment(sources.environment);
    for (const auto& [name, text] : sources.settings) builder.take_setting(name, text);
    return builder.finish();
}

}  // namespace godwit::config
