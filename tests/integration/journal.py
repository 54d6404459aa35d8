"""Reads the frames of a stopped broker's journal, and damages them. The bytes are those of docs/journal.md."""
import glob
import os
import struct

BLOCK = 4096
OPEN, BATCH = 1, 3


class Frame:
    """One frame as it stands in a file."""

    def __init__(self, path, position, data):
        self.path, self.position = path, position
        self.sequence, self.generation = struct.unpack_from("<QQ", data, 24)
        self.durable_through, size, payload, count = struct.unpack_from("<QIII", data, 56)
        table = 128 + (payload + 7) // 8 * 8
        self.bytes = size
        self.entries = [struct.unpack_from("<IBBHIiqqqQIIq", data, table + 64 * i) for i in range(count)]

    def damage(self, entry):
        """Flips a bit in the middle of an entry's bytes."""
        length, payload_offset = self.entries[entry][10:12]
        flip(self.path, self.position + 128 + payload_offset + length // 2)


def flip(path, position):
    with open(path, "r+b") as file:
        file.seek(position)
        byte = file.read(1)[0]
        file.seek(position)
        file.write(bytes([byte ^ 1]))


def frames(directory, journal=0):
    """The frames of the journal's highest generation that has any, in order of sequence."""
    for path in sorted(glob.glob(os.path.join(directory, f"journal.{journal}", "*.journal")), reverse=True):
        with open(path, "rb") as file:
            data = file.read()
        generation = int(os.path.basename(path).split(".")[0])
        found = []
        for at in range(0, len(data), BLOCK):
            if data[at:at + 8] == b"RLOGFRM1":
                frame = Frame(path, at, data[at:at + struct.unpack_from("<I", data, at + 64)[0]])
                if frame.generation == generation:
                    found.append(frame)
        if found:
            return sorted(found, key=lambda frame: frame.sequence)
    return []


def frame_with(directory, wanted):
    """(frame, index) of the first entry that `wanted(kind, base offset)` takes, of a frame known to be flushed."""
    all_frames = frames(directory)
    flushed = max(frame.durable_through for frame in all_frames)
    for frame in all_frames:
        for index, entry in enumerate(frame.entries):
            if frame.sequence <= flushed and wanted(entry[1], entry[6]):
                return frame, index
    raise AssertionError("no such frame is known to be flushed")
