"""One row of a file to one contact, or to the reason why not."""

from __future__ import annotations

from collections.abc import Mapping

from contacts.email_addresses import EMAIL_LENGTH, as_email_address, is_email_address
from contacts.importing import mapping
from contacts.importing.cells import is_nothing
from contacts.importing.countries import country_called
from contacts.importing.kinds import KindOfField
from contacts.importing.reading import Row
from contacts.importing.saving import StagedContact, StagedRejection
from contacts.numbering import Reason
from contacts.phone_numbers import dialable, possible_zones
from contacts.zones import ZoneSets, find_zone

# Longest values, in characters; as long as their columns.
_LENGTHS = {mapping.FIRST: 100, mapping.LAST: 100, mapping.COMPANY: 200}
FIELD_VALUE_LENGTH = 2000


class RowReader:
    """Turns rows into contacts, by one mapping and one default country.

    A row's own country goes before the default one, also one that nobody knows: then the number must tell
    its country itself. A second number stands in where the first is empty.
    With ``email_is_enough``, a row without a number becomes a contact that is known by its address; a row
    with a wrong number does not, since that person gave a number.
    """

    def __init__(
        self, targets: Mapping[int, str], *, columns: int, country: str, email_is_enough: bool = False
    ) -> None:
        positions = {target: position for position, target in targets.items()}
        self._phone = positions.get(mapping.PHONE)
        self._second_phone = positions.get(mapping.SECOND_PHONE)
        self._home = positions.get(mapping.COUNTRY)
        self._first = positions.get(mapping.FIRST)
        self._last = positions.get(mapping.LAST)
        self._name = positions.get(mapping.NAME)
        self._email = positions.get(mapping.EMAIL)
        self._company = positions.get(mapping.COMPANY)
        self._time_zone = positions.get(mapping.ZONE)
        self._fields = [
            (position, target.removeprefix(mapping.FIELD), KindOfField())
            for target, position in positions.items()
            if target.startswith(mapping.FIELD)
        ]
        self._columns = columns
        # Short rows are filled up to here.
        self._width = max([columns, *(position + 1 for position in targets)])
        self._country = country
        self._email_is_enough = email_is_enough
        self._zone_sets = ZoneSets()

    def read(self, row: Row) -> StagedContact | StagedRejection:
        """The contact that a row is, or why it is none."""
        try:
            return self._contact(row)
        except _Invalid as invalid:
            return StagedRejection(row.line, str(invalid), row.cells)

    def kinds(self) -> dict[str, str]:
        """What the values of each custom field are in the contacts read so far (``CustomField.Kind``).

        Fields that no contact has are left out.
        """
        return {name: str(kind.kind.value) for _, name, kind in self._fields if kind.kind is not None}

    def _contact(self, row: Row) -> StagedContact:
        cells = row.cells
        if len(cells) != self._width:
            cells = self._filled(cells)
        phone_number = self._phone_number(cells)
        time_zone = _zone(cells[self._time_zone]) if self._time_zone is not None else ""
        email = _email(cells[self._email]) if self._email is not None else ""
        if not phone_number and not email:
            raise _Invalid("neither a phone number nor an email address")
        first_name = cells[self._first] if self._first is not None else ""
        last_name = cells[self._last] if self._last is not None else ""
        company = cells[self._company] if self._company is not None else ""
        if self._name is not None and (name := cells[self._name]):
            first, last = split_name(name)
            first_name, last_name = first_name or first, last_name or last
        # Each is as long as its column; rarely is any that long.
        if len(first_name) > _LENGTHS[mapping.FIRST]:
            raise _too_long("first name", _LENGTHS[mapping.FIRST])
        if len(last_name) > _LENGTHS[mapping.LAST]:
            raise _too_long("last name", _LENGTHS[mapping.LAST])
        if len(company) > _LENGTHS[mapping.COMPANY]:
            raise _too_long("company", _LENGTHS[mapping.COMPANY])
        if time_zone:
            zones: tuple[str, ...] = (time_zone,)
        else:
            zones = possible_zones(phone_number) if phone_number else ()
        return StagedContact(
            row.line,
            phone_number,
            self._zone_sets.id_for(zones),
            email,
            first_name,
            last_name,
            company,
            time_zone,
            self._custom_fields(cells),
        )

    def _filled(self, cells: list[str]) -> list[str]:
        if any(cells[self._columns :]):
            filled = max(position for position, cell in enumerate(cells, start=1) if cell)
            raise _Invalid(
                f"{filled} values for {self._columns} columns: is a value with the separator in it "
                "missing its quotation marks?"
            )
        return cells + [""] * (self._width - len(cells))

    def _phone_number(self, cells: list[str]) -> str:
        written = cells[self._phone] if self._phone is not None else ""
        if self._second_phone is not None and is_nothing(written):
            written = cells[self._second_phone] or written
        if self._email_is_enough and is_nothing(written):
            return ""
        country = self._country
        home = cells[self._home] if self._home is not None else ""
        if not is_nothing(home):
            # What nobody knows is not the default: the number would be a stranger's.
            country = country_called(home)
        phone_number = dialable(written, country)
        if isinstance(phone_number, str):
            return phone_number
        if phone_number.reason is Reason.NO_COUNTRY and not country and not is_nothing(home):
            raise _Invalid(
                f"“{home[:40]}”: no such country (write it like DE or Germany), and the number has no "
                "country code"
            )
        if self._email_is_enough and phone_number.reason is Reason.EMPTY:
            return ""
        raise _Invalid(str(phone_number))

    def _custom_fields(self, cells: list[str]) -> dict[str, str]:
        fields = {}
        for position, name, _ in self._fields:
            if value := cells[position]:
                if len(value) > FIELD_VALUE_LENGTH:
                    raise _too_long(name, FIELD_VALUE_LENGTH)
                fields[name] = value
        # Only now: rows that become no contact say nothing about the fields of contacts.
        for _, name, kind in self._fields:
            if kind.is_open and name in fields:
                kind.see(fields[name])
        return fields


class _Invalid(Exception):
    pass


def _too_long(name: str, length: int) -> _Invalid:
    return _Invalid(f"{name} is longer than {length:,} characters")


def split_name(name: str) -> tuple[str, str]:
    """A whole name as (first, last): "Anna Maria Svensson", or "Svensson, Anna Maria"."""
    last, comma, first = name.partition(",")
    if comma and first.strip():
        return first.strip(), last.strip()
    first, _, last = name.strip(" ,").rpartition(" ")
    return (first.strip(), last) if first else (last, "")


def _zone(text: str) -> str:
    if is_nothing(text):
        return ""
    zone = find_zone(text)
    if zone is None:
        raise _Invalid(f"“{text[:40]}”: no such time zone (write it like America/Denver)")
    return zone


def _email(text: str) -> str:
    if is_nothing(text):
        return ""
    # Google Contacts writes several addresses into one cell.
    address = as_email_address(text.partition(":::")[0])
    if address and not is_email_address(address):
        if len(address) > EMAIL_LENGTH:
            raise _too_long("email address", EMAIL_LENGTH)
        raise _Invalid(f"“{text[:60]}”: not an email address")
    return address
