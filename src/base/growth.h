// Growth of vectors that are large and live long. Doubling leaves half of one empty; a quarter
// costs some copies more and leaves a tenth.
#pragma once

#include <cstddef>
#include <vector>

namespace godwit {

/// Makes room for one more element, if there is none.
/// @param least  so many more at least, where the vector is small
/// @cost         all in all, five moves of each element
template <class T>
void make_room(std::vector<T>& all, size_t least) {
    if (all.size() == all.capacity()) all.reserve(all.size() + all.size() / 4 + least);
}

}  // namespace godwit
