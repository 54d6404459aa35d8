"""Each rule of check_tree.py is broken once, and kept once."""

import tempfile
import unittest
from pathlib import Path

import check_headers
import check_tree
from source_files import content_hash, closure


def lines(findings):
    return [line for line, _ in findings]


class Includes(unittest.TestCase):
    def check(self, path, text):
        return list(check_tree.check_includes(path, text))

    def test_arrows_point_one_way(self):
        self.assertEqual(lines(self.check("engine/a.cc", '#include "io/b.h"\n#include "kafka/c.h"\n')), [2])
        self.assertEqual(lines(self.check("kafka/a.cc", '#include "io/b.h"\n#include "base/c.h"\n')), [1])
        self.assertEqual(lines(self.check("io/a.cc", '#include "engine/b.h"\n')), [1])
        self.assertEqual(self.check("replication/a.cc", '#include "engine/b.h"\n#include "cluster/c.h"\n'), [])
        self.assertEqual(lines(self.check("cluster/a.cc", '#include "engine/b.h"\n')), [1])

    def test_every_folder_may_include_itself_and_base(self):
        for folder in check_tree.ARROWS:
            self.assertLessEqual({"base"}, check_tree.ARROWS[folder])
            if folder != "examples":
                self.assertIn(folder, check_tree.ARROWS[folder])

    def test_main_alone_wires_bench_and_tuning(self):
        text = '#include "bench/command.h"\n#include "tuning/command.h"\n'
        self.assertEqual(self.check("broker/main.cc", text), [])
        self.assertEqual(lines(self.check("broker/start.cc", text)), [1, 2])
        self.assertEqual(lines(self.check("broker/main.cc", '#include "tests/support/a.h"\n')), [1])

    def test_tests_may_include_all(self):
        self.assertEqual(self.check("tests/unit/a_test.cc", '#include "broker/b.h"\n#include "tests/support/c.h"\n'), [])

    def test_comments_and_strings_are_not_includes(self):
        self.assertEqual(self.check("base/a.cc", '// #include "io/b.h"\n/*\n#include "io/b.h"\n*/\n'), [])

    def test_paths_start_at_the_root(self):
        self.assertEqual(lines(self.check("io/a.cc", '#include "task.h"\n#include "../base/b.h"\n')), [1, 2])
        self.assertEqual(lines(self.check("io/a.cc", "#include <base/b.h>\n")), [1])

    def test_base_and_kafka_do_no_io(self):
        self.assertEqual(lines(self.check("kafka/a.cc", "#include <liburing.h>\n#include <vector>\n")), [1])
        self.assertEqual(lines(self.check("base/a.cc", "#include <sys/socket.h>\n#include <unistd.h>\n")), [1])

    def test_headers_have_pragma_once(self):
        self.assertEqual(lines(self.check("base/a.h", "// #pragma once\nint x;\n")), [1])
        self.assertEqual(self.check("base/a.h", "// What.\n#pragma once\n"), [])

    def test_unknown_folder(self):
        self.assertEqual(lines(self.check("misc/a.cc", "")), [1])


class Sizes(unittest.TestCase):
    def test_files(self):
        self.assertEqual(list(check_tree.check_sizes("a.cc", "int x;\n" * 600)), [])
        self.assertEqual(lines(check_tree.check_sizes("a.cc", "int x;\n" * 601)), [601])

    def test_functions(self):
        def function(body):
            return "void f() {\n" + "x();\n" * body + "}\n"
        self.assertEqual(list(check_tree.check_sizes("a.cc", function(68))), [])
        self.assertEqual(lines(check_tree.check_sizes("a.cc", "\n\n" + function(69))), [3])

    def test_python_functions(self):
        self.assertEqual(lines(check_tree.check_sizes("a.py", "def f():\n" + "    x()\n" * 70)), [1])
        self.assertEqual(list(check_tree.check_sizes("a.py", "def f():\n" + "    x()\n" * 69)), [])


