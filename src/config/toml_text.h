// TOML as this program needs it: sections of plain values, each with its place. The only file that
// knows the TOML library.
#pragma once

#include "config/config.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace godwit::config {

/// monostate: a type that no key has (a float, a date, an array, a table).
using TomlValue = std::variant<std::monostate, bool, int64_t, std::string>;

struct TomlSetting {
    std::string key;
    TomlValue value;
    std::string_view type;  // "an integer", for messages
    uint32_t line = 0;
    uint32_t column = 0;
};

enum class TomlForm : uint8_t { TopLevel, Table, ListElement };

struct TomlSection {
    std::string name;  // empty for TopLevel
    TomlForm form = TomlForm::Table;
    uint32_t line = 0;
    uint32_t column = 0;
    std::vector<TomlSetting> settings;
};

/// In the order of names, elements of one list in the order of the text.
/// @errors  what TOML itself forbids, the first fault only, with its place
Result<std::vector<TomlSection>, ConfigError> read_toml(std::string_view text);

}  // namespace godwit::config
