"""Reading Excel workbooks: their sheets, and cells as a person sees them, a few rows at a time.

openpyxl knows Excel's formats and dates; parts of the archive are read here, with expat, since openpyxl's
read-only mode keeps a little of every row it has read and gives up over styles that nobody asked for. What
unpacks to more than memory bears is refused by the sizes in the archive's directory: the standard library
never unpacks more than these promise.
"""

from __future__ import annotations

import datetime as dt
import posixpath
import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import BinaryIO
from xml.parsers import expat

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.cell import column_index_from_string
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from contacts.importing.cells import MAX_COLUMNS, MAX_LINE_CHARACTERS, Row, UnreadableFile, cleaned

# Unpacked, in bytes. The texts that cells share are kept in memory; rows pass by, but somebody waits.
MAX_SHARED_BYTES = 128 * 1024 * 1024
MAX_PART_BYTES = 16 * 1024 * 1024
MAX_SHEET_BYTES = 2 * 1024 * 1024 * 1024
# Real sheets shrink to a tenth, empty ones to a hundredth; a thousandth is a trap.
MAX_SHRINKING = 400
_SMALL_BYTES = 32 * 1024 * 1024
# Who uploads a workbook waits for its first rows to be found; a million empty rows are less than the first.
# The last is of the texts that these refer to, those left out that are read at once.
_LOOKED_AT_BYTES = 40 * 1024 * 1024
_LOOKED_AT_BYTES_TOGETHER = 48 * 1024 * 1024
_LOOKED_AT_BYTES_OF_TEXTS = 64 * 1024 * 1024
# A tag takes as long as so many bytes, however short it is.
_BYTES_A_TAG = 12
# Of the first rows of all sheets, which are kept in memory.
MAX_FIRST_CHARACTERS = 16_000_000
# As Excel has it. Cells refer to texts, so that a small file may say a long one any number of times.
MAX_CELL_CHARACTERS = 32_767
# A control is written with seven.
_MAX_WRITTEN_CHARACTERS = 7 * MAX_CELL_CHARACTERS
# What a workbook can be built of without end: elements in elements, elements that matter (Excel knows 64,000
# styles), one comment or tag. Elements of real workbooks lie eight deep.
MAX_DEPTH = 64
MAX_ELEMENTS = 250_000
MAX_MARKUP_BYTES = 1024 * 1024
# More than any spreadsheet program knows.
MAX_ROWS = 100_000_000
# So many sheets are looked at.
MAX_SHEETS = 100
_BLOCK = 256 * 1024
# The rows of a piece are in memory at once, and each cell in it may be a long text.
_PIECE = 8 * 1024

_SAVE = "In Excel, choose File, Save as, “Excel Workbook (.xlsx)” or “CSV UTF-8”, and upload that file."
_AS_CSV = "Save it as “CSV UTF-8” and upload that."
_DAMAGED = (
    "This Excel workbook is damaged or was not uploaded whole. Open it in Excel, save it again, and upload "
    "that."
)
# What Excel writes where a formula failed.
_ERRORS = frozenset(
    {"#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NUM!", "#NAME?", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
)
# Formats that put zeros or texts around a whole number: 00000, "+"0, \+#
_PADDED = re.compile(r"""((?:"[^"]*"|\\.|[+ ])*)(0+|#+0*)""")
_PERCENT = re.compile(r"0(?:\.(0+))?%")
# A shared text as nearly all are: without formatting, and with nothing in it that stands for something else.
_PLAIN = rb'<si><t(?: xml:space="preserve")?>([^<&\x00-\x08\x0b\x0c\x0e-\x1f]*+)</t></si>\s*+'
_PLAIN_TEXT = re.compile(_PLAIN)
_PLAIN_TEXTS = re.compile(b"(?:%b)++" % _PLAIN)
# Comments and the like, which may hold anything that looks like a text.
_ASIDE = re.compile(rb"<!|<\?(?!xml )")
# Controls are escaped in texts: _x000D_
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True)
class SheetStart:
    """A sheet that holds something, and its first rows."""

    name: str
    is_hidden: bool
    first_rows: list[Row]


def is_archive(start: bytes) -> bool:
    return start.startswith(b"PK\x03\x04")


