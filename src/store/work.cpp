#include "store/work.h"

#include "base/mutant.h"
#include "store/log_format.h"

#include <algorithm>

namespace godwit::store {

namespace {

using Outcome = Result<Done, DiskError>;

Outcome commit(const Work& work, File& file) {
    const auto written = work.past_cache ? file.write_past_cache(work.at.offset(), work.bytes)
                                         : file.write_at(work.at.offset(), work.bytes);
    if (!written || !work.sync || GW_MUTANT(SkipSync)) return written;
    return file.sync();
}

Outcome read(WorkDone& out, File& file) {
    out.bytes.resize(out.work.length);
    const auto got = file.read_at(out.work.at.offset(), out.bytes);
    if (!got) return Err{got.error()};
    out.bytes.resize(*got);
    return Done{};
}

/// A commit or a read.
Outcome use_segment(WorkDone& out, Directory& directory, std::string_view folder,
                    OpenSegment& open) {
    const Work& work = out.work;
    const uint32_t number = work.at.segment();
    if (!open.file || open.number != number) {
        auto file = directory.open(path_in(folder, segment_name(number)));
        if (!file) return Err{file.error()};
        open = {number, std::move(*file)};
    }
    auto done = work.kind == Work::Kind::Commit ? commit(work, *open.file) : read(out, *open.file);
    if (!done) open = {};
    return done;
}

/// An empty file under that name; what was left there by an attempt before goes.
Result<std::unique_ptr<File>, DiskError> create_anew(Directory& directory,
                                                     const std::string& name) {
    auto file = directory.create(name);
    if (file || file.error().fault != DiskFault::Exists) return file;
    const auto removed = directory.remove(name);
    if (!removed) return Err{removed.error()};
    return directory.create(name);
}

Result<std::unique_ptr<File>, DiskError> fresh_file(const Work& work, Directory& directory,
                                                    const std::string& name) {
    auto file = create_anew(directory, name);
    if (!file) return file;
    const auto sized = (*file)->truncate(work.length);
    if (!sized) return Err{sized.error()};
    // Real zeros: a block that was only allocated costs its first sync a write of metadata.
    const auto zeroed = (*file)->write_zeros(kSegmentHeadBytes, work.length);
    if (!zeroed) return Err{zeroed.error()};
    return file;
}

Result<std::unique_ptr<File>, DiskError> recycled_file(const Work& work, Directory& directory,
                                                       std::string_view folder) {
    const std::string name = path_in(folder, segment_name(work.at.segment()));
    // The old name is gone for good before anything of the old bytes is: what a crash leaves is
    // the old segment as it was, or a new one in which nothing is valid.
    const auto renamed = directory.rename(path_in(folder, segment_name(work.recycle)), name);
    if (!renamed) return Err{renamed.error()};
    const auto synced = directory.sync(folder);
    if (!synced) return Err{synced.error()};
    return directory.open(name);
}

Outcome prepare(const Work& work, Directory& directory, std::string_view folder) {
    const std::string name = path_in(folder, segment_name(work.at.segment()));
    const auto file = work.recycle != 0 ? recycled_file(work, directory, folder)
                                        : fresh_file(work, directory, name);
    if (!file) {
        // Half a segment helps nobody, least of all on a full disk.
        if (work.recycle == 0) static_cast<void>(directory.remove(name).has_value());
        return Err{file.error()};
    }
    const auto written =
        (*file)->write_at(0, encode_segment_head({work.at.segment(), work.length, work.salt}));
    if (!written) return written;
    const auto synced = (*file)->sync();
    if (!synced) return synced;
    return directory.sync(folder);
}

/// One that is not there is retired already.
Outcome retire(const Work& work, Directory& directory, std::string_view folder) {
    const uint32_t number = work.at.segment();
    const std::string name = path_in(folder, segment_name(number));
    const auto gone = work.set_aside ? directory.rename(name, path_in(folder, damaged_name(number)))
                                     : directory.remove(name);
    if (!gone && gone.error().fault != DiskFault::NotFound) return gone;
    return directory.sync(folder);
}

Outcome carry_out(WorkDone& out, Directory& directory, std::string_view folder, OpenSegment& open) {
    switch (out.work.kind) {
        case Work::Kind::Commit:
        case Work::Kind::Read:
            return use_segment(out, directory, folder, open);
        case Work::Kind::Prepare:
            return prepare(out.work, directory, folder);
        case Work::Kind::Retire:
            return retire(out.work, directory, folder);
    }
    return Done{};
}

}  // namespace

WorkDone perform(Work work, Directory& directory, std::string_view folder, OpenSegment* last) {
    WorkDone out{std::move(work), std::nullopt, {}};
    OpenSegment own;
    const auto outcome = carry_out(out, directory, folder, last ? *last : own);
    if (!outcome) out.error = outcome.error();
    return out;
}

std::string path_in(std::string_view folder, std::string_view name) {
    std::string out(folder);
    if (!out.empty()) out += '/';
    out += name;
    return out;
}

}  // namespace godwit::store
