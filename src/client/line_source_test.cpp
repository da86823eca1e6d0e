#include "client/line_source.h"

#include "os/fd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace godwit::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A pipe whose writing end the test holds.
struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe(ends.data()), 0);
        read = os::Fd(ends[0]);
        write = os::Fd(ends[1]);
    }
    void put(const std::string& text) const {
        EXPECT_EQ(::write(write.get(), text.data(), text.size()), ssize_t(text.size()));
    }
    os::Fd read, write;
};

std::vector<std::string> all_lines(LineSource& source) {
    std::vector<std::string> lines;
    while (!source.done()) {
        if (source.wants_more()) {
            EXPECT_TRUE(source.read_more());
        }
        while (auto line = source.next_line()) lines.push_back(*line);
    }
    return lines;
}

TEST(LineSource, GivesEachLineWithoutItsEnd) {
    Pipe pipe;
    LineSource source(pipe.read.get(), 100);
    pipe.put("a\nbb\n\nccc");
    pipe.write.reset();
    EXPECT_THAT(all_lines(source), ElementsAre("a", "bb", "", "ccc"));
}

TEST(LineSource, JoinsWhatComesInPieces) {
    Pipe pipe;
    LineSource source(pipe.read.get(), 100);
    pipe.put("on");
    ASSERT_TRUE(source.read_more());
    EXPECT_FALSE(source.next_line());
    EXPECT_TRUE(source.wants_more());
    pipe.put("e\ntw");
    ASSERT_TRUE(source.read_more());
    EXPECT_FALSE(source.wants_more());
    EXPECT_EQ(source.next_line(), "one");
    EXPECT_TRUE(source.wants_more());
    pipe.put("o\n");
    pipe.write.reset();
    EXPECT_THAT(all_lines(source), ElementsAre("two"));
}

TEST(LineSource, NothingAtAllIsNoLine) {
    Pipe pipe;
    LineSource source(pipe.read.get(), 100);
    pipe.write.reset();
    EXPECT_THAT(all_lines(source), ElementsAre());
}

TEST(LineSource, RefusesALineThatIsTooLong) {
    Pipe pipe;
    LineSource source(pipe.read.get(), 3);
    pipe.put("abcd");
    const auto read = source.read_more();
    ASSERT_FALSE(read);
    EXPECT_THAT(read.error(), HasSubstr("more than 3 bytes"));
}

TEST(LineSource, TellsThatItCannotRead) {
    LineSource source(-1, 3);
    EXPECT_FALSE(source.read_more());
}

}  // namespace
}  // namespace godwit::client
