"""A file of contacts for benchmarks: as large as wanted, the same for the same seed."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from pathlib import Path

# Numbers as people write them; {0} is the area, {1} the exchange, {2} the line.
NOTATIONS = (
    "+1{0}{1}{2}",
    "({0}) {1}-{2}",
    "{0}-{1}-{2}",
    "{0}.{1}.{2}",
    "{0} {1} {2}",
    "1 {0} {1} {2}",
    "+1 ({0}) {1}-{2}",
    "{0}{1}{2}",
    "1-{0}-{1}-{2}",
    "+1 {0} {1} {2}",
)
AREAS = ("212", "305", "312", "512", "303", "602", "415", "206", "617", "404", "214", "702", "503", "919")
FIRST = (
    *("Anna", "Bilal", "Chloé", "Kwame", "Inès", "José", "Zoë", "Olu"),
    *("Jürgen", "Mary", "Luka", "Emma", "Ivan", "Siobhán", "Priya", "Chen"),
)
LAST = (
    *("Svensson", "Khan", "Perrin", "Mensah", "Moreau", "García", "Kim"),
    *("Adeyemi", "Weiß", "Jones", "Žižić", "Berg", "Petrov", "O’Brien"),
)
COMPANIES = ("Northline, Inc.", "Müller & Söhne GmbH", "Café Olé", "Acme", "Blue River LLC", "")
INVALID = ("", "n/a", "911", "555-0142", "+1 415 055 0142", "41555501421234567")
PLANS = ("Basic", "Family", "Business")
HEADER = ("Phone", "First name", "Last name", "Email", "Company", "Plan", "Plan ends on")


@dataclass(frozen=True)
class Made:
    """What an import of the file into an empty database must come to."""

    rows: int
    valid: int
    duplicates: int
    invalid: int


def write_contact_file(
    path: Path,
    rows: int,
    *,
    seed: int = 1,
    skipped: int = 0,
    invalid_share: float = 0.01,
    twice_share: float = 0.02,
) -> Made:
    """Write a CSV file of up to 8 million rows, in no order of its numbers.

    Files of other seeds have the same numbers with other names, but for ``skipped`` numbers at the start.
    """
    chance = random.Random(seed)
    exchanges = 800 * 10_000 * len(AREAS)
    # A stride that shares no factor with the count goes through all numbers once, in no order.
    stride = 40_503_007
    valid: list[int] = []
    duplicates = invalid = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for row in range(rows):
            draw = chance.random()
            if draw < invalid_share:
                phone = chance.choice(INVALID)
                invalid += 1
            else:
                if draw < invalid_share + twice_share and valid:
                    number = chance.choice(valid)
                    duplicates += 1
                else:
                    number = (skipped + len(valid)) * stride % exchanges
                    valid.append(number)
                area, rest = divmod(number, 8_000_000)
                phone = chance.choice(NOTATIONS).format(
                    AREAS[area], 200 + rest // 10_000, f"{rest % 10_000:04d}"
                )
            first, last = chance.choice(FIRST), chance.choice(LAST)
            email = f"{first}.{last}.{row}@example.com".replace("’", "").lower() if row % 10 else ""
            if not email.isascii():
                email = f"person{row}@example.com"
            ends = f"2027-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
            writer.writerow([phone, first, last, email, chance.choice(COMPANIES), chance.choice(PLANS), ends])
    return Made(rows, len(valid), duplicates, invalid)
