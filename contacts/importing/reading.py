"""Reading files of contacts: what a file is, and its rows, a few at a time.

Never holds more than a block of the file in memory, whatever the file is.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from contacts.importing import mapping

DELIMITERS = ",;\t|"
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
ENCODING_NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252",
}
MAX_COLUMNS = 500
MAX_LINE_CHARACTERS = 1_000_000
SAMPLE_ROWS = 100
# So many bytes that are no text are accidents, not another kind of file.
STRAY_BYTES = 16
_SAMPLE_BYTES = 256 * 1024
_BLOCK = 1024 * 1024
# Bytes that Windows-1252 does not define; text has none of them.
_NOT_IN_1252 = bytes([0x81, 0x8D, 0x8F, 0x90, 0x9D])
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\x0b\x0c\x1a\x1b\x00")
# What nobody sees and what breaks comparisons: controls, zero-width and direction marks.
_INVISIBLE = {
    **{code: None for code in (*range(32), 0x7F, *range(0x80, 0xA0)) if code not in (9, 10, 13)},
    **dict.fromkeys((0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    9: " ",
    10: " ",
    13: " ",
    0xA0: " ",
    0x202F: " ",
}
# What a person would save instead.
_ADVICE = "Save it as “CSV UTF-8” and upload that."


class UnreadableFile(Exception):
    """The file can't be read as contacts; the message tells a person why, and what to do."""


@dataclass(frozen=True)
class Dialect:
    """How a file is written. ``lines`` is how many lines it has, about as many as rows."""

    encoding: str
    delimiter: str
    has_header: bool
    columns: tuple[str, ...]
    lines: int
    # "sep=;" on the first line, as Excel understands it.
    names_its_delimiter: bool = False

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "columns": list(self.columns)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Dialect:
        return cls(**{**values, "columns": tuple(values["columns"])})

    def describe(self) -> str:
        encoding = ENCODING_NAMES.get(self.encoding, self.encoding)
        return f"{encoding}, separated by {DELIMITER_NAMES[self.delimiter]}s"


