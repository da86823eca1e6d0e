#include "config/schema.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace godwit::config {
namespace {

std::vector<const Key*> all_keys() {
    std::vector<const Key*> keys;
    for (const Section& section : sections())
        for (const Key* key : keys_of(section.name)) keys.push_back(key);
    return keys;
}

TEST(Schema, EveryRowStandsInASectionOnceAndHasADoc) {
    std::set<std::string> seen;
    for (const Key* key : all_keys()) {
        EXPECT_TRUE(seen.insert(std::string(key->section) + "." + std::string(key->name)).second);
        EXPECT_FALSE(key->doc.empty()) << key->name;
        EXPECT_TRUE(key->doc.ends_with('.')) << key->name;
    }
    EXPECT_EQ(seen.size(), option_rows().size() + listener_rows().size() + 1 + realm_rows().size());
}

TEST(Schema, WhatBoundsARealmIsAKeyOfLimitsToo) {
    for (const auto& row : realm_rows()) {
        const auto all = keys_of("limits");
        EXPECT_EQ(std::ranges::count(all, row.key.name, &Key::name), 1) << row.key.name;
    }
}

TEST(Schema, NumbersHaveARangeAndStartInIt) {
    for (const Key* key : all_keys()) {
        if (key->type != Type::Number) continue;
        EXPECT_LT(key->range.min, key->range.max) << key->name;
        EXPECT_GE(std::get<uint64_t>(key->initial), key->range.min) << key->name;
        EXPECT_LE(std::get<uint64_t>(key->initial), key->range.max) << key->name;
    }
}

TEST(Schema, ChoicesHaveChoices) {
    for (const Key* key : all_keys()) EXPECT_EQ(key->type == Type::Choice, !key->choices.empty());
}

TEST(Schema, ChoicesStandInTheOrderOfTheirEnums) {
    const Options options = initial_options();
    EXPECT_EQ(options.server.log_level, LogLevel::Info);
    EXPECT_EQ(options.server.log_format, LogFormat::Logfmt);
    for (const Key* key : keys_of("server")) {
        if (key->name != "log_level") continue;
        for (size_t i = 0; i < key->choices.size(); ++i)
            EXPECT_EQ(to_text(LogLevel(i)), key->choices[i]);
    }
}

TEST(Schema, AnswersToFullStandInTheOrderOfTheirEnum) {
    using broker::WhenFull;
    const std::pair<std::string_view, WhenFull> answers[] = {
        {"drop_newest", WhenFull::DropNewest},
        {"refuse", WhenFull::Refuse},
        {"drop_oldest", WhenFull::DropOldest},
        {"end_session", WhenFull::EndSession},
    };
    size_t found = 0;
    for (const Key* key : keys_of("limits")) {
        if (key->type != Type::Choice) continue;
        for (const auto& [text, answer] : answers) {
            const auto at = find_choice(*key, text);
            if (!at) continue;
            EXPECT_EQ(WhenFull(*at), answer) << key->name;
            ++found;
        }
    }
    EXPECT_EQ(found, 4 * 4 + 2u) << "retained_full has two of them";
}

TEST(Schema, DefaultsAreThoseOfTheStructs) {
    const Options from_table = initial_options();
    const Options from_struct;
    for (const auto& [key, member] : option_rows())
        EXPECT_EQ(member.get(from_table), member.get(from_struct))
            << key.section << "." << key.name;
    const ListenerOptions listener_from_table = initial_listener();
    const ListenerOptions listener_from_struct;
    for (const auto& [key, member] : listener_rows())
        EXPECT_EQ(member.get(listener_from_table), member.get(listener_from_struct)) << key.name;
}

template <class Owner>
void expect_own_member_holds_range(std::span<const Row<Owner>> rows) {
    for (const auto& row : rows) {
        if (row.key.type != Type::Number) continue;
        for (const uint64_t number : {row.key.range.min, row.key.range.max}) {
            Owner owner;
            row.member.set(owner, Value(number));
            EXPECT_EQ(row.member.get(owner), Value(number)) << row.key.name;
        }
    }
}

TEST(Schema, EveryMemberHoldsItsWholeRange) {
    expect_own_member_holds_range(option_rows());
    expect_own_member_holds_range(listener_rows());
    expect_own_member_holds_range(realm_rows());
}

Value another_value(const Key& key, const Value& now) {
    switch (key.type) {
        case Type::Flag:
            return Value(now != Value(true));
        case Type::Number:
            return Value(now == Value(key.range.max) ? key.range.min : key.range.max);
        case Type::Choice:
            return Value(uint64_t(now == Value(uint64_t(0)) ? 1 : 0));
        case Type::Text:
            break;
    }
    return Value("another");
}

TEST(Schema, NoTwoRowsSetOneMember) {
    for (const auto& row : option_rows()) {
        Options options;
        row.member.set(options, another_value(row.key, row.member.get(options)));
        EXPECT_EQ(changed_keys(Options(), options),
                  std::vector{std::string(row.key.section) + "." + std::string(row.key.name)});
    }
}

TEST(Schema, ChangedKeysNameWhatAReloadWouldChange) {
    Options before = initial_options();
    before.listeners.resize(1);
    Options after = before;
    EXPECT_TRUE(changed_keys(before, after).empty());
    after.server.shard_count = 3;
    after.listeners[0].realm = "other";
    after.realms = {{"acme", {{"realm_sessions_max", Value(uint64_t(1))}}}};
    EXPECT_EQ(changed_keys(before, after),
              (std::vector<std::string>{"server.shards", "listener", "realm"}));
}

TEST(Schema, AnUnknownSectionHasNoKeys) {
    EXPECT_TRUE(keys_of("nothing").empty());
}

}  // namespace
}  // namespace godwit::config
