#!/usr/bin/python3
"""Goal: answers leave in the order of the requests whatever is in flight, and limits only slow a client down. Method: many
requests in one packet, clients that do not read."""
import threading
import unittest

import harness
import wire
from wire import batch


class Order(harness.BrokerTest):
    def setUp(self):
        super().setUp()
        self.broker = self.start()

    def connect(self):
        client = wire.Connection(self.broker.port)
        self.addCleanup(client.close)
        return client

    def test_produces_of_one_packet_are_appended_and_answered_in_order(self):
        client = self.connect()
        self.assertEqual(client.create_topic("t", 4), 0)
        data = b"".join(
            client.frame(wire.PRODUCE, 7, client.produce_body("t", i % 4, batch([b"%d" % i]), acks=(-1, 1)[i // 4 % 2]))
            for i in range(400))
        sender = threading.Thread(target=client.send_raw, args=(data,))
        sender.start()
        for i in range(400):
            correlation, reader = client.receive()
            self.assertEqual((correlation, client.read_produce(reader)), (i + 2, (0, i // 4)))
        sender.join()

    def test_other_requests_are_barriers_between_produces(self):
        client = self.connect()
        self.assertEqual(client.create_topic("t"), 0)
        data = b""
        for i in range(50):
            data += client.frame(wire.PRODUCE, 7, client.produce_body("t", 0, batch([b"%d" % i])))
            data += client.frame(wire.FETCH, 4, client.fetch_body([("t", 0, i)], max_wait_ms=60000))
        client.send_raw(data)
        for i in range(50):
            correlation, reader = client.receive()
            self.assertEqual((correlation, client.read_produce(reader)), (2 * i + 2, (0, i)))
            correlation, reader = client.receive()
            self.assertEqual(correlation, 2 * i + 3)
            error, high_watermark, records = client.read_fetch(reader)[2][("t", 0)]
            self.assertEqual((error, high_watermark, wire.batches(records)), (0, i + 1, [(i, 1)]))

    def test_what_came_without_acks_is_there_when_the_client_has_left(self):
        client = self.connect()
        self.assertEqual(client.create_topic("t"), 0)
        other = self.connect()
        other.send_raw(b"".join(other.frame(wire.PRODUCE, 7, other.produce_body("t", 0, batch([b"x"]), acks=0))
                                for _ in range(100)))
        other.close()
        self.wait_for("every record", lambda: client.list_offset("t", 0, -1)[2] == 100)

    def test_a_connection_that_moves_to_its_partitions_core_loses_nothing(self):
        # Which core has a partition is as random as the topic's id: on to the next until one was not the connection's own.
        partitions = 64
        cores = self.broker.cores()
        admin = self.connect()
        self.assertEqual(admin.create_topic("t", partitions), 0)
        admin.close()
        for partition in range(partitions):
            if partition >= 8 and (cores == 1 or self.broker.metric("ringlog_connections_moved_total") > 0):
                break
            self.wait_for("no connection", lambda: self.broker.metric("ringlog_connections") == 0)
            client = self.connect()
            first = client.correlation + 1
            data = b"".join(client.frame(wire.PRODUCE, 7, client.produce_body("t", partition, batch([b"%d" % i])))
                            for i in range(300))
            # In pieces that end within frames.
            sender = threading.Thread(target=lambda: [client.send_raw(data[at:at + 999])
                                                      for at in range(0, len(data), 999)])
            sender.start()
            for i in range(300):
                correlation, reader = client.receive()
                self.assertEqual((correlation, client.read_produce(reader)), (first + i, (0, i)))
            sender.join()
            client.close()
        moved = self.broker.metric("ringlog_connections_moved_total")
        if cores > 1:
            self.assertGreater(moved, 0)
            self.broker.stop()
            self.broker = self.start("ringlog.connection.moves=false")
            client = self.connect()
            for i in range(200):
                self.assertEqual(client.produce("t", 1, batch([b"x"])), (0, 300 + i))
            self.assertEqual(self.broker.metric("ringlog_connections_moved_total"), 0)

    def test_a_client_that_does_not_read_holds_up_nobody(self):
        client = self.connect()
        self.assertEqual(client.create_topic("t", 8), 0)
        big = batch([b"x" * 900_000])
        for partition in range(8):
            for _ in range(4):
                self.assertEqual(client.produce("t", partition, big)[0], 0)
        slow = self.connect()
        parts = [("t", p, 0, 4 << 20) for p in range(8)]
        for _ in range(5):
            slow.send(wire.FETCH, 4, slow.fetch_body(parts, max_bytes=50 << 20))
        for i in range(200):
            self.assertEqual(client.produce("t", 0, batch([b"y"]))[0], 0)
        for _ in range(5):
            _, reader = slow.receive()
            found = slow.read_fetch(reader)[2]
            self.assertEqual(len(found), 8)
            for error, _, records in found.values():
                self.assertEqual(error, 0)
                self.assertTrue(wire.batches(records))

    def test_large_requests_arrive_whole(self):
        client = self.connect()
        self.assertEqual(client.create_topic("t"), 0)
        value = bytes(range(256)) * 3900
        for i in range(10):
            self.assertEqual(client.produce("t", 0, batch([value])), (0, i))
        offset = 0
        while offset < 10:
            _, _, found = client.fetch([("t", 0, offset)])
            records = found[("t", 0)][2]
            self.assertTrue(wire.batches(records))
            for base, count in wire.batches(records):
                self.assertEqual(base, offset)
                offset += count
            self.assertIn(value, records)


if __name__ == "__main__":
    unittest.main()
