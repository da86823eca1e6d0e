// The tables of statements against the tests that exist.
#include "conformance/conformance.h"

#include <cstdio>
#include <fstream>
#include <sstream>

namespace godwit::conformance {
namespace {

struct Statement {
    std::string id, binds, paraphrase, reason;
};

std::vector<Statement> read_table(const std::string& name) {
    std::ifstream in(std::string(CONFORMANCE_TABLES) + "/" + name);
    EXPECT_TRUE(in.good()) << name;
    std::vector<Statement> rows;
    std::string line;
    std::getline(in, line);  // the heading
    while (std::getline(in, line)) {
        std::istringstream fields(line);
        Statement row;
        std::getline(fields, row.id, '\t');
        std::getline(fields, row.binds, '\t');
        std::getline(fields, row.paraphrase, '\t');
        std::getline(fields, row.reason, '\t');
        rows.push_back(std::move(row));
    }
    return rows;
}

void check_table(const std::string& name, const std::string& prefix) {
    const auto& covered = world::statement_coverage();
    size_t by_test = 0, by_reason = 0;
    std::set<std::string> known;
    for (const Statement& row : read_table(name)) {
        EXPECT_TRUE(row.id.starts_with(prefix)) << row.id;
        EXPECT_TRUE(known.insert(row.id).second) << row.id << " stands twice in " << name;
        EXPECT_FALSE(row.paraphrase.empty()) << row.id;
        if (covered.contains(row.id)) {
            ++by_test;
            EXPECT_EQ(row.reason, "") << row.id << " has a test";
        } else if (!row.reason.empty()) {
            ++by_reason;
        } else {
            ADD_FAILURE() << row.id << " has neither test nor reason: " << row.paraphrase;
        }
    }
    for (const auto& [id, tests] : covered)
        if (id.starts_with(prefix) && !known.contains(id))
            ADD_FAILURE() << *tests.begin() << " names " << id << ", which " << name << " lacks";
    std::printf("%s: %zu of %zu statements covered: %zu by tests, %zu by a reason\n", name.c_str(),
                by_test + by_reason, known.size(), by_test, by_reason);
}

TEST(Coverage, Mqtt5) {
    check_table("mqtt5.tsv", "MQTT5-");
}
TEST(Coverage, Mqtt311) {
    check_table("mqtt311.tsv", "MQTT311-");
}

TEST(Coverage, NoTestNamesAnUnknownSpecification) {
    for (const auto& [id, tests] : world::statement_coverage())
        EXPECT_TRUE(id.starts_with("MQTT5-") || id.starts_with("MQTT311-")) << *tests.begin();
}

}  // namespace
}  // namespace godwit::conformance
