"""Which column of a file is what: guesses from its header and its content. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence

from contacts.importing.cells import is_nothing
from contacts.importing.countries import country_called
from contacts.phone_numbers import normalise
from contacts.zones import find_zone

# What an import is for (``Import.Purpose``); it decides what columns can be.
CONTACTS, DO_NOT_CONTACT = "contacts", "do_not_contact"
PHONE, SECOND_PHONE, COUNTRY, FIRST, LAST, NAME, EMAIL, COMPANY, ZONE = (
    "phone_number",
    "second_phone_number",
    "country",
    "first_name",
    "last_name",
    "name",
    "email",
    "company",
    "time_zone",
)
SCOPE, REASON, UNTIL = "scope", "reason", "until"
# What a column of contacts may fill, with what people call it; besides custom fields ("field:<name>") and
# nothing ("").
TARGETS = {
    PHONE: "Phone number",
    SECOND_PHONE: "Phone number, if the first is empty",
    COUNTRY: "Country of the number",
    FIRST: "First name",
    LAST: "Last name",
    NAME: "Full name",
    EMAIL: "Email",
    COMPANY: "Company",
    ZONE: "Time zone",
}
# What a column of addresses not to be contacted may fill.
DO_NOT_CONTACT_TARGETS = {
    PHONE: "Phone number",
    EMAIL: "Email",
    SCOPE: "Never by",
    REASON: "Reason",
    UNTIL: "Until",
}
FIELD = "field:"
IGNORED = ""
FIELD_NAME_LENGTH = 60
# What the download of rejected rows adds, and the export of a list; uploaded again, they are nobody's fields.
LINE_COLUMN, REASON_COLUMN = "Line in the file", "Why it was rejected"
FORBIDDEN_COLUMN = "Do not contact"
ADDED_COLUMNS = frozenset({LINE_COLUMN, REASON_COLUMN, FORBIDDEN_COLUMN})
# For values of rejected rows that no column was there for; so many, and the last holds the rest.
MOST_BEYOND = 20
_BEYOND_COLUMN = "Value without a column"

# Nothing in it is tried twice: a cell may be long.
EMAIL_FORM = re.compile(r"[^@\s,;<>]++@(?:[^@\s,;<>.]++\.)++[^@\s,;<>.]{2,}+")
_PHONE_FORM = re.compile(r"(?:tel:)?[+(\[]?\d[\d\s().\-/\u00a0\u2010-\u2015\[\]]{5,}\d")
_SCIENTIFIC_FORM = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d{1,2}")

_CODE = "calling_code"
# Headers as other products and other languages write them, letters and digits only.
_HEADERS = {
    PHONE: """phone phonenumber phoneno phonenr phone1value phonework workphone mobile mobilephone
        mobilenumber mobilephonenumber mobileno cell cellphone cellnumber cellphonenumber telephone
        telephonenumber tel telno telnr number contactnumber msisdn e164 whatsapp whatsappnumber primaryphone
        mainphone businessphone homephone personphone personphonework phonemobile personphonemobile
        directphone callphone phonevalue recipientphone leadphone customerphone
        phone1 phone2 altphone alternatephone otherphone secondaryphone
        telefon telefonnummer telefonnr telefonno handy handynummer mobil mobilnummer mobiltelefon rufnummer
        telefongeschaeftlich telefonprivat festnetz
        téléphone telephoneportable portable numero numerodetelephone telephonemobile
        telefono telefonos telefonomovil movil celular numerodetelefono telefonocelular
        cellulare telefonocellulare numeroditelefono
        telefone telemovel numerodetelefone
        telefoonnummer telefoon mobielnummer gsm gsmnummer
        puhelin puhelinnumero telefonnumer numertelefonu komorka
        телефон номер номертелефона мобильный мобильныйтелефон
        電話 電話番号 携帯電話 电话 手机 手机号 电话号码 전화번호 هاتف رقمالهاتف""",
    FIRST: """firstname first fname givenname given forename contactfirstname personfirstname leadfirstname
        vorname rufname prenom nombredepila primernombre prenome voornaam fornavn fornamn etunimi imie
        имя 名""",
    LAST: """lastname last lname surname familyname family contactlastname personlastname leadlastname
        nachname familienname zuname nomdefamille apellido apellidos primerapellido cognome sobrenome
        apelido ultimonome achternaam familienaam etternavn efternavn efternamn sukunimi nazwisko
        фамилия 姓""",
    NAME: """fullname contactname contactfullname contact personname displayname customer customername client
        clientname leadname contactperson dealcontactperson leadcontactperson
        recipient recipientname subscriber patient patientname member membername
        kunde kundenname kontakt kontaktname ansprechpartner vollstaendigername vollername
        nomcomplet nometprenom prenomnom prenometnom nombrecompleto nombreyapellidos nombreyapellido
        nomecompleto nomeecognome volledigenaam фио полноеимя 氏名 姓名 이름""",
    EMAIL: """email emailaddress mail mailaddress emailwork workemail primaryemail personemail personemailwork
        email1 email1value emailvalue contactemail leademail personemailhome personemailother
        emailadresse mailadresse epost epostadresse adressemail adresseemail adresemail
        emailadres emailhome emailother personalemail mailadres courriel correo
        correoelectronico correoe posta postaelettronica indirizzoemail enderecodeemail sahkoposti
        почта электроннаяпочта элпочта メール メールアドレス 邮箱 電子郵件 이메일""",
    COMPANY: """company companyname organization organisation organizationname organisationname
        organization1name companyaccount defaultaddresscompany account accountname accountaccountname
        business businessname employer personorganization dealorganization leadorganization associatedcompany
        firma firmenname unternehmen organisationsname betrieb entreprise societe organisme empresa
        nombredelaempresa compania azienda societa ditta bedrijf bedrijfsnaam foretag virksomhed yritys
        компания организация 会社 会社名 公司 회사""",
    SCOPE: "scope channel channels neverby medium kanal blockedchannel",
    REASON: "reason note notes comment comments why grund bemerkung motif motivo kommentar",
    UNTIL: "until expires expiresat expireson expiry expirydate validuntil gültigbis bis",
    # Where a number is at home: by its calling code, which is for nothing else; or by its country.
    _CODE: """phonecode phonecountrycode phonecountry countrycallingcode callingcode dialcode diallingcode
        dialingcode countrydialcode countryprefix ländervorwahl landesvorwahl indicatifpays
        prefissointernazionale prefijointernacional códigodelpaís""",
    COUNTRY: """country countrycode countryname countryregion countryiso homecountry homecountryregion
        businesscountry businesscountryregion mailingcountry contactcountry billingcountry
        defaultaddresscountry defaultaddresscountrycode land landregion landregiongeschäftlich
        pays país paese nazione kraj страна 国 国家""",
    ZONE: """timezone tz timezoneid timezonename ianatimezone olsontimezone contacttimezone hstimezone
        zeitzone fuseauhoraire zonahoraria husohorario fusoorario fusohorario tijdzone tidszon tidssone
        часовойпояс タイムゾーン 时区""",
}
# "Name" alone is the whole name, unless another column holds half of it.
_HALF_OR_WHOLE = frozenset(
    {"name", "names", "nom", "nombre", "nombres", "nome", "naam", "namn", "navn", "nimi"}
)
# A header that tells of a phone in words not foreseen.
_PHONE_PARTS = ("phone", "mobile", "telefon", "telephon", "cellular", "cellphone", "handy", "movil")
# Lines on which somebody else answers, or seldom anybody; where all are equally full.
_LESS_LIKELY = frozenset({"home", "other", "main", "company", "callback", "privat", "zentrale"})
_A_LITTLE = 0.001
# What stands beside a number or an address, and lines that nobody is called on.
_BESIDE = """
    label labels type typ ext extension durchwahl fax telefax country code status opt optin optout consent
    verified valid count date time source display angezeigter assistant assistent assistants owner id
    pager telex isdn tty autotelefon car radio
