#include "os/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace godwit::os {
namespace {

int open_null() {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}
bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(Fd, ClosesAtTheEnd) {
    int number = -1;
    {
        const Fd fd(open_null());
        number = fd.get();
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(Fd, MovesAndLeavesNothingBehind) {
    Fd first(open_null());
    const int number = first.get();
    Fd second(std::move(first));
    EXPECT_FALSE(first);
    EXPECT_EQ(second.get(), number);
    Fd third(open_null());
    const int replaced = third.get();
    third = std::move(second);
    EXPECT_EQ(third.get(), number);
    EXPECT_FALSE(is_open(replaced));
}

TEST(Fd, ReleaseHandsOverWithoutClosing) {
    Fd fd(open_null());
    const Fd other(fd.release());
    EXPECT_FALSE(fd);
    EXPECT_TRUE(is_open(other.get()));
}

TEST(Fd, AFailedCallMakesAnEmptyOne) {
    const Fd fd(-1);
    EXPECT_FALSE(fd);
    EXPECT_EQ(fd.get(), -1);
}

}  // namespace
}  // namespace godwit::os
