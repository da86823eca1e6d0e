// MatchCache: which filters matched the names asked for last. Devices publish to few names, again
// and again; while no filter comes or goes, a name costs one look here and no match.
#pragma once

#include "topic/filter_table.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::topic {

/// One table's. An answer is good until the filters of the table change; each name has one place,
/// where a newer one may push it out, and places grow as long as that happens often.
class MatchCache {
public:
    /// What table.match() appends for this well-formed name.
    /// @return  valid until the next call
    /// @cost    a hash and a comparison of the name if it is known; else a match and, up to
    ///          kNameBytesMax and kFiltersMax, a copy of both
    const std::vector<FilterId>& match(const FilterTable& table, std::string_view name);

    /// The name of the last call, where its answer was kept; else empty.
    /// @return  valid until the next call
    std::string_view last_name() const { return last_ ? last_->name : std::string_view(); }

    static constexpr size_t kNameBytesMax = 256;
    static constexpr size_t kFiltersMax = 64;
    static constexpr size_t kPlacesMin = 64;
    static constexpr size_t kPlacesMax = 2048;

private:
    struct Answer {
        uint64_t version = 0;  // of the table; 0: none
        std::string name;
        std::vector<FilterId> filters;
    };
    Answer& place_of(std::string_view name);

    std::vector<Answer> answers_;  // a power of two of them, or none yet
    const Answer* last_ = nullptr;
    std::vector<FilterId> scratch_;
    size_t pushed_out_ = 0;  // since answers_ grew last
};

}  // namespace godwit::topic
