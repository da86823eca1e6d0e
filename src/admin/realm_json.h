// Realms as JSON: what is held for each of them, and what its clients were refused.
#pragma once

#include "broker/realm_report.h"

#include <string>
#include <vector>

namespace godwit::admin {

/// {"realms":[{"realm":"acme","connections":3,...},...]} and a newline.
std::string render_realms(const std::vector<broker::RealmReport>& realms);

}  // namespace godwit::admin
