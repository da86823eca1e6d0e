// Result<T, E>: a value or the reason why there is none. Looks like C++23's std::expected.
#pragma once

#include "base/assert.h"

#include <type_traits>
#include <utility>
#include <variant>

namespace godwit {

/// Wraps an error on its way out: `return Err{FilterError::Empty};`
template <class E>
struct Err {
    E error;
};
template <class E>
Err(E) -> Err<E>;

/// @errors  value() of an error and error() of a value are broken rules (GW_ASSERT)
template <class T, class E>
class [[nodiscard]] Result {
public:
    using value_type = T;
    using error_type = E;

    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    template <class G>
    requires std::is_convertible_v<G, E> Result(Err<G> err)
        : state_(std::in_place_index<1>, std::move(err.error)) {}

    bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    T& value() & { return checked(); }
    const T& value() const& { return const_cast<Result*>(this)->checked(); }
    T&& value() && { return std::move(checked()); }
    T& operator*() & { return checked(); }
    const T& operator*() const& { return const_cast<Result*>(this)->checked(); }
    T&& operator*() && { return std::move(checked()); }
    T* operator->() { return &checked(); }
    const T* operator->() const { return &const_cast<Result*>(this)->checked(); }

    const E& error() const {
        GW_ASSERT(!has_value());
        return *std::get_if<1>(&state_);
    }

private:
    T& checked() {
        GW_ASSERT(has_value());
        return *std::get_if<0>(&state_);
    }
    std::variant<T, E> state_;
};

/// Success without a value: `Result<Done, E> f() { ...; return Done{}; }`
struct Done {};

}  // namespace godwit
