#include "base/version.h"

#include "version_text.h"

namespace godwit {

std::string_view version() {
    return kVersionText;
}

}  // namespace godwit
