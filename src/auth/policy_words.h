// The words of one line of a policy file. Blanks part them; "..." keeps blanks in one word, quotes
// are not part of it. '\' takes the meaning from the next character: it is kept here, for whoever
// reads the word, and undone by `unescape`.
#pragma once

#include "auth/file_error.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::auth {

struct Word {
    std::string text;
    uint32_t column = 0;  // counted from 1, in bytes
    bool quoted = false;  // began with a quote: a topic, whatever it looks like
};

/// @errors  a quote without its partner, a '\' at the end, text that is not UTF-8
Result<std::vector<Word>, FileError> split_words(std::string_view line, uint32_t line_number);

std::string unescape(std::string_view text);

}  // namespace godwit::auth
