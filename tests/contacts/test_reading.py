"""Files of all kinds: a correct reading, or a clear word on what is wrong."""

from __future__ import annotations

import contextlib
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.exporting import neutral
from contacts.importing.reading import (
    DELIMITER_NAMES,
    ENCODING_NAMES,
    Dialect,
    UnreadableFile,
    clean,
    inspect,
    rows,
)

TEXT = "Name,Phone\nJosé,(415) 555-0101\nZoë,(415) 555-0102\n"


def read(data: bytes) -> list[list[str]]:
    file = io.BytesIO(data)
    return [row.cells for row in rows(file, inspect(file).dialect)]


EXPECTED = [["José", "(415) 555-0101"], ["Zoë", "(415) 555-0102"]]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("UTF-8", TEXT.encode()),
        ("UTF-8 with its mark", TEXT.encode("utf-8-sig")),
        ("UTF-16, as Excel’s Unicode text", TEXT.replace(",", "\t").encode("utf-16")),
        ("UTF-16, big-endian", b"\xfe\xff" + TEXT.encode("utf-16-be")),
        ("UTF-16 without its mark", TEXT.encode("utf-16-le")),
        ("UTF-32", TEXT.encode("utf-32")),
        ("Windows-1252", TEXT.encode("cp1252")),
        ("semicolons", TEXT.replace(",", ";").encode()),
        ("tabs", TEXT.replace(",", "\t").encode()),
        ("vertical bars", TEXT.replace(",", "|").encode()),
        ("sep= on the first line", ("sep=;\n" + TEXT.replace(",", ";")).encode()),
        ("Windows line ends", TEXT.replace("\n", "\r\n").encode()),
        ("old Mac line ends", TEXT.replace("\n", "\r").encode()),
        ("no line end at the end", TEXT.rstrip("\n").encode()),
        ("empty lines", TEXT.replace("\n", "\n\n ,\n").encode()),
        ("everything quoted", b'"Name","Phone"\n' + 'José,"(415) 555-0101"\n"Zoë","(415) 555-0102"'.encode()),
        ("stray NULs", TEXT.replace("José", "Jo\0sé").encode()),
        ("spaces and invisible marks", TEXT.replace("José", " \u200bJosé\u202c\u00a0").encode()),
        ("no header", TEXT.partition("\n")[2].encode()),
    ],
)
def test_the_same_rows_come_out_of_every_dialect(kind, data):
    assert read(data) == EXPECTED


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("0 bytes", b"", "empty"),
        ("a mark alone", b"\xef\xbb\xbf", "empty"),
        ("white space", b" \r\n\r\n\t\n", "empty"),
        ("NULs", b"\0" * 100, "empty"),
        ("a header alone", b"Name,Phone\n", "no contacts below"),
        ("5,000 columns", b",".join(b"c%d" % n for n in range(5000)) + b"\n4155550101\n", "5,000 columns"),
        ("an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old Excel workbook"),
        ("a PDF", b"%PDF-1.7\n1 0 obj", "This is a PDF"),
        ("noise", bytes(range(256)) * 40, "not a text file"),
        ("a web page", b"<!DOCTYPE html><html><body>Log in</body></html>", "web page"),
        ("an unknown encoding", b"Name,Phone\nJos\x81\xff\x8d,4155550101\n" * 4, "encoding"),
        ("a line without end", b"Name,Phone\n" + b"x" * 1_200_000, "longer than 1,000,000 characters"),
        ("a quote never closed", b'Name,Phone\n"Anna,4155550101\nBo,4155550102\n', "never closed"),
        ("a quote never closed, far", b'Name,Phone\n"' + b"Anna,4155550101\n" * 20_000, "never closed"),
        ("half a character", TEXT.encode("utf-16")[:-1], "UTF-16"),
    ],
)
def test_what_cannot_be_read_is_explained(kind, data, said):
    with pytest.raises(UnreadableFile) as refused:
        read(data)
    assert said in str(refused.value)


def test_an_odd_quotation_mark_inside_a_word_is_just_a_character():
    assert read(b'Name,Phone\nAn"na,4155550101\nB"o,4155550102') == [
        ['An"na', "4155550101"],
        ['B"o', "4155550102"],
    ]


def test_a_quoted_line_break_stays_within_its_row():
    file = io.BytesIO(b'Name,Phone\n"Anna\nSvensson",4155550101\nBo,4155550102\n')
    found = list(rows(file, inspect(file).dialect))
    assert [(row.line, row.cells[0]) for row in found] == [(2, "Anna Svensson"), (4, "Bo")]


def test_decimal_commas_do_not_hide_the_semicolons():
    data = "Name;Umsatz;Telefon\nMüller, Anna;4,5;030 901820\nEk, Bo;3,25;030 901821\n".encode("cp1252")
    assert inspect(io.BytesIO(data)).dialect.delimiter == ";"


def test_a_bad_byte_far_into_the_file_makes_it_windows_text():
    data = b"Name,Phone\n" + b"Anna,4155550101\n" * 30_000 + "José,4155550102\n".encode("cp1252")
    assert read(data)[-1] == ["José", "4155550102"]


