// Integers that do not mix: a partition number is not a sequence number. Any core; no I/O.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace ringlog {

/// An integer with a name. Conversions are explicit; arithmetic is what a counter needs and no
/// more.
template <typename Tag, std::integral Rep>
class StrongInt {
public:
    using rep = Rep;

    constexpr StrongInt() = default;
    constexpr explicit StrongInt(Rep value) : value_(value) {}

    [[nodiscard]] constexpr Rep value() const { return value_; }

    constexpr StrongInt& operator++() {
        ++value_;
        return *this;
    }
    friend constexpr StrongInt operator+(StrongInt a, Rep b) {
        return StrongInt(static_cast<Rep>(a.value_ + b));
    }
    friend constexpr StrongInt operator-(StrongInt a, Rep b) {
        return StrongInt(static_cast<Rep>(a.value_ - b));
    }
    friend constexpr Rep operator-(StrongInt a, StrongInt b) {
        return static_cast<Rep>(a.value_ - b.value_);
    }
    friend constexpr auto operator<=>(StrongInt, StrongInt) = default;
    friend constexpr bool operator==(StrongInt, StrongInt) = default;

private:
    Rep value_ = 0;
};

}  // namespace ringlog

template <typename Tag, std::integral Rep>
struct std::hash<ringlog::StrongInt<Tag, Rep>> {
    size_t operator()(ringlog::StrongInt<Tag, Rep> v) const noexcept {
        return std::hash<Rep>{}(v.value());
    }
};
