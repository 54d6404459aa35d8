#!/usr/bin/python3
"""Goal: the checker passes every history of a right log, and names each way in which a log can be wrong. Method: histories
from a model of a right log, under seeds; then one thing is made wrong in what the reader saw or the acks said."""
import os
import random
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import history  # noqa: E402
from checker import KINDS, Checker  # noqa: E402
from payload import SMALLEST_BYTES, Payload  # noqa: E402

SEEDS = range(100)


class Model:
    """A right log of a few places, and the events that a client of it sees. Acks are late, some never come, some say no
    offset; some records fail before or after they are written."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.events = []
        self.logs = {"a/0": [], "a/1": [], "b.1/0": []}
        self.reached = dict.fromkeys(self.logs, 0)
        self.numbers = {}
        self.queues = {}
        for stream, place in enumerate(place for place in self.logs for _ in range(2)):
            self.events.append(("open", stream, place))
            self.numbers[stream] = (place, 0)
            self.queues[stream] = []
        for _ in range(self.random.randrange(50, 400)):
            self.step()
        for stream in self.numbers:
            self.settle(stream)
        for place in self.logs:
            self.read(place, 0)
            self.read(place, 0)
            self.read(place, self.reached[place])

    def step(self):
        kind = self.random.random()
        stream = self.random.choice(list(self.numbers))
        if kind < 0.6:
            self.send(stream)
        elif kind < 0.95:
            self.settle(stream)
        else:
            place = self.numbers[stream][0]
            self.read(place, self.random.choice((0, self.reached[place], self.random.randint(0, self.reached[place]))))

    def send(self, stream):
        place, number = self.numbers[stream]
        self.numbers[stream] = (place, number + 1)
        self.events.append(("sent", stream, number))
        outcome = self.random.random()
        if outcome > 0.03:
            self.logs[place].append((stream, number))
            self.queues[stream].append((number, len(self.logs[place]) - 1, outcome))
        else:
            self.queues[stream].append((number, None, outcome))

    def settle(self, stream):
        for number, offset, outcome in self.queues[stream]:
            if offset is None or outcome > 0.97:
                self.events.append(("failed", stream, number))
            elif outcome > 0.1:
                self.events.append(("acked", stream, number, offset if outcome > 0.13 else None))
        self.queues[stream].clear()

    def read(self, place, begin):
        log = self.logs[place]
        self.events.append(("begin", place, begin))
        for offset in range(begin, len(log)):
            self.events.append(("read", place, offset, log[offset]))
        self.events.append(("end", place, len(log)))
        self.reached[place] = len(log)


def judged(events):
    checker = Checker()
    for event, *fields in events:
        getattr(checker, event)(*fields)
    checker.finish()
    return checker


def last_pass(events, place):
    """Indices of the reads of the last pass from 0: everything that it finds was read before."""
    begins = [i for i, event in enumerate(events) if event[:2] == ("begin", place)]
    return [i for i in range(begins[-2], len(events)) if events[i][:2] == ("read", place)]


class RightLogs(unittest.TestCase):
    def test_a_right_log_passes_under_every_seed(self):
        for seed in SEEDS:
            checker = judged(Model(seed).events)
            self.assertFalse(checker.anomalies, f"seed {seed}: {dict(checker.examples)}")
            self.assertGreater(checker.acked_count, 0)

    def test_what_the_producer_gave_up_may_be_there_or_not(self):
        opening = [("open", 0, "t/0")] + [("sent", 0, n) for n in range(3)] + [("failed", 0, 1)]
        for log in ((0, 1, 2), (0, 2)):
            reads = [("read", "t/0", offset, (0, number)) for offset, number in enumerate(log)]
            events = opening + [("begin", "t/0", 0), *reads, ("end", "t/0", len(log))]
            self.assertFalse(judged(events).anomalies)

    def test_a_deleted_topic_owes_nothing(self):
        events = [("open", 0, "t.1/0"), ("sent", 0, 0), ("acked", 0, 0, 0), ("drop", "t.1/0"), ("open", 1, "t.2/0"),
                  ("begin", "t.2/0", 0), ("end", "t.2/0", 0)]
        self.assertFalse(judged(events).anomalies)


class WrongLogs(unittest.TestCase):
    """Each test makes one thing wrong in right histories."""

    def wrong(self, change, kinds):
        """`change(events, place, random)` edits the events, or returns False where it cannot."""
        tried = 0
        for seed in SEEDS:
            model = Model(seed)
            rng = random.Random(seed)
            events = list(model.events)
            place = rng.choice(list(model.logs))
            if change(events, place, rng) is False:
                continue
            tried += 1
            found = set(judged(events).anomalies)
            self.assertTrue(found & set(kinds), f"seed {seed}: {found or 'nothing'}")
        self.assertGreater(tried, len(SEEDS) // 2)

    @staticmethod
    def first_reads(events, place, acked=None):
        """Indices of reads at offsets that no pass had reached; `acked`: of records that were acked with an offset."""
        bound = {event[1:3] for event in events if event[0] == "acked" and event[3] is not None}
        found, reached = [], 0
        for i, event in enumerate(events):
            if event[:2] == ("read", place) and event[2] == reached:
                reached += 1
                if acked is None or (event[3] in bound) == acked:
                    found.append(i)
        return found

    @staticmethod
    def everywhere(events, place, edit):
        """Every read of `place` becomes edit(offset, record): the log itself is wrong, in all passes alike."""
        for i, event in enumerate(events):
            if event[:2] == ("read", place):
                events[i] = ("read", place, *edit(event[2], event[3]))

    def test_an_acked_record_that_another_took_the_place_of(self):
        def change(events, place, rng):
            reads = self.first_reads(events, place, acked=True)
            if not reads:
                return False
            offset = events[rng.choice(reads)][2]
            self.everywhere(events, place, lambda o, record: (o, None if o == offset else record))
        self.wrong(change, ["lost"])

    def test_an_acked_record_that_is_left_out(self):
        def change(events, place, rng):
            reads = self.first_reads(events, place, acked=True)
            if not reads:
                return False
            offset = events[rng.choice(reads)][2]
            log = [events[i][3] for i in self.first_reads(events, place)]
            del log[offset]
            # The log goes on without it, and is shorter.
            kept = []
            for event in events:
                if event[:2] == ("read", place):
                    if event[2] < len(log):
                        kept.append(("read", place, event[2], log[event[2]]))
                elif event[:2] == ("end", place):
                    kept.append(("end", place, min(event[2], len(log))))
                elif event[:2] == ("begin", place):
                    kept.append(("begin", place, min(event[2], len(log))))
                else:
                    kept.append(event)
            events[:] = kept
        self.wrong(change, ["lost", "moved"])

    def test_the_last_acked_records_are_cut_off(self):
        def change(events, place, rng):
            acks = [event[3] for event in events if event[0] == "acked" and event[3] is not None and
                    ("read", place, event[3], event[1:3]) in events]
            if not acks:
                return False
            cut = max(acks)
            events[:] = [event for event in events if not (event[:2] == ("read", place) and event[2] >= cut)]
            for i, event in enumerate(events):
                if event[0] in ("begin", "end") and event[1] == place:
                    events[i] = (event[0], place, min(event[2], cut))
        self.wrong(change, ["lost"])

    def test_a_tail_that_was_read_is_gone_later(self):
        def change(events, place, rng):
            reads = last_pass(events, place)
            if not reads:
                return False
            cut = events[reads[-1]][2]
            begin = max(i for i, event in enumerate(events) if event == ("begin", place, 0))
            events[begin:] = [event for event in events[begin:] if event[:3] != ("read", place, cut)]
            ends = [i for i, event in enumerate(events) if event[:2] == ("end", place)]
            events[ends[-2]] = ("end", place, cut)
        self.wrong(change, ["end-went-back"])

    def test_a_record_at_two_offsets(self):
        def change(events, place, rng):
            log = [events[i][3] for i in self.first_reads(events, place)]
            if len(log) < 2:
                return False
            source, copy = sorted(rng.sample(range(len(log)), 2))
            self.everywhere(events, place, lambda o, record: (o, log[source] if o == copy else record))
        self.wrong(change, ["duplicate"])

    def test_two_records_of_a_stream_change_places(self):
        def change(events, place, rng):
            log = [events[i][3] for i in self.first_reads(events, place)]
            pairs = [(i, j) for i in range(len(log)) for j in range(i + 1, len(log)) if log[i][0] == log[j][0]]
            if not pairs:
                return False
            first, second = rng.choice(pairs)
            self.everywhere(events, place, lambda o, record: (
                o, log[second] if o == first else log[first] if o == second else record))
        # Before it was even sent, where the two are far apart.
        self.wrong(change, ["reordered", "phantom"])

    def test_a_record_behind_a_later_one(self):
        events = [("open", 0, "t/0"), ("sent", 0, 0), ("sent", 0, 1), ("begin", "t/0", 0), ("read", "t/0", 0, (0, 1)),
                  ("read", "t/0", 1, (0, 0)), ("end", "t/0", 2)]
        self.assertEqual(set(judged(events).anomalies), {"reordered"})

    def test_changed_bytes_when_first_read_and_later(self):
        for indices in (self.first_reads, last_pass):
            def change(events, place, rng, indices=indices):
                reads = indices(events, place)
                if not reads:
                    return False
                i = rng.choice(reads)
                events[i] = events[i][:3] + (None,)
            self.wrong(change, ["changed"])

    def test_another_record_where_one_was_read_before(self):
        def change(events, place, rng):
            reads = last_pass(events, place)
            if len(reads) < 2:
                return False
            i, j = rng.sample(reads, 2)
            events[i] = events[i][:3] + (events[j][3],)
        self.wrong(change, ["taken-back"])

    def test_an_ack_that_names_another_offset(self):
        def change(events, place, rng):
            acks = [i for i, event in enumerate(events) if event[0] == "acked" and event[3] is not None]
            if not acks:
                return False
            i = rng.choice(acks)
            events[i] = events[i][:3] + (events[i][3] + rng.choice((-1, 1, 1000)),)
            if events[i][3] < 0:
                return False
        self.wrong(change, ["lost", "moved", "overlapping-acks"])

    def test_two_acks_for_one_offset(self):
        events = [("open", 0, "t/0"), ("sent", 0, 0), ("sent", 0, 1), ("acked", 0, 0, 0), ("acked", 0, 1, 0)]
        self.assertEqual(set(judged(events).anomalies), {"overlapping-acks"})

    def test_an_acked_record_without_offset_that_is_not_there(self):
        events = [("open", 0, "t/0"), ("sent", 0, 0), ("acked", 0, 0, None), ("begin", "t/0", 0), ("end", "t/0", 0)]
        self.assertEqual(set(judged(events).anomalies), {"lost"})

    def test_a_record_without_ack_that_a_later_one_has_overtaken(self):
        events = [("open", 0, "t/0"), ("sent", 0, 0), ("sent", 0, 1), ("begin", "t/0", 0), ("read", "t/0", 0, (0, 1)),
                  ("end", "t/0", 1)]
        self.assertEqual(set(judged(events).anomalies), {"skipped"})

    def test_a_record_that_nobody_sent(self):
        def change(events, place, rng):
            reads = self.first_reads(events, place)
            if not reads:
                return False
            offset = events[rng.choice(reads)][2]
            self.everywhere(events, place, lambda o, record: (o, (record[0], 1_000_000) if o == offset else record))
        self.wrong(change, ["phantom"])

    def test_a_record_of_a_stream_that_nobody_opened(self):
        events = [("open", 0, "t/0"), ("begin", "t/0", 0), ("read", "t/0", 0, (77, 0)), ("end", "t/0", 1)]
        self.assertEqual(set(judged(events).anomalies), {"phantom"})

    def test_a_record_of_the_life_before(self):
        events = [("open", 0, "t.1/0"), ("sent", 0, 0), ("acked", 0, 0, 0), ("drop", "t.1/0"), ("open", 1, "t.2/0"),
                  ("begin", "t.2/0", 0), ("read", "t.2/0", 0, (0, 0)), ("end", "t.2/0", 1)]
        self.assertEqual(set(judged(events).anomalies), {"foreign"})

    def test_a_record_of_another_partition(self):
        def change(events, place, rng):
            reads = self.first_reads(events, place)
            others = [event[3] for event in events if event[0] == "read" and event[1] != place]
            if not reads or not others:
                return False
            i = rng.choice(reads)
            events[i] = events[i][:3] + (rng.choice(others),)
        self.wrong(change, ["foreign"])

    def test_offsets_that_go_back_or_leave_some_out(self):
        def back(events, place, rng):
            reads = last_pass(events, place)
            if len(reads) < 2:
                return False
            i = rng.choice(reads[1:])
            events.insert(i, events[i - 1])
        self.wrong(back, ["offset-went-back"])

        def left_out(events, place, rng):
            reads = last_pass(events, place)
            if len(reads) < 2:
                return False
            del events[rng.choice(reads[:-1])]
        self.wrong(left_out, ["gap"])

    def test_a_pass_that_does_not_reach_the_end(self):
        def change(events, place, rng):
            reads = last_pass(events, place)
            if not reads:
                return False
            begin = max(i for i, event in enumerate(events) if event == ("begin", place, 0))
            if begin > reads[-1]:
                return False
            del events[reads[-1]]
        self.wrong(change, ["unreadable"])

    def test_an_end_that_goes_back(self):
        events = [("open", 0, "t/0"), ("sent", 0, 0), ("begin", "t/0", 0), ("read", "t/0", 0, (0, 0)), ("end", "t/0", 1),
                  ("begin", "t/0", 0), ("end", "t/0", 0)]
        self.assertEqual(set(judged(events).anomalies), {"end-went-back"})

    def test_a_record_before_one_that_was_acked_before_it_was_sent(self):
        events = [("open", 0, "t/0"), ("open", 1, "t/0"), ("sent", 0, 0), ("acked", 0, 0, 1), ("sent", 1, 0),
                  ("begin", "t/0", 0), ("read", "t/0", 0, (1, 0)), ("read", "t/0", 1, (0, 0)), ("end", "t/0", 2)]
        self.assertEqual(set(judged(events).anomalies), {"realtime"})

    def test_an_offset_that_is_no_offset_of_a_log_costs_nothing(self):
        events = [("open", 0, "t/0"), ("sent", 0, 0), ("begin", "t/0", 0), ("read", "t/0", 1 << 60, (0, 0)),
                  ("end", "t/0", 0)]
        self.assertEqual(set(judged(events).anomalies), {"gap"})

    def test_every_kind_has_its_test(self):
        with open(__file__, encoding="utf-8") as source:
            text = source.read()
        for kind in KINDS:
            self.assertIn(f'"{kind}"', text)


class Values(unittest.TestCase):
    def test_a_value_says_who_it_is(self):
        payload = Payload(7)
        sizes = set()
        for number in range(3000):
            value = payload.value(3, number, 200 << 10)
            sizes.add(len(value))
            self.assertEqual(payload.read(value), (3, number))
            self.assertEqual(value, Payload.value(payload, 3, number, 200 << 10))
        self.assertEqual(min(sizes), SMALLEST_BYTES)
        self.assertEqual(max(sizes), 200 << 10)

    def test_any_changed_bit_and_any_other_length_is_seen(self):
        payload = Payload(7)
        for number in range(40):
            value = payload.value(3, number, 200)
            for bit in range(len(value) * 8):
                changed = bytearray(value)
                changed[bit // 8] ^= 1 << bit % 8
                self.assertIsNone(payload.read(bytes(changed)))
            for other in (value[:-1], value + b"x", value + value, value[1:], b"", None):
                self.assertIsNone(payload.read(other))

    def test_a_value_of_another_run_is_of_nobody(self):
        self.assertIsNone(Payload(8).read(Payload(7).value(1, 1, 100)))


class Files(unittest.TestCase):
    def test_a_history_in_a_file_is_judged_as_when_it_happened(self):
        for seed in range(20):
            events = Model(seed).events
            if seed % 2:
                i = next(i for i, event in enumerate(events) if event[0] == "read")
                events[i] = events[i][:3] + (None,)
            with tempfile.TemporaryDirectory() as directory:
                path = os.path.join(directory, "history")
                written = history.History(path)
                written.note("seed\nof it")
                for event, *fields in events:
                    getattr(written, event)(*fields)
                written.close()
                with open(path, encoding="utf-8") as lines:
                    again = history.judge(lines)
            self.assertEqual(again.anomalies, written.checker.anomalies)
            self.assertEqual(bool(again.anomalies), seed % 2 == 1)
            self.assertEqual(list(history.report(again)), list(history.report(written.checker)))


if __name__ == "__main__":
    unittest.main()
