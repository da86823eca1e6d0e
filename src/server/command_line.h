// The command line as the subcommands of `godwit` write it down. Behind it is CLI11, whose header
// costs more to compile than any of them: command_line.cpp reads it for all.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace godwit::server {

/// What the chosen subcommand does; returns the exit status. A command line that is none ends with
/// status 2 before that.
using Run = std::function<int()>;

/// One command and its options. Names: "file" for a word by its place, "-c,--config" for an option;
/// `type` is the word for its value in the help. Each `into` outlives the parsing.
class Command {
public:
    /// @param app, run  borrowed; the chosen subcommand sets `run`
    Command(CLI::App& app, Run& run) : app_(&app), run_(&run) {}

    Command subcommand(const std::string& name, const std::string& help);
    /// One of its subcommands has to follow.
    void needs_subcommand();

    void required(const std::string& names, std::string& into, const char* type, const char* help);
    void text(const std::string& names, std::string& into, const char* type, const char* help);
    /// Where absence differs from an empty text.
    void text(const std::string& names, std::optional<std::string>& into, const char* type,
              const char* help);
    /// With --token-file, for example, GODWIT_TOKEN_FILE in the environment would do as well.
    void text_or_variable(const std::string& names, const char* variable, std::string& into,
                          const char* type, const char* help);
    /// An option as often as wanted, with one value each time; or all words that are left.
    void texts(const std::string& names, std::vector<std::string>& into, const char* type,
               const char* help);
    void flag(const std::string& names, bool& into, const char* help);

    /// What the help says below the options.
    void footer(const std::string& text);
    /// What it does when it is chosen.
    void runs(Run what);

private:
    CLI::App* app_;
    Run* run_;
};

}  // namespace godwit::server
