#include "world/statement.h"

#include <sstream>

namespace godwit::world {

namespace {

StatementCoverage& coverage() {
    static StatementCoverage covered;  // filled before main() by static initializers
    return covered;
}

std::vector<Setting> settings_for(Reach reach) {
    std::vector<Setting> settings{{false, 1}, {false, 2}, {false, 4}, {false, 2, true}};
    if (reach == Reach::Everywhere && process_binary()) settings.push_back({true, 4});
    return settings;
}

/// "connect_test.cpp" -> "connect"
std::string suite_of(std::string_view file) {
    file = file.substr(file.rfind('/') + 1);
    return std::string(file.substr(0, file.find("_test")));
}

}  // namespace

const StatementCoverage& statement_coverage() {
    return coverage();
}

bool register_statement(const StatementInfo& info, Reach reach, const StatementFactory& make) {
    std::istringstream ids(info.statements);
    const std::string suite = suite_of(info.file);
    for (std::string id; ids >> id;) coverage()[id].insert(suite + "." + info.name);
    for (const Setting& setting : settings_for(reach)) {
        const std::string name = std::string(info.name) + "/" + setting.name();
        ::testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, info.statements, info.file,
                                info.line, [make, setting] { return make(setting); });
    }
    return true;
}

}  // namespace godwit::world
