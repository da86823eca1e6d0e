// What is wrong with a file that says who may do what. Such files fail closed: one bad line and
// nothing of the file is used.
#pragma once

#include <cstdint>
#include <string>

namespace godwit::auth {

struct FileError {
    uint32_t line = 0;    // counted from 1
    std::string what;     // a sentence for people, without the line number and without secrets
    uint32_t column = 0;  // counted from 1, in bytes; 0: the whole line
};

/// "3:14" or "3", for after a file's name.
inline std::string place_of(const FileError& error) {
    const std::string line = std::to_string(error.line);
    return error.column == 0 ? line : line + ":" + std::to_string(error.column);
}

}  // namespace godwit::auth
