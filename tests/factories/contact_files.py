"""Files of contacts as people really have them."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from dataclasses import dataclass

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
