#!/usr/bin/python3
"""Goal: whatever the moment of a kill -9, every acked record is there once, at its acked offset, in order, and what was
not acked is there at most once. Method: two idempotent librdkafka producers with acks=all that live through all restarts,
a broker that is killed under their load again and again, and after each restart a reader and a checker of the history
(tests/history). Between the kills the number of cores changes, a topic is deleted and created again, segments roll, the
journal recycles; some kills meet the recovery of the one before, a topic's deletion or creation, or a clean stop.

What happens, and when, follows from --seed but for the timing of the processes. On failure the seed, the data directory,
the broker's log and the history are kept and named.
"""
import argparse
import os
import random
import shutil
import sys
import tempfile
import time
import traceback

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "history")]

import history as histories  # noqa: E402
import kill_topics  # noqa: E402
import wire  # noqa: E402
from kill_broker import Killable  # noqa: E402
from kill_load import Load, Target  # noqa: E402
from kill_verify import Confluent, Python, read_places  # noqa: E402
from payload import Payload  # noqa: E402

SEGMENT_BYTES = 65536
STEADY = Target("steady", 1, 4, 32 << 10, SEGMENT_BYTES, 6)
LARGE = Target("large", 1, 2, 200 << 10, 16 * SEGMENT_BYTES, 2)
CHURN = Target("churn", 1, 2, 8 << 10, SEGMENT_BYTES, 2)

# The first cycles have a fixed order, so that a short run meets everything; then it is drawn.
# (cores, what becomes of the topic, kills of the next recovery)
FIRST = [(1, "", 0), (2, "recreate", 1), (4, "interrupt", 0), (2, "", 2), (1, "recreate then interrupt", 0)]


class Cycle:
    def __init__(self, number, rng):
        self.cores, self.churn, self.recovery_kills = FIRST[number] if number < len(FIRST) else (
            rng.choice((1, 2, 4)), rng.choice(("", "", "recreate", "interrupt", "recreate then interrupt")),
            rng.choice((0, 0, 0, 1, 2, 3)))
        self.load_share = rng.random()  # of --seconds-per-cycle
        self.at_once = number > 0 and rng.random() < 0.25  # killed without waiting for an ack
        self.clean = number >= len(FIRST) and rng.random() < 0.1  # SIGTERM instead of a kill
        self.verify_late = rng.random() < 0.3  # after some load instead of right after the start
        self.interrupt_s = rng.random() ** 3 * 0.03

    def __str__(self):
        return (f"{self.cores} cores, load {self.load_share:.2f}{', killed at once' if self.at_once else ''}"
                f"{', topic: ' + self.churn if self.churn else ''}{', clean stop' if self.clean else ''}"
                f"{f', {self.recovery_kills} kills of the recovery before' if self.recovery_kills else ''}")


