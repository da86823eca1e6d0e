#include "config/render.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "config/config.h"
#include "config/schema.h"

namespace godwit::config {
namespace {

std::filesystem::path docs() {
    return GODWIT_DOCS;
}

void expect_committed(const std::filesystem::path& file, const std::string& text) {
    if (std::getenv("GODWIT_WRITE_DOCS")) {
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
    }
    std::ifstream in(file, std::ios::binary);
    ASSERT_TRUE(in) << file;
    const std::string committed((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(committed, text) << file << " is not what the table says; see its head";
}

TEST(Docs, TheManualIsWhatTheTableSays) {
    expect_committed(docs() / "configuration.md", render_markdown());
}
TEST(Docs, TheManualPageIsWhatTheTableSays) {
    expect_committed(docs() / "man" / "godwit.toml.5", render_man());
}
TEST(Docs, TheSampleIsWhatTheTableSays) {
    expect_committed(docs() / "godwit.toml", render_sample());
}

TEST(Docs, EveryKeyIsInEachOfThem) {
    for (const Section& section : sections()) {
        for (const Key* key : keys_of(section.name)) {
            const std::string name(key->name);
            EXPECT_NE(render_markdown().find("| `" + name + "` |"), std::string::npos) << name;
            EXPECT_NE(render_man().find(".B " + name + "\n"), std::string::npos) << name;
            EXPECT_NE(render_sample().find("\n#" + name + " = "), std::string::npos) << name;
        }
    }
}

TEST(Docs, NoLineOfTheManualPageIsARequestByAccident) {
    const std::string page = render_man();
    for (size_t at = page.find("\n'"); at != page.npos; at = page.find("\n'", at + 1))
        ADD_FAILURE() << page.substr(at, 40);
    for (const char c : page) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << int(c);
}

TEST(Sample, IsAcceptedAndChangesNothing) {
    Sources sources;
    const std::string sample = render_sample();
    sources.text = sample;
    const auto config = parse_config(sources);
    ASSERT_TRUE(config) << to_text(config.error()[0], "sample");
    EXPECT_TRUE(config->warnings.empty());
    const auto nothing = parse_config({});
    ASSERT_TRUE(nothing);
    EXPECT_TRUE(changed_keys(config->options, nothing->options).empty());
}

/// The sample with every "#key = value" line in use, up to [[listener]] and after it.
std::string sample_in_use() {
    std::string text;
    std::string rest = render_sample();
    const size_t listeners = rest.find("#[[listener]]");
    const size_t every_key = rest.rfind("#[[listener]]");
    rest.erase(listeners, every_key - listeners);
    for (size_t at = 0; at < rest.size(); ++at) {
        const bool line_begins = at == 0 || rest[at - 1] == '\n';
        if (line_begins && rest[at] == '#' && at + 1 < rest.size() && rest[at + 1] != ' ') continue;
        text += rest[at];
    }
    return text;
}

TEST(Sample, EveryLineIsAcceptedWhenItsMarkIsTakenOff) {
    Sources sources;
    // The listener of the sample is a plain one: its TLS keys are empty or mean nothing.
    std::string text = sample_in_use();
    const size_t verify = text.find("verify = ");
    ASSERT_NE(verify, std::string::npos);
    text.insert(verify, "#");
    sources.text = text;
    const auto config = parse_config(sources);
    ASSERT_TRUE(config) << to_text(config.error()[0], "sample") << "\n" << text;
    EXPECT_EQ(config->options.listeners.size(), 1u);
}

}  // namespace
}  // namespace godwit::config
