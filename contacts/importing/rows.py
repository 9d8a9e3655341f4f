"""One row of a file to one contact, or to the reason why not."""

from __future__ import annotations

from collections.abc import Mapping

from contacts.importing import mapping
from contacts.importing.reading import Row
from contacts.importing.saving import StagedContact, StagedRejection
from contacts.phone_numbers import Rejection, normalise, possible_zones
from contacts.zones import ZoneSets, find_zone

# Longest values, in characters; as long as their columns.
LENGTHS = {mapping.FIRST: 100, mapping.LAST: 100, mapping.COMPANY: 200, mapping.EMAIL: 254}
FIELD_VALUE_LENGTH = 2000
# What exports write where there is nothing.
_NOTHING = frozenset({"n/a", "#n/a", "na", "none", "null", "nil", "-", "--", "nan", "undefined"})


class RowReader:
    """Turns rows into contacts, by one mapping and one default country.

    Keeps a small cache: contacts of one file share few areas, and so few sets of zones.
    """

    def __init__(self, targets: Mapping[int, str], *, columns: int, country: str) -> None:
        self._targets = dict(targets)
        self._columns = columns
        self._country = country
        self._zone_sets = ZoneSets()

    def read(self, row: Row) -> StagedContact | StagedRejection:
        try:
            return self._contact(row)
        except _Invalid as invalid:
            return StagedRejection(row.line, str(invalid), row.cells)

    def _contact(self, row: Row) -> StagedContact:
        if any(row.cells[self._columns :]):
            filled = max(position for position, cell in enumerate(row.cells, start=1) if cell)
            raise _Invalid(
                f"{filled} values for {self._columns} columns: is a value with the separator in it "
                "missing its quotation marks?"
            )
        given: dict[str, str] = {}
        fields: dict[str, str] = {}
        for position, target in self._targets.items():
            value = row.cells[position] if position < len(row.cells) else ""
            if not value or not target:
                continue
            if target.startswith(mapping.FIELD):
                name = target.removeprefix(mapping.FIELD)
                fields[name] = _no_longer(value, FIELD_VALUE_LENGTH, name)
            else:
                given[target] = value
        phone_number = normalise(given.get(mapping.PHONE, ""), self._country)
        if isinstance(phone_number, Rejection):
            raise _Invalid(str(phone_number))
        first_name, last_name = given.get(mapping.FIRST, ""), given.get(mapping.LAST, "")
        if mapping.NAME in given:
            first, last = split_name(given[mapping.NAME])
            first_name, last_name = first_name or first, last_name or last
        time_zone = self._zone(given.get(mapping.ZONE, ""))
        return StagedContact(
            line=row.line,
            phone_number=phone_number,
            zone_set_id=self._zone_sets.id_for((time_zone,) if time_zone else possible_zones(phone_number)),
            email=_email(given.get(mapping.EMAIL, "")),
            first_name=_no_longer(first_name, LENGTHS[mapping.FIRST], "first name"),
            last_name=_no_longer(last_name, LENGTHS[mapping.LAST], "last name"),
            company=_no_longer(given.get(mapping.COMPANY, ""), LENGTHS[mapping.COMPANY], "company"),
            time_zone=time_zone,
            fields=fields,
        )

    @staticmethod
    def _zone(text: str) -> str:
        if text.lower() in _NOTHING or not text:
            return ""
        zone = find_zone(text)
        if zone is None:
            raise _Invalid(f"“{text[:40]}”: no such time zone (write it like America/Denver)")
        return zone


class _Invalid(Exception):
    pass


def split_name(name: str) -> tuple[str, str]:
    """A whole name as (first, last): "Anna Maria Svensson", or "Svensson, Anna Maria"."""
    last, comma, first = name.partition(",")
    if comma and first.strip():
        return first.strip(), last.strip()
    first, _, last = name.strip(" ,").rpartition(" ")
    return (first.strip(), last) if first else (last, "")


def _email(text: str) -> str:
    if text.lower() in _NOTHING:
        return ""
    # Google Contacts writes several addresses into one cell.
    address = text.partition(":::")[0].strip().removeprefix("mailto:").lower()
    if address and not mapping.EMAIL_FORM.fullmatch(address):
        raise _Invalid(f"“{text[:60]}”: not an email address")
    return _no_longer(address, LENGTHS[mapping.EMAIL], "email address")


def _no_longer(value: str, length: int, name: str) -> str:
    if len(value) > length:
        raise _Invalid(f"{name} is longer than {length:,} characters")
    return value