"""
_NOT_THE_VALUE = frozenset(_BESIDE.split())
_NOT_AT_THE_END = ("label", "type", "typ", "extension", "fax", "country", "code", "status", "consent")


def plain(header: str) -> str:
    """A header without case, accents, spaces and punctuation: what headers are compared by."""
    text = unicodedata.normalize("NFKD", header).casefold().replace("ß", "ss")
    return "".join(char for char in text if char.isalnum())


_KNOWN = {target: frozenset(map(plain, headers.split())) for target, headers in _HEADERS.items()}
# In characters, however it is written.
_LONGEST_NUMBER = 60
# So few cells prove nothing.
_FEW = 3
# The header is among the first rows.
_TITLE_ROWS = 20
_ANY_KNOWN = frozenset().union(*_KNOWN.values(), _HALF_OR_WHOLE)


def beyond_columns(count: int) -> list[str]:
    """The headers for values that no column was there for."""
    return [f"{_BEYOND_COLUMN} {number}" for number in range(1, count + 1)]


def is_beyond(header: str) -> bool:
    return header.startswith(_BEYOND_COLUMN)


def is_added(header: str) -> bool:
    """Whether a column is one that our downloads add to what they were made of."""
    return header in ADDED_COLUMNS or is_beyond(header)


def looks_like_phone(cell: str) -> bool:
    """Whether a cell has the form of a phone number, valid or not."""
    # Google Contacts writes several numbers into one cell.
    text = cell.partition(":::")[0].strip()
    if len(text) > _LONGEST_NUMBER:
        return False
    return bool(_PHONE_FORM.fullmatch(text) or _SCIENTIFIC_FORM.fullmatch(text))


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns rather than a contact."""
    if not rows:
        return False
    first = [cell.strip() for cell in rows[0] if cell.strip()]
    if not first or any(looks_like_phone(cell) or EMAIL_FORM.fullmatch(cell) for cell in first):
        return False
    if any(plain(cell) in _ANY_KNOWN or _names_a_phone(cell) for cell in first):
        return True
    # Unknown words above numbers or addresses are a header in a language not foreseen.
    below = [cell for row in rows[1:] for cell in row]
    return any(looks_like_phone(cell) or EMAIL_FORM.fullmatch(cell.strip()) for cell in below)


