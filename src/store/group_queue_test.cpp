#include "store/group_queue.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace godwit::store {
namespace {

constexpr uint32_t kBatchBytes = 64 << 10;

void put(GroupQueue& queue, size_t body_bytes) {
    const auto begun = queue.begin(RecordKind::Put, ObjectId{1}, body_bytes);
    std::fill_n(begun.body, body_bytes, uint8_t('x'));
    queue.end(begun);
}

/// Commits of this size until the batch takes no further one.
const uint8_t* fill_batch(GroupQueue& queue, size_t commit_bytes) {
    put(queue, commit_bytes);
    queue.commit();
    const uint8_t* begin = queue.ready()->bytes.data();
    while (queue.ready()->bytes.size() < kBatchBytes) {
        put(queue, commit_bytes);
        queue.commit();
    }
    return begin;
}

TEST(GroupQueue, ABatchLiesWhereItBegan) {
    for (const size_t commit_bytes : {100u, 5'000u, kBatchBytes / 2, kBatchBytes - 100}) {
        GroupQueue queue(kBatchBytes);
        for (int again = 0; again < 5; ++again) {
            const uint8_t* begin = fill_batch(queue, commit_bytes);
            EXPECT_EQ(queue.ready()->bytes.data(), begin) << "commits of " << commit_bytes;
            GroupQueue::place(*queue.ready(), 1, {1, 1});
            queue.pop();
        }
    }
}

TEST(GroupQueue, ACommitThatIsLargerThanABatchIsOne) {
    GroupQueue queue(kBatchBytes);
    for (int i = 0; i < 5; ++i) put(queue, kBatchBytes);
    queue.commit();
    put(queue, 10);
    queue.commit();
    EXPECT_GT(queue.ready()->bytes.size(), 5 * kBatchBytes);
    EXPECT_EQ(queue.ready()->count, 5u);
    GroupQueue::place(*queue.ready(), 1, {1, 1});
    queue.pop();
    EXPECT_EQ(queue.ready()->count, 1u);
}

}  // namespace
}  // namespace godwit::store
