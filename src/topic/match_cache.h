// MatchCache: which filters matched the names asked for last. Devices publish to few names, again
// and again; while no filter comes or goes, a name costs one look here and no match.
#pragma once

#include "topic/filter_table.h"

#include <array>
#include <cstdint>
#include <span>
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
    std::span<const FilterId> match(const FilterTable& table, std::string_view name);

    /// The name of the last call, up to kLastNameBytesMax; else empty.
    /// @return  valid until the next call
    std::string_view last_name() const { return last_name_; }

    static constexpr size_t kNameBytesMax = 102;
    static constexpr size_t kFiltersMax = 4;
    static constexpr size_t kLastNameBytesMax = 256;
    static constexpr size_t kPlacesMin = 64;
    static constexpr size_t kPlacesMax = 2048;

private:
    struct alignas(64) Answer {
        uint64_t version = 0;  // of the table; 0: none
        std::array<FilterId, kFiltersMax> filters;
        uint8_t filter_count = 0;
        uint8_t name_bytes = 0;
        std::array<char, kNameBytesMax> text;

        std::string_view name() const { return {text.data(), name_bytes}; }
        std::span<const FilterId> found() const { return {filters.data(), filter_count}; }
    };
    static_assert(sizeof(Answer) == 128, "two lines of a cache, side by side");
    Answer& place_of(std::string_view name);

    std::vector<Answer> answers_;  // a power of two of them, or none yet
    std::string_view last_name_;   // in answers_, or long_name_
    std::string long_name_;
    std::vector<FilterId> scratch_;
    size_t pushed_out_ = 0;  // since answers_ grew last
};

}  // namespace godwit::topic
