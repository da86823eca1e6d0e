// Doubts: what a policy says that nobody can have meant. It works all the same.
#pragma once

#include "auth/file_error.h"
#include "auth/policy.h"

#include <vector>

namespace godwit::auth {

/// A policy that lets nobody connect; subscriptions that are allowed though nothing of them may be
/// received.
/// @cost  linear in the rules, for each that allows to subscribe alone: not for a shard's turn
std::vector<FileError> find_doubts(const Policy& policy);

}  // namespace godwit::auth
