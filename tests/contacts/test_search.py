"""Searching contacts: what is found, and how."""

from __future__ import annotations

import unicodedata
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.models import Enrollment
from contacts.models import Contact, DoNotContact
from contacts.queries import (
    MOST_COUNTED,
    Count,
    count_of,
    everybody,
    search_by_contact,
    search_contacts,
    without_apostrophes,
)
from tests.factories import ContactFactory, DoNotContactFactory, EnrollmentFactory
from tests.factories.contacts import zone_set

pytestmark = pytest.mark.django_db


def found(text: str, country: str = "US") -> list[Contact]:
    return list(search_contacts(everybody(), text, country).order_by("pk"))


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("Chloé", "chloe"),
        ("Chloe", "CHLOÉ"),
        ("Chloé", "Chloe\u0301"),
        ("O’Neil", "o'neil"),
        ("O'Neil", "O’Neil"),
        ("O’Neil", "oneil"),
        ("O'Neil", "ONEIL"),
        ("ONeil", "o’neil"),
        ("O'Neil", "o'"),
        ("d`Arc´s", "d'arcs"),
        ("Søren", "soren"),
        ("Weiß", "weiss"),
        ("Weiss", "Weiß"),
        ("Größer", "grosser"),
        ("Größer", "GRÖẞER"),
        ("Kjær", "kjaer"),
        ("KJÆR", "kjær"),
        ("Œuvre", "oeuvre"),
        ("Đorđe", "dorde"),
        ("Þór Guðmundsson", "thor gudmundsson"),
        ("Ħamrun", "hamrun"),
        ("Łukasz", "Lukasz"),
        ("İlkay Işık", "ilkay isik"),
        ("ΣΟΦΟΣ", "σοφος"),
        ("Παπαδόπουλος", "ΠΑΠΑΔΟΠΟΥΛΟΣ"),
        ("Юлия", "юлия"),
        ("Ёлкин", "елкин"),
        ("山田太郎", "太郎"),
        ("Li", "li"),
        ("Smith & Sons", "smith & sons"),
        ("100% Juice_Co\\", "00% juice_co\\"),
        ("Anna\u00a0Maria", "anna maria"),
        ("Ｗｉｄｅ", "wide"),
        ("😀 Smile", "😀"),
    ],
)
def test_case_accents_and_apostrophes_make_no_difference(stored, asked):
    wanted = ContactFactory(first_name="", last_name=stored)
    ContactFactory(first_name="Bo", last_name="Ek")
    assert found(asked) == [wanted]


@pytest.mark.parametrize(
    "asked",
    [
        "+44 20 7946 0958",
        "020 7946 0958",
        "0044 20 7946 0958",
        "(020) 7946-0958",
        "20 7946",
        "7946 0958",
        "79460",
        "+4420",
        "958",
        "020 7946",
        "٧٩٤٦",
        "7946\u20110958",
        "anna 7946",
        "7946-09 anna",
    ],
)
def test_numbers_are_found_in_any_notation_and_in_parts(asked):
    wanted = ContactFactory(first_name="Anna", phone_number="+442079460958")
    ContactFactory(first_name="Anna", phone_number="+14155550142")
    assert found(asked, "GB") == [wanted]


def test_a_number_written_with_its_country_s_prefix_is_found_by_what_it_means():
    wanted = ContactFactory(phone_number="+74951234567")
    assert found("8 (495) 123-45-67", "RU") == [wanted]


@pytest.mark.parametrize("asked", ["al", "a", "le", "a'l"])
def test_one_or_two_letters_stand_for_words_that_begin_with_them(asked):
    ContactFactory(first_name="Dale", last_name="Bold")
    wanted = ContactFactory(first_name="Alan", last_name="Lee")
    assert found(asked) == [wanted]


@pytest.mark.parametrize(
    "asked", ["%", "_", "&", "'; DROP", "no one", "9" * 300, "+", "(((", "::", "\\", "% %"]
)
def test_odd_searches_find_nobody(asked):
    ContactFactory(first_name="Anna", phone_number="+14155550142")
    assert found(asked) == []


def test_every_word_must_be_found():
    wanted = ContactFactory(first_name="Anna", last_name="Svensson", company="Acme", email="a.s@example.com")
    ContactFactory(first_name="Anna", last_name="Ek", company="Acme")
    assert found("acme svens") == [wanted]
    assert found("EXAMPLE.com anna") == [wanted]
    assert found("anna perrin") == []


