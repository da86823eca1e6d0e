#include "server/command_line.h"

#include <CLI/CLI.hpp>

#include <utility>

namespace godwit::server {

Command Command::subcommand(const std::string& name, const std::string& help) {
    return {*app_->add_subcommand(name, help), *run_};
}

void Command::needs_subcommand() {
    app_->require_subcommand(1);
}

void Command::required(const std::string& names, std::string& into, const char* type,
                       const char* help) {
    app_->add_option(names, into, help)->required()->type_name(type);
}

void Command::text(const std::string& names, std::string& into, const char* type,
                   const char* help) {
    app_->add_option(names, into, help)->type_name(type);
}

void Command::text(const std::string& names, std::optional<std::string>& into, const char* type,
                   const char* help) {
    const auto take = [&into](const std::string& word) { into = word; };
    app_->add_option_function<std::string>(names, take, help)->type_name(type);
}

void Command::text_or_variable(const std::string& names, const char* variable, std::string& into,
                               const char* type, const char* help) {
    app_->add_option(names, into, help)->envname(variable)->type_name(type);
}

void Command::texts(const std::string& names, std::vector<std::string>& into, const char* type,
                    const char* help) {
    auto* option = app_->add_option(names, into, help)->type_name(type);
    if (names.starts_with('-')) option->allow_extra_args(false);
}

void Command::flag(const std::string& names, bool& into, const char* help) {
    app_->add_flag(names, into, help);
}

void Command::footer(const std::string& text) {
    app_->footer(text);
}

void Command::runs(Run what) {
    app_->callback([run = run_, what = std::move(what)] { *run = what; });
}

}  // namespace godwit::server