class Words(unittest.TestCase):
    def test_unfinished_work(self):
        word = "TO" + "DO"
        self.assertEqual(lines(check_tree.check_words(f"a\n// {word}: later\n", [])), [2])
        self.assertEqual(list(check_tree.check_words("mastodon\n", [])), [])

    def test_paths_of_a_machine(self):
        self.assertEqual(lines(check_tree.check_words("x\n/ho" + "me/ann/x\n", [])), [2])
        self.assertEqual(lines(check_tree.check_words("cd /build/tree/base\n", ["/build/tree/"])), [1])
        self.assertEqual(list(check_tree.check_words("/var/lib/ringlog\n", ["/build/tree/"])), [])

    def test_prefixes_come_from_the_checkout(self):
        self.assertIn("/build/tree/", check_tree.machine_paths(Path("/build/tree/main")))
        self.assertNotIn("/tmp/", check_tree.machine_paths(Path("/tmp/main")))


class Sleeps(unittest.TestCase):
    def check(self, text, path="tests/unit/a_test.cc"):
        return lines(check_tree.check_sleeps(path, text))

    def test_sleeping_is_found(self):
        self.assertEqual(self.check("std::this_thread::sleep_for(1ms);\nusleep(1);\n::sleep(1);\nsleep_for(x);\n"), [1, 2, 3, 4])

    def test_timers_of_a_reactor_are_the_thing_tested(self):
        self.assertEqual(self.check("co_await reactor.sleep_for(5);\nreactor->sleep_until(now);\n"), [])

    def test_words_and_other_folders(self):
        self.assertEqual(self.check("// sleep(1)\nnot_a_sleep(2);\n"), [])
        self.assertEqual(self.check("usleep(1);\n", "io/a.cc"), [])

    def test_a_reason_is_accepted(self):
        self.assertEqual(self.check("usleep(1);  // sleeps because the kernel has no event for this\n"), [])


class Readmes(unittest.TestCase):
    def test_length_and_existence(self):
        counts = {"io/README.md": 41, "base/README.md": 40, "README.md": 200}
        found = list(check_tree.check_readmes(["base/README.md", "io/README.md", "README.md", "io/a.cc"], counts.get))
        self.assertEqual([f[:2] for f in found], [("io/README.md", 41)])
        self.assertEqual([f[0] for f in check_tree.check_readmes(["io/a.cc"], counts.get)], ["io"])


class Headers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "base").mkdir()

    def write(self, name, text):
        (self.root / "base" / name).write_text(text, encoding="utf-8")

    def test_a_header_that_leans_on_another_is_found(self):
        self.write("good.h", "#pragma once\n#include <string>\nstd::string f();\n")
        self.write("bad.h", "#pragma once\n\nstd::string f();\n")
        self.write("user.h", '#pragma once\n#include "base/bad.h"\n')
        found = check_headers.check_headers(self.root, 2)
        self.assertEqual([(path, line) for path, line, _ in found], [("base/bad.h", 3), ("base/user.h", 1)])
        self.assertEqual(len((self.root / "build/lint/headers").read_text(encoding="ascii").split()), 1)
        self.write("bad.h", "#pragma once\n#include <string>\nstd::string f();\n")
        self.assertEqual(check_headers.check_headers(self.root, 2), [])

    def test_the_hash_of_a_file_covers_what_it_includes(self):
        self.write("a.h", '#pragma once\n#include "base/b.h"\n')
        self.write("b.h", "#pragma once\n")
        first = self.root / "base/a.h"
        self.assertEqual([p.name for p in closure(first, self.root)], ["a.h", "b.h"])
        self.assertNotEqual(content_hash(first, self.root, "x"), content_hash(first, self.root, "y"))
        self.assertNotEqual(content_hash(first, self.root, "x"), content_hash(self.root / "base/b.h", self.root, "x"))


class Whole(unittest.TestCase):
    def test_findings_name_path_and_line(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "kafka").mkdir()
            (root / "kafka/a.cc").write_text('\n#include "io/b.h"\n', encoding="utf-8")
            (root / "kafka/README.md").write_text("# kafka\n", encoding="utf-8")
            found = check_tree.check_tree(root)
        self.assertEqual(found, [("kafka/a.cc", 2, "kafka/ may not include io/ (io/b.h)")])


if __name__ == "__main__":
    unittest.main()