# Names as people may have them: everything that is a letter, a mark, a number, or stands between them.
NAMES = st.text(
    st.characters(codec="utf-8", categories=("L", "M", "Nd", "Pd", "Po", "Zs", "Sk", "So")), max_size=30
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first_name=NAMES, last_name=NAMES, company=NAMES)
def test_whatever_a_name_holds_each_of_its_words_finds_it(db, first_name, last_name, company):
    contact = ContactFactory(first_name=first_name, last_name=last_name, company=company)
    try:
        for word in f"{first_name} {last_name} {company}".split():
            left = without_apostrophes(word)
            if left.isascii() and not any(map(str.isalnum, left)):
                continue
            for asked in (word, unicodedata.normalize("NFD", word), unicodedata.normalize("NFC", word)):
                assert contact in found(asked), asked
    finally:
        contact.delete()


def test_the_database_folds_each_letter_alike_in_both_cases():
    """Except where a letter has no one partner: ß, ligatures."""
    pairs = [
        (upper, lower)
        for upper in map(chr, [*range(1, 0xD800), *range(0xE000, 0x20000)])
        if (lower := upper.lower()) != upper
        and len(lower) == 1
        and lower.upper() == upper
        # Newer than what the oldest server that we run on knows of.
        and unicodedata.ucd_3_2_0.category(upper) != "Cn"
    ]
    assert len(pairs) > 700
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(upper || lower) FROM unnest(%s::text[], %s::text[]) AS pair(upper, lower)"
            " WHERE contacts_fold(upper) <> contacts_fold(lower)",
            [[upper for upper, _ in pairs], [lower for _, lower in pairs]],
        )
        assert cursor.fetchone() == (None,)


def test_folding_twice_changes_nothing():
    everything = [chr(code) for code in [*range(1, 0xD800), *range(0xE000, 0x30000)]]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(letter) FROM unnest(%s::text[]) AS letter"
            " WHERE contacts_fold(contacts_fold(letter)) <> contacts_fold(letter)",
            [everything],
        )
        assert cursor.fetchone() == (None,)


