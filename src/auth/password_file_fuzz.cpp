// Any text: users or an error with a line. Property: what was read is printed as what reads the
// same, and removing every user leaves a file without users.
#include "auth/lines.h"
#include "auth/password_file.h"
#include "base/assert.h"

using namespace godwit;
using namespace godwit::auth;

namespace {

void check_removing(PasswordFile all, std::string_view printed) {
    const auto before = PasswordFile::parse(printed);
    while (!printed.empty()) {
        const std::string_view line = take_line(printed);
        const std::string_view user = line.substr(0, line.find(':'));
        if (all.contains(user)) GW_ASSERT(all.remove(user) && !all.contains(user));
    }
    GW_ASSERT(all.user_count() == 0);
    GW_ASSERT(all.changed_since(*before).size() == before->user_count());
    const auto again = PasswordFile::parse(all.print());
    GW_ASSERT(again && again->user_count() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    auto file = PasswordFile::parse(as_text(Bytes(data, size)));
    if (!file) {
        GW_ASSERT(file.error().line > 0 && !file.error().what.empty());
        return 0;
    }
    const std::string printed = file->print();
    const auto again = PasswordFile::parse(printed);
    GW_ASSERT(again && again->print() == printed);
    GW_ASSERT(again->user_count() == file->user_count());
    check_removing(*std::move(file), printed);
    return 0;
}