# Made a million times in a row: frozen ones take several times as long to make.
@dataclass(slots=True)
class Row:
    """One row: the line it begins on (the file's first is 1), and its cells, cleaned."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Inspection:
    dialect: Dialect
    # The first rows, the header among them.
    sample: list[list[str]]

    @property
    def rows(self) -> list[list[str]]:
        """The first rows of contacts."""
        return self.sample[1:] if self.dialect.has_header else self.sample


def clean(cell: str) -> str:
    """A cell without what nobody sees, in one line, without spaces at its ends.

    An apostrophe in front of a formula is how our own downloads keep spreadsheets from running it.
    """
    # Most cells are plain text, which is quick to tell; what isprintable() passes in ASCII is visible.
    text = cell if cell.isascii() and cell.isprintable() else cell.translate(_INVISIBLE)
    text = text.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in {"=", "+", "-", "@"} else text


def inspect(file: BinaryIO, *, has_header: bool | None = None) -> Inspection:
    """Find out how a file is written, and read its first rows.

    ``has_header`` overrides the guess. Raises ``UnreadableFile``.
    """
    encoding, lines = _encoding(file)
    file.seek(0)
    # A character cut in half at the sample's end is no mistake of the file.
    text = codecs.getincrementaldecoder(encoding)(errors="replace").decode(file.read(_SAMPLE_BYTES))
    names_its_delimiter, delimiter = _delimiter(text)
    dialect = Dialect(encoding, delimiter, False, (), lines, names_its_delimiter)
    sample: list[list[str]] = []
    for row in _rows(file, dialect):
        sample.append(row.cells)
        if len(sample) > SAMPLE_ROWS:
            break
    if not sample:
        raise UnreadableFile("The file is empty.")
    header = mapping.has_header(sample) if has_header is None else has_header
    columns = len(sample[0]) if header else max(map(len, sample))
    if columns > MAX_COLUMNS:
        raise UnreadableFile(
            f"The file has {columns:,} columns; {MAX_COLUMNS} can be imported at most. "
            "Keep the columns that are needed."
        )
    if header and len(sample) == 1:
        raise UnreadableFile("The file has column names, but no contacts below them.")
    names = mapping.column_names(sample, header=header, columns=columns)
    return Inspection(Dialect(encoding, delimiter, header, tuple(names), lines, names_its_delimiter), sample)


def rows(file: BinaryIO, dialect: Dialect) -> Iterator[Row]:
    """The rows of contacts: without the header, without rows that are empty.

    Raises ``UnreadableFile`` at the place that can't be read.
    """
    found = _rows(file, dialect)
    if dialect.has_header:
        next(found, None)
    yield from found


def _rows(file: BinaryIO, dialect: Dialect) -> Iterator[Row]:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=dialect.encoding, newline="")
    lines = _Lines(text)
    try:
        yield from _parsed(lines, dialect)
    except UnicodeDecodeError as error:
        name = ENCODING_NAMES.get(dialect.encoding, dialect.encoding)
        raise UnreadableFile(
            f"After line {lines.read} the file can’t be read as {name} text: it was cut off, or it mixes "
            f"encodings. {_ADVICE}"
        ) from error
    finally:
        # The file is the caller's to close; so is a file that was closed meanwhile.
        if not file.closed:
            text.detach()


def _parsed(lines: _Lines, dialect: Dialect) -> Iterator[Row]:
    if dialect.names_its_delimiter:
        next(lines)
    reader = csv.reader(lines, delimiter=dialect.delimiter)
    while True:
        lines.of_row.clear()
        begins = lines.read + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableFile(
                f"A cell that begins on line {begins} is longer than {csv.field_size_limit():,} characters. "
                "Probably its quotation mark is never closed."
            ) from error
        if lines.ended and _is_unclosed(lines.of_row, dialect.delimiter):
            raise UnreadableFile(
                f"A quotation mark opened on line {begins} is never closed, so that all the rest of the file "
                "would be one cell. Close it, and upload the file again."
            )
        cells = [clean(cell) for cell in cells]
        if any(cells):
            yield Row(begins, cells)


class _Lines:
    """The lines of a text, none longer than memory bears; remembers those of the row being read."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.read = 0
        self.ended = False
        self.of_row: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE_CHARACTERS)
        if not line:
            self.ended = True
            raise StopIteration
        if len(line) >= MAX_LINE_CHARACTERS and not line.endswith(("\n", "\r")):
            raise UnreadableFile(
                f"Line {self.read + 1} is longer than {MAX_LINE_CHARACTERS:,} characters: "
                f"this is not a list of contacts, one a line. {_ADVICE}"
            )
        self.read += 1
        # Spreadsheets write no NULs; what did, meant nothing by them.
        line = line.replace("\0", "")
        self.of_row.append(line)
        return line


def _is_unclosed(lines: Sequence[str], delimiter: str) -> bool:
    """Whether the last row of a file ends inside quotation marks."""
    if not any('"' in line for line in lines):
        return False
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _encoding(file: BinaryIO) -> tuple[str, int]:
    """The encoding of a file and how many lines it has; all of it is looked at once, block by block."""
    file.seek(0)
    start = file.read(4096)
    if not start.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        rest = file.read(1)
        if not rest:
            raise UnreadableFile("The file is empty.")
    _refuse_other_kinds(start, file)
    encoding = _encoding_by_start(start)
    utf8 = codecs.getincrementaldecoder("utf-8")()
    is_utf8, is_1252, lines, size, nulls, controls = True, True, 0, 0, 0, 0
    file.seek(0)
    while block := file.read(_BLOCK):
        size += len(block)
        # Old Macs end lines with a carriage return alone.
        lines += block.count(b"\n") or block.count(b"\r")
        if encoding:
            continue
        nulls += block.count(b"\0")
        controls += len(block) - len(block.translate(None, _CONTROLS))
        if is_utf8:
            try:
                utf8.decode(block)
            except UnicodeDecodeError:
                is_utf8 = False
        is_1252 = is_1252 and len(block.translate(None, _NOT_IN_1252)) == len(block)
    if encoding:
        return encoding, lines
    if is_utf8:
        try:
            utf8.decode(b"", final=True)
        except UnicodeDecodeError:
            is_utf8 = False
    if nulls + controls > max(size / 100, STRAY_BYTES):
        raise UnreadableFile(f"This is not a text file. {_ADVICE}")
    if is_utf8:
        return "utf-8", lines
    if not is_1252:
        raise UnreadableFile(f"The file’s characters are written in an encoding that is not known. {_ADVICE}")
    return "cp1252", lines


