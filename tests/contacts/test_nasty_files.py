"""Files as nobody should send them: each ends in a clear word, with nothing kept, or in sums that add up."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from dataclasses import dataclass

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.importing import mapping, workbooks
from contacts.importing.reading import UnreadableFile
from contacts.importing.running import run_import
from contacts.models import Contact, Import, ImportStatus, List
from contacts.services import Refused, map_import, upload_import
from tests.contacts.conftest import sums
from tests.factories.contact_files import changed, sheet_xml, workbook, workbook_of_parts

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Nasty:
    """A file and what must come of it: ``said``, part of the refusal; or the sums of the import, and the
    numbers of its contacts and the reasons of its rejections where they are given."""

    data: bytes
    said: str = ""
    sums: tuple[tuple[str, int], ...] = ()
    numbers: tuple[str, ...] | None = None
    reasons: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    country: str = "US"


def refused(data: str | bytes, said: str) -> Nasty:
    """At once, or where it is found wanting in its middle."""
    return Nasty(_bytes(data), said=said)


def comes_to(
    data: str | bytes,
    *,
    numbers: tuple[str, ...] | None = None,
    reasons: tuple[str, ...] | None = None,
    names: tuple[str, ...] | None = None,
    country: str = "US",
    **sums: int,
) -> Nasty:
    return Nasty(
        _bytes(data),
        sums=tuple(sums.items()),
        numbers=numbers,
        reasons=reasons,
        names=names,
        country=country,
    )


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


TWO = "Name,Phone\nAnna,(415) 555-0101\nBo,(415) 555-0102\n"
BOTH = ("+14155550101", "+14155550102")
FINE = comes_to(TWO, rows=2, created=2, numbers=BOTH)


def both(data: str | bytes) -> Nasty:
    """However it is written, it is the same two contacts."""
    return comes_to(data, rows=2, created=2, numbers=BOTH)


def phone(written: str, number: str = "+14155550101", country: str = "US") -> Nasty:
    """One row whose number is taken."""
    return comes_to(_row(written), rows=1, created=1, numbers=(number,), country=country)


def no_phone(written: str, reason: str, country: str = "US") -> Nasty:
    """One row whose number is not taken, with the reason."""
    return comes_to(_row(written), rows=1, invalid=1, reasons=(reason,), country=country)


def name(written: str, seen: str) -> Nasty:
    out = io.StringIO()
    csv.writer(out).writerows([["First name", "Phone"], [written, "4155550101"]])
    return comes_to(out.getvalue(), rows=1, created=1, names=(seen,))


def _row(written: str) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([["Name", "Phone"], ["Anna", written]])
    return out.getvalue()


def _archive(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return out.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504
HEAD = ["Name", "Phone"]
PEOPLE = [["Anna", "(415) 555-0101"], ["Bo", "(415) 555-0102"]]
BOOK = workbook({"Leads": [HEAD, *PEOPLE]})
MANY = "".join(f"Anna,415555{n:04d}\n" for n in range(2000))

ENCODINGS = {
    "UTF-8": both(TWO),
    "UTF-8 with its mark": both(TWO.encode("utf-8-sig")),
    "the mark twice": both(b"\xef\xbb\xbf" + TWO.encode("utf-8-sig")),
    "the mark within": both(TWO.replace("Bo", "\ufeffBo")),
    "UTF-16": both(TWO.encode("utf-16")),
    "UTF-16, big-endian": both(b"\xfe\xff" + TWO.encode("utf-16-be")),
    "UTF-16 without its mark": both(TWO.encode("utf-16-le")),
    "UTF-16, big-endian, without its mark": both(TWO.encode("utf-16-be")),
    "UTF-16, tabs, as Excel’s Unicode text": both(
        TWO.replace(",", "\t").replace("\n", "\r\n").encode("utf-16")
    ),
    "UTF-16, half a character": refused(TWO.encode("utf-16")[:-1], "UTF-16"),
    "UTF-16, half a surrogate": refused(TWO.encode("utf-16") + b"\x00\xd8\x00\x00", "Line 4"),
    "UTF-16 with its mark alone": refused(b"\xff\xfe", "empty"),
    "UTF-32": both(TWO.encode("utf-32")),
    "UTF-32 cut off": refused(TWO.encode("utf-32")[:-2], "UTF-32"),
    "Windows-1252": comes_to(
        "Name,Phone\nJosé Müller,4155550101\n".encode("cp1252"), rows=1, created=1, names=("José Müller",)
    ),
    "MS-DOS": comes_to(
        "Name,Phone\nJürgen Ek,4155550101\n".encode("cp850"), rows=1, created=1, names=("Jürgen Ek",)
    ),
    "Shift-JIS": comes_to(
        "氏名,電話\nサトウ みさき,4155550101\n".encode("cp932"), rows=1, created=1, names=("サトウ みさき",)
    ),
    "EUC of Korea": comes_to("이름,전화\n김,4155550101\n".encode("cp949"), rows=1, created=1),
    "Cyrillic of Windows": comes_to("Name,Phone\nИван,4155550101\n".encode("cp1251"), rows=1, created=1),
    "UTF-8, then Windows": comes_to(
        "Name,Phone\nZoë Ek,4155550101\n".encode() + "José Ek,4155550102\n".encode("cp1252"),
        rows=2,
        created=2,
        names=("Zoë Ek", "José Ek"),
    ),
    "UTF-8 far, then one bad byte": comes_to(
        b"Name,Phone\n" + MANY.encode() + b"Bo\xff,4155550101\n", rows=2001
    ),
    "UTF-8 with half a character at its end": comes_to(
        TWO.encode() + "é".encode()[:1], rows=3, created=2, invalid=1
    ),
    "UTF-7": comes_to(b"Name,Phone\nJos+AOk-,4155550101\n", rows=1, created=1, names=("Jos+AOk-",)),
    "EBCDIC": refused(TWO.encode("cp037"), ""),
    "NULs within": both(TWO.replace("Anna", "An\0na")),
    "NULs at the end": both(TWO + "\0\0\0\0\0\0"),
    "NULs everywhere": refused(b"\0" * 5000, "not a text file"),
    "a control-Z at the end": comes_to(TWO + "\x1a", rows=2, created=2),
    "controls within": both(TWO.replace("Anna", "An\x07\x08na")),
    "nothing but controls": refused(bytes(range(1, 9)) * 500, "not a text file"),
    "noise": refused(bytes((n * 7919 + n // 256) % 256 for n in range(20_000)), "not a text file"),
    "bytes that no encoding knows": refused(
        b"Name,Phone\nJos\x81\xff\x8d,4155550101\n" * 4, "encoding that is not known"
    ),
}

SHAPES = {
    "0 bytes": refused(b"", "empty"),
    "white space": refused(" \r\n\t\n", "empty"),
    "one letter": refused("x", "Choose the column that holds the phone number"),
    "separators alone": refused(",,,,\n,,,,\n", "empty"),
    "a header alone": refused("Name,Phone\n", "no contacts below"),
    "a header and empty rows": refused("Name,Phone\n,\n\n,\n", "no contacts below"),
    "no header": both(TWO.partition("\n")[2]),
    "one number": comes_to("4155550101", rows=1, created=1),
    "one column": comes_to("Phone\n4155550101\n4155550102\n", rows=2, created=2, numbers=BOTH),
    "no phone column": refused("Name,City\nAnna,Reno\n", "Choose the column that holds the phone number"),
    "5,000 columns": refused(",".join(f"c{n}" for n in range(5000)) + "\n4155550101\n", "5,000 columns"),
    "500 columns": comes_to(
        "Phone," + ",".join(f"c{n}" for n in range(499)) + "\n4155550101" + ",x" * 499, rows=1, created=1
    ),
    "501 columns": refused(
        "Phone," + ",".join(f"c{n}" for n in range(500)) + "\n4155550101\n", "501 columns"
    ),
    "ragged, too short": comes_to(
        "Name,Phone,City\nAnna,4155550101\nBo\n", rows=2, created=1, invalid=1, reasons=("no phone number",)
    ),
    "ragged, too long": comes_to(
        "Name,Phone\nAnna,4155550101,x,y\nBo,4155550102\n",
        rows=2,
        created=1,
        invalid=1,
        reasons=("4 values for 2 columns",),
    ),
    "trailing separators in rows": both("Name,Phone\nAnna,(415) 555-0101,,\nBo,(415) 555-0102,,\n"),
    "trailing separators everywhere": both("Name,Phone,,\nAnna,(415) 555-0101,,\nBo,(415) 555-0102,,\n"),
    "an empty column in front": both(",Name,Phone\n,Anna,(415) 555-0101\n,Bo,(415) 555-0102\n"),
    "an empty header": comes_to("Name,,Phone\nAnna,x,4155550101\n", rows=1, created=1),
    "headers that are the same": comes_to(
        "Phone,Phone,Name\n4155550101,4155550111,Anna\n", rows=1, created=1, numbers=("+14155550101",)
    ),
    "headers of nothing but signs": comes_to("!!!,???,***\nAnna Ek,4155550101,x\n", rows=1, created=1),
    "a header of 10,000 letters": comes_to("Phone," + "x" * 10_000 + "\n4155550101,y\n", rows=1, created=1),
    "headers in capitals with spaces": both("  NAME  ,  PHONE  \nAnna,(415) 555-0101\nBo,(415) 555-0102\n"),
    "headers in quotes with line breaks": both(
        '"Name","Phone\nnumber"\nAnna,(415) 555-0101\nBo,(415) 555-0102\n'
    ),
    "the header again in the middle": comes_to(
        TWO + "Name,Phone\nCy,4155550103\n", rows=4, created=3, invalid=1
    ),
    "a title above": both("My leads\n\nName,Phone\nAnna,(415) 555-0101\nBo,(415) 555-0102\n"),
    "a total below": comes_to(
        TWO + "Total: 2,\n", rows=3, created=2, invalid=1, reasons=("no phone number",)
    ),
    "the same row 500 times": comes_to("Phone\n" + "4155550101\n" * 500, rows=500, created=1, duplicates=499),
    "empty rows between": both("Name,Phone\n\n\nAnna,(415) 555-0101\n , \n\nBo,(415) 555-0102\n\n\n"),
    "sep= on the first line": both("sep=;\n" + TWO.replace(",", ";")),
    "sep= with a mark": both(("sep=,\r\n" + TWO).encode("utf-8-sig")),
    "sep= that lies": both("sep=;\n" + TWO),
    "sep= alone": refused("sep=;\n", "empty"),
    "Windows line ends": both(TWO.replace("\n", "\r\n")),
    "old Mac line ends": both(TWO.replace("\n", "\r")),
    "mixed line ends": both("Name,Phone\r\nAnna,(415) 555-0101\rBo,(415) 555-0102\n"),
    "line ends twice": both(TWO.replace("\n", "\r\r\n")),
    "Unicode line separators": comes_to("Name,Phone\nAnna\u2028Ek,4155550101\n", rows=1, created=1),
    "vertical tabs": comes_to("Name,Phone\nAn\x0bna,4155550101\n", rows=1, created=1, names=("Anna",)),
    "no line end at the end": both(TWO.rstrip()),
    "semicolons": both(TWO.replace(",", ";")),
    "tabs": both(TWO.replace(",", "\t")),
    "vertical bars": both(TWO.replace(",", "|")),
    "commas and semicolons": comes_to(
        "Name;Phone\nEk, Anna;4155550101\nEk, Bo;4155550102\n", rows=2, created=2, names=("Anna Ek", "Bo Ek")
    ),
    "tabs within cells": comes_to(
        'Name,Phone\n"Anna\tEk",4155550101\n', rows=1, created=1, names=("Anna Ek",)
    ),
    "spaces around cells": both("Name , Phone\n Anna , (415) 555-0101 \n Bo , (415) 555-0102 \n"),
    "carets for separators": comes_to("Name^Phone\nAnna^4155550101\n", rows=1, created=1),
    "fixed widths": comes_to(
        "Name      Phone\nAnna      4155550101\nBo        4155550102\n", rows=2, created=2
    ),
    "a line of 1.2 million letters": refused(
        "Name,Phone\n" + "x" * 1_200_000, "longer than 1,000,000 characters"
    ),
    "a cell of 130,000 letters": comes_to(
        "Phone,Note\n4155550101," + "x" * 130_000 + "\n",
        rows=1,
        invalid=1,
        reasons=("longer than 2,000 characters",),
    ),
    "a cell of 140,000 letters": refused(
        "Phone,Note\n4155550101," + "x" * 140_000 + "\n", "longer than 131,072 characters"
    ),
    "a far cell of 140,000 letters": refused(
        "Phone,Note\n" + "4155550101,x\n" * 200 + "4155550102," + "x" * 140_000, "longer than 131,072"
    ),
}

QUOTES = {
    "everything quoted": both('"Name","Phone"\n"Anna","(415) 555-0101"\n"Bo","(415) 555-0102"\n'),
    "quotes within quotes": comes_to(
        'Name,Phone\n"Anna ""Ann"" Ek",4155550101\n', rows=1, created=1, names=('Anna "Ann" Ek',)
    ),
    "a separator within quotes": comes_to(
        'Name,Phone\n"Ek, Anna",4155550101\n', rows=1, created=1, names=("Anna Ek",)
    ),
    "a line break within quotes": comes_to(
        'Name,Phone\n"Anna\nEk",4155550101\n', rows=1, created=1, names=("Anna Ek",)
    ),
    "ten line breaks within quotes": comes_to(
        'Name,Phone\n"' + "Ann\r\n" * 10 + '",4155550101\n', rows=1, created=1
    ),
    "a quote never closed": refused('Name,Phone\n"Anna,4155550101\nBo,4155550102\n', "never closed"),
    "a quote never closed in the last cell": refused(
        'Name,Phone\nAnna,4155550101\nBo,"4155550102', "never closed"
    ),
    "a quote never closed, far": refused(
        "Name,Phone\n" + "Anna,4155550101\n" * 200 + '"Bo,4155550102\n', "line 202 is never closed"
    ),
    "a quote never closed, and much after": refused(
        'Name,Phone\n"' + "Anna,4155550101\n" * 20_000, "never closed"
    ),
    "a quote in the middle": comes_to(
        'Name,Phone\nAn"na,4155550101\nB"o,4155550102\n', rows=2, created=2, names=('An"na', 'B"o')
    ),
    "a quote at the end": comes_to('Name,Phone\nAnna",4155550101\n', rows=1, created=1, names=('Anna"',)),
    "letters after a quote": comes_to(
        'Name,Phone\n"Anna"x,4155550101\n', rows=1, created=1, names=("Annax",)
    ),
    "single quotes": comes_to("Name,Phone\n'Anna','4155550101'\n", rows=1, created=1),
    "curly quotes": comes_to("Name,Phone\n“Anna”,4155550101\n", rows=1, created=1, names=("“Anna”",)),
    "backslashes before quotes": comes_to('Name,Phone\n"Anna \\"Ann\\" Ek",4155550101\n', rows=1, created=1),
    "quotes alone": refused('""""""\n', "Choose the column"),
    "a quoted empty file": refused('""\n""\n', "empty"),
}

NUMBERS = {
    "six notations of one": comes_to(
        "Phone\n+14155550142\n(415) 555-0142\n415.555.0142\n"
        "1 415 555 0142\ntel:+1-415-555-0142\n14155550142.0\n",
        rows=6,
        created=1,
        duplicates=5,
    ),
    "dots": phone("415.555.0101"),
    "slashes": phone("415/555-0101"),
    "spaces that do not break": phone("415\u00a0555\u00a00101"),
    "dashes that do not break": phone("415\u2011555\u20110101"),
    "long dashes": phone("415–555—0101"),
    "full-width digits": phone("４１５５５５０１０１"),
    "Arabic digits": phone("٤١٥٥٥٥٠١٠١"),
    "direction marks": phone("\u202a+1 415 555 0101\u202c"),
    "zero-width spaces": phone("415\u200b555\u200b0101"),
    "tel:": phone("tel:+14155550101"),
    "an apostrophe in front": phone("'+14155550101"),
    "an apostrophe in front of digits": phone("'4155550101"),
    "an equals sign and quotes": phone('="4155550101"'),
    "two plus signs": phone("++14155550101++"),
    "an extension": phone("(415) 555-0101 ext. 12"),
    "an extension, x": phone("415-555-0101x99"),
    "vanity": phone("1-800-FLOWERS", "+18003569377"),
    "premium": phone("1 900 555 0101", "+19005550101"),
    "of another country": phone("+44 20 7946 0958", "+442079460958"),
    "with 00": phone("0049 171 1234567", "+491711234567", "DE"),
    "with 011": phone("011 44 20 7946 0958", "+442079460958"),
    "with (0)": phone("+49 (0) 171 1234567", "+491711234567"),
    "a zero lost by a spreadsheet": phone("1711234567", "+491711234567", "DE"),
    "a decimal": phone("4155550101.0"),
    "a decimal comma": phone("4155550101,0"),
    "scientific, whole": phone("4.155550101E9"),
    "scientific, rounded": no_phone("1.41555E+10", "rounded by a spreadsheet, its last digits are lost"),
    "scientific, rounded, comma": no_phone("1,41555E+10", "rounded by a spreadsheet"),
    "scientific, absurd": no_phone("1E+99", "not a phone number"),
    "rounded to zeros": no_phone("1.4155E+10", "rounded by a spreadsheet"),
    "several of Google": phone("(415) 555-0101 ::: (415) 555-0102"),
    "several, by a comma": no_phone("415-555-0101, 415-555-0102", ""),
    "several, by a slash": no_phone("415-555-0101 / 415-555-0102", ""),
    "several, by or": no_phone("415-555-0101 or 415-555-0102", ""),
    "nothing": comes_to("Name,Phone\nAnna,\n", rows=1, invalid=1, reasons=("no phone number",)),
    "n/a": no_phone("n/a", ""),
    "a dash": no_phone("-", ""),
    "zeros": no_phone("0000000000", ""),
    "ones": no_phone("1111111111", ""),
    "a short code": no_phone("72345", "too short"),
    "emergency": no_phone("911", "too short"),
    "too long": no_phone("41555501011234567", "too long"),
    "a thousand digits": no_phone("4" * 1000, ""),
    "an area code that does not exist": no_phone("+1 415 055 0101", "no such number"),
    "a country that does not exist": no_phone("+999 123 4567", "country code does not exist"),
    "a date": no_phone("2026-11-22", ""),
    "a date with slashes": no_phone("11/22/2026", ""),
    "an amount": no_phone("$4,155.01", ""),
    "words": no_phone("call the office", "not a phone number"),
    "an email address": no_phone("anna@example.com", "not a phone number"),
    "a web address": no_phone("https://example.com/4155550101?x=1", ""),
    "an error of Excel": no_phone("#REF!", ""),
    "True": no_phone("TRUE", ""),
    "minus": phone("-4155550101-"),
    "emoji": no_phone("📞📞📞", "not a phone number"),
    "markup": no_phone("<b>4155550101x</b>", ""),
    "a formula": no_phone("=SUM(A1:A9)", ""),
    "SQL": no_phone("'); DROP TABLE contacts_contact;--", ""),
    "a masked one": no_phone("415-555-XX01?", ""),
    "with a country and no default": comes_to(
        "Phone\n+14155550101\n4155550102\n", rows=2, created=1, invalid=1, country=""
    ),
    "freephone of all countries": phone("+800 1234 5678", "+80012345678"),
    "a satellite": phone("+881 612 345 678", "+881612345678"),
}

CELLS = {
    "emoji": name("Anna 🌻👩‍👩‍👧", "Anna 🌻👩‍👩‍👧"),
    "right to left": name("محمد الحسن", "محمد الحسن"),
    "combining marks": name("Zoe\u0308", "Zoe\u0308"),
    "a hundred combining marks": comes_to(
        "First name,Phone\nZ" + "\u0308" * 101 + ",4155550101\n", rows=1, invalid=1
    ),
    "zero-width letters": name("An\u200bna\ufeff", "Anna"),
    "direction marks": name("\u202eannA", "annA"),
    "a formula": name("=cmd|'/c calc'!A1", "=cmd|'/c calc'!A1"),
    "a formula with our apostrophe": name("'=1+1", "=1+1"),
    "HTML": name("<script>alert(1)</script>", "<script>alert(1)</script>"),
    "SQL": name("Robert'); DROP TABLE x;--", "Robert'); DROP TABLE x;--"),
    "a template": name("{{ 7*7 }}{% load x %}", "{{ 7*7 }}{% load x %}"),
    "a percent sign": name("100%s", "100%s"),
    "a backslash": name("An\\na\\.", "An\\na\\."),
    "what COPY takes for NULL": name("\\N", "\\N"),
    "what COPY takes for an end": comes_to(
        "First name,Phone\n\\.,4155550101\n", rows=1, created=1, names=("\\.",)
    ),
    "a name too long": comes_to(
        "First name,Phone\n" + "x" * 101 + ",4155550101\n",
        rows=1,
        invalid=1,
        reasons=("longer than 100 characters",),
    ),
    "an email address that is none": comes_to(
        "Phone,Email\n4155550101,anna@\n", rows=1, invalid=1, reasons=("not an email address",)
    ),
    "a time zone that is none": comes_to(
        "Phone,Time zone\n4155550101,Mars/Base\n", rows=1, invalid=1, reasons=("no such time zone",)
    ),
    "a field with a strange name": comes_to('Phone,"__class__; {{x}}"\n4155550101,y\n', rows=1, created=1),
    "a field named as a column of ours": comes_to(
        "Phone,first_name,name,phone_number,id\n4155550101,a,b,c,d\n", rows=1
    ),
    "half a character": comes_to("Phone,Note\n4155550101,\\ud800\n", rows=1, created=1),
    "letters beyond the plane": name("𝔄𝔫𝔫𝔞", "𝔄𝔫𝔫𝔞"),
}

OTHER_KINDS = {
    "a workbook": both(BOOK),
    "a workbook cut off": refused(BOOK[:-100], "damaged"),
    "half a workbook": refused(BOOK[: len(BOOK) // 2], "damaged"),
    "a workbook with noise behind it": comes_to(BOOK + b"\0" * 50, rows=2, created=2),
    "an empty workbook": refused(workbook({"A": []}), "none of its sheets"),
    "a workbook of a header": refused(workbook({"A": [HEAD]}), "no contacts below"),
    "a workbook of 600 columns": refused(
        workbook({"A": [["Phone"] * 600, ["4155550101"] * 600]}), "more than 500 columns"
    ),
    "a workbook with empty rows above": both(workbook({"A": [[], [], HEAD, [], *PEOPLE]})),
    "a workbook with empty columns before": both(
        workbook({"A": [["", "", *row] for row in (HEAD, *PEOPLE)]})
    ),
    "a workbook with a sheet of notes before": both(
        workbook({"Read me": [["3 May"]], "Leads": [HEAD, *PEOPLE]})
    ),
    "a workbook of numbers": comes_to(
        workbook({"A": [HEAD, ["Anna", 4155550101], ["Bo", 14155550102.0]]}), rows=2, created=2, numbers=BOTH
    ),
    "a workbook of errors": comes_to(
        workbook({"A": [HEAD, ["Anna", "#N/A"], ["Bo", "4155550102"]]}), rows=2, created=1, invalid=1
    ),
    "a workbook with wrong dimensions": both(
        workbook_of_parts(
            sheet=sheet_xml(HEAD, *PEOPLE).replace("<sheetData>", '<dimension ref="A1"/><sheetData>')
        )
    ),
    "a workbook of 20,000 empty rows": both(
        workbook_of_parts(sheet=sheet_xml(HEAD, *PEOPLE, raw='<row s="1" ht="15"/>' * 20_000))
    ),
    "a workbook with entities": refused(
        workbook_of_parts(sheet='<!DOCTYPE x [<!ENTITY a "b">]><worksheet/>'), "damaged"
    ),
    "a workbook without texts it names": refused(
        workbook_of_parts(sheet=sheet_xml(raw='<row><c t="s"><v>7</v></c></row>')), "damaged"
    ),
    "a workbook of broken XML": refused(workbook_of_parts(sheet="<worksheet><sheetData></x>"), "damaged"),
    "a workbook without its book": refused(_archive(**{"xl/worksheets/sheet1.xml": b"<x/>"}), "damaged"),
    "a bomb": refused(
        workbook_of_parts(sheet=sheet_xml(HEAD) + " " * (workbooks._SMALL_BYTES + 9)), "too large"
    ),
    "a strict workbook": refused(
        changed(
            workbook_of_parts(),
            replace={
                "xl/workbook.xml": (
                    b"http://schemas.openxmlformats.org/spreadsheetml",
                    b"http://purl.oclc.org/ooxml/spreadsheetml",
                )
            },
        ),
        "Strict",
    ),
    "a binary workbook": refused(_archive(**{"xl/workbook.bin": b"x"}), ".xlsb"),
    "a workbook of 2003": refused(OLE + "Workbook".encode("utf-16-le"), "old Excel workbook"),
    "an encrypted workbook": refused(
        OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted with a password"
    ),
    "a document of LibreOffice": refused(
        _archive(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"), ".ods"
    ),
    "a document of Numbers": refused(_archive(**{"Index/Document.iwa": b"x"}), "Numbers"),
    "a document of Word": refused(_archive(**{"word/document.xml": b"x"}), "Word document"),
    "an archive of a CSV": refused(_archive(**{"people.csv": TWO.encode()}), "ZIP archive"),
    "an archive cut off": refused(b"PK\x03\x04 not really", "ZIP archive"),
    "an empty archive": refused(b"PK\x05\x06" + b"\0" * 18, ""),
    "gzip": refused(gzip.compress(TWO.encode()), "compressed"),
    "bzip2": refused(b"BZh91AY&SY\x00\x01", "compressed"),
    "7z": refused(b"7z\xbc\xaf'\x1c" + b"\0" * 50, "compressed"),
    "PDF": refused(b"%PDF-1.7\n1 0 obj", "This is a PDF"),
    "PNG": refused(b"\x89PNG\r\n\x1a\n" + b"\0" * 90, "picture"),
    "JPEG": refused(b"\xff\xd8\xff\xe0" + b"\0" * 90, "picture"),
    "GIF": refused(b"GIF89a" + b"\0" * 90, "picture"),
    "a program": refused(b"\x7fELF" + b"\x01\0" * 400, "not a text file"),
    "a database": refused(b"SQLite format 3\0" + b"\0" * 400, "database"),
    "rich text": refused("{\\rtf1\\ansi Anna 4155550101}", "text document"),
    "HTML": refused("<!DOCTYPE html><html><body>Log in</body></html>", "web page"),
    "HTML named .xls": refused("<table><tr><td>Phone</td></tr></table>", "web page"),
    "XML": refused('<?xml version="1.0"?><contacts/>', "XML"),
    "XML with a mark": refused('\ufeff\n<?xml version="1.0"?><contacts/>', "XML"),
    "JSON": refused(json.dumps([{"name": "Anna", "phone": "4155550101"}]), "JSON"),
    "JSON, an object": refused(json.dumps({"name": "Anna", "phone": "4155550101"}, indent=1), "JSON"),
    "vCard": refused("BEGIN:VCARD\nVERSION:3.0\nFN:Anna\nTEL:4155550101\nEND:VCARD\n", "vCards"),
    "a letter": refused("Dear all,\n\nplease find the list attached.\n\nBest,\nAnna\n", "Choose the column"),
    "SQL": refused("INSERT INTO people VALUES ('Anna');\n", "Choose the column"),
    "a log": refused("ERROR something broke\nINFO it goes on\n", "Choose the column"),
}

FILES = {
    f"{group}: {name}": file
    for group, files in {
        "encoding": ENCODINGS,
        "shape": SHAPES,
        "quotes": QUOTES,
        "number": NUMBERS,
        "cell": CELLS,
        "kind": OTHER_KINDS,
    }.items()
    for name, file in files.items()
}


def imported(data: bytes, country: str = "US") -> tuple[Import | None, str]:
    """(the import, if one was kept; what was said): uploaded, mapped as guessed, and run."""
    try:
        made = upload_import(
            file=io.BytesIO(data), file_name="nasty.csv", list_name="Nasty", country=country, actor=None
        )
        targets = {int(position): target for position, target in made.mapping.items()}
        map_import(contact_import=made, mapping=targets)
    except (UnreadableFile, Refused) as said:
        return None, str(said)
    run_import(made.pk)
    made.refresh_from_db()
    return made, made.error


def test_there_are_two_hundred_of_them():
    assert len(FILES) >= 200


@pytest.mark.parametrize("title", FILES)
def test_a_nasty_file_ends_well(title):
    file = FILES[title]
    done, said = imported(file.data, file.country)
    if not file.sums:
        assert said, "it was taken"
        assert file.said in said
        assert "went wrong on our side" not in said
        assert not Contact.objects.exists()
        assert not List.objects.exists()
        assert done is None or done.status == ImportStatus.FAILED
        return
    assert done is not None, said
    assert done.status == ImportStatus.COMPLETED, said
    assert done.rows == done.created + done.updated + done.unchanged + done.duplicates + done.invalid
    found = sums(done)
    assert {name: found.get(name, 0) for name, _ in file.sums} == dict(file.sums)
    assert Contact.objects.count() == done.created
    assert done.rejected_rows.count() == done.invalid
    contacts = list(Contact.objects.order_by("id"))
    if file.numbers is not None:
        assert tuple(contact.phone_number for contact in contacts) == file.numbers
    if file.names is not None:
        assert tuple(contact.name for contact in contacts) == file.names
    if file.reasons is not None:
        rejected = list(done.rejected_rows.order_by("line").values_list("reason", flat=True))
        assert len(rejected) == len(file.reasons)
        assert all(reason in told for reason, told in zip(file.reasons, rejected, strict=True)), rejected


@pytest.mark.parametrize("title", [*FILES][::9])
def test_a_nasty_file_never_breaks_the_pages(title, as_supervisor):
    sent = as_supervisor.post(
        reverse("contacts:import_new"),
        {"file": SimpleUploadedFile("nasty.csv", FILES[title].data), "country": "US", "list_name": "Nasty"},
    )
    assert sent.status_code in {302, 422}
    if sent.status_code == 422:
        assert b'class="errors"' in sent.content
        assert not Import.objects.exists()
        return
    assert as_supervisor.get(sent.url).status_code == 200
    made = Import.objects.get()
    columns = {f"column_{position}": target for position, target in made.mapping.items()}
    mapped = as_supervisor.post(sent.url, columns)
    assert mapped.status_code in {302, 422}
    run_import(made.pk)
    for url in (sent.url, reverse("contacts:imports"), reverse("contacts:import_rejected", args=[made.pk])):
        page = as_supervisor.get(url)
        assert page.status_code == 200
        assert b"".join(page.streaming_content if page.streaming else [page.content])


TABLES = st.lists(
    st.lists(
        st.one_of(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
            st.sampled_from(
                ["4155550101", "+44 20 7946 0958", "1.4155E+10", "anna@example.com", "Phone", "", '"']
            ),
        ),
        min_size=1,
        max_size=6,
    ),
    min_size=1,
    max_size=8,
)
ONCE = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def ends_well(data: bytes) -> None:
    done, said = imported(data)
    if done is None:
        assert said
        return
    assert done.status in {ImportStatus.COMPLETED, ImportStatus.FAILED}
    assert "went wrong on our side" not in done.error
    assert done.rejected_rows.count() == (done.invalid if done.status == ImportStatus.COMPLETED else 0)


@ONCE
@given(
    TABLES,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
def test_any_table_in_any_dialect_ends_well(table, delimiter, line_end, encoding, quoting):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerows(table)
    ends_well(out.getvalue().encode(encoding))


@ONCE
@given(st.binary(max_size=400))
def test_any_bytes_end_well(data):
    ends_well(data)


@ONCE
@given(st.binary(max_size=100), st.integers(0, 200))
def test_a_fine_file_with_noise_in_it_ends_well(noise, at):
    data = TWO.encode()
    ends_well(data[:at] + noise + data[at:])


@ONCE
@given(TABLES)
def test_any_table_of_a_workbook_ends_well(table):
    plain = [[cell for cell in row if cell.isprintable()] for row in table]
    ends_well(workbook({"A": plain}))


@ONCE
@given(st.lists(st.text(max_size=200), min_size=1, max_size=8), TABLES)
def test_any_header_gets_a_mapping_that_is_offered(headers, rows):
    for purpose in (mapping.CONTACTS, mapping.DO_NOT_CONTACT):
        targets = mapping.guess(headers, rows, "US", purpose=purpose)
        assert len(targets) == len(headers)
        fixed = [target for target in targets if target and not target.startswith(mapping.FIELD)]
        once = [
            target
            for target in fixed
            if purpose == mapping.CONTACTS or target not in {mapping.PHONE, mapping.EMAIL}
        ]
        assert len(once) == len(set(once))
        assert set(fixed) <= set(mapping.offered(purpose))
        fields = [target.removeprefix(mapping.FIELD) for target in targets if target not in fixed]
        assert all(len(name) <= mapping.FIELD_NAME_LENGTH for name in fields)


@ONCE
@given(
    st.lists(
        st.one_of(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200),
            st.sampled_from("a1?").map(lambda letter: letter * 100),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_columns_of_any_name_are_imported(headers):
    out = io.StringIO()
    csv.writer(out).writerows(
        [["Phone", *headers], ["4155550101", *map(str, range(len(headers)))], ["4155550102"]]
    )
    ends_well(out.getvalue().encode())