def header_position(rows: Sequence[Sequence[str]]) -> int:
    """How many rows stand above the header: the title of a report, the day it was made."""
    widths = [sum(1 for cell in row if cell.strip()) for row in rows[:_TITLE_ROWS]]
    for position, width in enumerate(widths[1:], start=1):
        row = [cell for cell in rows[position] if cell.strip()]
        above = [cell.strip() for other in rows[:position] for cell in other if cell.strip()]
        if any(looks_like_phone(cell) or EMAIL_FORM.fullmatch(cell) for cell in above):
            return 0
        if width < 2 or 2 * max(widths[:position]) > width:
            continue
        if sum(plain(cell) in _ANY_KNOWN for cell in row) >= 2 and has_header(rows[position:]):
            return position
    return 0


def column_names(rows: Sequence[Sequence[str]], *, header: bool, columns: int) -> list[str]:
    """What to call each column: its header, or "Column 3"."""
    names = [cell.strip() for cell in rows[0]] if header and rows else []
    names += [""] * (columns - len(names))
    return [name or f"Column {position}" for position, name in enumerate(names, start=1)]


def field_name(header: str) -> str:
    """A custom field's name for a column, as prompts and templates can write it: ``plan_ends_on``."""
    name = re.sub(r"\W+", "_", header.strip().lower()).strip("_")
    if not name or name[0].isdigit():
        name = f"field_{name}"
    name = name[:FIELD_NAME_LENGTH].strip("_")
    # What every contact has by itself keeps its name.
    return _numbered(name, 2) if name in TARGETS else name


def _numbered(name: str, number: int) -> str:
    """The next field's name of those that would have the same."""
    suffix = f"_{number}"
    return name[: FIELD_NAME_LENGTH - len(suffix)] + suffix