def _encoding_by_start(start: bytes) -> str | None:
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        # What follows must still be UTF-8; a mark in front of something else is the reader's to find.
        return "utf-8-sig"
    # Western text in UTF-16 without its mark: every other byte is a NUL.
    even, odd = start[0::2], start[1::2]
    if len(start) >= 8:
        if odd.count(0) > 0.7 * len(odd) and even.count(0) < 0.1 * len(even):
            return "utf-16-le"
        if even.count(0) > 0.7 * len(even) and odd.count(0) < 0.1 * len(odd):
            return "utf-16-be"
    return None


def _refuse_other_kinds(start: bytes, file: BinaryIO) -> None:
    """Tell apart what is often given a name that ends in .csv."""
    if start.startswith(b"PK\x03\x04"):
        file.seek(0)
        try:
            names = zipfile.ZipFile(file).namelist()
        except zipfile.BadZipFile:
            names = []
        if any(name.startswith("xl/") for name in names):
            raise UnreadableFile(
                "This is an Excel workbook, whatever its name says. In Excel, choose File, Save as, "
                "“CSV UTF-8 (Comma delimited)”, and upload that file."
            )
        raise UnreadableFile(f"This is a ZIP archive or an office document, not a CSV file. {_ADVICE}")
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableFile(
            "This is an old Excel workbook (.xls). In Excel, choose File, Save as, "
            "“CSV UTF-8 (Comma delimited)”, and upload that file."
        )
    if start.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b")):
        raise UnreadableFile(f"This is not a text file. {_ADVICE}")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise UnreadableFile(
            "This is a web page or XML, not a CSV file; perhaps a login page was saved "
            f"instead of the export. {_ADVICE}"
        )


def _delimiter(text: str) -> tuple[bool, str]:
    """(whether the first line names the delimiter, the delimiter)."""
    first = text.partition("\n")[0].strip("\ufeff\r ")
    if first.lower().startswith("sep=") and len(first) == 5 and first[4] in DELIMITERS:
        return True, first[4]
    if len(text) > 4096:
        # The last line may be cut.
        text = text.rpartition("\n")[0] or text
    return False, max(DELIMITERS, key=lambda delimiter: _fitness(text, delimiter))


def _fitness(text: str, delimiter: str) -> tuple[bool, int, float]:
    """How well a delimiter fits: rows of one width, cells that are numbers or addresses, many columns."""
    found = []
    reader = csv.reader(text.replace("\0", "").splitlines(keepends=True), delimiter=delimiter)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                found.append(row)
            if len(found) == 50:
                break
    except csv.Error:
        return False, 0, 0
    widths = [len(row) for row in found]
    if not widths:
        return False, 0, 0
    usual = max(set(widths), key=widths.count)
    if usual < 2:
        return False, 0, 0
    share = widths.count(usual) / len(widths)
    telling = sum(
        mapping.looks_like_phone(cell) or bool(mapping.EMAIL_FORM.fullmatch(cell.strip()))
        for row in found
        for cell in row
    )
    return share >= 0.8, telling, usual * share
