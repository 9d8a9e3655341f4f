"""Sound that stands for speech: two voices babbling, as WAV of any length, made on demand.

A recording is 16-bit mono PCM at 8 kHz, which every browser plays. It is put together from a few
prepared syllables, so that any range of an hour-long file costs next to nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from functools import cache
from math import pi, sin
from random import Random
from typing import Protocol

RATE = 8000
SYLLABLE_MS = 200
SYLLABLE_BYTES = RATE * SYLLABLE_MS // 1000 * 2
HEADER_BYTES = 44
LONGEST_MS = 4 * 3600 * 1000
PITCHES = {"assistant": (196.0, 220.0, 246.9, 261.6, 293.7), "contact": (110.0, 123.5, 130.8, 146.8, 98.0)}
CHUNK_SYLLABLES = 20


class Spoken(Protocol):
    speaker: str
    start_ms: int
    end_ms: int


@cache
def _syllables(speaker: str) -> tuple[bytes, ...]:
    """Syllables of a voice: a few harmonics under a soft envelope, so that nothing clicks."""
    length = RATE * SYLLABLE_MS // 1000
    syllables = []
    for pitch in PITCHES[speaker]:
        samples = []
        for n in range(length):
            t = n / RATE
            envelope = sin(pi * n / length) ** 0.7
            glide = pitch * (1 + 0.04 * sin(2 * pi * 3 * t))
            tone = sin(2 * pi * glide * t) + 0.5 * sin(4 * pi * glide * t) + 0.25 * sin(8 * pi * glide * t)
            samples.append(int(6500 * envelope * tone))
        syllables.append(struct.pack(f"<{length}h", *samples))
    return tuple(syllables)


SILENCE = bytes(SYLLABLE_BYTES)


def size_of(duration_ms: int) -> int:
    """Bytes of the whole WAV file."""
    return HEADER_BYTES + _data_bytes(duration_ms)


def _data_bytes(duration_ms: int) -> int:
    return min(max(duration_ms, 0), LONGEST_MS) * RATE // 1000 * 2


def header(duration_ms: int) -> bytes:
    size = _data_bytes(duration_ms)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + size,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        RATE,
        RATE * 2,
        2,
        16,
        b"data",
        size,
    )


def wav(
    duration_ms: int, seed: int, turns: Sequence[Spoken], offset_ms: int, start: int, stop: int
) -> Iterator[bytes]:
    """Bytes `start` to `stop` of the file.

    `turns` say who speaks when, in ms from the answer, and the recording began `offset_ms` after it;
    without any, the two voices take turns on their own.
    """
    if start < HEADER_BYTES:
        yield header(duration_ms)[start : min(stop, HEADER_BYTES)]
    position = max(start, HEADER_BYTES) - HEADER_BYTES
    end = min(stop, size_of(duration_ms)) - HEADER_BYTES
    while position < end:
        first = position // SYLLABLE_BYTES
        sound = b"".join(
            _syllable(index, seed, turns, offset_ms) for index in range(first, first + CHUNK_SYLLABLES)
        )
        skip = position - first * SYLLABLE_BYTES
        piece = sound[skip : skip + end - position]
        yield piece
        position += len(piece)


def _syllable(index: int, seed: int, turns: Sequence[Spoken], offset_ms: int) -> bytes:
    at_ms = offset_ms + index * SYLLABLE_MS + SYLLABLE_MS // 2
    if turns:
        speaker = next((turn.speaker for turn in turns if turn.start_ms <= at_ms < turn.end_ms), None)
    else:
        place = (at_ms // SYLLABLE_MS + seed) % 36
        speaker = "assistant" if place < 17 else "contact" if 19 <= place < 34 else None
    if speaker not in PITCHES:
        return SILENCE
    choice = Random(seed * 1_000_003 + index).random()
    # Pauses between words make it sound like talking.
    return SILENCE if choice < 0.12 else _syllables(speaker)[int(choice * 1000) % len(PITCHES[speaker])]


@cache
def voice(speaker: str, *, mulaw: bool) -> bytes:
    """A second of one voice, raw, as audio streams carry it."""
    pcm = b"".join(_syllables(speaker))
    if not mulaw:
        return pcm
    return bytes(_mulaw(sample) for (sample,) in struct.iter_unpack("<h", pcm))


def _mulaw(sample: int) -> int:
    """One 16-bit sample in G.711 mu-law."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 132
    exponent = max(magnitude.bit_length() - 8, 0)
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    return ~(sign | exponent << 4 | mantissa) & 0xFF
