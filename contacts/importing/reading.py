"""Reading files of contacts: what a file is, and its rows, a few at a time.

Never holds more than a block of the file in memory, whatever the file is. Excel workbooks are read by
``importing.workbooks``; everything else is text, read here.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, BinaryIO

from contacts.importing import mapping, workbooks
from contacts.importing.cells import MAX_COLUMNS, MAX_LINE_CHARACTERS, Row, UnreadableFile, clean, cleaned

__all__ = [
    "DELIMITER_NAMES",
    "ENCODING_NAMES",
    "MAX_COLUMNS",
    "SAMPLE_ROWS",
    "Dialect",
    "Inspection",
    "Row",
    "UnreadableFile",
    "clean",
    "inspect",
    "rows",
]

CSV, WORKBOOK = "csv", "xlsx"
DELIMITERS = ",;\t|"
DELIMITER_NAMES = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Vertical bar"}
# Two files of different encodings, put together: UTF-8, and what is none is read as Windows-1252.
MIXED = "utf-8+cp1252"
# What a person may say a file is written in, besides what was found.
ENCODING_NAMES = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Western (Windows-1252)",
    "cp1250": "Central European (Windows-1250)",
    "cp1251": "Cyrillic (Windows-1251)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "cp850": "Western (MS-DOS)",
    "mac_roman": "Western (Mac)",
    "cp932": "Japanese (Shift-JIS)",
    "gb18030": "Chinese (GB 18030)",
    "big5": "Chinese (Big5)",
    "cp949": "Korean",
}
_FOUND_NAMES = {
    "utf-8-sig": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    MIXED: "UTF-8 mixed with Windows-1252",
}
SAMPLE_ROWS = 100
# So many bytes that are no text are accidents, not another kind of file.
STRAY_BYTES = 16
_SAMPLE_BYTES = 256 * 1024
_BLOCK = 256 * 1024
# Bytes that Windows-1252 does not define; text has none of them.
_NOT_IN_1252 = bytes([0x81, 0x8D, 0x8F, 0x90, 0x9D])
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\x0b\x0c\x1a\x1b\x00")
# A character of UTF-8 beyond ASCII, and any byte beyond ASCII.
_UTF8_CHARACTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH_BYTES = re.compile(rb"[\x80-\xff]+")
_LINE = re.compile("[^\r\n]*(?:\r\n|\n|\r)")
# After the last line, so that a row which swallows it is known to end inside quotation marks: no text
# holds it, as NULs are taken out.
_END = "\0"
# What a person would save instead.
_ADVICE = "Save it as “CSV UTF-8” or as an Excel workbook, and upload that."


def _as_1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("carillon-1252", _as_1252)


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
    kind: str = CSV
    # Of a workbook: the sheet that is read, and all that hold something.
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    # Rows above the header: the title of a report.
    above: int = 0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "columns": list(self.columns), "sheets": list(self.sheets)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Dialect:
        return cls(
            **{**values, "columns": tuple(values["columns"]), "sheets": tuple(values.get("sheets", ()))}
        )

    def is_read_by(self, *, encoding: str | None, delimiter: str | None, sheet: str | None) -> bool:
        """Whether the file is read like this; None: as it is."""
        return (encoding or self.encoding, delimiter or self.delimiter, sheet or self.sheet) == (
            self.encoding,
            self.delimiter,
            self.sheet,
        )

    def describe(self) -> str:
        if self.kind == WORKBOOK:
            return f"Excel workbook, sheet “{self.sheet}”"
        return f"{encoding_name(self.encoding)}, separated by {DELIMITER_NAMES[self.delimiter].lower()}s"


@dataclass(frozen=True)
class Inspection:
    dialect: Dialect
    # The first rows: without what stands above the header, the header among them.
    sample: list[list[str]]

    @property
    def rows(self) -> list[list[str]]:
        """The first rows of contacts."""
        return self.sample[1:] if self.dialect.has_header else self.sample


def encoding_name(encoding: str) -> str:
    return ENCODING_NAMES.get(encoding) or _FOUND_NAMES.get(encoding, encoding)


def inspect(
    file: BinaryIO,
    *,
    has_header: bool | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> Inspection:
    """Find out how a file is written, and read its first rows.

    What is given overrides the guess. Raises ``UnreadableFile``.
    """
    file.seek(0)
    start = file.read(4096)
    if workbooks.is_archive(start):
        return _inspect_workbook(file, has_header=has_header, sheet=sheet)
    workbooks.refuse_old_kinds(start, file)
    _refuse_other_kinds(start)
    guessed, lines = _encoding(file, start)
    encoding = encoding or guessed
    file.seek(0)
    # A character cut in half at the sample's end is no mistake of the file.
    try:
        text = _decoder(encoding, errors="replace").decode(file.read(_SAMPLE_BYTES))
    except UnicodeError as error:
        # UTF-16 without its mark.
        raise UnreadableFile(f"The file can’t be read as {encoding_name(encoding)} text.") from error
    names_its_delimiter, found_delimiter = _delimiter(text)
    dialect = Dialect(encoding, delimiter or found_delimiter, False, (), lines, names_its_delimiter)
    read = [row.cells for row in islice(_text_rows(file, dialect), SAMPLE_ROWS + 1)]
    if not read:
        raise UnreadableFile("The file is empty.")
    return _with_header(dialect, read, has_header)


def _inspect_workbook(file: BinaryIO, *, has_header: bool | None, sheet: str | None) -> Inspection:
    """Of several sheets, the first that is not hidden and has a column of numbers or addresses."""
    sheets = workbooks.find_sheets(file, first_rows=SAMPLE_ROWS + 1)
    names = tuple(one.name for one in sheets)

    def inspection(one: workbooks.SheetStart) -> Inspection:
        dialect = Dialect("", "", False, (), 0, kind=WORKBOOK, sheet=one.name, sheets=names)
        return _with_header(dialect, [row.cells for row in one.first_rows], has_header)

    def holds_contacts(one: workbooks.SheetStart) -> bool:
        try:
            found = inspection(one)
        except UnreadableFile:
            return False
        targets = mapping.guess(found.dialect.columns, found.rows, "")
        return mapping.PHONE in targets or mapping.EMAIL in targets

    if sheet in names:
        chosen = sheets[names.index(sheet)]
    else:
        shown = [one for one in sheets if not one.is_hidden] or sheets
        chosen = next(filter(holds_contacts, shown), shown[0])
    found = inspection(chosen)
    lines = workbooks.about_rows(file, chosen.name)
    return replace(found, dialect=replace(found.dialect, lines=lines))


def _with_header(dialect: Dialect, read: list[list[str]], has_header: bool | None) -> Inspection:
    above = 0 if has_header is False else mapping.header_position(read)
    sample = read[above:]
    header = mapping.has_header(sample) if has_header is None else has_header
    columns = len(sample[0]) if header else max(map(len, sample))
    if dialect.kind == WORKBOOK:
        # Sheets end their rows with the last cell that holds something.
        columns = max(map(len, sample))
    names = mapping.column_names(sample, header=header, columns=columns)
    if columns - sum(map(mapping.is_added, names)) > MAX_COLUMNS:
        # Of a workbook, no more are looked at.
        many = f"more than {MAX_COLUMNS}" if dialect.kind == WORKBOOK else f"{columns:,}"
        raise UnreadableFile(
            f"The file has {many} columns; {MAX_COLUMNS} can be imported at most. Keep the columns that are "
            "needed."
        )
    if header and len(sample) == 1:
        raise UnreadableFile("The file has column names, but no contacts below them.")
    return Inspection(replace(dialect, has_header=header, columns=tuple(names), above=above), sample)


def rows(file: BinaryIO, dialect: Dialect) -> Iterator[Row]:
    """The rows of contacts: without the header and what is above it, without rows that are empty.

    Raises ``UnreadableFile`` at the place that can't be read.
    """
    is_workbook = dialect.kind == WORKBOOK
    found = workbooks.sheet_rows(file, dialect.sheet) if is_workbook else _text_rows(file, dialect)
    for _ in islice(found, dialect.above + dialect.has_header):
        pass
    if is_workbook:
        found = _within(found, len(dialect.columns))
    if beyond := [position for position, name in enumerate(dialect.columns) if mapping.is_beyond(name)]:
        found = _without_columns(found, beyond, len(dialect.columns))
    yield from found


def _within(found: Iterator[Row], width: int) -> Iterator[Row]:
    """Rows of a sheet without what is scribbled beside the table, which is no part of it."""
    for row in found:
        if len(row.cells) > width:
            row.cells = row.cells[:width]
        if any(row.cells):
            yield row


def _without_columns(found: Iterator[Row], beyond: list[int], width: int) -> Iterator[Row]:
    """Rejected rows that come again as they were: values that had no column have none now, either."""
    for row in found:
        cells = row.cells + [""] * (width - len(row.cells))
        values = [cells[position] for position in beyond]
        if any(values):
            for position in beyond:
                cells[position] = ""
            row.cells = cells + values
        yield row


def _text_rows(file: BinaryIO, dialect: Dialect) -> Iterator[Row]:
    lines = _Lines(file, dialect.encoding)
    source = iter(lines)
    skipped = 1 if dialect.names_its_delimiter else 0
    for _ in islice(source, skipped):
        pass
    reader = csv.reader(source, delimiter=dialect.delimiter)
    while True:
        begins = reader.line_num + skipped + 1
        try:
            cells = next(reader)
        except csv.Error as error:
            raise UnreadableFile(
                f"A cell that begins on line {begins} is longer than {csv.field_size_limit():,} characters. "
                "Probably its quotation mark is never closed."
            ) from error
        if lines.ended:
            if cells == [_END]:
                return
            if _END in cells[-1]:
                raise UnreadableFile(
                    f"A quotation mark opened on line {begins} is never closed, so that all the rest of the "
                    "file would be one cell. Close it, and upload the file again."
                )
        cells = cleaned(cells)
        if any(cells):
            yield Row(begins, cells)


class _Lines:
    """The lines of a text, none longer than memory bears, and ``_END`` after the last."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        decoder = _decoder(self._encoding)
        self._file.seek(0)
        rest = ""
        read = 0
        while True:
            block = self._file.read(_BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                good = error.object[: error.start].decode(error.encoding, "ignore")
                line = read + sum(1 for _ in _LINE.finditer(rest + good)) + 1
                raise UnreadableFile(
                    f"Line {line:,} can’t be read as {encoding_name(self._encoding)} text: the file was cut "
                    f"off there, or it mixes encodings. {_ADVICE}"
                ) from error
            except UnicodeError as error:
                raise UnreadableFile(
                    f"The file can’t be read as {encoding_name(self._encoding)} text. {_ADVICE}"
                ) from error
            # Spreadsheets write no NULs; what did, meant nothing by them.
            text = rest + text.replace("\0", "")
            if not block:
                break
            # The last line may go on in the next block, and its line end may have been cut in two.
            cut = max(text.rfind("\n", 0, -1), text.rfind("\r", 0, -1)) + 1
            if text[cut - 1 : cut + 1] == "\r\n":
                cut += 1
            found = _LINE.findall(text, 0, cut)
            self._refuse_endless(read, len(text) - cut, found)
            yield from found
            read += len(found)
            rest = text[cut:]
        if text:
            if not text.endswith(("\n", "\r")):
                text += "\n"
            found = _LINE.findall(text)
            self._refuse_endless(read, 0, found)
            yield from found
        self.ended = True
        yield _END

    @staticmethod
    def _refuse_endless(read: int, rest: int, lines: list[str]) -> None:
        longest = max(map(len, lines), default=0)
        if max(longest, rest) < MAX_LINE_CHARACTERS:
            return
        line = next((at for at, line in enumerate(lines) if len(line) == longest), 0)
        number = read + (line if longest >= MAX_LINE_CHARACTERS else len(lines)) + 1
        raise UnreadableFile(
            f"Line {number:,} is longer than {MAX_LINE_CHARACTERS:,} characters: this is not a list of "
            f"contacts, one a line. {_ADVICE}"
        )


def _decoder(encoding: str, *, errors: str = "strict") -> codecs.IncrementalDecoder:
    if encoding == MIXED:
        return codecs.getincrementaldecoder("utf-8")(errors="carillon-1252")
    return codecs.getincrementaldecoder(encoding)(errors=errors)


def _encoding(file: BinaryIO, start: bytes) -> tuple[str, int]:
    """The encoding of a file and how many lines it has; all of it is looked at once, block by block."""
    if not start.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        rest = file.read(1)
        if not rest:
            raise UnreadableFile("The file is empty.")
    encoding = _encoding_by_start(start)
    utf8 = codecs.getincrementaldecoder("utf-8")()
    is_utf8, is_1252, lines, size, nulls, controls = True, True, 0, 0, 0, 0
    file.seek(0)
    while block := file.read(_BLOCK):
        size += len(block)
        # Old Macs end lines with a carriage return alone.
        lines += block.count(b"\n") or block.count(b"\r")
        if encoding and encoding != "utf-8-sig":
            continue
        nulls += block.count(b"\0")
        controls += len(block) - len(block.translate(None, _CONTROLS))
        if is_utf8:
            try:
                utf8.decode(block)
            except UnicodeDecodeError:
                is_utf8 = False
        is_1252 = is_1252 and len(block.translate(None, _NOT_IN_1252)) == len(block)
    if is_utf8:
        try:
            utf8.decode(b"", final=True)
        except UnicodeDecodeError:
            is_utf8 = False
    if encoding and (encoding != "utf-8-sig" or is_utf8):
        return encoding, lines
    if nulls + controls > max(size / 100, STRAY_BYTES):
        raise UnreadableFile(f"This is not a text file. {_ADVICE}")
    if is_utf8:
        return "utf-8", lines
    # Neither marked nor clean: what is it mostly?
    characters = strays = runs = 0
    file.seek(0)
    while block := file.read(_BLOCK):
        others, found = _UTF8_CHARACTER.subn(b"", block)
        characters += found
        for run in _HIGH_BYTES.findall(others):
            runs += 1
            strays += len(run)
    if encoding or characters >= strays:
        return MIXED, lines
    if is_1252:
        return "cp1252", lines
    if _is_mostly(file, "cp932", "[\u3041-\u30fe]"):
        return "cp932", lines
    if strays < 1.3 * runs:
        # Accents that stand alone among letters, in bytes that Windows has no use for.
        return "cp850", lines
    if _is_mostly(file, "gb18030", "[\u4e00-\u9fff]"):
        return "gb18030", lines
    raise UnreadableFile(f"The file’s characters are written in an encoding that is not known. {_ADVICE}")


def _is_mostly(file: BinaryIO, encoding: str, letters: str) -> bool:
    """Whether a file can be read so, and many of its characters beyond ASCII are of an alphabet then."""
    file.seek(0)
    try:
        text = _decoder(encoding).decode(file.read(_SAMPLE_BYTES))
    except UnicodeDecodeError:
        return False
    return len(re.findall(letters, text)) > sum(not char.isascii() for char in text) / 4


def _encoding_by_start(start: bytes) -> str | None:
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    # Western text in UTF-16 without its mark: every other byte is a NUL, and the others are text.
    for encoding, letters, blanks in (
        ("utf-16-le", start[0::2], start[1::2]),
        ("utf-16-be", start[1::2], start[0::2]),
    ):
        is_text = len(letters.translate(None, _CONTROLS)) > 0.95 * len(letters)
        if len(start) >= 8 and is_text and blanks.count(0) > 0.7 * len(blanks) > 7 * letters.count(0):
            return encoding
    return None


# What is often given a name that ends in .csv: how it begins, and what it is.
_OTHER_KINDS = (
    (b"%PDF", "This is a PDF"),
    (b"\x89PNG", "This is a picture"),
    (b"\xff\xd8\xff", "This is a picture"),
    (b"GIF8", "This is a picture"),
    (b"\x1f\x8b", "This is a compressed file (.gz)"),
    (b"BZh", "This is a compressed file (.bz2)"),
    (b"7z\xbc\xaf", "This is a compressed file (.7z)"),
    (b"Rar!", "This is a compressed file (.rar)"),
    (b"\xfd7zXZ", "This is a compressed file (.xz)"),
    (b"{\\rtf", "This is a text document (.rtf)"),
    (b"SQLite format 3", "This is a database"),
)


def _refuse_other_kinds(start: bytes) -> None:
    for signature, kind in _OTHER_KINDS:
        if start.startswith(signature):
            raise UnreadableFile(f"{kind}, not a CSV file or an Excel workbook. Upload the list itself.")
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    lower = text.lower()
    if lower.startswith((b"<!doctype", b"<html", b"<?xml", b"<table")):
        raise UnreadableFile(
            "This is a web page or XML, not a CSV file; perhaps a login page was saved "
            f"instead of the export. {_ADVICE}"
        )
    if lower.startswith(b"begin:vcard"):
        raise UnreadableFile(
            "These are vCards (.vcf), not a CSV file. Export the contacts as CSV, and upload that file."
        )
    if text.startswith((b"{", b"[{", b"[\n", b"[\r\n")) and b'":' in text:
        raise UnreadableFile(
            "This is JSON, not a CSV file. Export the contacts as CSV, and upload that file."
        )


def _delimiter(text: str) -> tuple[bool, str]:
    """(whether the first line names the delimiter, the delimiter)."""
    first, _, below = text.partition("\n")
    first = first.strip("\ufeff\r ")
    if first.lower().startswith("sep=") and len(first) == 5 and first[4] in DELIMITERS:
        # Unless the rows say otherwise.
        return True, first[4] if first[4] in below else _delimiter(below)[1]
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
