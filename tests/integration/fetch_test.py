#!/usr/bin/python3
"""Goal: fetches wait, wake, count and bound bytes as Kafka's do, over partitions of several cores, with and without sessions."""
import threading
import time
import unittest

import harness
import wire
from wire import batch, batches

LONG_MS = 50000


class Fetch(harness.BrokerTest):
    def setUp(self):
        super().setUp()
        self.broker = self.start()
        self.client = self.connect()
        self.assertEqual(self.client.create_topic("t", 8), 0)

    def connect(self):
        client = wire.Connection(self.broker.port)
        self.addCleanup(client.close)
        return client

    def parked(self, count):
        self.wait_for("a parked fetch", lambda: self.broker.metric("ringlog_parked_fetches") == count)

    def test_a_waiting_fetch_wakes_when_a_record_is_durable(self):
        every = [("t", p, 0) for p in range(8)]
        for partition in range(8):
            started = time.monotonic()
            offsets = [("t", p, 1 if p < partition else 0) for p in range(8)]
            reader = self.connect()
            sent = reader.send(wire.FETCH, 4, reader.fetch_body(offsets, max_wait_ms=LONG_MS))
            self.parked(1)
            self.assertEqual(self.client.produce("t", partition, batch([b"x"])), (0, 0))
            correlation, answer = reader.receive()
            self.assertEqual(correlation, sent)
            found = reader.read_fetch(answer)[2]
            self.assertEqual(len(found), len(every))
            self.assertEqual(batches(found[("t", partition)][2]), [(0, 1)])
            self.assertLess(time.monotonic() - started, LONG_MS / 1000)
            self.parked(0)

    def test_a_fetch_waits_for_min_bytes_over_all_partitions(self):
        one = batch([b"x" * 1000])
        reader = self.connect()
        reader.send(wire.FETCH, 4, reader.fetch_body([("t", p, 0) for p in range(8)], max_wait_ms=LONG_MS,
                                                     min_bytes=8 * len(one)))
        for partition in range(8):
            self.parked(1)
            self.assertEqual(self.client.produce("t", partition, one), (0, 0))
        found = reader.read_fetch(reader.receive()[1])[2]
        self.assertEqual(sum(len(records) for _, _, records in found.values()), 8 * len(one))

    def test_a_fetch_is_answered_empty_after_its_time(self):
        started = time.monotonic()
        _, _, found = self.client.fetch([("t", 0, 0), ("t", 5, 0)], max_wait_ms=300)
        self.assertGreaterEqual(time.monotonic() - started, 0.29)
        self.assertEqual(found, {("t", 0): (0, 0, b""), ("t", 5): (0, 0, b"")})

    def test_limits_are_soft_for_the_first_batch_only(self):
        big = batch([b"x" * 10000])
        for partition in (0, 1, 2):
            self.assertEqual(self.client.produce("t", partition, big + b"")[0], 0)
            self.assertEqual(self.client.produce("t", partition, big)[0], 0)
        found = self.client.fetch([("t", p, 0, 100) for p in range(3)])[2]
        self.assertEqual([len(found[("t", p)][2]) for p in range(3)], [len(big), 0, 0])
        found = self.client.fetch([("t", p, 0) for p in range(3)], max_bytes=1)[2]
        self.assertEqual([len(found[("t", p)][2]) for p in range(3)], [len(big), 0, 0])
        found = self.client.fetch([("t", p, 0) for p in range(3)], max_bytes=3 * len(big))[2]
        self.assertEqual([len(found[("t", p)][2]) for p in range(3)], [2 * len(big), len(big), 0])
        found = self.client.fetch([("t", p, 0, len(big)) for p in range(3)])[2]
        self.assertEqual([len(found[("t", p)][2]) for p in range(3)], [len(big)] * 3)

    def test_errors_of_one_partition_do_not_keep_the_others_waiting(self):
        self.assertEqual(self.client.produce("t", 0, batch([b"x"])), (0, 0))
        error, _, found = self.client.fetch(
            [("t", 0, 0), ("t", 1, 5), ("t", 99, 0), ("no", 0, 0)], max_wait_ms=LONG_MS, min_bytes=1 << 20)
        self.assertEqual(error, 0)
        self.assertEqual({key: code for key, (code, _, _) in found.items()},
                         {("t", 0): 0, ("t", 1): 1, ("t", 99): 3, ("no", 0): 3})
        self.assertEqual(len(batches(found[("t", 0)][2])), 1)

    def test_epochs_of_leaders_fence(self):
        fence = lambda epoch: self.client.fetch([("t", 0, 0, 1000, epoch)], version=11)[2][("t", 0)][0]
        self.assertEqual(fence(-1), 0)
        self.assertEqual(fence(0), 0)
        self.assertEqual(fence(9), 75)
        self.broker.stop()
        self.broker = self.start()
        self.client = self.connect()
        self.assertEqual(fence(0), 74)
        self.assertEqual(fence(1), 0)

    def test_nobody_fetches_as_a_replica(self):
        self.assertEqual(self.client.produce("t", 0, batch([b"x"])), (0, 0))
        error, _, found = self.client.fetch([("t", 0, 0)], version=11, replica_id=1)
        self.assertEqual((error, found[("t", 0)]), (31, (31, -1, b"")))

    def test_a_session_names_only_what_changed(self):
        error, session, found = self.client.fetch([("t", p, 0) for p in range(4)], version=7, session=(0, 0))
        self.assertEqual((error, len(found)), (0, 4))
        self.assertNotEqual(session, 0)
        epoch = 1

        def again(parts=(), forgotten=(), wait_ms=0):
            nonlocal epoch
            error, answered, found = self.client.fetch(list(parts), version=7, session=(session, epoch),
                                                       forgotten=forgotten, max_wait_ms=wait_ms)
            self.assertEqual((error, answered), (0, session))
            epoch += 1
            return found

        self.assertEqual(again(), {})
        self.assertEqual(self.client.produce("t", 2, batch([b"x"])), (0, 0))
        found = again()
        self.assertEqual(list(found), [("t", 2)])
        self.assertEqual(batches(found[("t", 2)][2]), [(0, 1)])
        self.assertEqual(again([("t", 2, 1)]), {})
        self.assertEqual(list(again([("t", 6, 0)])), [("t", 6)])
        self.assertEqual(self.client.produce("t", 6, batch([b"x"])), (0, 0))
        self.assertEqual(again(forgotten=[("t", 6)]), {})
        self.assertEqual(self.client.fetch([], version=7, session=(session, epoch + 3))[0], 71)
        self.assertEqual(self.client.fetch([], version=7, session=(session + (1 << 20), 1))[0], 70)
        # Another connection, perhaps of another core, goes on with it.
        for _ in range(4):
            self.client = self.connect()
            self.assertEqual(again(), {})
        self.assertEqual(self.client.fetch([("t", 0, 0)], version=7, session=(session, -1))[0], 0)
        self.assertEqual(self.client.fetch([], version=7, session=(session, epoch))[0], 70)

    def test_data_comes_from_segments_as_from_memory(self):
        values = [b"%06d" % i + b"x" * 2000 for i in range(60)]
        for value in values:
            self.assertEqual(self.client.produce("t", 3, batch([value]), acks=1)[0], 0)
        before = self.read_all(3)
        self.broker.stop()
        self.broker = self.start()
        self.client = self.connect()
        after = self.read_all(3)
        self.assertEqual(before, after)
        self.assertEqual([v for v in values if v not in after], [])
        self.assertEqual(self.client.list_offset("t", 3, -2)[2], 0)
        self.assertEqual(self.client.list_offset("t", 3, 1_600_000_000_000)[1:], (1_700_000_000_000, 0))
        self.assertEqual(self.client.list_offset("t", 3, 1_800_000_000_000)[1:], (-1, -1))

    def read_all(self, partition):
        offset, data = 0, b""
        while True:
            records = self.client.fetch([("t", partition, offset, 10000)])[2][("t", partition)][2]
            if not records:
                return data
            data += records
            offset = sum(batches(records)[-1])

    def test_stopping_answers_parked_fetches(self):
        readers = [self.connect() for _ in range(4)]
        for reader in readers:
            reader.send(wire.FETCH, 4, reader.fetch_body([("t", p, 0) for p in range(8)], max_wait_ms=LONG_MS))
        self.parked(4)
        stopping = threading.Thread(target=self.broker.stop)
        stopping.start()
        for reader in readers:
            self.assertEqual(len(reader.read_fetch(reader.receive()[1])[2]), 8)
            self.assertTrue(reader.is_closed())
        stopping.join()
        self.assertEqual(self.broker.process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