def refuse_old_kinds(start: bytes, file: BinaryIO) -> None:
    """Raise ``UnreadableFile`` for what Excel wrote until 2007, and what it encrypts."""
    if not start.startswith(b"\xd0\xcf\x11\xe0"):
        return
    file.seek(0)
    before = b""
    while block := file.read(_BLOCK):
        # Names in the directory of such a file.
        if "EncryptedPackage".encode("utf-16-le") in before + block:
            raise UnreadableFile(
                "This Excel workbook is encrypted with a password. In Excel, choose File, Info, Protect "
                "Workbook, Encrypt with Password, empty the field, save it, and upload that."
            )
        if "WordDocument".encode("utf-16-le") in before + block:
            raise UnreadableFile(f"This is a Word document, not a list of contacts. {_AS_CSV}")
        before = block[-64:]
    raise UnreadableFile(f"This is an old Excel workbook (.xls). {_SAVE}")


def find_sheets(file: BinaryIO, *, first_rows: int) -> list[SheetStart]:
    """The sheets that hold something, in the workbook's order. Raises ``UnreadableFile``."""
    found = []
    with _opened(file) as workbook:
        workbook.texts.within(_LOOKED_AT_BYTES_OF_TEXTS)
        bytes_left, characters_left = _LOOKED_AT_BYTES_TOGETHER, MAX_FIRST_CHARACTERS
        for one in workbook.sheets[:MAX_SHEETS]:
            before = workbook.looked_at
            looked_at = workbook.rows(one, within_bytes=min(_LOOKED_AT_BYTES, bytes_left))
            rows = []
            for row in islice(looked_at, first_rows):
                characters_left -= sum(map(len, row.cells))
                if characters_left < 0:
                    raise UnreadableFile(f"The first rows of this workbook are too long. {_AS_CSV}")
                rows.append(row)
            bytes_left -= workbook.looked_at - before
            if rows:
                found.append(SheetStart(one.name, one.is_hidden, rows))
    if not found and workbook.is_cut_short:
        raise UnreadableFile(
            "No row was found at the beginning of this workbook: its sheets begin with very many empty "
            f"cells, or with a row of millions. {_AS_CSV}"
        )
    if not found:
        raise UnreadableFile("The workbook is empty: none of its sheets holds anything.")
    return found


def about_rows(file: BinaryIO, sheet: str) -> int:
    """About how many rows a sheet has: what it says of its size is often wrong. Raises ``UnreadableFile``."""
    with _opened(file) as workbook:
        return workbook.count_rows(workbook.sheet(sheet))


def sheet_rows(file: BinaryIO, sheet: str) -> Iterator[Row]:
    """The rows of a sheet that are not empty, each with its number there. Raises ``UnreadableFile``."""
    with _opened(file) as workbook:
        yield from workbook.rows(workbook.sheet(sheet))


@contextmanager
def _opened(file: BinaryIO) -> Iterator[_Workbook]:
    """A workbook. Whatever goes wrong while it is read is the file's fault."""
    file.seek(0)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise UnreadableFile(
            "This is an Excel workbook or a ZIP archive that is damaged or was not uploaded whole. "
            "Open it in its program, save it again, and upload that."
        ) from None
    _refuse_other_archives(archive)
    try:
        yield _Workbook(archive)
    except UnreadableFile:
        raise
    except (
        zipfile.BadZipFile,
        expat.ExpatError,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        # What is missing, no number, out of range; zlib's errors have no base of their own.
        LookupError,
        ValueError,
        OverflowError,
        zlib.error,
    ) as error:
        raise UnreadableFile(_DAMAGED) from error


