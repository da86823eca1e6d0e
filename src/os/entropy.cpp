#include "os/entropy.h"

#include "base/assert.h"

#include <sys/random.h>

#include <cerrno>

namespace godwit::os {

void fill_random(std::span<uint8_t> out) {
    while (!out.empty()) {
        const ssize_t got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        GW_ASSERT(got > 0);  // a broker with guessable keys must not run
        out = out.subspan(size_t(got));
    }
}

HashKey random_hash_key() {
    HashKey key;
    fill_random({reinterpret_cast<uint8_t*>(&key), sizeof key});
    return key;
}

}  // namespace godwit::os
