// For tests: few open files while it lives.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace godwit::os {

/// The soft limit of the whole process. Files that are open above it stay open.
class TestFileLimit {
public:
    explicit TestFileLimit(rlim_t count) {
        EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
        const rlimit low{.rlim_cur = count, .rlim_max = before_.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    }
    TestFileLimit(const TestFileLimit&) = delete;
    TestFileLimit& operator=(const TestFileLimit&) = delete;
    ~TestFileLimit() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }

private:
    rlimit before_{};
};

}  // namespace godwit::os
