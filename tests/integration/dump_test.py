#!/usr/bin/python3
"""Goal: a sealed segment is a plain file of Kafka's. Method: Kafka's own DumpLogSegments reads every record of every segment,
and the indexes, of a broker that was stopped in order; what it says is compared with what was sent."""
import glob
import os
import re
import shutil
import subprocess
import unittest

from confluent_kafka import Producer

import harness
import wire

HERE = os.path.dirname(os.path.abspath(__file__))
FETCH = os.path.join(HERE, "..", "..", "bench", "kafka", "fetch")
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
TOOL = "org.apache.kafka.tools.DumpLogSegments"
RECORD = re.compile(r"^\| offset: (\d+) CreateTime: (\d+) keySize: (-?\d+) valueSize: (\d+) .*?"
                    r"(?: key: (\S*))? payload: (\S*)$")
BATCH = re.compile(r"^baseOffset: (\d+) lastOffset: (\d+) count: (\d+) .*compresscodec: (\w+) .*isvalid: (\w+)$")


def kafka_jars():
    """(class path of Kafka's tools, None), or (None, why there is none)."""
    if shutil.which("java") is None:
        return None, "java is not installed"
    try:
        done = subprocess.run([FETCH], capture_output=True, text=True, timeout=200, check=False)
    except subprocess.TimeoutExpired:
        return None, "Kafka's jars did not come in time"
    if done.returncode != 0:
        return None, "Kafka's jars cannot be fetched: " + done.stderr.strip()[-300:]
    return os.path.join(done.stdout.split()[-1], "lib", "*"), None


class Dump(harness.BrokerTest):
    def setUp(self):
        self.jars, why = kafka_jars()
        if self.jars is None:
            print(f"skipped: {why}")
            self.skipTest(why)
        super().setUp()

    def dump(self, *files):
        """The lines of DumpLogSegments."""
        done = subprocess.run(["java", "-Xmx256m", "-cp", self.jars, TOOL, "--print-data-log", "--files", ",".join(files)],
                              capture_output=True, text=True, timeout=harness.PATIENCE_S * 2, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])
        return done.stdout.splitlines()

    def fill(self, broker):
        """[(timestamp, key, value)] of partition t-0, by offset: several segments, batches of every compression."""
        client = wire.Connection(broker.port)
        self.addCleanup(client.close)
        self.assertEqual(client.create_topic("t", configs=[("internal.segment.bytes", "65536")]), 0)
        sent = []
        for codec in CODECS:
            producer = Producer({"bootstrap.servers": broker.address, "compression.type": codec, "linger.ms": 20,
                                 "batch.num.messages": 50, "enable.idempotence": True})
            for i in range(400):
                record = (1_700_000_000_000 + len(sent), f"k{i % 7}", f"{codec}-{i}-" + "abcdefgh" * (i % 100))
                producer.produce("t", record[2], record[1], partition=0, timestamp=record[0])
                sent.append(record)
            self.assertEqual(producer.flush(harness.PATIENCE_S), 0)
        return sent

    def test_kafkas_own_tool_reads_every_record_and_index_of_a_stopped_broker(self):
        broker = self.start("ringlog.cores=1")
        sent = self.fill(broker)
        self.assertEqual(broker.stop(), 0)
        self.check_records(os.path.join(broker.directory, "t-0"), sent)
        self.check_indexes(os.path.join(broker.directory, "t-0"), len(sent))

    def check_records(self, directory, sent):
        logs = sorted(glob.glob(os.path.join(directory, "*.log")))
        self.assertGreater(len(logs), 2)
        lines = self.dump(*logs)
        records = [RECORD.match(line) for line in lines if line.startswith("| offset:")]
        self.assertNotIn(None, records)
        self.assertEqual([int(record[1]) for record in records], list(range(len(sent))))
        self.assertEqual([(int(record[2]), record[5], record[6]) for record in records], sent)

        found = [BATCH.match(line) for line in lines if line.startswith("baseOffset:")]
        self.assertNotIn(None, found)
        self.assertEqual({batch[5] for batch in found}, {"true"})
        self.assertEqual({batch[4].lower() for batch in found}, set(CODECS))
        self.assertEqual(sum(int(batch[3]) for batch in found), len(sent))
        starts = [int(os.path.basename(path).split(".")[0]) for path in logs]
        self.assertEqual([int(line.split()[-1]) for line in lines if line.startswith("Log starting offset")], starts)
        # Whole batches up to the last byte: a segment of a stopped broker has no zeros behind its end.
        self.assertFalse([line for line in lines if "invalid bytes" in line.lower()])

    def check_indexes(self, directory, count):
        indexes = sorted(glob.glob(os.path.join(directory, "*.index")))
        times = sorted(glob.glob(os.path.join(directory, "*.timeindex")))
        self.assertGreater(len(indexes), 2)
        self.assertEqual(len(indexes), len(times))
        lines = self.dump(*indexes, *times)
        wrong = ("Mismatches", "Non-consecutive", "Found timestamp mismatch", "Found out of order", "Not ordered")
        self.assertFalse([line for line in lines if line.startswith(wrong)], lines[-20:])
        offsets = [int(line.split()[1]) for line in lines if re.match(r"offset: \d+ position: \d+$", line)]
        self.assertGreater(len(offsets), 10)
        self.assertEqual(offsets, sorted(offsets))
        self.assertLess(offsets[-1], count)


if __name__ == "__main__":
    unittest.main()
