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

    def offsets(self, client, topic):
        found, offset = [], 0
        while True:
            error, _, records = client.fetch([(topic, 0, offset)])[2][(topic, 0)]
            self.assertEqual(error, 0)
            if not records:
                return found
            found += [base for base, _ in batches(records)]
            offset = found[-1] + 1

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
        self.assertEqual(self.offsets(client, lost), [0, 1, 2, 4, 5, 6, 7])
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
        broker = self.start(*ONE_JOURNAL)
        client = self.connect(broker)
        self.assertEqual(self.offsets(client, "t"), [])
        self.assertEqual(client.produce("t", 0, batch([b"new"])), (0, 0))
        broker.kill()
        self.assertEqual(self.offsets(self.connect(self.start(*ONE_JOURNAL)), "t"), [0])

    def test_a_journal_without_a_checkpoint_is_not_begun_anew(self):
        directory = self.filled()
        for slot in (0, 1):
            journal.flip(os.path.join(directory, f"checkpoint-0.{slot}"), 200)
        with self.assertRaises(StartFailed) as caught:
            self.start(*ONE_JOURNAL)
        self.assertIn("both checkpoint slots are bad", str(caught.exception))
        status, said = self.accept("--journal", "--yes")
        self.assertEqual(status, 1, said)
        self.assertIn("both checkpoint slots are bad; this command cannot mend that", said)

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
