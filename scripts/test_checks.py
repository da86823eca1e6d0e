#!/usr/bin/env python3
"""Each check says no to a bad example and yes to a good one."""
import sys
import unittest
from pathlib import Path

import check_layers
import check_pure
import check_size
import count_tests
import fuzz_coverage
from source_files import ROOT, bare


class Layers(unittest.TestCase):
    def test_an_include_upward_is_refused_with_its_line(self):
        faults = check_layers.faults_of("topic", "src/topic/x.h", '#pragma once\n#include "broker/shard.h"\n')
        self.assertEqual(faults, ["src/topic/x.h:2: topic may not include broker"])

    def test_what_the_map_allows_passes(self):
        text = '#include <vector>\n#include "base/bytes.h"\n#include "topic/filter.h"\n'
        self.assertEqual(check_layers.faults_of("mqtt", "src/mqtt/x.h", text), [])

    def test_config_sees_only_the_options_of_other_modules(self):
        self.assertEqual(check_layers.faults_of("config", "x", '#include "broker/options.h"\n'), [])
        self.assertEqual(check_layers.faults_of("config", "x", '#include "os/loop_options.h"\n'), [])
        self.assertEqual(len(check_layers.faults_of("config", "x", '#include "broker/shard.h"\n')), 1)

    def test_a_folder_that_is_not_on_the_map_is_refused(self):
        self.assertEqual(len(check_layers.faults_of("utils", "src/utils/x.h", "")), 1)
        self.assertEqual(len(check_layers.faults_of("base", "x", '#include "utils/x.h"\n')), 1)


class Pure(unittest.TestCase):
    def test_every_forbidden_kind_is_found(self):
        for symbol, what in {
            "clock_gettime@GLIBC_2.17": "clock", "std::chrono::_V2::steady_clock::now()": "clock", "socket": "socket",
            "epoll_wait": "socket", "fopen64": "file", "std::basic_ifstream<char, std::char_traits<char> >::~basic_ifstream()":
            "file", "std::random_device::_M_getval()": "random", "pthread_mutex_lock": "thread",
            "std::thread::_M_start_thread(x)": "thread", "std::filesystem::status(std::filesystem::path const&)": "file",
            "getenv": "process", "SSL_read": "OpenSSL beyond its hashes", "RAND_bytes": "OpenSSL beyond its hashes",
        }.items():
            self.assertEqual(check_pure.offence(symbol, "session.cpp.o"), what, symbol)

    def test_plain_computing_passes(self):
        for symbol in ("memcpy", "operator new(unsigned long)", "godwit::broker::Shard::read(int)", "fmt::v9::vformat(x)",
                       "__asan_init", "abort", "std::__throw_length_error(char const*)", "EVP_DigestUpdate", "SHA1"):
            self.assertIsNone(check_pure.offence(symbol, "session.cpp.o"), symbol)

    def test_only_the_inside_of_tls_may_use_openssl_whole(self):
        self.assertIsNone(check_pure.offence("SSL_read", "tls.cpp.o"))
        self.assertIsNone(check_pure.offence("RAND_bytes", "tls_tickets.cpp.o"))
        self.assertIsNone(check_pure.offence("BIO_new", "tls_session.cpp.o"))
        self.assertIsNotNone(check_pure.offence("SSL_read", "websocket.cpp.o"))
        self.assertIsNotNone(check_pure.offence("recv", "tls.cpp.o"))