def custom_targets(headers: Sequence[str]) -> list[str]:
    """For each column, the target that keeps it as a custom field; two of one name get numbers."""
    seen: set[str] = set()
    targets = []
    for header in headers:
        name = base = field_name(header)
        number = 2
        while name in seen:
            name, number = _numbered(base, number), number + 1
        seen.add(name)
        targets.append(FIELD + name)
    return targets


def guess(
    headers: Sequence[str], rows: Sequence[Sequence[str]], country: str, *, purpose: str = CONTACTS
) -> list[str]:
    """The target of each column, guessed from its header and the rows below it.

    At most one column is given each target of the purpose, but all that hold numbers or addresses not to be
    contacted. Of contacts, others are custom fields; columns without any content are ignored.
    """
    guessing = _Guess(headers, rows, country)
    guessing.best(PHONE, guessing.phone_score)
    guessing.best(EMAIL, guessing.email_score)
    if purpose == DO_NOT_CONTACT:
        for target in (SCOPE, UNTIL, REASON):
            guessing.best(target, guessing.named_as(target))
        customs = [guessing.address(position) for position in range(len(headers))]
    else:
        guessing.guess_where_numbers_are_at_home()
        guessing.guess_second_phone()
        guessing.best(ZONE, guessing.zone_score)
        for target in (FIRST, LAST, COMPANY):
            guessing.best(target, guessing.named_as(target))
        customs = [
            IGNORED if is_added(header) else custom
            for header, custom in zip(headers, custom_targets(headers), strict=True)
        ]
        for repeated in guessing.guess_names():
            customs[repeated] = IGNORED
    return [
        next((target for target, at in guessing.found.items() if at == position), None)
        or (customs[position] if guessing.filled[position] or not rows else IGNORED)
        for position in range(len(headers))
    ]