def _refuse_other_archives(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    if any(info.flag_bits & 1 for info in archive.infolist()):
        raise UnreadableFile("This file is encrypted with a password. Save it without one, and upload that.")
    if "xl/workbook.bin" in names:
        raise UnreadableFile(f"This is a binary Excel workbook (.xlsb). {_SAVE}")
    if "[Content_Types].xml" in names and any(name.lower().startswith("xl") for name in names):
        return
    if any(name.startswith("xl/") for name in names):
        raise UnreadableFile(_DAMAGED)
    if "Index/Document.iwa" in names or "Index.zip" in names or "index.apxl" in names:
        raise UnreadableFile(
            "This is a Numbers document. In Numbers, choose File, Export To, “Excel”, and upload that file."
        )
    is_small = "mimetype" in names and archive.getinfo("mimetype").file_size < 200
    if is_small and b"opendocument.spreadsheet" in archive.read("mimetype"):
        raise UnreadableFile(
            "This is an OpenDocument spreadsheet (.ods). Save it as “Excel 2007–365 (.xlsx)” or as CSV, and "
            "upload that file."
        )
    if any(name.startswith("word/") for name in names):
        raise UnreadableFile(f"This is a Word document, not a list of contacts. {_AS_CSV}")
    raise UnreadableFile(
        "This is a ZIP archive or an office document, not a CSV file or an Excel workbook. Unpack it, and "
        "upload the file that is in it."
    )


class _Workbook:
    """The parts of a workbook that matter here."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        # Some programs write their paths with other slashes and cases than they name them.
        self._parts = {_path(info.filename): info for info in archive.infolist()}
        # Bytes of sheets, or what took as long; and whether some of a sheet was not looked at for that.
        self.looked_at = 0
        self.is_cut_short = False
        main = next(
            (path for _, kind, path in self._relations("") if kind == "officeDocument"), "xl/workbook.xml"
        )
        related = {name: (kind, path) for name, kind, path in self._relations(main)}
        paths = dict(related.values())
        # By their paths: a sheet that is named twice is one.
        sheets: dict[str, _Sheet] = {}
        is_1904 = False
        for _, tag, attributes in self._elements(main, {"workbook", "sheet", "workbookPr"}):
            match tag:
                case "workbook" if any("purl.oclc.org" in value for value in attributes.values()):
                    raise UnreadableFile(
                        "This workbook is saved as “Strict Open XML Spreadsheet”. In Excel, choose File, "
                        "Save as, “Excel Workbook (.xlsx)”, and upload that file."
                    )
                case "sheet":
                    relation = next((value for name, value in attributes.items() if _local(name) == "id"), "")
                    kind, path = related.get(relation, ("", ""))
                    if kind == "worksheet" and path in self._parts:
                        state = attributes.get("state", "visible")
                        sheets.setdefault(path, _Sheet(attributes.get("name", ""), path, state != "visible"))
                case "workbookPr":
                    is_1904 = attributes.get("date1904", "0") in {"1", "true"}
        self.sheets = list(sheets.values())
        self._formats = _Formats(self._styles(paths.get("styles", "")), is_1904=is_1904)
        texts = paths.get("sharedStrings", "")
        self.texts = _SharedTexts(self._blocks(texts, MAX_SHARED_BYTES) if texts in self._parts else iter(()))

    def sheet(self, name: str) -> _Sheet:
        found = next((one for one in self.sheets if one.name == name), None)
        if found is None:
            raise UnreadableFile(f"The workbook has no sheet “{name}”. Upload it again.")
        return found

    def rows(self, sheet: _Sheet, *, within_bytes: int | None = None) -> Iterator[Row]:
        """The rows of a sheet that are not empty; or those within so many of its bytes, or as many tags."""
        found = _SheetRows(self.texts, self._formats)
        before = self.looked_at
        for block in self._blocks(sheet.path, MAX_SHEET_BYTES):
            self.looked_at += _weight(block)
            if within_bytes is not None and self.looked_at - before > within_bytes:
                self.is_cut_short = True
                return
            for begin in range(0, len(block), _PIECE):
                found.feed(block[begin : begin + _PIECE])
                if found.rows:
                    yield from found.rows
                    found.rows.clear()
        found.end()

    def count_rows(self, sheet: _Sheet) -> int:
        """About how many rows a sheet has; of a large one, from so many in its first part."""
        count, looked_at, before = 0, 0, b""
        for block in islice(self._blocks(sheet.path, MAX_SHEET_BYTES), _LOOKED_AT_BYTES // _BLOCK):
            together = before + block
            count += together.count(b"<row") + together.count(b":row ")
            looked_at += len(block)
            before = block[-3:]
        return count * self._parts[sheet.path].file_size // max(1, looked_at)

    def _relations(self, part: str) -> Iterator[tuple[str, str, str]]:
        """(its name, its kind, the path it leads to) of each relation of a part."""
        folder, _, name = part.rpartition("/")
        path = f"{folder}/_rels/{name}.rels".lstrip("/")
        if _path(path) not in self._parts:
            return
        for _, _, attributes in self._elements(path, {"Relationship"}):
            target = attributes.get("Target", "")
            kind = attributes.get("Type", "").rpartition("/")[2]
            leads_to = _path(posixpath.join("/" + folder, target.replace("\\", "/")))
            yield attributes.get("Id", ""), kind, leads_to

    def _styles(self, path: str) -> list[str]:
        """The format of each style's numbers."""
        if path not in self._parts:
            return []
        own: dict[str, str] = {}
        numbers = []
        for parent, tag, attributes in self._elements(path, {"numFmt", "xf"}):
            if tag == "numFmt":
                own[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif parent == "cellXfs":
                numbers.append(attributes.get("numFmtId", "0"))
        return [own.get(number) or BUILTIN_FORMATS.get(int(number), "General") for number in numbers]

    def _elements(self, path: str, wanted: set[str]) -> Iterator[tuple[str, str, dict[str, str]]]:
        """(the one it is in, its name, its attributes) of each element of a small part with these names."""
        found = _Elements(wanted)
        for block in self._blocks(path, MAX_PART_BYTES):
            found.feed(block)
            yield from found.found
            found.found.clear()
        found.end()

    def _blocks(self, path: str, limit: int) -> Iterator[bytes]:
        """A part of the archive, unpacked, if memory and patience bear it."""
        info = self._parts[_path(path)]
        shrinks = info.file_size > _SMALL_BYTES and info.file_size > MAX_SHRINKING * info.compress_size
        if info.file_size > limit or shrinks:
            raise UnreadableFile(
                f"Unpacked, this workbook is too large to be read ({info.file_size // (1024 * 1024):,} MB in "
                f"one part of it). {_AS_CSV}"
            )
        with self._archive.open(info) as part:
            while block := part.read(_BLOCK):
                yield block


@dataclass(frozen=True)
class _Sheet:
    name: str
    path: str
    is_hidden: bool


class _Part:
    """A part of a workbook as XML, fed in as it is unpacked; what is built to take long is refused."""

    def __init__(self) -> None:
        self._depth = 0
        self._fed = 0
        self._parser = _parser(self._start, self._end)

    def feed(self, block: bytes) -> None:
        self._fed += len(block)
        self._parser.Parse(block)
        # Where the last thing that was understood begins: a tag or comment that has not ended is read
        # again from there.
        if self._fed - self._parser.CurrentByteIndex > MAX_MARKUP_BYTES:
            raise UnreadableFile(_DAMAGED)

    def end(self) -> None:
        """There is no more. Raises ``ExpatError`` if there should be."""
        self._parser.Parse(b"", True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        raise NotImplementedError

    def _end(self, name: str) -> None:
        raise NotImplementedError


class _Elements(_Part):
    """Elements of some names."""

    def __init__(self, wanted: set[str]) -> None:
        super().__init__()
        self.found: list[tuple[str, str, dict[str, str]]] = []
        self._wanted = wanted
        self._count = 0
        self._open = [""]

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = _local(name)
        if tag in self._wanted:
            self._count += 1
            self.found.append((self._open[-1], tag, attributes))
        self._open.append(tag)
        if self._count > MAX_ELEMENTS or len(self._open) > MAX_DEPTH:
            raise UnreadableFile(_DAMAGED)

    def _end(self, name: str) -> None:
        self._open.pop()


class _SharedTexts(_Part):
    """The texts that cells refer to, each without its formatting and how Asian ones are pronounced.

    Read as far as they are asked for: those of the first rows mostly come first, unless a sheet was sorted.
    Kept as one piece of memory: millions of strings would take several times as much. Runs of plain ones are
    read past the parser, which takes ten times as long.
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        super().__init__()
        self._blocks = blocks
        self._data = bytearray()
        self._ends = array("Q", [0])
        self._parts: list[str] = []
        self._is_said = False
        # What follows the last text that ended; whether texts may be read at once; bytes left to parse.
        self._rest = b""
        self._is_simple = True
        self._bytes_left: int | None = None

    def within(self, parsed_bytes: int) -> None:
        """Parse no more than so many bytes: who goes beyond is told to save the workbook as CSV."""
        self._bytes_left = parsed_bytes

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError(number)
        while number + 1 >= len(self._ends):
            if block := next(self._blocks, b""):
                self.feed(block)
            elif self._rest:
                self._parse(self._rest)
                self._rest = b""
            else:
                self.end()
                raise IndexError(number)
        return self._data[self._ends[number] : self._ends[number + 1]].decode("utf-8", "surrogatepass")

    def feed(self, block: bytes) -> None:
        if not self._fed and not self._rest:
            start = block[:200].lower()
            self._is_simple = b"encoding" not in start or b"utf-8" in start
        block = self._rest + block
        self._is_simple = self._is_simple and not _ASIDE.search(block)
        begin, end = 0, len(block)
        if self._is_simple:
            before, last, _ = block.rpartition(b"</si>")
            end = len(before) + len(last)
            for found in _PLAIN_TEXTS.finditer(block, 0, end):
                self._parse(block[begin : found.start()])
                begin = found.start()
                # Within the list of texts and nothing else.
                if self._depth == 1 and not self._parts:
                    self._add(found[0])
                    begin = found.end()
        self._parse(block[begin:end])
        self._rest = block[end:]
        if len(self._rest) > MAX_MARKUP_BYTES:
            self._parse(self._rest)
            self._rest = b""

    def _parse(self, block: bytes) -> None:
        if not block:
            return
        if self._bytes_left is not None:
            self._bytes_left -= _weight(block)
            if self._bytes_left < 0:
                raise UnreadableFile(
                    "The texts of the first rows stand too far back in this workbook to be looked up. "
                    f"{_AS_CSV}"
                )
        super().feed(block)
        # A text that has not ended.
        _refuse_long(self._parts, "A cell")

    def _add(self, plain: bytes) -> None:
        """Texts that are as they are written, one after another."""
        texts: list[bytes] = _PLAIN_TEXT.findall(plain)
        # Refused as the parser refuses it.
        plain.decode("utf-8")
        if b"_x" in plain or max(map(len, texts)) > MAX_CELL_CHARACTERS:
            for text in texts:
                self._keep(text.decode("utf-8"))
            return
        self._ends.extend(islice(accumulate(map(len, texts), initial=len(self._data)), 1, None))
        self._data += b"".join(texts)

    def _keep(self, written: str) -> None:
        text = _unescaped(written)
        if len(text) > MAX_CELL_CHARACTERS:
            raise _too_long("A cell", MAX_CELL_CHARACTERS)
        self._data += text.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._data))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnreadableFile(_DAMAGED)
        tag = name if ":" not in name else _local(name)
        if tag == "t" and not self._is_said:
            self._parser.CharacterDataHandler = self._parts.append
        elif tag == "rPh":
            self._is_said = True

    def _end(self, name: str) -> None:
        self._depth -= 1
        tag = name if ":" not in name else _local(name)
        if tag == "t":
            self._parser.CharacterDataHandler = None
        elif tag == "si":
            self._keep("".join(self._parts))
            self._parts.clear()
        elif tag == "rPh":
            self._is_said = False


class _SheetRows(_Part):
    """Rows of a sheet, as its text is fed in."""

    def __init__(self, texts: _SharedTexts, formats: _Formats) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self._texts = texts
        self._formats = formats
        self._number = 0
        self._cells: list[str] = []
        self._position = -1
        self._kind = self._style = ""
        self._parts: list[str] = []
        self._is_said = False
        # Of the row, and of all rows so far.
        self._characters = self._all_characters = 0

    def feed(self, block: bytes) -> None:
        super().feed(block)
        # A text that has not ended.
        _refuse_long(self._parts, self._where())

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnreadableFile(_DAMAGED)
        tag = name if ":" not in name else _local(name)
        if tag == "v" or (tag == "t" and not self._is_said):
            self._parser.CharacterDataHandler = self._parts.append
        elif tag == "c":
            reference = attributes.get("r")
            if reference:
                self._position = column_index_from_string(reference.rstrip("0123456789")) - 1
            else:
                self._position += 1
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "")
            self._parts = []
        elif tag == "row":
            # Each number once, whatever the file says.
            self._number = max(int(float(attributes.get("r") or 0)), self._number + 1)
            if self._number > MAX_ROWS:
                raise ValueError("no sheet has so many rows")
            self._position = -1
            self._cells = []
            self._characters = 0
        elif tag == "rPh":
            self._is_said = True

    def _end(self, name: str) -> None:
        self._depth -= 1
        tag = name if ":" not in name else _local(name)
        if tag in {"v", "t"}:
            self._parser.CharacterDataHandler = None
        elif tag == "c":
            if self._parts and (text := self._text("".join(self._parts))):
                self._characters += len(text)
                if len(text) > MAX_CELL_CHARACTERS:
                    raise _too_long(self._where(), MAX_CELL_CHARACTERS)
                if self._characters > MAX_LINE_CHARACTERS:
                    raise _too_long(f"Row {self._number:,}", MAX_LINE_CHARACTERS)
                # One column more than allowed is enough to tell.
                position = min(self._position, MAX_COLUMNS)
                if len(self._cells) <= position:
                    self._cells += [""] * (position - len(self._cells) + 1)
                self._cells[position] = text
        elif tag == "row":
            cells = cleaned(self._cells)
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                self.rows.append(Row(self._number, cells))
                self._all_characters += self._characters
                if self._all_characters > MAX_SHEET_BYTES:
                    raise _too_long("The sheet", MAX_SHEET_BYTES)
        elif tag == "rPh":
            self._is_said = False

    def _where(self) -> str:
        return f"A cell of row {self._number:,}"

    def _text(self, value: str) -> str:
        """A cell's content as a person sees it."""
        match self._kind:
            case "s":
                return self._texts[int(value)]
            case "n":
                return self._formats.written(value.strip(), self._style)
            case "b":
                return "yes" if value.strip() in {"1", "true"} else "no"
            case "e":
                return ""
            case "d":
                return value.removesuffix("T00:00:00").replace("T", " ")
            case _:
                text = _unescaped(value)
                return "" if text in _ERRORS else text


class _Formats:
    """Numbers as their formats show them, where the format says what they are."""

    def __init__(self, styles: list[str], *, is_1904: bool) -> None:
        self._styles = styles
        self._epoch = CALENDAR_MAC_1904 if is_1904 else CALENDAR_WINDOWS_1900
        self._writers: dict[str, Callable[[float], str] | None] = {}

    def written(self, value: str, style: str) -> str:
        """A stored number as text: whole, never 1.4155550142E10; dates in ISO form."""
        if style not in self._writers:
            self._writers[style] = self._writer(style)
        writer = self._writers[style]
        if writer is None and value.isdecimal() and len(value) <= 15:
            return value
        number = float(value)
        text = writer(number) if writer else ""
        return text or _plain(number, value)

    def _writer(self, style: str) -> Callable[[float], str] | None:
        format_ = self._styles[int(style)] if style and int(style) < len(self._styles) else "General"
        if is_date_format(format_):
            is_duration = is_timedelta_format(format_)
            return lambda number: self._moment(number, is_duration=is_duration)
        if match := _PADDED.fullmatch(format_):
            before = re.sub(r'\\(.)|"', r"\1", match[1])
            zeros = match[2].count("0")
            return lambda number: before + str(round(number)).zfill(zeros) if number >= 0 else ""
        if match := _PERCENT.fullmatch(format_):
            digits = len(match[1] or "")
            return lambda number: f"{number:.{digits}%}"
        return None

    def _moment(self, number: float, *, is_duration: bool) -> str:
        try:
            moment = from_excel(number, self._epoch, timedelta=is_duration)
        except (OverflowError, ValueError):
            return ""
        if not isinstance(moment, dt.datetime):
            return str(moment)
        moment = moment.replace(microsecond=0)
        return moment.date().isoformat() if moment.time() == dt.time() else moment.isoformat(" ")


def _plain(number: float, written: str) -> str:
    if number.is_integer() and abs(number) < 1e15:
        return str(int(number))
    # As people typed it, 0.3 and not 0.30000000000000004: Excel keeps fifteen digits.
    text = f"{number:.15g}"
    return written if "e" in text else text


def _weight(block: bytes) -> int:
    """How long XML takes to be parsed, in bytes."""
    return max(len(block), _BYTES_A_TAG * block.count(b"<"))


def _refuse_long(parts: list[str], where: str) -> None:
    """For the parts of a cell, as they are written."""
    if sum(map(len, parts)) > _MAX_WRITTEN_CHARACTERS:
        raise _too_long(where, MAX_CELL_CHARACTERS)


def _too_long(what: str, characters: int) -> UnreadableFile:
    return UnreadableFile(
        f"{what} is longer than {characters:,} characters: this is not a list of contacts. {_AS_CSV}"
    )


def _parser(
    start: Callable[[str, dict[str, str]], None] | None = None, end: Callable[[str], None] | None = None
) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    # Workbooks declare no types, and so no entities: what does is a trap.
    parser.StartDoctypeDeclHandler = _refuse_declaration
    return parser


def _refuse_declaration(*_: object) -> None:
    raise UnreadableFile(_DAMAGED)


def _local(name: str) -> str:
    """A name without its prefix."""
    return name.rpartition(":")[2]


def _path(name: str) -> str:
    return posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/").lower()


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
