// Random bytes nobody can guess, from the kernel: keys, nonces, assigned client ids.
#pragma once

#include "base/hash.h"

#include <span>

namespace godwit::os {

/// @cost one system call per 256 bytes; waits only in the first seconds after boot
void fill_random(std::span<uint8_t> out);

/// A key for keyed_hash that no peer knows; one per process start.
HashKey random_hash_key();

}  // namespace godwit::os
