// Any bytes as the files of a store: opening never crashes, what a second opening finds is what the
// first one found, and it stays so when damage was set aside and segments were cleaned. The input
// is cut into files: u8 name (segment number, 0 ends), u24 length. A first byte with its high bit
// set has checksums of heads and records mended, so that the search gets past them.
#include "base/assert.h"
#include "store/log.h"
#include "store/log_format.h"
#include "store/testing/faulty_disk.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace godwit;
using namespace godwit::store;

namespace {

class Contents : public Replay {
public:
    void on_put(ObjectId id, Bytes bytes) override { objects[id.value] = as_text(bytes); }
    void on_note(ObjectId id, Bytes bytes) override {
        GW_ASSERT(objects.contains(id.value));
        objects[id.value] += as_text(bytes);
    }
    void on_erase(ObjectId id) override { GW_ASSERT(objects.erase(id.value) == 1); }
    std::map<uint32_t, std::string> objects;
};

constexpr uint32_t kSalt = 1;

/// The bytes as groups behind a sound head; lengths, kinds, ids and sequences are the input's.
Buffer mended(uint32_t number, Bytes bytes) {
    Buffer out = encode_segment_head({number, uint32_t(kSegmentHeadBytes + bytes.size()), kSalt});
    ByteReader reader(bytes);
    const SegmentKey key{number, segment_mask(number, kSalt)};
    while (const auto sequence = reader.u8()) {
        Buffer records;
        GroupHead head{.sequence = *sequence};
        for (uint32_t left = reader.u8().value_or(0) % 8; left > 0; --left) {
            const auto kind = RecordKind(2 + reader.u8().value_or(0) % 3);
            const ObjectId id{reader.u8().value_or(1)};
            const auto body = reader.bytes(std::min<size_t>(reader.remaining(), id.value % 32));
            const size_t at = records.size();
            head.check = extend_check(head.check, append_record(records, kind, id, *body));
            move_record(&records[at], {}, key);
            ++head.count;
        }
        head.bytes = uint32_t(records.size());
        const size_t at = out.size();
        append_record(out, RecordKind::Group, {}, encode_group_body(head));
        move_record(&out[at], {}, key);
        put_bytes(out, records);
        // Damage: the next byte says whether, the one after it where.
        const auto damage = reader.u8().value_or(0);
        if (damage % 4 == 0) out[at + reader.u8().value_or(0) % (out.size() - at)] ^= 1;
    }
    return out;
}

void write_files(Directory& disk, Bytes input) {
    ByteReader reader(input);
    while (const auto name = reader.u8()) {
        const uint32_t number = *name & 0x7f;
        if (number == 0) return;
        const size_t length = size_t(reader.u8().value_or(0)) << 16 | reader.u16().value_or(0);
        const Bytes bytes = *reader.bytes(std::min(length, reader.remaining()));
        auto file = disk.create(path_in("f", segment_name(number)));
        if (!file) continue;
        const bool written = (*file)
                                 ->write_at(0, *name & 0x80 ? mended(number, bytes)
                                                            : Buffer(bytes.begin(), bytes.end()))
                                 .has_value();
        GW_ASSERT(written);
    }
}

std::optional<Log> open(Directory& disk, Contents& found) {
    Options options;
    options.segment_bytes = Options::kSegmentBytesMin;
    auto opened = Log::open(disk, "f", options, found);
    if (!opened) return std::nullopt;  // of a later version
    for (const auto& [id, bytes] : found.objects) GW_ASSERT(opened->log.holds({id}));
    GW_ASSERT(opened->log.usage().objects == found.objects.size());
    return std::move(opened->log);
}

/// Puts again what the log wants moved, and does its work, until it wants nothing more.
void clean(Directory& disk, Log& log, const Contents& held) {
    std::vector<ObjectId> ids;
    do {
        for (const ObjectId id : std::exchange(ids, {}))
            log.put(id, as_bytes(held.objects.at(id.value)));
        log.commit();
        while (auto work = log.work(Instant{}))
            log.done(perform(std::move(*work), disk, "f"), Instant{});
        log.to_move(1 << 20, ids);
    } while (!ids.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    testing::FaultyDisk disk(1);
    write_files(disk, Bytes(data, size));
    Contents first;
    Contents second;
    Contents third;
    if (!open(disk, first)) return 0;
    std::optional<Log> log = open(disk, second);
    GW_ASSERT(first.objects == second.objects);
    clean(disk, *log, second);
    log.reset();
    GW_ASSERT(open(disk, third) && first.objects == third.objects);
    return 0;
}