class _Guess:
    """The columns of a file, and which of them were found to be what."""

    def __init__(self, headers: Sequence[str], rows: Sequence[Sequence[str]], country: str) -> None:
        self.found: dict[str, int] = {}
        self._headers = headers
        self._plain = [plain(header) for header in headers]
        self._country = country
        self._phone_scores: dict[int, float] = {}
        self._columns = [
            [row[position].strip() if position < len(row) and not is_added(header) else "" for row in rows]
            for position, header in enumerate(headers)
        ]
        self.filled = [[cell for cell in column if cell] for column in self._columns]

    def best(self, target: str, score: Callable[[int], float]) -> None:
        """Give a target to the column that scores highest, if any scores; of equals, the first."""
        scores = {position: score(position) for position in self._left()}
        position = max(scores, key=lambda at: (scores[at], -at), default=None)
        if position is not None and scores[position] > 0:
            self.found[target] = position

    def named_as(self, target: str) -> Callable[[int], float]:
        # Of several columns of one meaning, the one with content.
        return lambda at: 1 + bool(self.filled[at]) if self._plain[at] in _KNOWN[target] else 0

    def phone_score(self, at: int) -> float:
        if at not in self._phone_scores:
            self._phone_scores[at] = self._phone_score(at)
        return self._phone_scores[at]

    def _phone_score(self, at: int) -> float:
        if _is_beside_a_value(self._headers[at]):
            return 0
        looks = self._share(at, looks_like_phone)
        valid = self._share(at, self._is_number)
        # Nearly full columns beat nearly empty ones: a home number that two of a hundred have.
        full = len(self.filled[at]) / len(self._columns[at]) if self._columns[at] else 0
        if self._plain[at] in _KNOWN[PHONE] or _names_a_phone(self._headers[at]):
            first_choice = _LESS_LIKELY.isdisjoint(_words(self._headers[at]))
            return 1 + (valid + looks / 2) * full - (0 if first_choice else _A_LITTLE)
        return valid * full if valid >= 0.6 and looks >= 0.6 else 0

    def email_score(self, at: int) -> float:
        if _is_beside_a_value(self._headers[at]):
            return 0
        matches = self._share(at, _is_email)
        return (self._plain[at] in _KNOWN[EMAIL]) + (matches if matches >= 0.6 else 0)

    def address(self, at: int) -> str:
        """Whether a column holds further numbers or addresses, beside the first that does."""
        if self.phone_score(at) and any(map(self._is_number, self.filled[at])):
            return PHONE
        return EMAIL if self.email_score(at) and any(map(_is_email, self.filled[at])) else IGNORED

    def _is_number(self, cell: str) -> bool:
        return looks_like_phone(cell) and isinstance(normalise(cell, self._country), str)

    def zone_score(self, at: int) -> float:
        known = self._share(at, lambda cell: find_zone(cell) is not None)
        if self._plain[at] in _KNOWN[ZONE]:
            # What nobody knows would only reject rows.
            return 1 + known if known >= 0.5 or len(self.filled[at]) < _FEW else 0
        slashed = self._share(at, lambda cell: "/" in cell and find_zone(cell) is not None)
        return slashed if slashed >= 0.8 else 0

    def guess_where_numbers_are_at_home(self) -> None:
        """A column of calling codes; or one of countries, where it makes a difference."""

        def code_score(at: int) -> float:
            named = self._plain[at] in _KNOWN[_CODE]
            return named and self._share(at, lambda cell: bool(country_called(cell))) >= 0.6

        def country_score(at: int) -> float:
            if self._plain[at] not in _KNOWN[COUNTRY] or PHONE not in self.found:
                return 0
            # A column of nothing but regions and continents would only reject rows.
            is_known = self._share(at, lambda cell: bool(country_called(cell))) >= 0.5
            told = 0
            for number, cell in zip(self._columns[self.found[PHONE]], self._columns[at], strict=True):
                here = normalise(number, self._country)
                there = normalise(number, country_called(cell)) if cell else here
                is_told = isinstance(there, str) or (is_known and isinstance(here, str))
                told += is_told and there != here
            return told

        self.best(COUNTRY, code_score)
        if COUNTRY not in self.found:
            self.best(COUNTRY, country_score)

    def guess_second_phone(self) -> None:
        """Another column of numbers, where it has some that the first lacks."""
        if PHONE not in self.found:
            return
        first = self._columns[self.found[PHONE]]

        def score(at: int) -> float:
            if not self.phone_score(at):
                return 0
            pairs = zip(self._columns[at], first, strict=True)
            return sum(looks_like_phone(cell) for cell, before in pairs if not before)

        self.best(SECOND_PHONE, score)

    def guess_names(self) -> list[int]:
        """Find whole and half names; returns the columns that only repeat what others say."""
        repeated = []
        for position in self._left():
            if self._plain[position] in _KNOWN[NAME] and self._repeats_the_name(position):
                repeated.append(position)
            if self._plain[position] not in _HALF_OR_WHOLE:
                continue
            if FIRST in self.found and LAST in self.found:
                repeated.append(position)
            elif FIRST in self.found or LAST in self.found:
                self.found[LAST if FIRST in self.found else FIRST] = position
            else:
                self.found[NAME] = position
        if not self.found.keys() & {NAME, FIRST, LAST}:
            self.best(NAME, self.named_as(NAME))
        if not any(name in _ANY_KNOWN for name in self._plain):
            _guess_names_by_content(self.filled, self.found)
        return repeated

    def _repeats_the_name(self, at: int) -> bool:
        """Whether a column says in every row what the first and the last name say."""
        if FIRST not in self.found or LAST not in self.found:
            return False
        halves = zip(self._columns[self.found[FIRST]], self._columns[self.found[LAST]], strict=True)
        return all(
            whole == f"{first} {last}".strip()
            for whole, (first, last) in zip(self._columns[at], halves, strict=True)
        )

    def _left(self) -> list[int]:
        taken = set(self.found.values())
        return [position for position in range(len(self._headers)) if position not in taken]

    def _share(self, at: int, test: Callable[[str], bool]) -> float:
        """Of the cells that hold something, how many pass."""
        return sum(map(test, self.filled[at])) / len(self.filled[at]) if self.filled[at] else 0


