"""Values that say who they are: every byte of a record follows from a seed, its stream and its number in the stream.

A stream is what one producer sends to one partition of one life of a topic. A value is its stream (2 bytes), its number
(4 bytes), a CRC of all (4 bytes), and filler whose length and bytes follow from the same numbers; nothing has to be
remembered to tell a changed record from a right one. The smallest value has 10 bytes.
"""
import random
import struct
import zlib

HEADER = struct.Struct(">HII")
SMALLEST_BYTES = HEADER.size
STREAMS_MAX = 1 << 16
_BLOCK_BYTES = 1 << 18
_MASK = (1 << 64) - 1


def mixed(*numbers):
    """64 bits that depend on all of `numbers` (SplitMix64's finaliser, folded)."""
    state = 0x9E3779B97F4A7C15
    for number in numbers:
        state = (state + number * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


class Payload:
    """Makes and reads the values of one run."""

    def __init__(self, seed):
        self.seed = seed & _MASK
        # Letters only: compression has something to do, as with people's data.
        letters = random.Random(seed)
        self.block = bytes(letters.choices(b"etaoinshrdlu ETAOIN0123456789.,\n", k=_BLOCK_BYTES))
        self.salt = zlib.crc32(struct.pack(">Q", self.seed))

    def size(self, stream, number, largest):
        """Bytes of a value: mostly under 200, a few up to `largest`."""
        pick = mixed(self.seed, stream, number)
        share, place = pick & 0xFF, (pick >> 8) & 0xFFFF
        ceilings = ((150, 200), (240, 4096), (256, largest))
        ceiling = min(largest, next(bytes_ for below, bytes_ in ceilings if share < below))
        # At the ends exactly, now and then.
        if place < 64:
            return SMALLEST_BYTES
        if place < 256:
            return ceiling
        return SMALLEST_BYTES + place * (ceiling - SMALLEST_BYTES) // 0xFFFF

    def value(self, stream, number, largest):
        size = self.size(stream, number, largest) - SMALLEST_BYTES
        begin = mixed(self.seed, number, stream) % (_BLOCK_BYTES - size)
        filler = self.block[begin:begin + size]
        return HEADER.pack(stream, number, self._crc(stream, number, filler)) + filler

    def read(self, value):
        """(stream, number) of a value that is whole, else None."""
        if value is None or len(value) < SMALLEST_BYTES:
            return None
        stream, number, crc = HEADER.unpack_from(value)
        if crc != self._crc(stream, number, memoryview(value)[SMALLEST_BYTES:]):
            return None
        return stream, number

    def _crc(self, stream, number, filler):
        return zlib.crc32(filler, zlib.crc32(struct.pack(">HII", stream, number, len(filler)), self.salt))
