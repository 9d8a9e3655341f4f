"""Files of contacts as people really have them."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import openpyxl

# First names, last names: of many languages and scripts.
NAMES = (
    ("Anna", "Svensson"),
    ("Bilal", "Khan"),
    ("Chloé", "Perrin"),
    ("Kwame", "Mensah"),
    ("Inès", "Moreau"),
    ("José", "García López"),
    ("Zoë", "Kim"),
    ("Olu", "Adeyemi"),
    ("Jürgen", "Weiß"),
    ("Małgorzata", "Wójcik"),
    ("Nguyễn", "Thị Hương"),
    ("Siobhán", "O’Brien"),
    ("美咲", "佐藤"),
    ("伟", "王"),
    ("Дмитрий", "Иванов"),
    ("Ελένη", "Παπαδοπούλου"),
    ("محمد", "الحسن"),
    ("יעל", "כהן"),
    ("आरव", "शर्मा"),
    ("Ñusta", "Quispe"),
    ("Mary-Jane", "D'Angelo"),
    ("Þóra", "Jónsdóttir"),
    ("İpek", "Yılmaz"),
    ("Luka", "Žižić"),
    ("Emma 🌻", "van der Berg"),
)
COMPANIES = (
    "Northline, Inc.",
    "Müller & Söhne GmbH",
    'The "Corner" Shop',
    "Café Olé",
    "",
    "",
    "Acme",
    "三井商事",
)
PLANS = ("Basic", "Family", "Business", "")
# Area codes with the zones they lie in: the whole of the contiguous country, and beyond.
AREAS = ("212", "305", "312", "512", "303", "602", "415", "206", "808", "907", "617", "404")
INVALID = (
    "",
    "n/a",
    "911",
    "555-0142",
    "1.4155E+10",
    "+1 415 055 0142",
    "call the office",
    "41555501421234567",
    "+999 123 4567",
)

NOTATIONS: tuple[Callable[[str], str], ...] = (
    lambda n: f"+1{n}",
    lambda n: f"({n[:3]}) {n[3:6]}-{n[6:]}",
    lambda n: f"{n[:3]}-{n[3:6]}-{n[6:]}",
    lambda n: f"{n[:3]}.{n[3:6]}.{n[6:]}",
    lambda n: f"{n[:3]} {n[3:6]} {n[6:]}",
    lambda n: f"1 {n[:3]} {n[3:6]} {n[6:]}",
    lambda n: f"+1 ({n[:3]}) {n[3:6]}-{n[6:]}",
    lambda n: f"tel:+1-{n[:3]}-{n[3:6]}-{n[6:]}",
    lambda n: n,
    lambda n: f"{n[:3]}/{n[3:6]}-{n[6:]}",
    lambda n: f"\u00a0{n[:3]}\u2011{n[3:6]}\u2011{n[6:]} ",
    lambda n: f"{n[:3]}-{n[3:6]}-{n[6:]} ext. 12",
)


@dataclass(frozen=True)
class ContactFile:
    """A generated file, and what an import of it into an empty database must come to."""

    text: str
    rows: int
    valid: int
    duplicates: int
    invalid: int
    # E.164, each once, in the file's order.
    numbers: tuple[str, ...]


def contact_file(
    rows: int = 1000, *, seed: int = 1, invalid_share: float = 0.04, twice_share: float = 0.03
) -> ContactFile:
    """A CSV file with a header, UTF-8, commas: the same for the same arguments.

    Numbers are valid US ones in many notations, none of which forces an outcome in the simulator.
    """
    chance = random.Random(seed)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["First name", "Last name", "Mobile phone", "Email", "Company", "Plan", "Plan ends on"])
    numbers: list[str] = []
    duplicates = invalid = 0
    for row in range(rows):
        first, last = chance.choice(NAMES)
        if chance.random() < invalid_share:
            phone = chance.choice(INVALID)
            invalid += 1
        else:
            if numbers and chance.random() < twice_share:
                number = chance.choice(numbers)
                duplicates += 1
            else:
                count = len(numbers)
                number = f"{AREAS[count % len(AREAS)]}{200 + count // 9000 % 700}{1000 + count % 9000}"
                numbers.append(number)
            phone = chance.choice(NOTATIONS)(number)
        email = f"person{row}@example.com" if chance.random() < 0.8 else ""
        ends = f"2026-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        writer.writerow([first, last, phone, email, chance.choice(COMPANIES), chance.choice(PLANS), ends])
    return ContactFile(
        text=out.getvalue(),
        rows=rows,
        valid=len(numbers),
        duplicates=duplicates,
        invalid=invalid,
        numbers=tuple(f"+1{number}" for number in numbers),
    )


# --- Workbooks -------------------------------------------------------------------------------------


def workbook(sheets: dict[str, list[list[Any]]], *, hidden: tuple[str, ...] = ()) -> bytes:
    """An Excel workbook of these sheets, as openpyxl writes it."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        if name in hidden:
            sheet.sheet_state = "hidden"
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row, start=1):
                if value is not None:
                    cell = sheet.cell(number, column)
                    cell.value = value
                    if isinstance(value, str) and value.startswith("="):
                        cell.data_type = "s"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKED = "http://schemas.openxmlformats.org/package/2006"


def sheet_xml(*rows: list[str], raw: str = "") -> str:
    """The XML of a sheet of texts, and of what is given raw below them."""
    text = "".join(
        f'<row r="{number}">' + "".join(f'<c t="str"><v>{cell}</v></c>' for cell in row) + "</row>"
        for number, row in enumerate(rows, start=1)
    )
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{text}{raw}</sheetData></worksheet>'


def workbook_of_parts(
    *,
    sheet: str | None = "<worksheet/>",
    texts: list[str] | None = None,
    extra: dict[str, bytes] | None = None,
    only: dict[str, bytes] | None = None,
) -> bytes:
    """The archive of a workbook written by hand: its sheet, texts that cells share, and ``extra`` parts; or
    ``only`` these parts."""
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKED}/content-types"/>'.encode(),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKED}/relationships"><Relationship Id="r1" '
            f'Type="{_RELATED}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ).encode(),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATED}"><sheets>'
            '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>'
        ).encode(),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKED}/relationships"><Relationship Id="r1" '
            f'Type="{_RELATED}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="r2" '
            f'Type="{_RELATED}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>'
        ).encode(),
    }
    if sheet is not None:
        parts["xl/worksheets/sheet1.xml"] = sheet.encode()
    if texts is not None:
        shared = "".join(f"<si>{text}</si>" for text in texts)
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{_MAIN}">{shared}</sst>'.encode()
    return _archive(only if only is not None else parts | (extra or {}))


def changed(
    data: bytes,
    *,
    rename: dict[str, str] | None = None,
    replace: dict[str, tuple[bytes, bytes]] | None = None,
) -> bytes:
    """An archive with parts renamed, or something in them replaced."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, (old, new) in (replace or {}).items():
        parts[name] = parts[name].replace(old, new)
    return _archive({(rename or {}).get(name, name): content for name, content in parts.items()})


def _archive(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()
