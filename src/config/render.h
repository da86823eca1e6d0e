// The documents that are made from the table of keys in schema.h. They are committed; a test fails
// when they are not what the table says (and writes them when GODWIT_WRITE_DOCS is set).
#pragma once

#include <string>

namespace godwit::config {

/// docs/configuration.md
std::string render_markdown();
/// docs/man/godwit.toml.5
std::string render_man();
/// docs/godwit.toml: every key with its default, commented out; parses without a finding.
std::string render_sample();

}  // namespace godwit::config
