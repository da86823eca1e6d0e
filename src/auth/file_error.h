// What is wrong with a file that says who may do what. Such files fail closed: one bad line and
// nothing of the file is used.
#pragma once

#include <cstdint>
#include <string>

namespace godwit::auth {

struct FileError {
    uint32_t line = 0;  // counted from 1
    std::string what;   // a sentence for people, without the line number and without secrets
};

}  // namespace godwit::auth