def test_a_backup_is_restored_with_what_searches_compare():
    """Which is worked out anew then, while no schema is looked into."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        schema = cursor.fetchone()[0]
        cursor.execute("SET LOCAL search_path = ''")
        cursor.execute(f"SELECT {schema}.contacts_search_text('Chloé', 'O’Neil', 'Weiß', NULL, '+1')")
        assert cursor.fetchone()[0].split() == ["chloe", "oneil", "weiss", "+1"]
        cursor.execute("SET LOCAL search_path = DEFAULT")


def test_counts_stop_where_nobody_counts_on():
    ContactFactory.create_batch(3)
    assert count_of(everybody()) == Count(3)
    Contact.objects.bulk_create(
        Contact(phone_number=f"+1415300{n:04}", zone_set=zone_set()) for n in range(MOST_COUNTED)
    )
    assert count_of(everybody()) == Count(MOST_COUNTED, is_capped=True)


def test_rows_of_another_table_are_searched_by_their_contact(crowd):
    few = Contact.objects.filter(last_name="Quixada").values_list("pk", flat=True)
    channel = EnrollmentFactory().channel
    Enrollment.objects.bulk_create(
        Enrollment(channel=channel, contact_id=pk, zone_set=zone_set(), run=1, due_at=timezone.now())
        for pk in Contact.objects.filter(pk__lte=max(few)).order_by("pk").values_list("pk", flat=True)[:2000]
    )
    rows = Enrollment.objects.filter(channel=channel, run=1)
    for text, asked in (("quixada", {"Quixada"}), ("smith", {"Smith"})):
        found = search_by_contact(rows, text, "US")
        assert found.count() == rows.filter(contact__last_name=text.title()).count() > 0
        assert set(found.values_list("contact__last_name", flat=True)) == asked
    assert search_by_contact(rows, " ", "US").count() == rows.count()
    assert search_by_contact(rows, "?!", "US").count() == 0


# Looked up for each contact, or read at once.
@pytest.mark.parametrize("read_at_once", [(2_000, 50_000), (0, 50_000)])
def test_who_is_on_do_not_contact_is_found(as_viewer, read_at_once, monkeypatch):
    monkeypatch.setattr("contacts.queries._ENTRIES_READ_AT_ONCE", read_at_once)
    ContactFactory(first_name="Free")
    ContactFactory(first_name="Unreachable", phone_number=None, email="unreachable@example.com")
    for name, scope in (("Silent", "all"), ("Quiet", "voice"), ("Textless", "text"), ("Over", "voice")):
        number = ContactFactory(first_name=name).phone_number
        entry = DoNotContactFactory(phone_number=number, scope=scope)
        if name == "Over":
            DoNotContact.objects.filter(pk=entry.pk).update(expires_at=timezone.now() - timedelta(days=1))
    DoNotContactFactory(phone_number=None, email="free@example.com", scope="all")
    DoNotContactFactory(
        phone_number=Contact.objects.get(first_name="Silent").phone_number, scope=DoNotContact.Scope.VOICE
    )
    page = as_viewer.get(reverse("contacts:contacts") + "?do_not_contact=yes")
    assert [(row.contact.first_name, row.is_do_not_call) for row in page.context["rows"]] == [
        ("Quiet", True),
        ("Silent", True),
    ]
    assert page.context["count"] == Count(2)
    everyone = as_viewer.get(reverse("contacts:contacts")).context["rows"]
    assert {row.contact.first_name for row in everyone if row.is_do_not_call} == {"Quiet", "Silent"}
    rest = as_viewer.get(reverse("contacts:contacts") + "?do_not_contact=no").context["rows"]
    assert {row.contact.first_name for row in rest} == {"Free", "Unreachable", "Textless", "Over"}


# --- How -------------------------------------------------------------------------------------------


@pytest.fixture
def crowd(db):
    """60,000 contacts: every other with gmail, a company whose people are all among the oldest."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO contacts_contact (phone_number, first_name, last_name, company, email, fields,
                time_zone, zone_set_id, created_at, updated_at)
            SELECT '+1' || 2002000000 + n, 'Anna', CASE WHEN n %% 30000 = 7 THEN 'Quixada' ELSE 'Smith' END,
                CASE WHEN n < 3000 THEN 'Oldcorp' ELSE '' END,
                CASE WHEN n %% 2 = 0 THEN 'p' || n || '@gmail.com' END, '{}', '', %s, now(), now()
            FROM generate_series(1, 60000) AS n
            """,
            [zone_set().pk],
        )
        cursor.execute("ANALYZE contacts_contact")


def nodes(text: str) -> str:
    return search_contacts(everybody(), text, "US").order_by("-pk")[:51].explain(analyze=True)


def asked_before(text: str) -> str:
    """How the keys were found by which the page is read."""
    with CaptureQueriesContext(connection) as captured:
        search_contacts(everybody(), text, "US")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ANALYZE {captured[-1]['sql']}")
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize("text", ["smith", "gmail", "anna gmail", "a"])
def test_what_many_match_is_read_from_the_newest_on_and_never_sorted(crowd, text):
    used = nodes(text)
    assert "Index Scan Backward using contacts_contact_pkey" in used
    assert "Sort" not in used


@pytest.mark.parametrize("text", ["quixada", "zzzqqq", "002000077", "smith zzzqqq"])
def test_what_few_match_is_found_by_the_index(crowd, text):
    used = asked_before(text)
    assert "contact_words" in used
    assert "Seq Scan" not in used
    page = nodes(text)
    assert "Seq Scan" not in page
    assert "search_text" not in page


def test_a_search_for_few_looks_for_them_once_for_the_page_and_its_count(
    crowd, as_viewer, django_assert_max_num_queries
):
    with CaptureQueriesContext(connection) as captured:
        response = as_viewer.get(reverse("contacts:contacts") + "?q=oldcorp")
    assert str(response.context["count"]) == f"{MOST_COUNTED}+"
    # Among the newest, and by the index.
    assert sum("search_text" in query["sql"].partition("WHERE")[2] for query in captured) == 2


@pytest.mark.parametrize("few", [5000, 2000])
def test_matches_that_are_all_old_are_found_by_the_index_too(crowd, few, monkeypatch):
    monkeypatch.setattr("contacts.queries._FEW", few)
    used = asked_before("oldcorp") if few == 5000 else nodes("oldcorp")
    assert "contact_words" in used
    assert "Seq Scan" not in used
    assert len(search_contacts(everybody(), "oldcorp", "US")) == 2999


def test_short_words_that_begin_nothing_do_not_read_the_whole_index(crowd):
    assert "contact_words" not in nodes("太郎")
