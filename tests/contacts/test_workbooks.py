"""Excel workbooks: cells as a person sees them, in bounded memory, or a clear word on what is wrong."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import tracemalloc

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Font

from contacts.importing import workbooks
from contacts.importing.reading import Dialect, UnreadableFile, inspect, rows
from tests.factories.contact_files import changed, sheet_xml, workbook, workbook_of_parts

HEADER = ["Name", "Phone"]


def read(data: bytes, **said) -> list[list[str]]:
    file = io.BytesIO(data)
    return [row.cells for row in rows(file, inspect(file, **said).dialect)]


def written(value, number_format: str = "General") -> str:
    """What becomes of a cell."""
    book = openpyxl.Workbook()
    book.active.append(["Name", "Phone", "x"])
    cell = book.active.cell(2, 2, value)
    cell.number_format = number_format
    book.active.cell(2, 1, "Anna")
    out = io.BytesIO()
    book.save(out)
    return (read(out.getvalue())[0] + [""])[1]


@pytest.mark.parametrize(
    ("value", "number_format", "seen"),
    [
        (14155550142, "General", "14155550142"),
        (14155550142.0, "0.00E+00", "14155550142"),
        (1.4155550142e10, "General", "14155550142"),
        (491711234567, "0", "491711234567"),
        (123456789012345, "General", "123456789012345"),
        (0.1 + 0.2, "General", "0.3"),
        (4.5, "0.00", "4.5"),
        (-3, "General", "-3"),
        (2134, "00000", "02134"),
        (14155550142, '"+"0', "+14155550142"),
        (14155550142, r"\+#", "+14155550142"),
        (1711234567, "0##########", "1711234567"),
        (0.25, "0%", "25%"),
        (0.125, "0.0%", "12.5%"),
        (True, "General", "yes"),
        (False, "General", "no"),
        (dt.date(2026, 11, 22), "dd.mm.yyyy", "2026-11-22"),
        (dt.datetime(2026, 11, 22, 14, 30), "m/d/yy h:mm", "2026-11-22 14:30:00"),
        (dt.time(14, 30), "h:mm", "14:30:00"),
        (dt.timedelta(hours=30), "[h]:mm:ss", "1 day, 6:00:00"),
        ("#N/A", "General", ""),
        ("'=1+1", "General", "=1+1"),
        ("tel:+1 415 555 0142", "General", "tel:+1 415 555 0142"),
        ("  two\nlines ", "General", "two lines"),
        ("=HYPERLINK(1)", "General", ""),
    ],
)
def test_a_cell_becomes_what_a_person_sees(value, number_format, seen):
    assert written(value, number_format) == seen


@pytest.mark.parametrize(
    ("cell", "seen"),
    [
        ('<c r="B2"><v>1.4155550142E10</v></c>', "14155550142"),
        ('<c r="B2"><f>A1*2</f><v>14155550142</v></c>', "14155550142"),
        ('<c r="B2" t="str"><f>A1&amp;A2</f><v>+1 415</v></c>', "+1 415"),
        ('<c r="B2" t="e"><v>#REF!</v></c>', ""),
        ('<c r="B2" t="b"><v>1</v></c>', "yes"),
        ('<c r="B2" t="d"><v>2026-11-22T00:00:00</v></c>', "2026-11-22"),
        ('<c r="B2" t="inlineStr"><is><t>An</t></is></c>', "An"),
        ('<c r="B2" t="inlineStr"><is><r><t>An</t></r><r><t>na</t></r></is></c>', "Anna"),
        ('<c r="B2" t="inlineStr"><is><t>佐藤</t><rPh sb="0" eb="2"><t>サトウ</t></rPh></is></c>', "佐藤"),
        ('<c r="B2" t="str"><v>a_x000D_b</v></c>', "a b"),
        ('<c r="B2" t="str"><v>_x005F_x000D_</v></c>', "_x000D_"),
        ('<c r="B2" t="str"><v>half _xD83D_</v></c>', "half \ufffd"),
        ("<c><v>1</v></c><c><v>2</v></c>", "2"),
        ('<c r="B2"/>', ""),
        ('<c r="B2"><v></v></c>', ""),
        ('<c r="B2" s="99"><v>7</v></c>', "7"),
    ],
)
def test_cells_as_other_programs_write_them(cell, seen):
    data = workbook_of_parts(sheet=sheet_xml(HEADER, raw=f'<row r="2">{cell}<c r="C2"><v>1</v></c></row>'))
    assert read(data)[0][1] == seen


def test_rich_text_and_links_are_read_as_their_text():
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.active["A2"] = CellRichText("Anna ", TextBlock(InlineFont(b=True), "Svensson"))
    book.active["B2"] = "+1 415 555 0142"
    book.active["B2"].hyperlink = "tel:+14155550142"
    book.active["B2"].font = Font(bold=True)
    out = io.BytesIO()
    book.save(out)
    assert read(out.getvalue()) == [["Anna Svensson", "+1 415 555 0142"]]


def test_dates_of_old_macs_are_counted_from_their_own_year():
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append([*HEADER, "Since"])
    book.active.append(["Anna", "4155550101", dt.date(2026, 11, 22)])
    out = io.BytesIO()
    book.save(out)
    assert read(out.getvalue())[0][2] == "2026-11-22"


def test_lines_are_the_rows_of_the_sheet():
    data = workbook(
        {"Leads": [[], [], ["My leads"], [], HEADER, ["Anna", 4155550101], [], ["Bo", 4155550102]]}
    )
    file = io.BytesIO(data)
    inspection = inspect(file)
    assert inspection.dialect.columns == ("Name", "Phone")
    assert inspection.dialect.above == 1
    assert [(row.line, row.cells) for row in rows(file, inspection.dialect)] == [
        (6, ["Anna", "4155550101"]),
        (8, ["Bo", "4155550102"]),
    ]


def test_the_first_sheet_that_holds_something_is_chosen_and_another_can_be():
    data = workbook(
        {
            "Empty": [],
            "Hidden": [HEADER, ["Hid", 4155550109]],
            "Leads": [HEADER, ["Anna", 4155550101]],
            "More": [HEADER, ["Bo", 4155550102]],
        },
        hidden=("Hidden",),
    )
    dialect = inspect(io.BytesIO(data)).dialect
    assert (dialect.sheet, dialect.sheets) == ("Leads", ("Hidden", "Leads", "More"))
    assert read(data, sheet="More") == [["Bo", "4155550102"]]
    assert read(data, sheet="gone") == [["Anna", "4155550101"]]
    assert dialect.describe() == "Excel workbook, sheet “Leads”"
    assert Dialect.from_json(dialect.as_json()) == dialect


def test_of_several_sheets_the_one_of_contacts_is_chosen():
    data = workbook({"Read me": [["Version", "Of"], ["3", "May"]], "Leads": [HEADER, ["Anna", 4155550101]]})
    assert inspect(io.BytesIO(data)).dialect.sheet == "Leads"


def test_hidden_rows_and_merged_cells_are_read():
    book = openpyxl.Workbook()
    for row in (HEADER, ["Anna", 4155550101], ["Bo", 4155550102], ["", 4155550103]):
        book.active.append(row)
    book.active.row_dimensions[3].hidden = True
    book.active.merge_cells("A3:A4")
    out = io.BytesIO()
    book.save(out)
    assert read(out.getvalue()) == [["Anna", "4155550101"], ["Bo", "4155550102"], ["", "4155550103"]]


def test_wrong_dimensions_mislead_nobody():
    for dimension in ("A1", "A1:XFD1048576", "nonsense"):
        sheet = sheet_xml(HEADER, ["Anna", "4155550101"]).replace(
            "<sheetData>", f'<dimension ref="{dimension}"/><sheetData>'
        )
        assert read(workbook_of_parts(sheet=sheet)) == [["Anna", "4155550101"]]


def test_what_is_scribbled_far_beside_the_table_is_no_part_of_it():
    data = workbook(
        {"Leads": [HEADER, *(["Anna", 4155550101 + n] for n in range(150)), ["Bo", 1, "", "note"]]}
    )
    assert read(data)[-1] == ["Bo", "1"]


def test_many_empty_rows_with_formats_cost_little_memory():
    body = "".join(f'<row r="{n}" s="1" customFormat="1" ht="15"/>' for n in range(2, 200_000))
    data = workbook_of_parts(
        sheet=sheet_xml(HEADER, raw=body + '<row r="200000"><c t="str"><v>x</v></c></row>')
    )
    tracemalloc.start()
    assert read(data) == [["x"]]
    assert tracemalloc.get_traced_memory()[1] < 20 * 1024 * 1024
    tracemalloc.stop()


def test_prefixed_names_and_odd_paths_are_understood():
    data = changed(
        workbook_of_parts(sheet=sheet_xml(HEADER, ["Anna", "4155550101"])),
        rename={"xl/worksheets/sheet1.xml": "XL/Worksheets/Sheet1.xml"},
        replace={"xl/_rels/workbook.xml.rels": (b"worksheets/", b"\\xl\\worksheets\\")},
    )
    assert read(data) == [["Anna", "4155550101"]]
    sheet = sheet_xml(HEADER, ["Anna", "4155550101"])
    for tag in ("worksheet", "sheetData", "row", "c", "v"):
        sheet = sheet.replace(f"<{tag}", f"<x:{tag}").replace(f"</{tag}", f"</x:{tag}")
    sheet = sheet.replace("xmlns=", "xmlns:x=")
    assert read(workbook_of_parts(sheet=sheet)) == [["Anna", "4155550101"]]


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
ODS = b"application/vnd.oasis.opendocument.spreadsheet"
STRICT = (b"http://schemas.openxmlformats.org/spreadsheetml", b"http://purl.oclc.org/ooxml/spreadsheetml")


def broken(row: str) -> bytes:
    return workbook_of_parts(sheet=sheet_xml(raw=row))


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        ("nothing in it", workbook({"A": [], "B": []}), "none of its sheets holds anything"),
        ("a header alone", workbook({"A": [HEADER]}), "no contacts below"),
        ("too many columns", workbook({"A": [["Name"] * 600, [1] * 600]}), "more than 500 columns"),
        ("cut off", workbook({"A": [HEADER, ["Anna", 1]]})[:-200], "damaged"),
        ("cut in two", workbook({"A": [HEADER, ["Anna", 1]]})[:1000], "damaged"),
        ("encrypted", OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted with a password"),
        ("of 2003", OLE + "Workbook".encode("utf-16-le"), "old Excel workbook (.xls)"),
        ("a Word document of 2003", OLE + "WordDocument".encode("utf-16-le"), "Word document"),
        ("binary", workbook_of_parts(extra={"xl/workbook.bin": b"x"}), "(.xlsb)"),
        ("of LibreOffice", workbook_of_parts(only={"mimetype": ODS}), "(.ods)"),
        ("of Numbers", workbook_of_parts(only={"Index/Document.iwa": b"x"}), "Numbers"),
        ("of Word", workbook_of_parts(only={"word/document.xml": b"x"}), "Word document"),
        ("an archive", workbook_of_parts(only={"contacts.csv": b"Name,Phone"}), "ZIP archive"),
        ("strict", changed(workbook_of_parts(), replace={"xl/workbook.xml": STRICT}), "Strict"),
        ("without its sheet", workbook_of_parts(sheet=None), "none of its sheets"),
        ("that ends too soon", workbook_of_parts(sheet="<worksheet><sheetData><row>"), "damaged"),
        ("with an empty part", workbook_of_parts(extra={"xl/workbook.xml": b""}), "damaged"),
        ("with an empty sheet part", workbook_of_parts(sheet=""), "damaged"),
        ("with broken XML", workbook_of_parts(sheet="<worksheet><sheetData></worksheet>"), "damaged"),
        ("with entities", workbook_of_parts(sheet=ENTITIES + "<worksheet>&b;</worksheet>"), "damaged"),
        ("with a text that is not there", broken('<row><c t="s"><v>99</v></c></row>'), "damaged"),
        ("with a number that is none", broken("<row><c><v>x1</v></c></row>"), "damaged"),
        ("with a row too far", broken('<row r="99999999999"><c><v>1</v></c></row>'), "damaged"),
        ("with an endless row", broken('<row r="inf"><c><v>1</v></c></row>'), "damaged"),
        ("with a column that is none", broken('<row><c r="?1"><v>1</v></c></row>'), "damaged"),
    ],
)
def test_what_cannot_be_read_is_explained(kind, data, said):
    with pytest.raises(UnreadableFile) as refused:
        read(data)
    assert said in str(refused.value)


def test_a_bomb_is_refused_before_it_is_unpacked():
    bomb = workbook_of_parts(sheet=sheet_xml(HEADER) + " " * (workbooks._SMALL_BYTES + 1))
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match="too large"):
        read(bomb)
    assert tracemalloc.get_traced_memory()[1] < 10 * 1024 * 1024
    tracemalloc.stop()


def test_a_directory_that_lies_about_sizes_unpacks_no_more_than_it_says():
    data = bytearray(workbook_of_parts(sheet=sheet_xml(HEADER, raw="<row/>" * 100_000)))
    # In the directory, 24 bytes into the sheet's entry, is how large it says the sheet is.
    entry = data.rindex(b"xl/worksheets/sheet1.xml") - 46
    data[entry + 24 : entry + 28] = (400).to_bytes(4, "little")
    with pytest.raises(UnreadableFile, match="damaged"):
        read(bytes(data))


SHARED = sheet_xml(raw='<row><c t="s"><v>0</v></c></row><row><c t="s"><v>1</v></c></row>')


def test_cells_share_texts():
    texts = ["<t>Phone</t>", "<r><t>+1 415 </t></r><r><t>555 0142</t></r><rPh><t>five</t></rPh>"]
    assert read(workbook_of_parts(sheet=SHARED, texts=texts)) == [["+1 415 555 0142"]]


def test_too_many_shared_texts_are_refused(monkeypatch):
    monkeypatch.setattr(workbooks, "MAX_SHARED_BYTES", 1000)
    with pytest.raises(UnreadableFile, match="too large"):
        read(workbook_of_parts(sheet=SHARED, texts=["<t>a text of somebody</t>"] * 100))


def test_a_long_text_that_many_cells_share_is_not_multiplied():
    row = "<row>" + '<c t="s"><v>0</v></c>' * 500 + "</row>"
    data = workbook_of_parts(sheet=sheet_xml(raw=row * 20), texts=["<t>" + "x" * 20_000 + "</t>"])
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match="Row 1 is longer than 1,000,000 characters"):
        read(data)
    assert tracemalloc.get_traced_memory()[1] < 10 * 1024 * 1024
    tracemalloc.stop()


def test_rows_that_share_long_texts_are_read_a_few_at_a_time(monkeypatch):
    row = "<row>" + '<c t="s"><v>0</v></c>' * 40 + "</row>"
    data = workbook_of_parts(sheet=sheet_xml(HEADER, raw=row * 1000), texts=["<t>" + "x" * 20_000 + "</t>"])
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match="first rows of this workbook are too long"):
        read(data)
    assert tracemalloc.get_traced_memory()[1] < 60 * 1024 * 1024
    tracemalloc.stop()
    monkeypatch.setattr(workbooks, "MAX_SHEET_BYTES", 10_000_000)
    with pytest.raises(UnreadableFile, match="The sheet is longer than 10,000,000 characters"):
        list(workbooks.sheet_rows(io.BytesIO(data), "Sheet1"))


LONGEST = "x" * workbooks.MAX_CELL_CHARACTERS


@pytest.mark.parametrize(
    ("sheet", "texts"),
    [
        ('<c t="str"><v>{}</v></c>', ["<t></t>"]),
        ('<c t="inlineStr"><is><r><t>{}</t></r></is></c>', ["<t></t>"]),
        ('<c t="s"><v>0</v></c>', ["<t>{}</t>"]),
    ],
)
def test_a_cell_may_be_as_long_as_excel_allows_and_no_longer(sheet, texts):
    def book(text: str) -> bytes:
        row = f"<row>{sheet.format(text)}</row>"
        return workbook_of_parts(sheet=sheet_xml(HEADER, raw=row), texts=[one.format(text) for one in texts])

    assert read(book(LONGEST)) == [[LONGEST]]
    assert read(book("_x0041_" * len(LONGEST))) == [["A" * len(LONGEST)]]
    with pytest.raises(UnreadableFile, match=r"ell.* is longer than 32,767 characters"):
        read(book(LONGEST + "x"))
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match=r"ell.* is longer than 32,767 characters"):
        read(book(LONGEST * 200))
    # The archive itself is most of it.
    assert tracemalloc.get_traced_memory()[1] < 40 * 1024 * 1024
    tracemalloc.stop()


DEEP = "<a>" * 1_000_000


@pytest.mark.parametrize(
    "parts",
    [
        {"xl/worksheets/sheet1.xml": b"<worksheet>" + DEEP.encode()},
        {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData>" + b"<row>" * 1_000_000},
        {"xl/sharedStrings.xml": b"<sst>" + DEEP.encode()},
        {"xl/workbook.xml": b"<workbook>" + DEEP.encode()},
        {"xl/workbook.xml": b"<workbook>" + b'<sheet b=""/>' * 1_200_000},
        {"xl/_rels/workbook.xml.rels": b"<Relationships>" + b"<Relationship/>" * 1_000_000},
        {"xl/worksheets/sheet1.xml": b"<worksheet><!--" + b"x" * 8_000_000 + b"--></worksheet>"},
        {"xl/worksheets/sheet1.xml": b"<worksheet " + b" " * 8_000_000 + b"/>"},
        {"xl/workbook.xml": b"<workbook><?x " + b"x" * 8_000_000 + b"?></workbook>"},
    ],
)
def test_what_is_built_without_end_is_refused_soon(parts):
    sheet = sheet_xml(HEADER, raw='<row><c t="s"><v>7</v></c></row>')
    data = workbook_of_parts(sheet=sheet, texts=["<t>Anna</t>"] * 8, extra=parts)
    tracemalloc.start()
    with pytest.raises(UnreadableFile, match="damaged"):
        read(data)
    assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    tracemalloc.stop()


def test_elements_that_nobody_asked_for_cost_no_memory():
    plain = workbook_of_parts(sheet=sheet_xml(HEADER, ["Anna", "4155550101"]))
    data = changed(plain, replace={"xl/workbook.xml": (b"<sheets>", b'<a b=""/>' * 200_000 + b"<sheets>")})
    tracemalloc.start()
    assert read(data) == [["Anna", "4155550101"]]
    assert tracemalloc.get_traced_memory()[1] < 15 * 1024 * 1024
    tracemalloc.stop()


def test_a_sheet_that_is_named_many_times_is_one():
    sheet = b'<sheet name="Sheet1" sheetId="1" r:id="r1"/>'
    data = changed(
        workbook_of_parts(sheet=sheet_xml(HEADER, ["Anna", "4155550101"])),
        replace={"xl/workbook.xml": (sheet, sheet + sheet.replace(b"Sheet1", b"Again") * 99)},
    )
    dialect = inspect(io.BytesIO(data)).dialect
    assert (dialect.sheets, dialect.lines) == (("Sheet1",), 2)


def test_all_sheets_together_are_looked_at_no_longer_than_somebody_waits(monkeypatch):
    def far_down(sheet: int) -> dict[str, tuple[bytes, bytes]]:
        return {f"xl/worksheets/sheet{sheet}.xml": (b"<sheetData>", b"<sheetData>" + b"<row/>" * 50_000)}

    sheets = {name: [HEADER, ["Anna", 4155550101]] for name in ("A", "B", "C")}
    data = changed(workbook(sheets), replace=far_down(1) | far_down(2))
    assert inspect(io.BytesIO(data)).dialect.sheets == ("A", "B", "C")
    monkeypatch.setattr(workbooks, "_LOOKED_AT_BYTES_TOGETHER", 3 * workbooks._BLOCK)
    assert inspect(io.BytesIO(data)).dialect.sheets == ("A",)


def test_a_workbook_whose_rows_begin_too_far_down_is_not_called_empty(monkeypatch):
    data = workbook_of_parts(sheet=sheet_xml(raw="<row/>" * 50_000 + "<row><c><v>4155550101</v></c></row>"))
    assert read(data) == [["4155550101"]]
    monkeypatch.setattr(workbooks, "_LOOKED_AT_BYTES", workbooks._BLOCK)
    with pytest.raises(UnreadableFile, match="begin with very many empty cells"):
        read(data)


def test_how_many_rows_a_large_sheet_has_is_told_from_its_first_part(monkeypatch):
    data = workbook({"Leads": [HEADER, *([f"Person {n:05}", 4155550101] for n in range(20_000))]})
    assert inspect(io.BytesIO(data)).dialect.lines == 20_001
    monkeypatch.setattr(workbooks, "_LOOKED_AT_BYTES", 4 * workbooks._BLOCK)
    assert inspect(io.BytesIO(data)).dialect.lines == pytest.approx(20_001, rel=0.05)


def test_shared_texts_are_read_as_far_as_the_first_rows_need_them():
    texts = [f"<t>text {number}</t>" for number in range(50_000)]
    rows_ = "".join(f'<row><c t="s"><v>{number}</v></c></row>' for number in (*[0] * 999, 49_999))
    data = workbook_of_parts(sheet=sheet_xml(raw=rows_), texts=texts)
    with workbooks._opened(io.BytesIO(data)) as book:
        found = book.rows(book.sheets[0])
        assert [next(found).cells for _ in range(101)] == [["text 0"]] * 101
        assert len(book.texts._ends) < 20_000
        assert [row.cells for row in found][-1] == ["text 49999"]
        assert len(book.texts._ends) == 50_001


TEXTS = st.sampled_from(
    [
        *["<t>Anna</t>"] * 6,
        "<t></t>",
        "<t/>",
        "<t>Müller &amp; Söhne</t>",
        '<t xml:space="preserve"> two\nlines </t>',
        "<r><t>+1 415 </t></r><r><t>555 0142</t></r>",
        "<t>東京</t><rPh><t>とうきょう</t></rPh>",
        "<t>_x0041_</t>",
        "<t>x<![CDATA[</si><si><t>no text</t></si>]]></t>",
        "<!-- <si><t>no text</t></si> --><t>y</t>",
    ]
)


@given(
    st.lists(TEXTS, min_size=1, max_size=40),
    st.sampled_from(["", "<!-- <si><t>no text</t></si> -->", "<?x <si><t>no text</t></si>?>", "\n "]),
    st.integers(80, 400),
)
def test_shared_texts_are_the_same_whether_read_at_once_or_parsed(texts, between, block):
    document = f"<sst>{between.join(f'<si>{text}</si>' for text in texts)}</sst>".encode()

    def read_texts(document: bytes) -> list[str]:
        blocks = iter([document[at : at + block] for at in range(0, len(document), block)])
        shared = workbooks._SharedTexts(blocks)
        return [shared[number] for number in range(len(texts))]

    # Behind a comment, each text is parsed.
    parsed = read_texts(b"<!---->" + document)
    assert read_texts(document) == parsed
    assert "no text" not in parsed


@pytest.mark.parametrize("text", ["<t>\x01</t>", "<t>\udc80</t>"])
def test_a_shared_text_that_is_no_text_is_refused(text):
    texts = b"".join(b"<si>%b</si>" % one.encode("utf-8", "surrogateescape") for one in ["<t>a</t>", text])
    data = workbook_of_parts(sheet=SHARED, extra={"xl/sharedStrings.xml": b"<sst>" + texts + b"</sst>"})
    with pytest.raises(UnreadableFile, match="damaged"):
        read(data)


def test_a_long_shared_text_is_refused_among_plain_ones():
    texts = ["<t>Phone</t>", f"<t>{'x' * 32_768}</t>"]
    with pytest.raises(UnreadableFile, match="A cell is longer than 32,767"):
        read(workbook_of_parts(sheet=SHARED, texts=texts))


def test_first_rows_whose_texts_take_too_long_to_find_are_refused(monkeypatch):
    def last_of(text: str) -> bytes:
        rows_ = "".join(f'<row><c t="s"><v>{number}</v></c></row>' for number in (0, 5001))
        texts = ["<t>Phone</t>", *[text] * 5000, "<t>4155550101</t>"]
        return workbook_of_parts(sheet=sheet_xml(raw=rows_), texts=texts)

    monkeypatch.setattr(workbooks, "_LOOKED_AT_BYTES_OF_TEXTS", 100_000)
    assert read(last_of("<t>plain</t>")) == [["4155550101"]]
    with pytest.raises(UnreadableFile, match="stand too far back"):
        read(last_of("<r><t>rich</t></r>"))


CELLS = st.one_of(
    st.integers(-(10**14), 10**14),
    st.text(st.characters(categories=["L", "N", "P"], exclude_characters="'=_"), min_size=1, max_size=20),
    st.booleans(),
    st.none(),
)


@given(st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=8))
def test_what_a_program_writes_is_read_back(table):
    def seen(cell) -> str:
        if isinstance(cell, bool):
            return "yes" if cell else "no"
        return "" if cell is None else str(cell)

    expected = [[seen(cell) for cell in row] for row in [*table, ["end"]]]
    for row in expected:
        while row and not row[-1]:
            row.pop()
    found = read(workbook({"A": [["a phone"], *table, ["end"]]}), has_header=True)
    assert found == [row for row in expected if row]


@given(st.binary(max_size=300), st.integers(0, 4000))
def test_a_damaged_workbook_is_read_or_refused(noise, at):
    data = bytearray(workbook({"A": [HEADER, ["Anna", 4155550101]]}))
    at %= len(data)
    data[at : at + len(noise)] = noise
    with contextlib.suppress(UnreadableFile):
        read(bytes(data))
