// Names of errors are stable, and a description says all that is known.
#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <set>
#include <string>

namespace ringlog {
namespace {

TEST(Error, EveryCodeHasANameOfItsOwn) {
    std::set<std::string_view> names;
    const int last = static_cast<int>(Errc::limit_exceeded);
    for (int code = 1; code <= last; ++code) {
        const std::string_view name = errc_name(static_cast<Errc>(code));
        EXPECT_NE(name, "unknown");
        EXPECT_TRUE(names.insert(name).second) << name;
    }
    EXPECT_EQ(names.size(), static_cast<size_t>(last));
}

TEST(Error, NamesStandByTheirNumbers) {
    EXPECT_EQ(errc_name(Errc::io_failed), "io_failed");
    EXPECT_EQ(errc_name(Errc::offset_out_of_range), "offset_out_of_range");
    EXPECT_EQ(errc_name(Errc::corrupt_file), "corrupt_file");
    EXPECT_EQ(errc_name(Errc::closed), "closed");
    EXPECT_EQ(errc_name(Errc::conflict), "conflict");
    EXPECT_EQ(errc_name(Errc::limit_exceeded), "limit_exceeded");
}

TEST(Error, AnUnknownCodeIsNamedSo) {
    EXPECT_EQ(errc_name(static_cast<Errc>(255)), "unknown");
}

TEST(Error, ADescriptionNamesErrnoAndPlaceWhereKnown) {
    EXPECT_EQ(describe({.code = Errc::closed}), "closed");
    EXPECT_EQ(describe({.code = Errc::io_failed, .os_errno = EIO, .at = 4096}),
              "io_failed: Input/output error (EIO, 5) at 4096");
    EXPECT_EQ(describe({.code = Errc::short_read, .at = 0}), "short_read at 0");
    EXPECT_EQ(describe({.code = Errc::io_failed, .os_errno = 9999}),
              "io_failed: unknown error (?, 9999)");
}

TEST(Error, FailCarriesEveryField) {
    const auto read = []() -> Result<int> { return fail(Errc::io_failed, EIO, 512); };
    const auto pass_on = [&read]() -> Result<std::string> {
        const Result<int> result = read();
        return fail(result.error());
    };
    EXPECT_EQ(pass_on().error(), (Error{.code = Errc::io_failed, .os_errno = EIO, .at = 512}));
}

}  // namespace
}  // namespace ringlog
