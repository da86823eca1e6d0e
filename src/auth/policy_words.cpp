#include "auth/policy_words.h"

#include "base/utf8.h"

namespace godwit::auth {

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/// Takes the word that begins at `at`. @return what is wrong with it; nullptr: nothing
const char* take_word(std::string_view line, size_t& at, std::string& out) {
    bool in_quotes = false;
    for (; at < line.size() && (in_quotes || !is_blank(line[at])); ++at) {
        if (line[at] == '"') {
            in_quotes = !in_quotes;
            continue;
        }
        out += line[at];
        if (line[at] != '\\') continue;
        if (++at == line.size()) return "a '\\' at the end; \\\\ means the character itself";
        out += line[at];
    }
    return in_quotes ? "a '\"' without its partner; \\\" means the character itself" : nullptr;
}

}  // namespace

Result<std::vector<Word>, FileError> split_words(std::string_view line, uint32_t line_number) {
    std::vector<Word> words;
    if (!is_mqtt_utf8(line)) return Err{FileError{line_number, "the line is not UTF-8"}};
    for (size_t at = 0; at < line.size();) {
        if (is_blank(line[at])) {
            ++at;
            continue;
        }
        Word word{{}, uint32_t(at + 1), line[at] == '"'};
        if (const char* fault = take_word(line, at, word.text))
            return Err{FileError{line_number, fault, word.column}};
        words.push_back(std::move(word));
    }
    return words;
}

std::string unescape(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) ++i;
        out += text[i];
    }
    return out;
}

}  // namespace godwit::auth
