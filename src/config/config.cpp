#include "config/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "config/draft.h"

namespace godwit::config {
namespace {

void sort_by_place(std::vector<ConfigError>& errors) {
    std::ranges::stable_sort(
        errors, {}, [](const ConfigError& error) { return std::tuple(error.line, error.column); });
}

}  // namespace

Result<Config, std::vector<ConfigError>> parse_config(const Sources& sources) {
    Draft draft = apply_sources(sources);
    // Contradictions are only looked for between values that were all understood.
    if (draft.errors.empty()) check_draft(draft);
    sort_by_place(draft.errors);
    sort_by_place(draft.warnings);
    if (!draft.errors.empty()) return Err{std::move(draft.errors)};
    return Config{std::move(draft.options), std::move(draft.warnings)};
}

std::string to_text(const ConfigError& error, std::string_view file) {
    std::string text;
    if (error.line > 0) text += fmt::format("{}:{}: ", file, error.line);
    if (!error.key.empty()) text += error.key + ": ";
    text += error.message;
    if (!error.hint.empty()) text += "; " + error.hint;
    return text;
}

}  // namespace godwit::config
