#include "auth/password_file.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "auth/lines.h"
#include "base/utf8.h"

namespace godwit::auth {
namespace {

constexpr size_t kUserNameBytesMax = 65535;  // what CONNECT can carry

std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r";
    const size_t begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

bool is_control(char c) {
    return uint8_t(c) < 0x20 || c == 0x7f;
}

/// Names that a line of the file can hold and give back unchanged.
bool is_user_name(std::string_view name) {
    if (name.empty() || name.size() > kUserNameBytesMax || name.starts_with('#')) return false;
    if (trim(name).size() != name.size() || name.find(':') != std::string_view::npos) return false;
    return std::ranges::none_of(name, is_control) && is_mqtt_utf8(name);
}

/// A key that only who reads the file can know.
HashKey secret_of(const std::string& file) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    const int done = EVP_Digest(file.data(), file.size(), digest, nullptr, EVP_sha256(), nullptr);
    GW_ASSERT(done == 1);
    HashKey key;
    std::memcpy(&key.k0, digest, sizeof key.k0);
    std::memcpy(&key.k1, digest + sizeof key.k0, sizeof key.k1);
    return key;
}

}  // namespace

Result<PasswordFile, FileError> PasswordFile::parse(std::string_view text) {
    PasswordFile file;
    std::map<std::string_view, uint32_t> seen;  // user -> line
    for (uint32_t number = 1; !text.empty(); ++number) {
        const std::string_view raw = take_line(text);
        const std::string_view line = trim(raw);
        if (line.empty() || line.starts_with('#')) {
            file.lines_.push_back({"", std::string(raw), std::nullopt});
            continue;
        }
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos)
            return Err{FileError{number, "no ':' between user and password hash"}};
        const std::string_view user = trim(line.substr(0, colon));
        if (!is_user_name(user)) return Err{FileError{number, "this is not a user name"}};
        auto hash = parse_password_hash(trim(line.substr(colon + 1)));
        if (!hash) return Err{FileError{number, std::string(describe(hash.error()))}};
        const auto [first, is_new] = seen.emplace(user, number);
        if (!is_new)
            return Err{
                FileError{number, fmt::format("the user is on line {} already", first->second)}};
        file.lines_.push_back({std::string(user), "", std::move(hash).value()});
    }
    file.reindex();
    return file;
}

bool PasswordFile::verify(std::string_view user, std::optional<std::string_view> password) const {
    const auto found = index_.find(user);
    const PasswordHash* hash =
        found == index_.end() ? stand_in(user) : &*lines_[found->second].hash;
    if (!hash) return false;
    const bool equal = password_matches(*hash, password.value_or(""));
    return equal && found != index_.end() && password.has_value();
}

std::optional<ScramSecret> PasswordFile::scram_secret(std::string_view user) const {
    const auto found = index_.find(user);
    if (found == index_.end()) return std::nullopt;
    const PasswordHash& hash = *lines_[found->second].hash;
    if (hash.method != HashMethod::ScramSha256) return std::nullopt;
    return ScramSecret{hash.salt, hash.iterations, hash.key, hash.server_key};
}

/// The hash of some user, always the same for the same name: where methods and costs are mixed, an
/// unknown name is as slow as some known one.
const PasswordHash* PasswordFile::stand_in(std::string_view unknown_user) const {
    if (users_.empty()) return nullptr;
    const uint64_t pick = keyed_hash(as_bytes(unknown_user), key_) % users_.size();
    return &*lines_[users_[pick]].hash;
}

std::vector<std::string> PasswordFile::changed_since(const PasswordFile& before) const {
    std::vector<std::string> changed;
    for (const auto& [user, at] : before.index_) {
        const auto now = index_.find(user);
        if (now == index_.end() || lines_[now->second].hash->text != before.lines_[at].hash->text)
            changed.push_back(user);
    }
    return changed;
}

Result<PasswordFile::Line, UserError> PasswordFile::make_line(std::string_view user,
                                                              std::string_view hash) {
    if (!is_user_name(user)) return Err{UserError::BadUserName};
    auto parsed = parse_password_hash(hash);
    if (!parsed) return Err{UserError::BadHash};
    return Line{std::string(user), "", std::move(parsed).value()};
}

Result<Done, UserError> PasswordFile::set(std::string_view user, std::string_view hash) {
    auto line = make_line(user, hash);
    if (!line) return Err{line.error()};
    if (const auto found = index_.find(user); found != index_.end())
        lines_[found->second] = *std::move(line);
    else
        lines_.push_back(*std::move(line));
    reindex();
    return Done{};
}

Result<Done, std::string> PasswordFile::merge(const std::vector<KeptUser>& users) {
    std::set<std::string_view> named;
    std::vector<Line> fresh;
    for (const KeptUser& each : users) {
        auto line = make_line(each.name, each.hash);
        if (!line && line.error() == UserError::BadUserName)
            return Err{fmt::format("a name of {} bytes that is none", each.name.size())};
        if (!line) return Err{each.name + ": " + std::string(describe(line.error()))};
        named.insert(each.name);
        if (each.is_enabled) fresh.push_back(*std::move(line));
    }
    std::erase_if(lines_, [&](const Line& line) { return line.hash && named.contains(line.user); });
    std::ranges::move(fresh, std::back_inserter(lines_));
    reindex();
    return Done{};
}

bool PasswordFile::remove(std::string_view user) {
    const auto found = index_.find(user);
    if (found == index_.end()) return false;
    lines_.erase(lines_.begin() + ptrdiff_t(found->second));
    reindex();
    return true;
}

std::string PasswordFile::print() const {
    std::string text;
    for (const Line& line : lines_) {
        if (line.hash)
            text += fmt::format("{}:{}\n", line.user, line.hash->text);
        else
            text += line.comment + '\n';
    }
    return text;
}

std::string_view describe(UserError error) {
    if (error == UserError::BadHash) return "this is not a password hash";
    return "this cannot be a user name: empty, with ':' or a control character, or with a '#' in "
           "front";
}

void PasswordFile::reindex() {
    index_.clear();
    users_.clear();
    for (size_t i = 0; i < lines_.size(); ++i) {
        if (!lines_[i].hash) continue;
        index_.emplace(lines_[i].user, i);
        users_.push_back(i);
    }
    key_ = secret_of(print());
}

}  // namespace godwit::auth
