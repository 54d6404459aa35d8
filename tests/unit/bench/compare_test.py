"""The table of bench/compare: what it picks, what it refuses to pick, and how it sums rounds up."""

import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "bench"))

from comparing import figures, targets, workloads  # noqa: E402


def run(records: float, p50: float = 100.0, **more) -> dict:
    return {"records_per_second": records, "mb_per_second": records / 1000, "sound": True,
            "ack": {"p50_us": p50, "p99_us": 3 * p50}, "broker_cpu_us_per_record": 9.0, **more}


def a_round(power: dict, kafka: dict) -> dict:
    device = {"power_4k_p50_us": 90.0, "round_trip_p50_us": 10.0, "power_4k_per_second": 9000.0}
    return {"ceilings": {"fan64": run(200_000)}, "results": {
        "power1": {"device": device, "first_ack_ms": 50.0, "idle": {"rss_mib": 20.0},
                   "workloads": {"ack1": run(9000, 110.0), "fan64": power}},
        "kafka-flush": {"device": device, "first_ack_ms": 4000.0, "idle": {"rss_mib": 390.0},
                        "workloads": {"fan64": kafka}}}}


class Table(unittest.TestCase):
    def ratio(self, rounds: list, title: str) -> dict:
        _, found = figures.table(rounds, [targets.TARGETS["power1"], targets.TARGETS["kafka-flush"]])
        rows = [row for row in found["ratios"] if row["title"].startswith(title)]
        return rows[0] if rows else {}

    def test_a_ratio_is_the_median_of_the_ratios_of_each_round(self):
        rounds = [a_round(run(50_000), run(2_000)), a_round(run(60_000), run(2_000)), a_round(run(90_000), run(1_000))]
        row = self.ratio(rounds, "power1: durable records/s, 64 producers, against Kafka")
        self.assertEqual((row["median"], row["min"], row["max"], row["verdict"]), (30, 25, 90, "met"))

    def test_the_raw_write_and_the_round_trip_are_added(self):
        row = self.ratio([a_round(run(1), run(1))], "power1: durable ack p50, 1 producer, against raw")
        self.assertAlmostEqual(row["median"], 1.1)

    def test_a_missed_goal_is_said(self):
        row = self.ratio([a_round(run(30_000), run(2_000))], "power1: durable records/s, 64 producers, against Kafka")
        self.assertEqual(row["verdict"], "MISSED")

    def test_a_run_that_is_unsound_failed_or_behind_gives_no_figure(self):
        for broken in ({"error": "it fell over"}, run(50_000, sound=False), run(50_000, kept_up=False)):
            row = self.ratio([a_round(broken, run(2_000))], "power1: durable records/s, 64 producers, against Kafka")
            self.assertEqual(row, {})

    def test_a_target_that_failed_whole_leaves_the_others_in_the_table(self):
        rounds = [a_round(run(50_000), run(2_000))]
        rounds[0]["results"]["kafka-flush"] = {"error": "no start", "workloads": {}, "device": None}
        text, _ = figures.table(rounds, [targets.TARGETS["power1"], targets.TARGETS["kafka-flush"]])
        self.assertIn("50,000", text)

    def test_every_line_of_a_table_has_as_many_cells_as_its_head(self):
        text, _ = figures.table([a_round(run(50_000), run(2_000))], list(targets.TARGETS.values()))
        for block in text.split("\n\n"):
            self.assertEqual(len({line.count("|") for line in block.strip().splitlines()}), 1, block)


class Processes(unittest.TestCase):
    def test_a_process_that_ended_is_not_alive_even_while_it_is_a_zombie(self):
        child = subprocess.Popen(["sleep", "60"])
        self.assertTrue(targets.alive(child.pid))
        child.kill()
        child.wait()
        self.assertFalse(targets.alive(child.pid))

    def test_cpu_that_neither_side_used_is_foreign(self):
        found = run(10_000, cpu_busy_percent=[100.0, 50.0], client_cpu_us_per_record=11.0)
        # 150 % busy; 10,000 records at 20 us are 20 % of one CPU: 130 of 200 percent are somebody else's.
        self.assertAlmostEqual(workloads.foreign_cpu(found), 65.0)


if __name__ == "__main__":
    unittest.main()