class KillTest:
    def __init__(self, options, durability, directory):
        self.options, self.directory = options, directory
        self.rng = random.Random(f"{options.seed} {durability}")
        self.history = histories.History(os.path.join(directory, "history"))
        self.payload = Payload(options.seed)
        self.load = Load(self.history, self.payload, random.Random(self.rng.random()), options.megabytes_per_second * 1e6)
        self.broker = Killable(os.path.join(directory, "data"), os.path.join(directory, "broker.log"), [
            f"ringlog.durability={durability}", "ringlog.journal.bytes=16MiB", "ringlog.window.bytes=4MiB",
            "auto.create.topics.enable=false"])
        self.load.watch = self.broker.check
        self.churn = kill_topics.Churn(self.load, self.history, CHURN)
        self.reached = {}  # place -> what passes have reached
        self.cycle_count = self.core_change_count = self.clean_count = 0

    def run(self):
        cores = None
        for number in range(self.options.cycles):
            cycle = Cycle(number, self.rng)
            self.history.note(f"cycle {number}: {cycle}")
            if self.options.verbose:
                print(f"kill_test: cycle {number}: {cycle}, {self.load.acked_count} acked", flush=True)
            self.core_change_count += cores is not None and cores != cycle.cores
            cores = cycle.cores
            self.one(number, cycle)
            self.cycle_count += 1
            self.fail_early()
        self.last(cores)

    def one(self, number, cycle):
        for _ in range(cycle.recovery_kills):
            self.broker.start_and_kill(cycle.cores, self.rng.random() * max([0.1, *self.broker.restart_s[-3:]]) * 1.2)
        self.broker.start(cycle.cores)
        if number == 0:
            self.create()
        self.churn.settle(self.broker.port, lambda target: self.verify([target], Confluent))
        full = number % self.options.full_every == self.options.full_every - 1
        if not cycle.verify_late:
            self.verify(self.load.targets, Confluent, full)
        if not cycle.at_once:
            acked = self.load.acked_count
            self.load.run_until("an ack after the start", lambda: self.load.acked_count > acked)
            self.load.pass_by(self.broker.address, 2)
        self.load.run(cycle.load_share * self.options.seconds_per_cycle)
        if cycle.verify_late:
            self.verify(self.load.targets, Confluent, full)
        self.end_life(cycle)

    def create(self):
        connection = wire.Connection(self.broker.port)
        for target in (STEADY, LARGE):
            code = connection.create_topic(target.topic, target.partitions, kill_topics.configs(target))
            if code != 0:
                raise kill_topics.TopicError(f"creating {target.topic} answered {code}")
            self.load.targets.append(target)
        connection.close()
        self.load.connect(self.broker.address)

    def end_life(self, cycle):
        """The end of the broker's life, and what happens to the topic before."""
        port = self.broker.port
        if cycle.churn:
            self.load.drain(self.churn.target)
        if "recreate" in cycle.churn:
            self.churn.delete(port)
            self.churn.create(port)
            self.churn.settle(port, None)
            self.load.run(self.rng.random() * self.options.seconds_per_cycle / 2)
            if "interrupt" in cycle.churn:
                # The new life is deleted again, and the creation of the next one is interrupted.
                self.load.drain(self.churn.target)
                self.churn.delete(port)
        if "interrupt" in cycle.churn:
            self.churn.interrupt(port, self.broker.kill, lambda: self.load.run(cycle.interrupt_s))
        elif cycle.clean:
            self.clean_count += 1
            self.broker.stop()
        else:
            self.broker.kill()

    def verify(self, targets, library, full=False):
        """Reads what is new, or everything. The history gets no acks meanwhile: nobody calls the producers."""
        self.broker.check()
        places = {part: place for target in targets for part, place in target.places().items()}
        for place in places.values():
            if place not in self.history.checker.places:
                # Nobody has sent there yet: it must be empty.
                self.load.new_stream(place)
        self.reached.update(read_places(self.history, self.payload, library, self.broker.address, places,
                                        {} if full else self.reached))
        self.fail_early()

    def last(self, cores):
        """Everything is answered in the end; it is there for two libraries, before and after a clean stop."""
        self.broker.start(cores)
        self.churn.settle(self.broker.port, lambda target: self.verify([target], Confluent))
        self.verify(self.load.targets, Confluent)
        self.load.drain_all()
        self.verify(self.load.targets, Confluent, full=True)
        self.broker.stop()
        self.broker.start(cores)
        self.verify(self.load.targets, Python, full=True)
        self.broker.stop()
        self.history.close()

    def fail_early(self):
        if self.history.checker.anomalies or self.load.errors:
            raise AssertionError("the history shows anomalies" if self.history.checker.anomalies else
                                 "the producers met errors")

    def print_counts(self):
        checker = self.history.checker
        print(f"kill_test: {self.cycle_count} cycles, {self.broker.recovery_kill_count} kills during recovery, "
              f"{self.clean_count} clean stops, {self.core_change_count} changes of the number of cores, "
              f"{self.churn.life_count} lives of the deleted topic, {self.churn.unanswered_count} unanswered deletions "
              "and creations")
        print(f"kill_test: sent {checker.sent_count}, acked {checker.acked_count}, "
              f"unacked found {checker.found_unacked_count}, "
              f"lost {checker.anomalies['lost']}, duplicates {checker.anomalies['duplicate']}, "
              f"other anomalies {sum(checker.anomalies.values()) - checker.anomalies['lost'] - checker.anomalies['duplicate']}")
        print(f"kill_test: {self.broker.restart_text()}", flush=True)


def run(options, durability):
    """Whether everything held."""
    directory = tempfile.mkdtemp(prefix=f"ringlog-kill-{durability}-", dir=options.directory)
    print(f"kill_test: seed {options.seed}, durability {durability}", flush=True)
    begin = time.monotonic()
    test = KillTest(options, durability, directory)
    try:
        test.run()
        test.fail_early()
        problem = None
    except Exception:  # whatever it is, the evidence is kept
        problem = traceback.format_exc()
    finally:
        test.broker.end()
    test.print_counts()
    print(f"kill_test: {'FAILED' if problem else 'passed'} after {time.monotonic() - begin:.0f} s", flush=True)
    if problem is None:
        shutil.rmtree(directory)
        return True
    test.history.note(problem)
    print(problem)
    print("\n".join([*histories.report(test.history.checker), *test.load.errors[:10]]))
    print(f"kill_test: again with: {sys.argv[0]} --seed {options.seed} --cycles {options.cycles} --durability {durability} "
          f"--seconds-per-cycle {options.seconds_per_cycle}\nkill_test: data, broker.log and history are in {directory}",
          flush=True)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--cycles", type=int, default=5)
    parser.add_argument("--seed", type=int, default=None, help="drawn and printed if not given")
    parser.add_argument("--durability", choices=("power", "crash", "both"), default="both")
    parser.add_argument("--seconds-per-cycle", type=float, default=1.0, help="of load, at most")
    parser.add_argument("--megabytes-per-second", type=float, default=8.0, help="of load, at most")
    parser.add_argument("--full-every", type=int, default=10, help="cycles from one reading of everything to the next")
    parser.add_argument("--directory", help="where the data goes; a temporary one is made in it")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    durabilities = ("power", "crash") if options.durability == "both" else (options.durability,)
    results = [run(options, durability) for durability in durabilities]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
