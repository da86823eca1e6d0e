#include "base/secret.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(Secret, IsTheSameInEveryByte) {
    EXPECT_TRUE(is_same_secret("correct horse", "correct horse"));
    EXPECT_FALSE(is_same_secret("correct horsf", "correct horse"));
    EXPECT_FALSE(is_same_secret("borrect horse", "correct horse"));
}
TEST(Secret, IsNoPartNorRepetitionOfItself) {
    EXPECT_FALSE(is_same_secret("", "correct"));
    EXPECT_FALSE(is_same_secret("corr", "correct"));
    EXPECT_FALSE(is_same_secret("abab", "ab"));
    EXPECT_FALSE(is_same_secret("a", ""));
}

}  // namespace
}  // namespace godwit
