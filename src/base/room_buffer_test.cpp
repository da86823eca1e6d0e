#include "base/room_buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace godwit {
namespace {

void append(RoomBuffer& room, std::string_view text) {
    std::memcpy(room.extend(text.size()), text.data(), text.size());
}

TEST(RoomBuffer, KeepsWhatIsThereAsItGrows) {
    RoomBuffer room;
    std::string expected;
    for (int i = 0; i < 10'000; ++i) {
        append(room, std::to_string(i));
        expected += std::to_string(i);
        ASSERT_LE(room.size(), room.capacity());
    }
    EXPECT_EQ(as_text(room), expected);
}

TEST(RoomBuffer, BeginsWithAPage) {
    RoomBuffer room;
    for (size_t bytes = 1; bytes < 1 << 20; bytes *= 3) {
        room.extend(bytes);
        EXPECT_EQ(reinterpret_cast<uintptr_t>(room.data()) % 4096, 0u) << bytes << " bytes more";
    }
}

TEST(RoomBuffer, WhatIsCutLeavesItsMemory) {
    RoomBuffer room;
    append(room, "some words");
    const size_t capacity = room.capacity();
    room.cut(4);
    EXPECT_EQ(as_text(room), "some");
    EXPECT_EQ(room.capacity(), capacity);
    room.append_zeros(3);
    EXPECT_EQ(as_text(room), std::string_view("some\0\0\0", 7));
}

TEST(RoomBuffer, WhatIsMovedFromIsEmpty) {
    RoomBuffer room;
    append(room, "words");
    RoomBuffer other = std::move(room);
    EXPECT_EQ(as_text(other), "words");
    EXPECT_TRUE(room.empty());  // NOLINT(bugprone-use-after-move): that is what is asked
    append(room, "new");
    EXPECT_EQ(as_text(room), "new");
}

}  // namespace
}  // namespace godwit
