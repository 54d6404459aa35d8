#!/usr/bin/env python3
"""Goal: no seeded bug is in what is shipped, and none is dead. Method: the program's bytes hold neither the variable
that turns them on nor the name of one; each stands at one place of the product, under the name that turns it on.
Called with the path of the program.
"""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import mutants

PROGRAM = None


class Mutants(unittest.TestCase):
    def test_the_program_knows_of_none(self):
        with tempfile.NamedTemporaryFile() as bare:
            # What a debugger knows of an enumeration is not in the program.
            subprocess.run(["strip", "--strip-debug", "-o", bare.name, PROGRAM], check=True)
            content = Path(bare.name).read_bytes()
        for word in ("RINGLOG_MUTANT", *mutants.mutants()):
            self.assertFalse(word.encode() in content, word)
        # So that it is the right file: a word that must be there.
        self.assertIn(b"ringlog.durability", content)

    def test_each_stands_at_one_place(self):
        self.assertEqual(mutants.uses(), dict.fromkeys(mutants.mutants(), 1))

    def test_each_is_turned_on_by_its_name(self):
        self.assertEqual(mutants.names_that_count(), list(mutants.mutants()))
        self.assertGreaterEqual(len(mutants.mutants()), 20)


if __name__ == "__main__":
    PROGRAM = Path(sys.argv.pop())
    unittest.main()
