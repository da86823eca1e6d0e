// Conformance tests: each names the statements of the specifications that it shows. It runs for
// the core with 1, 2 and 4 shards, with 2 shards and their logs, and, unless it needs virtual time
// or options of the core, for the real process too.
//   GW_STATEMENT("MQTT5-4.7.2-1", WildcardFilterSkipsDollarTopics) { World world(seed()); ... }
// Several statements stand in one string, separated by spaces. In the body `World` is what the
// setting of the run asks for; in GW_STATEMENT_CORE it is the core with its clock.
#pragma once

#include "world/world.h"

#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>

namespace godwit::world {

enum class Reach : uint8_t { Everywhere, CoreOnly };

class AnyStatementTest : public ::testing::Test {
protected:
    using World = AnyWorld;
};
class CoreStatementTest : public ::testing::Test {
protected:
    using World = world::World;
};

/// Statement -> names of the tests that show it.
using StatementCoverage = std::map<std::string, std::set<std::string>>;
const StatementCoverage& statement_coverage();

struct StatementInfo {
    const char* statements;
    const char* name;
    const char* file;
    int line;
};

/// Makes one test of a body for one setting.
using StatementFactory = std::function<::testing::Test*(const Setting&)>;
bool register_statement(const StatementInfo& info, Reach reach, const StatementFactory& make);

template <class Test>
class InSetting : public Test {
public:
    explicit InSetting(const Setting& setting) : setting_(setting) {}

protected:
    void SetUp() override { set_current_setting(setting_); }
    void TearDown() override { set_current_setting({}); }

private:
    Setting setting_;
};

}  // namespace godwit::world

#define GW_STATEMENT_TEST(ids, name, base, reach)                                              \
    class name##Statement : public ::godwit::world::base {                                     \
    public:                                                                                    \
        void TestBody() override;                                                              \
    };                                                                                         \
    [[maybe_unused]] static const bool name##Registered = ::godwit::world::register_statement( \
        {ids, #name, __FILE__, __LINE__}, ::godwit::world::Reach::reach,                       \
        [](const ::godwit::world::Setting& setting) -> ::testing::Test* {                      \
            return std::make_unique<::godwit::world::InSetting<name##Statement>>(setting)      \
                .release();                                                                    \
        });                                                                                    \
    void name##Statement::TestBody()

#define GW_STATEMENT(ids, name) GW_STATEMENT_TEST(ids, name, AnyStatementTest, Everywhere)
#define GW_STATEMENT_CORE(ids, name) GW_STATEMENT_TEST(ids, name, CoreStatementTest, CoreOnly)
