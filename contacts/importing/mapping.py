"""Which column of a file is what: guesses from its header and its content. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from contacts.phone_numbers import normalise
from contacts.zones import find_zone

PHONE, FIRST, LAST, NAME, EMAIL, COMPANY, ZONE = (
    "phone_number",
    "first_name",
    "last_name",
    "name",
    "email",
    "company",
    "time_zone",
)
# What a column may fill, with what people call it; besides custom fields ("field:<name>") and nothing ("").
TARGETS = {
    PHONE: "Phone number",
    FIRST: "First name",
    LAST: "Last name",
    NAME: "Full name",
    EMAIL: "Email",
    COMPANY: "Company",
    ZONE: "Time zone",
}
FIELD = "field:"
IGNORED = ""
FIELD_NAME_LENGTH = 60
# What the download of rejected rows adds; when it is uploaded again, they are nobody's fields.
LINE_COLUMN, REASON_COLUMN = "Line in the file", "Why it was rejected"

EMAIL_FORM = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}")
_PHONE_FORM = re.compile(r"(?:tel:)?[+(\[]?\d[\d\s().\-/\u00a0\u2010-\u2015\[\]]{5,}\d")
_SCIENTIFIC_FORM = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d{1,2}")

# Headers as other products and other languages write them, letters and digits only.
_HEADERS = {
    PHONE: """phone phonenumber phoneno phonenr phone1 phone1value phonework workphone mobile mobilephone
        mobilenumber mobilephonenumber mobileno cell cellphone cellnumber cellphonenumber telephone
        telephonenumber tel telno telnr number contactnumber msisdn e164 whatsapp whatsappnumber primaryphone
        mainphone businessphone homephone personphone personphonework phonemobile personphonemobile
        directphone callphone phonevalue recipientphone leadphone customerphone
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
        clientname leadname recipient recipientname subscriber patient patientname member membername
        kunde kundenname kontakt kontaktname ansprechpartner vollstaendigername vollername
        nomcomplet nometprenom prenomnom prenometnom nombrecompleto nombreyapellidos nombreyapellido
        nomecompleto nomeecognome volledigenaam фио полноеимя 氏名 姓名 이름""",
    EMAIL: """email emailaddress mail mailaddress emailwork workemail primaryemail personemail personemailwork
        email1 email1value emailvalue contactemail leademail
        emailadresse mailadresse epost epostadresse adressemail adresseemail courriel correo
        correoelectronico correoe posta postaelettronica indirizzoemail enderecodeemail sahkoposti
        почта электроннаяпочта элпочта メール メールアドレス 邮箱 電子郵件 이메일""",
    COMPANY: """company companyname organization organisation organizationname organisationname
        organization1name
        account accountname business businessname employer personorganization associatedcompany
        firma firmenname unternehmen organisationsname betrieb entreprise societe organisme empresa
        nombredelaempresa compania azienda societa ditta bedrijf bedrijfsnaam foretag virksomhed yritys
        компания организация 会社 会社名 公司 회사""",
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
_NOT_THE_VALUE = re.compile(
    r"label|type|typ$|ext$|extension|fax|country|code|status|opt|consent|verified|valid|count|date"
)


def plain(header: str) -> str:
    """A header without case, accents, spaces and punctuation: what headers are compared by."""
    text = unicodedata.normalize("NFKD", header).casefold().replace("ß", "ss")
    return "".join(char for char in text if char.isalnum())


_KNOWN = {target: frozenset(map(plain, headers.split())) for target, headers in _HEADERS.items()}
# The header is among the first rows.
_TITLE_ROWS = 20
_ANY_KNOWN = frozenset().union(*_KNOWN.values(), _HALF_OR_WHOLE)


def looks_like_phone(cell: str) -> bool:
    """Whether a cell has the form of a phone number, valid or not."""
    text = cell.strip()
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
    name = re.sub(r"\W+", "_", header.strip().lower()).strip("_")[:FIELD_NAME_LENGTH].strip("_")
    if not name or name[0].isdigit():
        name = f"field_{name}".strip("_")
    # What every contact has by itself keeps its name.
    return f"{name}_2" if name in TARGETS else name


def custom_targets(headers: Sequence[str]) -> list[str]:
    """For each column, the target that keeps it as a custom field; two of one name get numbers."""
    seen: set[str] = set()
    targets = []
    for header in headers:
        name = base = field_name(header)
        number = 2
        while name in seen:
            name, number = f"{base}_{number}", number + 1
        seen.add(name)
        targets.append(FIELD + name)
    return targets


def guess(headers: Sequence[str], rows: Sequence[Sequence[str]], country: str) -> list[str]:
    """The target of each column, guessed from its header and the rows below it.

    At most one column is given each of ``TARGETS``; others are custom fields, and columns without
    any content are ignored.
    """
    columns = [
        [row[position].strip() for row in rows if position < len(row)] for position in range(len(headers))
    ]
    filled = [[cell for cell in column if cell] for column in columns]
    customs = [
        IGNORED if header in {LINE_COLUMN, REASON_COLUMN} else custom
        for header, custom in zip(headers, custom_targets(headers), strict=True)
    ]
    found: dict[str, int] = {}

    def best(target: str, score: Callable[[int], float]) -> None:
        scores = {
            position: score(position) for position in range(len(headers)) if position not in found.values()
        }
        position = max(scores, key=lambda at: (scores[at], -at), default=None)
        if position is not None and scores[position] > 0:
            found[target] = position

    def share(position: int, test: Callable[[str], bool]) -> float:
        """Of the cells that hold something, how many pass."""
        return sum(map(test, filled[position])) / len(filled[position]) if filled[position] else 0

    def phone_score(position: int) -> float:
        named = plain(headers[position]) in _KNOWN[PHONE] or _names_a_phone(headers[position])
        if _NOT_THE_VALUE.search(plain(headers[position])):
            return 0
        valid = share(position, lambda cell: isinstance(normalise(cell, country), str))
        looks = share(position, looks_like_phone)
        # Nearly full columns beat nearly empty ones: a home number that two of a hundred have.
        full = len(filled[position]) / len(columns[position]) if columns[position] else 0
        if named:
            return 1 + (valid + looks / 2) * full
        return valid * full if valid >= 0.6 and looks >= 0.6 else 0

    def email_score(position: int) -> float:
        name = plain(headers[position])
        if _NOT_THE_VALUE.search(name):
            return 0
        matches = share(position, lambda cell: bool(EMAIL_FORM.fullmatch(cell)))
        return (name in _KNOWN[EMAIL]) + (matches if matches >= 0.6 else 0)

    def zone_score(position: int) -> float:
        slashed = share(position, lambda cell: "/" in cell and find_zone(cell) is not None)
        return (plain(headers[position]) in _KNOWN[ZONE]) + (slashed if slashed >= 0.8 else 0)

    def named_as(target: str) -> Callable[[int], float]:
        # Of several columns of one meaning, the one with content.
        return lambda position: (
            1 + bool(filled[position]) if plain(headers[position]) in _KNOWN[target] else 0
        )

    best(PHONE, phone_score)
    best(EMAIL, email_score)
    best(ZONE, zone_score)
    for target in (FIRST, LAST, COMPANY):
        best(target, named_as(target))
    whole = named_as(NAME)
    for position, header in enumerate(headers):
        if plain(header) in _HALF_OR_WHOLE and position not in found.values():
            if FIRST in found and LAST in found:
                # Both halves are there already; the whole would only repeat them.
                customs[position] = IGNORED
            elif FIRST in found or LAST in found:
                found[LAST if FIRST in found else FIRST] = position
            else:
                found[NAME] = position
    if NAME not in found and FIRST not in found and LAST not in found:
        best(NAME, whole)
    if not any(plain(header) in _ANY_KNOWN for header in headers):
        _guess_names_by_content(filled, found)
    return [
        next((target for target, at in found.items() if at == position), None)
        or (customs[position] if filled[position] or not rows else IGNORED)
        for position in range(len(headers))
    ]


def problems(mapping: Mapping[int, str]) -> list[str]:
    """What keeps a mapping from being used, in sentences for people."""
    targets = [target for target in mapping.values() if target]
    twice = sorted({target for target in targets if targets.count(target) > 1})
    found = [f"Two columns are the {label(target).lower()}. Choose one." for target in twice]
    if PHONE not in targets:
        found.append("Choose the column that holds the phone number.")
    return found


def label(target: str) -> str:
    """What people call a target."""
    return f"Field {target.removeprefix(FIELD)}" if target.startswith(FIELD) else TARGETS.get(target, "")


def _names_a_phone(header: str) -> bool:
    name = plain(header)
    return any(part in name for part in _PHONE_PARTS) and not _NOT_THE_VALUE.search(name)


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