def test_the_header_can_be_said_to_be_a_contact():
    inspection = inspect(io.BytesIO(TEXT.encode()), has_header=False)
    assert inspection.dialect.columns == ("Column 1", "Column 2")
    assert inspection.rows[0] == ["Name", "Phone"]


@pytest.mark.parametrize("sign", "=+@-＝＋＠－")
@pytest.mark.parametrize("blank", ["", " ", "\u3000", "\xa0"])
def test_what_our_downloads_mark_comes_back_as_it_was(sign, blank):
    for text in (f"{sign}cosme", f"{sign}5", sign):
        assert clean(neutral(f"{blank}{text}")) == text
        assert clean(neutral(f"{text}{blank}")) == text
    assert clean("'+14155550142") == "+14155550142"


@given(st.text(max_size=20).map(clean).filter(lambda text: not text.startswith("'")))
def test_whatever_was_read_once_comes_back_as_it_was(text):
    assert clean(neutral(text)) == text


def test_apostrophes_of_names_stay():
    assert [clean(name) for name in ("'s-Hertogenbosch", "'t Hooft", "O'Neil", "'")] == [
        *("'s-Hertogenbosch", "'t Hooft", "O'Neil", "'")
    ]


def test_a_dialect_survives_being_kept():
    dialect = inspect(io.BytesIO(TEXT.encode())).dialect
    assert Dialect.from_json(dialect.as_json()) == dialect
    assert dialect.describe() == "UTF-8, separated by commas"


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data):
    try:
        found = read(data)
    except UnreadableFile:
        return
    assert all(any(row) for row in found)


@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)),
    st.sampled_from([None, *ENCODING_NAMES]),
    st.sampled_from([None, *DELIMITER_NAMES]),
    st.sampled_from([None, True, False]),
)
def test_whatever_a_person_says_of_a_file_it_is_read_or_refused(data, encoding, delimiter, has_header):
    file = io.BytesIO(data)
    with contextlib.suppress(UnreadableFile):
        dialect = inspect(file, encoding=encoding, delimiter=delimiter, has_header=has_header).dialect
        assert all(any(row.cells) for row in rows(file, dialect))


def test_an_encoding_that_was_guessed_wrong_can_be_said():
    data = "Name,Phone\nŽižić,+385 1 4567 890\n".encode("cp1250")
    file = io.BytesIO(data)
    assert inspect(file).rows[0][0] != "Žižić"
    assert inspect(file, encoding="cp1250").rows[0][0] == "Žižić"
    with pytest.raises(UnreadableFile, match="UTF-16"):
        inspect(file, encoding="utf-16")


@pytest.mark.parametrize(
    ("kind", "data", "name"),
    [
        ("UTF-8 with a piece of Windows in it", TEXT.encode() + "Jürgen,1\n".encode("cp1252"), "Jürgen"),
        (
            "a mark in front of something else",
            b"\xef\xbb\xbf" + "Name,Phone\nJürgen,1\n".encode("cp1252"),
            "Jürgen",
        ),
        ("MS-DOS", "Name,Phone\nJürgen,1\n".encode("cp850"), "Jürgen"),
        ("Shift-JIS", "氏名,電話番号\nサトウ みさき,1\n".encode("cp932"), "サトウ みさき"),
        ("GB 18030", "姓名,电话\n王伟,1\n張敏,1\n".encode("gb18030"), "張敏"),
    ],
)
def test_other_encodings_are_told_apart(kind, data, name):
    assert read(data)[-1][0] == name


def test_what_stands_above_the_header_is_passed_over():
    data = b"Contacts report,,\nMade on 22 Nov 2026,,\n\nName,Phone,City\nAnna,4155550101,Reno\n"
    file = io.BytesIO(data)
    assert [(row.line, row.cells[0]) for row in rows(file, inspect(file).dialect)] == [(5, "Anna")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_lines_keep_their_numbers_across_blocks(line_end):
    people = [f"{n},(415) 555-0101,{'x' * (n % 700)}" for n in range(4000)]
    file = io.BytesIO(line_end.join(["Id,Phone,Note", *people]).encode())
    found = list(rows(file, inspect(file).dialect))
    assert [row.line for row in found] == list(range(2, 4002))
    assert [row.cells[0] for row in found] == [str(n) for n in range(4000)]


def test_the_line_that_cannot_be_read_is_named():
    data = b"\xff\xfe" + "Name\tPhone\n".encode("utf-16-le") + "Anna\t1\n".encode("utf-16-le") * 50_000
    data += b"\x00\xd8\x00\xd8" + "Bo\t2\n".encode("utf-16-le")
    with pytest.raises(UnreadableFile, match=r"Line 50,002 can’t be read as UTF-16"):
        read(data)


CELLS = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs"], exclude_characters="\u00a0'"),
    min_size=1,
    max_size=20,
)


@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_spreadsheet_writes_is_read_back(contacts, delimiter, encoding):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["Name", "Phone", "Note"])
    writer.writerows([name, "(415) 555-0101", note] for name, note in contacts)
    assert read(out.getvalue().encode(encoding)) == [
        [name, "(415) 555-0101", note] for name, note in contacts
    ]
