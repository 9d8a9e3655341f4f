"""The parts without a database: ranges of a file, the loudness of a recording, filters, turns."""

from __future__ import annotations

import array
import io
import wave
from datetime import date

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from analytics import ranges, waveform
from analytics.filters import Filters
from analytics.panel import clock, turns_of
from dialer.models import Call, Transcript

# --- Ranges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("", None),
        ("bytes=0-", ranges.Part(0, 99)),
        ("bytes=0-9", ranges.Part(0, 9)),
        ("bytes=90-500", ranges.Part(90, 99)),
        ("bytes=99-99", ranges.Part(99, 99)),
        ("bytes=-10", ranges.Part(90, 99)),
        ("bytes=-500", ranges.Part(0, 99)),
        ("Bytes = 5 - 6", ranges.Part(5, 6)),
        # Answered with the whole: several, other units, nonsense.
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=9-5", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes", None),
    ],
)
def test_a_range_header_names_a_part(header, part):
    assert ranges.part_of(header, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0", f"bytes={'9' * 5000}-"])
def test_a_range_behind_the_end_is_unsatisfiable(header):
    with pytest.raises(ranges.Unsatisfiable):
        ranges.part_of(header, 100)


def test_an_empty_file_has_no_parts():
    for header in ("bytes=0-", "bytes=-5"):
        with pytest.raises(ranges.Unsatisfiable):
            ranges.part_of(header, 0)


@given(st.binary(max_size=300_000), st.integers(0, 400_000), st.integers(0, 400_000))
def test_a_part_is_read_exactly_and_the_file_closed(content, first, last):
    try:
        part = ranges.part_of(f"bytes={first}-{last}", len(content))
    except ranges.Unsatisfiable:
        assert first >= len(content)
        return
    if part is None:
        assert last < first
        return
    file = io.BytesIO(content)
    assert b"".join(ranges.read(file, part)) == content[first : last + 1]
    assert file.closed


def test_who_stops_listening_closes_the_file():
    file = io.BytesIO(bytes(300_000))
    reading = ranges.read(file, ranges.Part(0, 299_999))
    next(reading)
    reading.close()
    assert file.closed


# --- Loudness --------------------------------------------------------------------------------------


def wav(samples: bytes, *, width: int = 2, channels: int = 1) -> io.BytesIO:
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(channels)
        recording.setsampwidth(width)
        recording.setframerate(8000)
        recording.writeframes(samples)
    file.seek(0)
    return file


def test_peaks_follow_the_loudness():
    quiet, loud = [100, -100] * 8000, [20000, -20000] * 8000
    found = waveform.peaks(wav(array.array("h", quiet + loud).tobytes()), bars=10)
    assert found == [0] * 5 + [100] * 5


def test_peaks_of_eight_bits_and_of_two_channels():
    assert waveform.peaks(wav(bytes([128] * 8000 + [255, 1] * 4000), width=1), bars=4) == [0, 0, 100, 100]
    both = array.array("h", [0, 0] * 4000 + [0, -9000] * 4000)
    assert waveform.peaks(wav(both.tobytes(), channels=2), bars=4) == [0, 0, 100, 100]


def test_the_loudest_negative_sample_counts_whole():
    assert waveform.peaks(wav(array.array("h", [-32768] * 400).tobytes()), bars=4) == [100] * 4


@pytest.mark.parametrize(
    "content",
    [b"", b"ID3 an MP3", b"RIFF", b"RIFF\x00\x00\x00\x00WAVEfmt ", wav(b"").read(), wav(bytes(100)).read()],
)
def test_what_is_no_sound_has_no_peaks(content):
    assert waveform.peaks(io.BytesIO(content)) == []


def test_silence_has_no_peaks():
    assert waveform.peaks(wav(bytes(16000))) == []


@given(st.binary(max_size=2000))
def test_any_bytes_have_peaks_or_none(content):
    found = waveform.peaks(io.BytesIO(content))
    assert found == [] or (len(found) == waveform.BARS and max(found) == 100)


def test_a_recording_cut_short_still_has_a_track():
    content = wav(array.array("h", [9000, -9000] * 8000).tobytes()).read()
    found = waveform.peaks(io.BytesIO(content[: len(content) // 2]))
    assert found == [] or len(found) == waveform.BARS


# --- Filters ---------------------------------------------------------------------------------------


def test_filters_come_from_the_address_and_go_back_into_it():
    address = "outcome=busy&disposition=interested&status=retry&q=anna+s"
    filters = Filters.of(QueryDict(address))
    assert filters == Filters(("busy",), ("interested",), ("retry",), "anna s")
    assert filters.address() == f"?{address}"
    assert filters.address(outcome=()) == "?disposition=interested&status=retry&q=anna+s"
    assert Filters().address() == ""


def test_several_of_a_kind_are_in_the_address_one_by_one_and_toggled_one_by_one():
    filters = Filters.of(QueryDict("outcome=voicemail&outcome=no_answer&outcome=voicemail"))
    # In the order in which they are offered, however they came.
    assert filters == Filters(("no_answer", "voicemail"))
    assert filters.address() == "?outcome=no_answer&outcome=voicemail"
    assert filters.toggled("voicemail") == "?outcome=no_answer"
    assert filters.toggled("busy") == "?outcome=no_answer&outcome=voicemail&outcome=busy"


def test_days_runs_and_campaigns_are_read_as_they_are_written():
    address = "run=12.2&campaign=7&from=2026-11-01&to=2026-11-22"
    filters = Filters.of(QueryDict(address))
    assert (filters.since, filters.until) == (date(2026, 11, 1), date(2026, 11, 22))
    assert filters.channel_and_run == {"channel_id": 12, "run": 2}
    assert filters.address() == f"?{address}"


PARAMETERS = ["outcome", "disposition", "status", "pressed", "q", "run", "campaign", "from", "to"]
NEARLY = ["busy", "none", "12", "12.0", "0", "9" * 30, "2026-02-30", "99999-01-01", "0001-01-01", "\0", ""]


@given(
    st.dictionaries(
        st.sampled_from(PARAMETERS), st.lists(st.text(max_size=300) | st.sampled_from(NEARLY), max_size=80)
    )
)
def test_any_address_makes_filters_and_nonsense_filters_nothing(values):
    parameters = QueryDict(mutable=True)
    for name, some in values.items():
        parameters.setlist(name, some)
    filters = Filters.of(parameters)
    assert set(filters.outcome) <= {"completed", "no_answer", "busy", "voicemail", "failed", "cancelled"}
    assert "\0" not in filters.q + "".join(filters.disposition)
    assert len(filters.q) <= 100
    assert len(filters.disposition) <= 60
    assert Filters.of(QueryDict(filters.address()[1:])) == filters


def test_what_the_database_counts_needs_no_recount():
    assert Filters(outcome=("busy", "failed"), disposition=("none",)).is_counted
    assert not Filters(q="x").is_counted
    assert not Filters(status=("retry",)).is_counted
    assert not Filters(since=date(2026, 11, 1)).is_counted
    # Of campaigns that are gone, nobody keeps the count.
    assert Filters(campaign="7").is_counted
    assert not Filters(campaign="none").is_counted


# --- Turns -----------------------------------------------------------------------------------------


def said(*turns) -> list[tuple[str, int, int]]:
    found = turns_of(Call(contact_name="Anna Svensson"), Transcript(turns=list(turns)))
    return [(turn.speaker, turn.start_ms, turn.end_ms) for turn in found]


def test_turns_name_who_speaks():
    assert said(
        {"speaker": "assistant", "text": "Hi", "start_ms": 0, "end_ms": 900},
        {"speaker": "contact", "text": "Hello", "start_ms": 1000, "end_ms": 1500},
    ) == [("Assistant", 0, 900), ("Anna", 1000, 1500)]


def test_a_turn_without_an_end_lasts_to_the_next_one():
    assert said({"text": "a", "start_ms": 0}, {"text": "b", "start_ms": 5000}) == [
        ("Assistant", 0, 5000),
        ("Assistant", 5000, 65000),
    ]


def test_what_is_no_turn_is_left_out():
    assert said("noise", {"text": ""}, {"text": "a", "start_ms": "soon", "end_ms": True}, {}) == [
        ("Assistant", 0, 60000)
    ]
    assert turns_of(Call(), Transcript(turns={"not": "a list"})) == []
    assert turns_of(Call(), None) == []


def test_clocks():
    assert [clock(seconds) for seconds in (0, 9, 64, 3600, 3727)] == [
        "0:00",
        "0:09",
        "1:04",
        "1:00:00",
        "1:02:07",
    ]
