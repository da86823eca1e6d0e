#include "config/toml_text.h"

// Errors are values here, not exceptions; and nothing is written as TOML. The parser's own asserts
// are off because text can break one: of "[=" it asserts that a key follows, and only then reports
// that none does. NDEBUG would turn the assert into an assumption, so it must not be set here.
#undef NDEBUG
#define TOML_ASSERT(expression) static_assert(true)
#define TOML_HEADER_ONLY 1  // a packaged library would throw
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace godwit::config {
namespace {

std::string_view type_name(toml::node_type type) {
    switch (type) {
        case toml::node_type::table:
            return "a table";
        case toml::node_type::array:
            return "an array";
        case toml::node_type::string:
            return "text in quotes";
        case toml::node_type::integer:
            return "an integer";
        case toml::node_type::floating_point:
            return "a number with a fraction";
        case toml::node_type::boolean:
            return "true or false";
        default:
            return "a date or time";
    }
}

TomlValue to_value(const toml::node& node) {
    if (const auto* flag = node.as_boolean()) return flag->get();
    if (const auto* number = node.as_integer()) return number->get();
    if (const auto* text = node.as_string()) return text->get();
    return {};
}

TomlSetting to_setting(const toml::key& key, const toml::node& node) {
    return {std::string(key.str()), to_value(node), type_name(node.type()), key.source().begin.line,
            key.source().begin.column};
}

TomlSection to_section(std::string_view name, TomlForm form, const toml::table& table) {
    TomlSection section{
        std::string(name), form, table.source().begin.line, table.source().begin.column, {}};
    for (const auto& [key, node] : table) section.settings.push_back(to_setting(key, node));
    return section;
}

bool is_list_of_tables(const toml::node& node) {
    const auto* list = node.as_array();
    if (!list || list->empty()) return false;
    for (const auto& element : *list)
        if (!element.is_table()) return false;
    return true;
}

}  // namespace

Result<std::vector<TomlSection>, ConfigError> read_toml(std::string_view text) {
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed) {
        const auto& where = parsed.error().source().begin;
        return Err{ConfigError{where.line, where.column, "",
                               std::string(parsed.error().description()), ""}};
    }
    std::vector<TomlSection> sections;
    TomlSection top{"", TomlForm::TopLevel, 1, 1, {}};
    for (const auto& [key, node] : parsed.table()) {
        if (const auto* table = node.as_table()) {
            sections.push_back(to_section(key.str(), TomlForm::Table, *table));
        } else if (is_list_of_tables(node)) {
            for (const auto& element : *node.as_array())
                sections.push_back(
                    to_section(key.str(), TomlForm::ListElement, *element.as_table()));
        } else {
            top.settings.push_back(to_setting(key, node));
        }
    }
    if (!top.settings.empty()) sections.push_back(std::move(top));
    return sections;
}

}  // namespace godwit::config
