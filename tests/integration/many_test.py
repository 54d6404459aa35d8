#!/usr/bin/python3
"""Goal: a request that names very many topics or partitions costs what its bytes cost: a topic that is named often is
answered once, as Kafka does, and time grows with the number of names, not with its square. Method: requests of two sizes,
their times compared with each other."""
import time
import unittest

import harness
import wire
from wire import array, string

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


if __name__ == "__main__":
    unittest.main()
