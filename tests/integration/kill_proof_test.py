#!/usr/bin/python3
"""Goal: the kill test can fail. Method: its own run, in which something is done to the data between a kill and the next
start that a broker with a bug might have done; the history must show it."""
import argparse
import os
import shutil
import tempfile
import unittest

import harness
import kill_test
import kill_verify


def options(seed):
    return argparse.Namespace(seed=seed, cycles=2, seconds_per_cycle=0.5, megabytes_per_second=8.0, full_every=1,
                              verbose=False)


class Sabotaged(kill_test.KillTest):
    """`sabotage(data directory)` runs between the last kill and the start that follows; `before` ahead of that life."""

    def __init__(self, directory, sabotage, before=lambda data: None):
        super().__init__(options(1), "power", directory)
        self.sabotage, self.before = sabotage, before

    def one(self, number, cycle):
        # Nothing that would explain a difference.
        cycle.cores, cycle.churn, cycle.recovery_kills, cycle.at_once, cycle.clean = 1, "", 0, False, False
        if number == 1:
            self.before(self.broker.directory)
        super().one(number, cycle)
        if number == 1:
            self.sabotage(self.broker.directory)


class TheKillTestFails(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="ringlog-kill-proof-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def run_with(self, *hooks):
        """What went wrong, and the kinds of anomalies."""
        test = Sabotaged(self.directory, *hooks)
        self.addCleanup(test.broker.end)
        try:
            test.run()
        except (AssertionError, harness.StartFailed) as problem:
            return problem, set(test.history.checker.anomalies)
        return None, set(test.history.checker.anomalies)

    def test_without_sabotage_it_passes(self):
        problem, kinds = self.run_with(lambda data: None)
        self.assertIsNone(problem)
        self.assertFalse(kinds)

    def test_a_directory_of_before_has_lost_acked_records(self):
        copy = os.path.join(self.directory, "copy")

        def roll_back(data):
            shutil.rmtree(data)
            shutil.move(copy, data)

        problem, kinds = self.run_with(roll_back, lambda data: shutil.copytree(data, copy))
        self.assertIsInstance(problem, AssertionError)
        self.assertIn("lost", kinds)

    def test_a_changed_byte_of_a_segment_is_not_passed_over(self):
        def change(data):
            partition = os.path.join(data, "steady-0")
            first = os.path.join(partition, min(name for name in os.listdir(partition) if name.endswith(".log")))
            with open(first, "r+b") as segment:
                segment.seek(2000)
                byte = segment.read(1)
                segment.seek(2000)
                segment.write(bytes([byte[0] ^ 1]))

        kill_verify.QUIET_S = 2  # what the broker does not give out does not come later either
        problem, kinds = self.run_with(change)
        self.assertIsNotNone(problem)
        self.assertTrue(isinstance(problem, harness.StartFailed) or kinds & {"unreadable", "changed", "lost"}, kinds)


if __name__ == "__main__":
    unittest.main()
