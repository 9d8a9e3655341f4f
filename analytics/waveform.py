"""How loud a recording is along its length, for the track of the player."""

from __future__ import annotations

import array
import sys
import wave
from contextlib import suppress
from typing import IO

BARS = 120
# Looked at in so many places a bar, so many frames each: an hour takes no longer than a minute.
_PLACES = 12
_FRAMES = 48


def peaks(file: IO[bytes], bars: int = BARS) -> list[int]:
    """The loudest moment of each of ``bars`` equal parts, 0 to 100, the loudest of all being 100.

    Empty where it can't be told: not a WAV file of whole samples (8 or 16 bits), cut short, or without sound.
    """
    with suppress(wave.Error, EOFError, OSError), wave.open(file) as recording:
        width, channels, length = (
            recording.getsampwidth(),
            recording.getnchannels(),
            recording.getnframes(),
        )
        if width not in {1, 2} or not channels or length < bars:
            return []
        loudest = []
        for bar in range(bars):
            start, end = length * bar // bars, length * (bar + 1) // bars
            step = max(1, (end - start) // _PLACES)
            found = 0
            for place in range(start, end, step):
                recording.setpos(place)
                found = max(found, _loudest(recording.readframes(min(_FRAMES, end - place)), width))
            loudest.append(found)
        top = max(loudest)
        return [found * 100 // top for found in loudest] if top else []
    return []


def _loudest(frames: bytes, width: int) -> int:
    if width == 1:
        # Eight bits are unsigned, silence is 128.
        return max((abs(sample - 128) for sample in frames), default=0)
    samples = array.array("h", frames[: len(frames) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return max(max(samples, default=0), -min(samples, default=0))
