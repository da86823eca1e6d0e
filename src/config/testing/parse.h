// What the tests of the configuration ask of it: whether a text is taken, and what is said to it.
#pragma once

#include "config/config.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace godwit::config {

inline Config accepted(const Sources& sources) {
    auto config = parse_config(sources);
    EXPECT_TRUE(config) << (config ? "" : to_text(config.error()[0], "f"));
    return config ? std::move(config).value() : Config();
}
inline Config accepted(std::string_view text) {
    Sources sources;
    sources.text = text;
    return accepted(sources);
}

/// Every fault as `godwit check` prints it.
inline std::vector<std::string> faults(const Sources& sources) {
    std::vector<std::string> lines;
    const auto config = parse_config(sources);
    EXPECT_FALSE(config) << sources.text;
    if (!config)
        for (const ConfigError& error : config.error()) lines.push_back(to_text(error, "f"));
    return lines;
}
inline std::vector<std::string> faults(std::string_view text) {
    Sources sources;
    sources.text = text;
    return faults(sources);
}

inline std::vector<std::string> warnings(std::string_view text) {
    std::vector<std::string> lines;
    for (const ConfigError& warning : accepted(text).warnings)
        lines.push_back(to_text(warning, "f"));
    return lines;
}

}  // namespace godwit::config
