#include "server/settings.h"

#include "os/file.h"

#include <cstdio>
#include <cstring>

extern char** environ;

namespace godwit::server {

namespace {

constexpr size_t kConfigBytesMax = 16 * 1024 * 1024;

std::map<std::string, std::string> environment() {
    std::map<std::string, std::string> found;
    for (char** each = environ; *each; ++each) {
        const std::string_view entry = *each;
        const size_t at = entry.find('=');
        if (entry.starts_with("GODWIT_") && at != entry.npos)
            found.emplace(entry.substr(0, at), entry.substr(at + 1));
    }
    return found;
}

}  // namespace

Result<config::Config, size_t> read_settings(const SettingsSource& source) {
    std::string text;
    if (!source.file.empty()) {
        auto read = os::read_whole_file(source.file, kConfigBytesMax);
        if (!read) {
            std::fprintf(stderr, "%s: %s\n", source.file.c_str(), read.error().text().c_str());
            return Err{size_t(1)};
        }
        text = std::move(*read);
    }
    auto config = config::parse_config({text, environment(), source.listen, source.settings});
    const auto& findings = config ? config->warnings : config.error();
    for (const config::ConfigError& each : findings)
        std::fprintf(stderr, "%s%s\n", config ? "warning: " : "",
                     config::to_text(each, source.file).c_str());
    if (!config) return Err{config.error().size()};
    return std::move(*config);
}

}  // namespace godwit::server
