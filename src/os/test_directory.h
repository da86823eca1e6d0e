// For tests: a temporary directory that goes with all its files.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace godwit::os {

class TestDirectory {
public:
    explicit TestDirectory(
        const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
        std::string pattern = parent / "godwit-test-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
    }
    TestDirectory(const TestDirectory&) = delete;
    TestDirectory& operator=(const TestDirectory&) = delete;
    ~TestDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    /// Of a file in it, whether or not it exists.
    std::string path(const std::string& name) const { return path_ / name; }

private:
    std::filesystem::path path_;
};

}  // namespace godwit::os
