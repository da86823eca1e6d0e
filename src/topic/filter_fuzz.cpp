// Any bytes, cut into lines: the first is a name, the others are filters. Properties: parsing never
// crashes and hands out parts of its input; the table finds exactly the filters that `matches`
// finds one by one, before and after half of them are released.
#include "topic/filter.h"
#include "topic/filter_table.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace godwit;
using namespace godwit::topic;

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
        lines.push_back(text.substr(0, end));
    lines.push_back(text);
    return lines;
}

void check_parse(std::string_view raw) {
    (void)has_wildcard(raw);
    (void)level_count(raw);
    const auto parsed = parse_filter(raw);
    if (!parsed) {
        GW_ASSERT(!error_text(parsed.error()).empty());
        return;
    }
    GW_ASSERT(!parsed->filter.empty() && raw.ends_with(parsed->filter));
    GW_ASSERT(parse_plain_filter(parsed->filter));
    GW_ASSERT(parsed->share.empty() || raw.starts_with("$share/"));
    if (check_name(raw)) GW_ASSERT(parsed->filter != raw || matches(raw, raw));
}

void check_matches(const FilterTable& table, const std::set<std::string_view>& filters,
                   std::string_view name) {
    std::vector<FilterId> found;
    table.match(name, found);
    std::vector<std::string_view> texts;
    for (const FilterId id : found) texts.push_back(table.text(id));
    std::sort(texts.begin(), texts.end());
    std::vector<std::string_view> expected;
    for (const std::string_view filter : filters)
        if (matches(filter, name)) expected.push_back(filter);
    GW_ASSERT(texts == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto lines = lines_of({reinterpret_cast<const char*>(data), size});
    // Of many shapes some find room as bits and some do not.
    FilterTable table{HashKey{}, uint32_t(size % 3 * 8)};
    std::set<std::string_view> filters;
    for (const std::string_view line : lines) {
        check_parse(line);
        const auto parsed = parse_filter(line);
        if (parsed && filters.insert(parsed->filter).second) table.acquire(parsed->filter);
    }
    if (!check_name(lines[0])) return 0;
    check_matches(table, filters, lines[0]);
    for (auto at = filters.begin(); at != filters.end(); ++at) {
        table.release(*table.find(*at));
        at = filters.erase(at);
        if (at == filters.end()) break;
    }
    check_matches(table, filters, lines[0]);
    return 0;
}
