#include "admin/target.h"

#include <algorithm>
#include <charconv>

namespace godwit::admin {

namespace {

std::optional<std::string> undo_percent(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        const std::string_view hex = text.substr(i + 1, 2);
        uint8_t byte = 0;
        const auto end = std::from_chars(hex.data(), hex.data() + hex.size(), byte, 16).ptr;
        if (hex.size() != 2 || end != hex.data() + 2) return std::nullopt;
        out += char(byte);
        i += 2;
    }
    return out;
}

/// Takes what is before the first `mark` off the front of `rest`, and the mark.
std::string_view cut(std::string_view& rest, char mark) {
    const size_t at = std::min(rest.find(mark), rest.size());
    const std::string_view piece = rest.substr(0, at);
    rest.remove_prefix(std::min(at + 1, rest.size()));
    return piece;
}

}  // namespace

std::string Target::value(std::string_view name, std::string_view otherwise) const {
    const auto at = std::find_if(query.begin(), query.end(),
                                 [&](const auto& each) { return each.first == name; });
    return at == query.end() ? std::string(otherwise) : at->second;
}

std::optional<Target> parse_target(std::string_view text) {
    if (!text.starts_with('/')) return std::nullopt;
    Target target;
    std::string_view path = cut(text, '?').substr(1);
    for (bool more = true; more;) {
        more = path.find('/') != std::string_view::npos;
        auto step = undo_percent(cut(path, '/'));
        if (!step) return std::nullopt;
        target.path.push_back(std::move(*step));
    }
    while (!text.empty()) {
        std::string_view word = cut(text, '&');
        auto name = undo_percent(cut(word, '='));
        auto value = undo_percent(word);
        if (!name || !value) return std::nullopt;
        target.query.emplace_back(std::move(*name), std::move(*value));
    }
    return target;
}

}  // namespace godwit::admin
