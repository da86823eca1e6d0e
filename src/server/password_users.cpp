#include "server/password_users.h"

#include "server/credentials.h"

namespace godwit::server {

using control::UserStore;

Result<std::vector<auth::KeptUser>, std::string> load_store_users(UserStore& store) {
    auto stored = store.users();
    if (!stored) return Err{stored.error()};
    std::vector<auth::KeptUser> users;
    for (control::StoredUser& each : *stored)
        users.push_back({std::move(each.name), std::move(each.hash), each.is_enabled});
    if (auto done = auth::PasswordFile().merge(users); !done)
        return Err{store.path() + ": user " + done.error()};
    return users;
}

PasswordUsers::PasswordUsers(const config::Options& options)
    : file_(options.auth.password_file),
      directory_(options.auth.users ? options.server.directory : "") {}

Result<Done, std::string> PasswordUsers::make_store() const {
    auto made = UserStore::open(directory_, UserStore::IfMissing::Make);
    if (!made) return Err{made.error()};
    return Done{};
}

Result<Done, std::string> PasswordUsers::read_file() {
    auto file = load_passwords(file_);
    if (!file) return Err{file.error()};
    of_file_ = **file;
    return Done{};
}

/// A running broker makes no store: one that is gone would come back empty, and its users go.
Result<Done, std::string> PasswordUsers::read_store() {
    if (!store_) {
        auto opened = UserStore::open(directory_, UserStore::IfMissing::Refuse);
        if (!opened) return Err{opened.error()};
        store_ = *std::move(opened);
    }
    auto users = load_store_users(*store_);
    if (!users) return Err{users.error()};
    of_store_ = *std::move(users);
    return Done{};
}

bool PasswordUsers::may_differ() {
    if (!has_store()) return false;
    if (!store_) return true;
    const auto change = store_->look();
    if (change && *change == UserStore::Change::None) return false;
    if (!change || *change == UserStore::Change::File) store_.reset();
    return true;
}

std::unique_ptr<const auth::PasswordFile> PasswordUsers::joined() const {
    auto users = std::make_unique<auth::PasswordFile>(of_file_);
    const auto merged = users->merge(of_store_);
    GW_ASSERT(merged);  // load_store_users() has tried it
    return users;
}

std::vector<std::string> PasswordUsers::in_both() const {
    std::vector<std::string> both;
    for (const auth::KeptUser& each : of_store_)
        if (of_file_.contains(each.name)) both.push_back(each.name);
    return both;
}

/// Of a store that cannot be written the acts stay in it, and are told once nevertheless.
std::vector<control::DoneAct> PasswordUsers::take_acts() {
    if (!store_) return {};
    auto acts = store_->acts();
    if (!acts) return {};
    std::erase_if(*acts, [this](const control::DoneAct& act) { return act.id <= last_act_; });
    if (acts->empty()) return {};
    last_act_ = acts->back().id;
    (void)store_->forget_acts(last_act_);
    return *std::move(acts);
}

}  // namespace godwit::server
