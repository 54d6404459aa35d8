#!/usr/bin/python3
"""Goal: a request that names very many topics or partitions costs what its bytes cost: a topic that is named often is
answered once, as Kafka does, time grows with the number of names, not with its square, and what is done in slices is done
to its end. Method: requests of two sizes, their times compared with each other; a fetch of more than one slice."""
import struct
import time
import unittest

import harness
import wire
from wire import array, batch, string

UNKNOWN_TOPIC, INVALID_TOPIC = 3, 17


class Many(harness.BrokerTest):
    def setUp(self):
        super().setUp()
        self.broker = self.start()
        self.client = wire.Connection(self.broker.port)
        self.addCleanup(self.client.close)
        self.assertEqual(self.client.create_topic("t", 3), 0)

    def metadata_names(self, names, create=False):
        """The names of the answer, in its order, with their errors."""
        body = array([string(name) for name in names]) + (b"\1" if create else b"\0")
        reader = self.client.ask(wire.METADATA, 4, body)
        reader.take("i")
        reader.array(lambda: (reader.take("i"), reader.string(), reader.take("i"), reader.string()))
        reader.string()
        reader.take("i")

        def partition():
            index = reader.take("hii")[1]
            reader.array(lambda: reader.take("i"))
            reader.array(lambda: reader.take("i"))
            return index

        def topic():
            error, name = reader.take("h"), reader.string()
            reader.take("b")
            return name, error, len(reader.array(partition))

        return reader.array(topic)

    def test_a_topic_that_metadata_names_often_is_answered_once(self):
        self.assertEqual(self.metadata_names(["t", "none", "t", "b:d", "none", "b:d", "t"]),
                         [("t", 0, 3), ("none", UNKNOWN_TOPIC, 0), ("b:d", INVALID_TOPIC, 0)])
        # Three bytes of request each.
        self.assertEqual(self.metadata_names(["t"] * 10_000), [("t", 0, 3)])

    def test_topics_that_metadata_creates_are_answered_each_with_its_own_outcome(self):
        self.assertEqual(self.metadata_names(["t_", "new", "b:d", "t", "new", "other"], create=True),
                         [("t_", 0, 1), ("new", 0, 1), ("b:d", INVALID_TOPIC, 0), ("t", 0, 3), ("other", 0, 1)])
        self.assertEqual(self.metadata_names(["other", "t."], create=True), [("other", 0, 1), ("t.", INVALID_TOPIC, 0)])

    def best_seconds(self, count):
        return min(self.seconds(count) for _ in range(3))

    def seconds(self, count):
        names = [f"unknown-{i}" for i in range(count)]
        begun = time.monotonic()
        found = self.metadata_names(names)
        seconds = time.monotonic() - begun
        self.assertEqual([name for name, _, _ in found], names)
        self.assertEqual({error for _, error, _ in found}, {UNKNOWN_TOPIC})
        return seconds

    def test_the_time_of_metadata_grows_with_its_names(self):
        # 32 times the names: 1024 times the time if each were compared with each.
        self.assertLess(self.best_seconds(64_000) / self.best_seconds(2_000), 200)

    def test_a_fetch_of_many_partitions_finds_the_one_that_has_records(self):
        count = 1200
        self.assertEqual(self.client.create_topic("wide", count), 0)
        records = batch([b"here"])
        self.assertEqual(self.client.produce("wide", count - 1, records), (0, 0))
        error, session, found = self.client.fetch([("wide", p, 0) for p in range(count)], version=7, session=(0, 0))
        self.assertEqual((error, len(found)), (0, count))
        self.assertEqual([key for key, (code, _, data) in found.items() if code or data], [("wide", count - 1)])
        # The same by its session, which waits for what another client then sends.
        asked = self.client.send(wire.FETCH, 7, self.client.fetch_body([("wide", count - 1, 1)], version=7,
                                                                       session=(session, 1), max_wait_ms=60_000))
        other = wire.Connection(self.broker.port)
        self.addCleanup(other.close)
        self.wait_for("parking", lambda: self.broker.metric("ringlog_parked_fetches") == 1)
        self.assertEqual(other.produce("wide", 3, records), (0, 0))
        correlation, reader = self.client.receive()
        self.assertEqual(correlation, asked)
        _, _, found = self.client.read_fetch(reader, 7)
        self.assertEqual([key for key, (_, _, data) in found.items() if data], [("wide", 3)])

    def test_a_produce_of_many_partitions_is_answered_for_each_and_in_order(self):
        count = 3000
        self.assertEqual(self.client.create_topic("wide", count), 0)
        records = batch([b"x"])
        parts = array([struct.pack(">ii", p, len(records)) + records for p in range(count + 1)])
        body = string(None) + struct.pack(">hi", -1, 30_000) + array([string("wide") + parts])
        first = self.client.send(wire.PRODUCE, 7, body)
        second = self.client.send(wire.PRODUCE, 7, self.client.produce_body("wide", count - 1, records))
        correlation, reader = self.client.receive()
        self.assertEqual(correlation, first)
        reader.take("i")
        reader.string()
        found = reader.array(lambda: reader.take("ihqqq")[:3])
        self.assertEqual(found, [(p, 0, 0) for p in range(count)] + [(count, UNKNOWN_TOPIC, -1)])
        correlation, reader = self.client.receive()
        self.assertEqual((correlation, self.client.read_produce(reader)), (second, (0, 1)))


if __name__ == "__main__":
    unittest.main()
