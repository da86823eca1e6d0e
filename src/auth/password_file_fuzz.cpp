// Any text: users or an error with a line. Property: what was read is printed as what reads the
// same, and removing every user leaves a file without users.
#include "auth/password_file.h"
#include "base/assert.h"

using namespace godwit;
using namespace godwit::auth;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto file = PasswordFile::parse(as_text(Bytes(data, size)));
    if (!file) {
        GW_ASSERT(file.error().line > 0 && !file.error().what.empty());
        return 0;
    }
    const std::string printed = file->print();
    const auto again = PasswordFile::parse(printed);
    GW_ASSERT(again && again->print() == printed);
    GW_ASSERT(again->user_count() == file->user_count());
    return 0;
}
