#!/usr/bin/python3
"""Goal: what a damaged journal leaves is told, served as far as it is whole, and taken into use again by `ringlog log accept`
and by nothing else. Method: damage a frame that was flushed, on a directory whose broker was killed."""
import os
import subprocess

import harness
import journal
import unittest
import wire
from harness import StartFailed
from wire import batch, batches

CORRUPT_MESSAGE = 2
STORAGE_ERROR = 56
ONE_JOURNAL = ("ringlog.cores=1",)


class Accept(harness.BrokerTest):
    def connect(self, broker):
        client = wire.Connection(broker.port)
        self.addCleanup(client.close)
        return client

    def accept(self, *arguments):
        """(status, what it said) of `ringlog log accept`."""
        done = subprocess.run([harness.BINARY, "log", "accept", "--dir", os.path.join(self.root, "data"), *arguments],
                              capture_output=True, text=True, timeout=harness.PATIENCE_S, check=False)
        return done.returncode, done.stdout + done.stderr

    def filled(self, records=8, topics=("t", "u")):
        """A killed broker's directory; every batch is known to be flushed there, for a frame behind them says so."""
        broker = self.start(*ONE_JOURNAL)
        client = self.connect(broker)
        for topic in topics:
            self.assertEqual(client.create_topic(topic), 0)
        for i in range(records):
            for topic in topics:
                self.assertEqual(client.produce(topic, 0, batch([b"%d" % i])), (0, i))
        self.wait_for("an empty frame", lambda: broker.metric("ringlog_journal_idle_frames_total") > 0)
        broker.kill()
        return broker.directory

    def offsets(self, client, topic, start=0, end=None):
        """The base offsets from `start` on, up to the end of the log or to `end`."""
        found, offset = [], start
        while offset != end:
            error, _, records = client.fetch([(topic, 0, offset)])[2][(topic, 0)]
            self.assertEqual(error, 0)
            if not records:
                return found
            found += [base for base, _ in batches(records)]
            offset = found[-1] + 1
        return found

    def test_a_lost_batch_makes_its_partition_read_only_until_it_is_accepted(self):
        directory = self.filled()
        frame, entry = journal.frame_with(directory, lambda kind, base: kind == journal.BATCH and base == 3)
        frame.damage(entry)

        broker = self.start(*ONE_JOURNAL)
        self.assertIn("payload_damaged (a flushed frame lost payload)", broker.log())
        client = self.connect(broker)
        errors = {topic: client.produce(topic, 0, batch([b"new"]))[0] for topic in ("t", "u")}
        self.assertEqual(sorted(errors.values()), [0, STORAGE_ERROR])
        lost = next(topic for topic, error in errors.items() if error)
        self.assertIn(f"{lost}-0 is read-only", broker.log())
        self.assertEqual(self.offsets(client, lost, end=3), [0, 1, 2])
        self.assertEqual(client.fetch([(lost, 0, 3)])[2][(lost, 0)][0], CORRUPT_MESSAGE, "no hole is passed in silence")
        self.assertEqual(self.offsets(client, lost, start=4), [4, 5, 6, 7])
        self.assertEqual(broker.get("/healthz")[0], 503)

        status, said = self.accept("--yes")
        self.assertEqual((status, "another process uses this data directory" in said), (1, True), said)
        self.assertEqual(broker.stop(), 0)

        status, said = self.accept()
        self.assertEqual(status, 0, said)
        self.assertIn(f"{lost}-0: offset 3 cannot be read", said)
        self.assertIn("nothing was given up; --yes does it", said)
        other = "u" if lost == "t" else "t"
        self.assertIn(f"{other}-0 is not damaged", self.accept("--topic", other, "--partition", "0", "--yes")[1])
        self.assertEqual(self.accept("--topic", "none", "--partition", "0")[0], 1)

        broker = self.start(*ONE_JOURNAL)
        client = self.connect(broker)
        self.assertEqual(client.produce(lost, 0, batch([b"new"]))[0], STORAGE_ERROR, "looking is not accepting")
        self.assertEqual(broker.stop(), 0)

        status, said = self.accept("--topic", lost, "--partition", "0", "--yes")
        self.assertEqual((status, "accepted: 1 partitions" in said), (0, True), said)
        self.assertIn("nothing to accept", self.accept()[1])

        for kill in (True, False):
            broker = self.start(*ONE_JOURNAL)
            client = self.connect(broker)
            expected = [0, 1, 2, 4, 5, 6, 7] + ([] if kill else [8])
            self.assertEqual(self.offsets(client, lost), expected)
            self.assertEqual(client.produce(lost, 0, batch([b"new"])), (0, expected[-1] + 1))
            self.assertEqual(broker.get("/healthz")[0], 200)
            broker.kill()

    def test_a_partition_whose_opening_is_lost_keeps_the_broker_from_starting_until_it_is_accepted(self):
        directory = self.filled(topics=("t",))
        frame, entry = journal.frame_with(directory, lambda kind, _: kind == journal.OPEN)
        frame.damage(entry)

        for _ in range(2):
            with self.assertRaises(StartFailed) as caught:
                self.start(*ONE_JOURNAL)
            self.assertIn("belong to partitions whose opening is lost", str(caught.exception))
            self.assertIn(f"ringlog log accept --dir {directory} --journal", str(caught.exception))
        for arguments in ((), ("--journal",)):
            status, said = self.accept(*arguments)
            self.assertEqual(status, 0, said)
            self.assertIn("whose name is lost: offsets 0 to 7 (8 batches)", said)
        self.assertEqual(self.accept("--topic", "t", "--partition", "0", "--yes")[0], 1)
        with self.assertRaises(StartFailed):
            self.start(*ONE_JOURNAL)

        status, said = self.accept("--journal", "--yes")
        self.assertEqual(status, 0, said)
        self.assertIn("accepted: nothing in the journals keeps the broker from starting any more", said)
        self.assertNotIn("take writes again", said)
        broker = self.start(*ONE_JOURNAL)
        client = self.connect(broker)
        self.assertEqual(self.offsets(client, "t"), [])
        self.assertEqual(client.produce("t", 0, batch([b"new"])), (0, 0))
        broker.kill()
        self.assertEqual(self.offsets(self.connect(self.start(*ONE_JOURNAL)), "t"), [0])

    def test_without_any_checkpoint_what_is_in_segments_is_kept(self):
        self.filled()
        broker = self.start(*ONE_JOURNAL)
        self.assertEqual(broker.stop(), 0, "everything is in segments")
        broker = self.start(*ONE_JOURNAL)
        self.assertEqual(self.connect(broker).produce("t", 0, batch([b"only in the journal"])), (0, 8))
        broker.kill()
        for slot in (0, 1):
            journal.flip(os.path.join(broker.directory, f"checkpoint-0.{slot}"), 200)

        with self.assertRaises(StartFailed) as caught:
            self.start(*ONE_JOURNAL)
        self.assertIn("both checkpoint slots are bad", str(caught.exception))
        before = sorted(os.listdir(broker.directory))
        status, said = self.accept()
        self.assertEqual((status, "nothing was given up; --yes does it" in said), (0, True), said)
        self.assertEqual(sorted(os.listdir(broker.directory)), before)
        with self.assertRaises(StartFailed):
            self.start(*ONE_JOURNAL)

        status, said = self.accept("--yes")
        self.assertEqual(status, 0, said)
        self.assertIn("t-0: every record is there from offset 0 to 7; if there were later ones, they are lost", said)
        self.assertIn("accepted: 2 partitions take writes again", said)
        self.assertIn("given-up.0", os.listdir(broker.directory))
        for run in range(2):
            broker = self.start(*ONE_JOURNAL)
            client = self.connect(broker)
            self.assertEqual(self.offsets(client, "t"), list(range(8 + run)))
            self.assertEqual(self.offsets(client, "u"), list(range(8)))
            self.assertEqual(client.produce("t", 0, batch([b"new"])), (0, 8 + run))
            broker.kill()

    def test_one_journal_of_two_may_be_given_up(self):
        topics = [f"t{i}" for i in range(6)]
        two = ("ringlog.cores=2",)
        broker = self.start(*two)
        client = self.connect(broker)
        for topic in topics:
            self.assertEqual(client.create_topic(topic), 0)
            self.assertEqual(client.produce(topic, 0, batch([b"x"])), (0, 0))
        self.assertEqual(broker.stop(), 0)
        for slot in (0, 1):
            journal.flip(os.path.join(broker.directory, f"checkpoint-1.{slot}"), 200)
        with self.assertRaises(StartFailed):
            self.start(*two)
        status, said = self.accept("--yes")
        self.assertEqual(status, 0, said)
        for cores in (2, 1):
            broker = self.start(f"ringlog.cores={cores}")
            client = self.connect(broker)
            for topic in topics:
                self.assertEqual(self.offsets(client, topic), list(range(3 - cores)))
                self.assertEqual(client.produce(topic, 0, batch([b"new"])), (0, 3 - cores))
            broker.kill()

    def test_a_healthy_directory_and_none_at_all(self):
        self.filled()
        status, said = self.accept("--yes")
        self.assertEqual((status, "nothing to accept: no partition is damaged" in said), (0, True), said)
        done = subprocess.run([harness.BINARY, "log", "accept", "--dir", os.path.join(self.root, "none")],
                              capture_output=True, text=True, timeout=harness.PATIENCE_S, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is not a data directory", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.root, "none")))


if __name__ == "__main__":
    unittest.main()