class Size(unittest.TestCase):
    def faults(self, text, name="src/topic/x.cpp"):
        return list(check_size.faults_of(Path(name), name, text))

    def test_a_long_function_is_refused(self):
        self.assertEqual(self.faults("void f() {\n" + "  g();\n" * 68 + "}\n"), [])
        self.assertIn("f has 71 lines", self.faults("void f() {\n" + "  g();\n" * 69 + "}\n")[0])

    def test_a_long_member_inside_class_and_namespace_is_refused(self):
        text = "namespace a {\nclass X : Y {\npublic:\n  int f() const override {\n" + "g();\n" * 80 + "}\n};\n}\n"
        self.assertEqual(self.faults(text), ["src/topic/x.cpp:4: f has 82 lines of 70; move its leaves out"])

    def test_a_long_constructor_with_initializers_is_refused(self):
        text = "X::X(int a, int b)\n    : a_{a}, b_(b) {\n" + "g();\n" * 80 + "}\n"
        self.assertIn("X::X has 83 lines", self.faults(text)[0])

    def test_six_parameters_are_refused(self):
        self.assertEqual(self.faults("void f(int a, std::map<int, int> b, int c, int d, int e) {}\n"), [])
        self.assertEqual(len(self.faults("void f(int a, int b, int c, int d, int e, int f) {}\n")), 1)

    def test_a_shape_that_a_library_dictates_is_excused_by_a_reason(self):
        six = "void f(int a, int b, int c, int d, int e, int f) {}\n"
        self.assertEqual(self.faults("// check_size: OpenSSL's signature of this callback\n" + six), [])
        self.assertEqual(len(self.faults("// check_size:\n" + six)), 1)

    def test_four_levels_are_refused(self):
        three = "void f() { if (a) { for (;;) { if (b) c(); else if (d) e(); } } }\n"
        self.assertEqual(self.faults(three), [])
        self.assertEqual(len(self.faults("void f() { if (a) { for (;;) { while (b) { if (c) d(); } } } }\n")), 1)
        self.assertEqual(len(self.faults("void f() { if (a) for (;;) while (b) if (c) d(); }\n")), 1)

    def test_statements_beside_each_other_are_no_levels(self):
        self.assertEqual(self.faults("void f() {" + " if (a) b();" * 9 + " if (a) { b(); }" * 9 + " }\n"), [])

    def test_braces_in_comments_and_strings_do_not_count(self):
        text = 'void f() { g("}{", \'{\'); /* { */ } // {\nvoid h() {\n' + "g();\n" * 69 + "}\n"
        self.assertIn("h has 71 lines", self.faults(text)[0])

    def test_each_kind_of_file_has_its_limit(self):
        self.assertEqual(len(self.faults("\n" * 251, "src/topic/x.h")), 1)
        self.assertEqual(len(self.faults("\n" * 501, "src/topic/x.cpp")), 1)
        self.assertEqual(len(self.faults("\n" * 501, "src/topic/x_test.cpp")), 0)
        self.assertEqual(len(self.faults("\n" * 801, "tests/integration/matrix.py")), 1)

    def test_a_table_is_no_function(self):
        self.assertEqual(self.faults("const Row kRows[] = {\n" + "{f(1), 2},\n" * 90 + "};\n"), [])
        self.assertEqual(self.faults("constexpr std::array<Row, 2> kRows{{\n" + "{f(1), 2},\n" * 90 + "}};\n"), [])


class Counting(unittest.TestCase):
    def test_googletest_is_counted_by_its_closing_lines(self):
        self.assertEqual(count_tests.count("[  PASSED  ] 7 tests.\n", True), (7, 0))
        self.assertEqual(count_tests.count("[  PASSED  ] 5 tests.\n[  FAILED  ] 2 tests, listed below:\n", False), (5, 2))

    def test_other_programs_are_counted_by_their_last_line(self):
        self.assertEqual(count_tests.count("ok a\nnot ok b\n1 passed, 1 failed\n", False), (1, 1))

    def test_a_crash_is_a_failure_whatever_was_printed(self):
        self.assertEqual(count_tests.count("[ RUN      ] A.b\n", False), (0, 1))
        self.assertEqual(count_tests.count("4 passed, 0 failed\n", False), (4, 1))

    def test_a_silent_program_is_one_case(self):
        self.assertEqual(count_tests.count("", True), (1, 0))


class FuzzCoverage(unittest.TestCase):
    def test_each_corpus_has_a_parser_of_files_that_are_there(self):
        corpora = {path.name for path in (ROOT / "tests" / "corpus").iterdir() if path.is_dir()}
        self.assertEqual(set(fuzz_coverage.PARSERS), corpora)
        for patterns in fuzz_coverage.PARSERS.values():
            for pattern in patterns:
                self.assertTrue(list((ROOT / "src").glob(pattern + ".*")), pattern)


class Bare(unittest.TestCase):
    def test_lines_stay_where_they_are(self):
        text = 'a /* x\ny */ b\n"c // d" // e\n1\'000\'000;\n'
        self.assertEqual(bare(text).count("\n"), text.count("\n"))
        self.assertNotIn("d", bare(text))
        self.assertIn("b", bare(text))
        self.assertIn(";", bare(text))


if __name__ == "__main__":
    sys.exit(0 if unittest.main(exit=False, verbosity=0).result.wasSuccessful() else 1)
