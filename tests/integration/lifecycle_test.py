#!/usr/bin/python3
"""Goal: a broker starts where it may and says why where it may not, ends in order, and keeps what it acked, whatever the
number of cores before and after."""
import os
import threading
import time
import unittest

import harness
import wire
from harness import StartFailed
from wire import batch, batches


class Lifecycle(harness.BrokerTest):
    def connect(self, broker, port=None):
        client = wire.Connection(port or broker.port)
        self.addCleanup(client.close)
        return client

    def refused(self, *overrides, **options):
        with self.assertRaises(StartFailed) as caught:
            self.start(*overrides, **options)
        return str(caught.exception)

    def test_a_directory_belongs_to_one_process_and_one_node(self):
        broker = self.start()
        self.assertIn("another process uses this data directory", self.refused())
        self.assertEqual(broker.stop(), 0)
        self.assertIn("belongs to node.id 1", self.refused("node.id=7"))
        self.assertEqual(self.start().stop(), 0)

    def test_a_port_in_use_is_named(self):
        broker = self.start()
        said = self.refused(name="other", port=broker.port)
        self.assertIn(f"127.0.0.1:{broker.port} is in use", said)
        self.assertFalse(os.path.exists(os.path.join(self.root, "other", "ringlog.manifest")))

    def test_foreign_directories_are_not_touched(self):
        for name, file, words in (("kafka", "meta.properties", "Apache Kafka"), ("mine", "thesis.txt", "not empty")):
            os.mkdir(os.path.join(self.root, name))
            with open(os.path.join(self.root, name, file), "w", encoding="utf-8") as out:
                out.write("version=1\n")
            self.assertIn(words, self.refused(name=name))
            self.assertEqual([n for n in os.listdir(os.path.join(self.root, name)) if n != ".lock"], [file])

    def test_data_without_its_metadata_is_refused(self):
        broker = self.start()
        self.assertEqual(self.connect(broker).create_topic("t"), 0)
        broker.stop()
        for suffix in ("", "-wal"):
            path = os.path.join(broker.directory, "metadata.db" + suffix)
            if os.path.exists(path):
                os.rename(path, os.path.join(self.root, "metadata" + suffix))
        self.assertIn("metadata store", self.refused())
        os.rename(os.path.join(self.root, "metadata"), os.path.join(broker.directory, "metadata.db"))
        self.assertEqual(self.connect(self.start()).create_topic("t"), 36)

    def test_every_listener_names_itself(self):
        broker = self.start(
            "listener.security.protocol.map=INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT",
            "advertised.listeners=INSIDE://127.0.0.1:1111,OUTSIDE://example.org:2222",
            listeners="INSIDE://127.0.0.1:0,OUTSIDE://127.0.0.1:0")
        for name, expected in (("INSIDE", ("127.0.0.1", 1111)), ("OUTSIDE", ("example.org", 2222))):
            _, brokers = self.connect(broker, broker.ports[name]).metadata([])
            self.assertEqual([(host, port) for _, host, port, _ in brokers], [expected])

    def test_what_was_acked_survives_every_change_of_cores(self):
        expected = {partition: [] for partition in range(12)}
        for run, (cores, journals) in enumerate(((1, 0), (2, 0), (4, 0), (1, 0), (4, 2), (2, 1))):
            broker = self.start(f"ringlog.cores={cores}", f"ringlog.journals={journals or cores}")
            client = self.connect(broker)
            self.assertEqual(client.create_topic("t", 12), 0 if run == 0 else 36)
            for partition, values in expected.items():
                self.assertEqual(self.read(client, partition), values, f"run {run}, partition {partition}")
                for i in range(5):
                    value = b"%d-%d-%d" % (run, partition, i)
                    self.assertEqual(client.produce("t", partition, batch([value])), (0, len(values)))
                    values.append(value)
            if run % 2:
                broker.kill()
            else:
                self.assertEqual(broker.stop(), 0)

    def test_topics_may_be_named_like_files_of_ours(self):
        names = ("journal", "journal-events", "checkpoint", "rescue", "metadata.db")
        for run in range(3):
            broker = self.start()
            client = self.connect(broker)
            for name in names:
                self.assertEqual(client.create_topic(name), 36 if run else 0)
                self.assertEqual(client.produce(name, 0, batch([b"x"])), (0, run))
                self.assertEqual(batches(client.fetch([(name, 0, 0)])[2][(name, 0)][2])[0], (0, 1))
            self.assertEqual(broker.stop(), 0)

    def read(self, client, partition):
        values, offset = [], 0
        while True:
            error, _, records = client.fetch([("t", partition, offset)])[2][("t", partition)]
            self.assertEqual(error, 0)
            if not records:
                return values
            for base, count in batches(records):
                self.assertEqual((base, count), (len(values), 1))
                values.append(b"")
            # One record per batch: its value stands behind eight bytes of record header.
            at = 0
            for i in range(offset, len(values)):
                length = int.from_bytes(records[at + 8:at + 12], "big")
                values[i] = records[at + 67:at + 12 + length - 1]
                at += 12 + length
            offset = len(values)

    def test_stopping_under_load_ends_in_time_and_loses_no_ack(self):
        broker = self.start()
        client = self.connect(broker)
        self.assertEqual(client.create_topic("t"), 0)
        acked = []

        def produce():
            try:
                while True:
                    acked.append(client.produce("t", 0, batch([b"x" * 1000])))
            except (EOFError, OSError):
                pass

        producer = threading.Thread(target=produce)
        producer.start()
        self.wait_for("some acks", lambda: len(acked) > 100)
        began = time.monotonic()
        self.assertEqual(broker.stop(), 0)
        self.assertLess(time.monotonic() - began, 20)
        producer.join()
        self.assertEqual(acked, [(0, i) for i in range(len(acked))])
        client = self.connect(self.start())
        self.assertGreaterEqual(client.list_offset("t", 0, -1)[2], len(acked))

    def test_batches_larger_than_journal_and_window_can_take_are_refused_when_they_are_allowed(self):
        # The window of these tests is 16 MiB, the journal 64 MiB.
        sentence = "{}={} is more than the 4194304 bytes of the largest batch that this broker can take; raise "
        said = self.refused("message.max.bytes=5000000")
        self.assertIn(sentence.format("message.max.bytes", 5000000) +
                      "ringlog.window.bytes to at least 20971520, or lower it", said)
        self.assertFalse(os.path.exists(os.path.join(self.root, "data")), "refused before anything is touched")
        broker = self.start("message.max.bytes=4194304")
        client = self.connect(broker)
        error, message = client.try_topic("large", configs=[("max.message.bytes", "9000000")])
        self.assertEqual(error, 40)
        self.assertIn(sentence.format("max.message.bytes", 9000000) +
                      "ringlog.window.bytes to at least 37748736 and ringlog.journal.bytes to at least 72000000", message)
        self.assertEqual(client.create_topic("largest", configs=[("max.message.bytes", "4194304")]), 0)
        self.assertEqual(client.produce("largest", 0, batch([b"x" * 4_194_200])), (0, 0))
        broker.kill()
        broker = self.start("ringlog.window.bytes=8MiB")
        self.assertIn("topic largest: max.message.bytes=4194304 is more than the 2097152 bytes", broker.log())

    def test_a_start_names_what_is_set_and_not_obeyed_yet(self):
        broker = self.start("log.retention.hours=1", "min.insync.replicas=2", "log.segment.bytes=2097152")
        self.assertIn("WARN config: accepted, no effect yet: log.retention.hours, min.insync.replicas\n", broker.log())
        self.assertNotIn("no effect", self.start(name="other").log())

    def test_the_admin_port_tells_how_it_is(self):
        broker = self.start()
        client = self.connect(broker)
        client.create_topic("t")
        client.produce("t", 0, batch([b"x"]))
        self.assertEqual(broker.get("/healthz"), (200, "ok\n"))
        self.assertEqual(broker.get("/readyz"), (200, "ready\n"))
        self.assertEqual(broker.metric("ringlog_produce_batches_total"), 1)
        self.assertEqual(broker.get("/nothing")[0], 404)

    def test_the_cluster_id_stays(self):
        ids = set()
        for _ in range(3):
            broker = self.start()
            reader = self.connect(broker).ask(wire.METADATA, 2, (0).to_bytes(4, "big"))
            reader.array(lambda: (reader.take("i"), reader.string(), reader.take("i"), reader.string()))
            ids.add(reader.string())
            broker.kill()
        self.assertEqual(len(ids), 1)


if __name__ == "__main__":
    unittest.main()
