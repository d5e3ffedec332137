"""How large the pictures in an AVIF are by its AV1 streams, which its header may understate.

libavif decodes a stream at the stream's own size, whatever the file says, and scales the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

CONTAINERS = (b"trak", b"mdia", b"minf", b"stbl")
"""Boxes that hold the boxes of a track."""
SEQUENCE_HEADER = 1  # the type of the part of a stream that says its size
MOST_PARTS = 20_000
"""Of all streams: a stream has about four, and a file may name one of a million many times."""
SPARE_BITS = 1
"""Bits that encoders give a side beyond what it needs; rav1e gives one."""


class CodedPicture(NamedTuple):
    """The size of a stream's frames."""

    pixels: int
    """By its sequence header."""
    most: int
    """What a frame can say of itself instead, as it may unless the stream is a still picture."""


class _Bits:
    """A reader of big-endian bit fields; beyond the end are zeros."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def __call__(self, count: int) -> int:
        self._left -= count
        shifted = self._value >> self._left if self._left >= 0 else 0
        return shifted & ((1 << count) - 1)


def coded_pictures(content: bytes) -> list[CodedPicture]:
    """Of all streams that may be decoded for the first frame: tiles, alpha channel, thumbnails.

    Raises:
        ValueError: no stream says its size, or the boxes around them are damaged.
    """
    found, parts = [], 0
    for stream in _streams(memoryview(content)):
        for kind, data in _parts(stream):
            parts += 1
            if parts > MOST_PARTS:
                raise ValueError(f"its streams have more than {MOST_PARTS} parts")
            if kind == SEQUENCE_HEADER:
                found.append(_sequence_size(_Bits(bytes(data[:256]))))
    if not found:
        raise ValueError("no AV1 stream in it says its size")
    return found


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    while len(data) >= 8:
        size, kind, start = _number(data[:4]), bytes(data[4:8]), 8
        if size == 1:
            size, start = _number(data[8:16]), 16
        size = size or len(data)  # 0: to the end
        if not start <= size <= len(data):
            raise ValueError(f"its box {kind!r} has {size} bytes of {len(data)} that are left")
        yield kind, data[start:size]
        data = data[size:]


def _only(data: memoryview, *kinds: bytes) -> dict[bytes, memoryview]:
    """The boxes of these kinds, of which there may be one each."""
    found = [(kind, body) for kind, body in _boxes(data) if kind in kinds]
    if len(dict(found)) < len(found):
        raise ValueError("it has two boxes where one is allowed")
    return dict(found)


def _streams(content: memoryview) -> Iterator[memoryview]:
    for kind, body in _boxes(content):
        if kind == b"meta":
            yield from _items(content, _only(body[4:], b"iloc", b"idat"))
        elif kind == b"moov":
            yield from _first_samples(content, body)


def _items(content: memoryview, boxes: dict[bytes, memoryview]) -> Iterator[memoryview]:
    """The data of every item, by the box `iloc`."""
    table, joined = boxes.get(b"iloc", memoryview(b"")), 0
    at, version = 4, _number(table[:1])

    def read(size: int) -> int:
        nonlocal at
        if at + size > len(table):
            raise ValueError("its box b'iloc' is cut short")
        at += size
        return _number(table[at - size : at])

    if not table:
        return
    sizes = read(2)
    offset_size, length_size, base_size, index_size = (sizes >> n & 15 for n in (12, 8, 4, 0))
    for _ in range(read(4 if version == 2 else 2)):
        read(4 if version == 2 else 2)  # its number
        inside = version > 0 and read(2) & 15 == 1  # in the box `idat` instead of the file
        read(2)
        source = boxes.get(b"idat", memoryview(b"")) if inside else content
        base, extents = read(base_size), []
        for _ in range(read(2)):
            read(index_size if version > 0 else 0)
            start = base + read(offset_size)
            extents.append(source[start : start + read(length_size)])
        if len(extents) == 1:
            yield extents[0]
        elif extents:
            joined += sum(map(len, extents))
            if joined > 2 * len(content):
                raise ValueError("its items overlap")
            yield memoryview(b"".join(extents))


def _first_samples(content: memoryview, body: memoryview) -> Iterator[memoryview]:
    """The first sample of every track, by the boxes `stco` or `co64` and `stsz`."""
    for kind, inner in _boxes(body):
        if kind in CONTAINERS:
            yield from _first_samples(content, inner)
    boxes = _only(body, b"stsz", b"stco", b"co64")
    size = boxes.get(b"stsz", memoryview(b""))
    for kind, width in ((b"stco", 4), (b"co64", 8)):
        if kind in boxes and size:
            start = _number(boxes[kind][8 : 8 + width])
            yield content[start : start + (_number(size[4:8]) or _number(size[12:16]))]


def _parts(stream: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The type and data of every OBU, AV1 specification 5.3; ends where one is damaged."""
    while stream:
        head, start = stream[0], 2 if stream[0] & 4 else 1
        length, shift = len(stream) - start, 0
        if head & 2:
            length = 0
            for byte in stream[start : start + 8]:
                length |= (byte & 127) << shift
                start, shift = start + 1, shift + 7
                if byte < 128:
                    break
        yield head >> 3 & 15, stream[start : start + length]
        stream = stream[start + length :]


def _sequence_size(read: _Bits) -> CodedPicture:
    """By the head of a sequence header, AV1 specification 5.5.1."""
    read(4)
    still = read(1)
    if still:
        read(5)
    else:
        _skip_operating_points(read)
    width_bits, height_bits = read(4) + 1, read(4) + 1
    width, height = read(width_bits) + 1, read(height_bits) + 1
    most_width, most_height = (
        side if still or bits <= (side - 1).bit_length() + SPARE_BITS else 1 << bits
        for side, bits in ((width, width_bits), (height, height_bits))
    )
    return CodedPicture(width * height, most_width * most_height)


def _skip_operating_points(read: _Bits) -> None:
    delay_bits = 0
    if read(1):  # timing
        read(64)
        if read(1):
            zeros = 0
            while zeros < 32 and not read(1):
                zeros += 1
            read(zeros)
        if read(1):  # a model of the decoder
            delay_bits = read(5) + 1
            read(42)
    delays = read(1)
    for _ in range(read(5) + 1):
        read(12)
        if read(5) > 7:
            read(1)
        if delay_bits and read(1):
            read(2 * delay_bits + 1)
        if delays and read(1):
            read(4)


def _number(data: memoryview) -> int:
    return int.from_bytes(data, "big")