def offered(purpose: str) -> dict[str, str]:
    """What columns may be, with what people call it, besides custom fields and nothing."""
    return DO_NOT_CONTACT_TARGETS if purpose == DO_NOT_CONTACT else TARGETS


def keeps_fields(purpose: str) -> bool:
    """Whether columns may be kept as custom fields."""
    return purpose == CONTACTS


def problems(
    mapping: Mapping[int, str], *, purpose: str = CONTACTS, email_is_enough: bool = False
) -> list[str]:
    """What keeps a mapping from being used, in sentences for people."""
    targets = [target for target in mapping.values() if target]
    # Whom not to contact is entered with all numbers and addresses of a row.
    may_repeat = {PHONE, EMAIL} if purpose == DO_NOT_CONTACT else set()
    twice = sorted({target for target in targets if targets.count(target) > 1} - may_repeat)
    found = [f"Two columns are the {label(target).lower()}. Choose one." for target in twice]
    if PHONE in targets:
        return found
    if purpose == DO_NOT_CONTACT or email_is_enough:
        if EMAIL not in targets:
            found.append("Choose the column that holds the phone number or the email address.")
    else:
        found.append("Choose the column that holds the phone number.")
        if EMAIL in targets:
            found.append("If there is none, tick “An email address is enough”.")
    return found


def with_address_alone(rows: Iterable[Sequence[str]], mapping: Mapping[int, str]) -> int:
    """How many of these rows have an email address and no number: contacts only where that is enough.

    >>> with_address_alone([["", "a@example.com"], ["911", "b@example.com"]], {0: PHONE, 1: EMAIL})
    1
    """
    numbers = [position for position, target in mapping.items() if target == PHONE]
    emails = [position for position, target in mapping.items() if target == EMAIL]

    def has_any(row: Sequence[str], positions: Iterable[int]) -> bool:
        return any(position < len(row) and not is_nothing(row[position]) for position in positions)

    return sum(has_any(row, emails) and not has_any(row, numbers) for row in rows)


def label(target: str) -> str:
    """What people call a target."""
    if target.startswith(FIELD):
        return f"Field {target.removeprefix(FIELD)}"
    return TARGETS.get(target) or DO_NOT_CONTACT_TARGETS.get(target, "")


def header_keys(headers: Sequence[str]) -> list[str]:
    """What each header is remembered by, the second of a name by another; "" for what our downloads add."""
    seen: dict[str, int] = {}
    keys = []
    for header in headers:
        if is_added(header):
            keys.append("")
            continue
        key = plain(header)
        seen[key] = seen.get(key, 0) + 1
        keys.append(f"{key} {seen[key]}" if seen[key] > 1 else key or "-")
    return keys


def _is_email(cell: str) -> bool:
    return bool(EMAIL_FORM.fullmatch(cell.partition(":::")[0].strip()))


def _names_a_phone(header: str) -> bool:
    name = plain(header)
    return any(part in name for part in _PHONE_PARTS)


def _is_beside_a_value(header: str) -> bool:
    """Whether a column of "phone" or "email" in its name holds something else: its type, a fax."""
    return not _NOT_THE_VALUE.isdisjoint(_words(header)) or plain(header).endswith(_NOT_AT_THE_END)


def _words(header: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", header).casefold())


def _guess_names_by_content(filled: Sequence[Sequence[str]], found: dict[str, int]) -> None:
    """Without any known header: a column of two words is a name, two of one word are its halves."""

    def words(position: int) -> float:
        cells = filled[position]
        if not cells or position in found.values():
            return 0
        if not all(all(char.isalpha() or char in " ,.'’-" for char in cell) for cell in cells):
            return 0
        return sum(len(cell.split()) for cell in cells) / len(cells)

    counts = [words(position) for position in range(len(filled))]
    for position, count in enumerate(counts):
        if 1.5 <= count <= 4:
            found[NAME] = position
            return
        following = counts[position + 1] if position + 1 < len(counts) else 0
        if 1 <= count < 1.5 and 1 <= following < 1.5:
            found[FIRST], found[LAST] = position, position + 1
            return
