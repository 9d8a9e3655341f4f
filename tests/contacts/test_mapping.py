"""Columns guessed from headers and content."""

from __future__ import annotations

import pytest

from contacts.importing import mapping
from contacts.importing.rows import split_name

PHONE = "+1 415-555-0142"


@pytest.mark.parametrize(
    ("product", "headers", "row", "expected"),
    [
        (
            "HubSpot",
            ["Record ID", "First Name", "Last Name", "Email", "Phone Number", "Company Name", "Time Zone"],
            ["101", "Anna", "Svensson", "anna@example.com", PHONE, "Acme", "america_slash_new_york"],
            {1: "first_name", 2: "last_name", 3: "email", 4: "phone_number", 5: "company", 6: "time_zone"},
        ),
        (
            "Salesforce",
            ["Id", "FirstName", "LastName", "Account.Name", "Phone", "MobilePhone", "Email", "Fax"],
            ["003x", "Anna", "Svensson", "Acme", "", PHONE, "anna@example.com", "(415) 555-0199"],
            {1: "first_name", 2: "last_name", 3: "company", 5: "phone_number", 6: "email"},
        ),
        (
            "Google Contacts",
            [
                "Name",
                "First Name",
                "Last Name",
                "Organization Name",
                "E-mail 1 - Label",
                "E-mail 1 - Value",
                "Phone 1 - Label",
                "Phone 1 - Value",
            ],
            ["Anna Svensson", "Anna", "Svensson", "Acme", "* Work", "anna@example.com", "Mobile", PHONE],
            {0: "", 1: "first_name", 2: "last_name", 3: "company", 5: "email", 7: "phone_number"},
        ),
        (
            "Outlook",
            ["First Name", "Last Name", "Company", "E-mail Address", "Business Phone", "Mobile Phone"],
            ["Anna", "Svensson", "Acme", "anna@example.com", "", PHONE],
            {0: "first_name", 1: "last_name", 2: "company", 3: "email", 5: "phone_number"},
        ),
        (
            "Pipedrive",
            ["Person - Name", "Person - Organization", "Person - Phone - Work", "Person - Email - Work"],
            ["Anna Svensson", "Acme", PHONE, "anna@example.com"],
            {0: "name", 1: "company", 2: "phone_number", 3: "email"},
        ),
        (
            "German Excel",
            ["Anrede", "Vorname", "Name", "Firma", "Telefonnummer", "E-Mail-Adresse"],
            ["Frau", "Anna", "Müller", "Müller & Söhne", "030 901820", "anna@example.com"],
            {1: "first_name", 2: "last_name", 3: "company", 4: "phone_number", 5: "email"},
        ),
        (
            "French",
            ["Nom", "Prénom", "Société", "Téléphone", "Courriel", "Fuseau horaire"],
            ["Perrin", "Chloé", "Acme", "06 12 34 56 78", "c@example.com", "Europe/Paris"],
            {0: "last_name", 1: "first_name", 2: "company", 3: "phone_number", 4: "email", 5: "time_zone"},
        ),
        (
            "Spanish",
            ["Nombre", "Apellidos", "Teléfono móvil", "Correo electrónico", "Empresa"],
            ["José", "García", "612 345 678", "j@example.com", "Acme"],
            {0: "first_name", 1: "last_name", 2: "phone_number", 3: "email", 4: "company"},
        ),
        (
            "Japanese",
            ["氏名", "電話番号", "メールアドレス", "会社名"],
            ["佐藤 美咲", PHONE, "m@example.com", "三井商事"],
            {0: "name", 1: "phone_number", 2: "email", 3: "company"},
        ),
        ("a full name", ["Name", "Phone"], ["Anna Svensson", PHONE], {0: "name", 1: "phone_number"}),
        ("an unforeseen header", ["Who", "Best phone to call"], ["Anna", PHONE], {1: "phone_number"}),
        ("content alone", ["a", "b"], [PHONE, "anna@example.com"], {0: "phone_number", 1: "email"}),
    ],
)
def test_columns_of_other_products_map_themselves(product, headers, row, expected):
    country = {"German Excel": "DE", "French": "FR", "Spanish": "ES"}.get(product, "US")
    targets = mapping.guess(headers, [row], country)
    assert {position: targets[position] for position in expected} == expected
    assert mapping.problems(dict(enumerate(targets))) == []


def test_the_fuller_of_two_phone_columns_is_chosen():
    rows = [["", PHONE], ["", PHONE], ["(415) 555-0101", PHONE]]
    assert mapping.guess(["Home phone", "Mobile phone"], rows, "US") == ["field:home_phone", "phone_number"]


def test_a_ruined_phone_column_is_still_the_phone_column():
    assert mapping.guess(["Name", "Phone"], [["Anna", "1.4155E+10"]], "US")[1] == "phone_number"


def test_unknown_columns_become_fields_that_prompts_can_name():
    headers = ["Phone", "Plan ends on", "Straße", "2nd owner", "Email ", "Plan ends on", "name"]
    targets = mapping.custom_targets(headers)
    assert targets[1:] == [
        "field:plan_ends_on",
        "field:straße",
        "field:field_2nd_owner",
        "field:email_2",
        "field:plan_ends_on_2",
        "field:name_2",
    ]


@pytest.mark.parametrize(
    ("cells", "target"),
    [
        (["United States", "", "Deutchland"], "country"),
        (["USA", "United States", "US"], "field:country_2"),
        (["Region 1", "Region 2", "Region 2"], "field:country_2"),
        (["Germany", "Region 2", "Region 2"], "country"),
    ],
)
def test_a_column_of_countries_is_one_where_it_makes_a_difference(cells, target):
    rows = [["201 555 0123", cell] for cell in cells]
    assert mapping.guess(["Phone", "Country"], rows, "US") == ["phone_number", target]


@pytest.mark.parametrize("purpose", [mapping.CONTACTS, mapping.DO_NOT_CONTACT])
def test_what_downloads_add_is_nothing_whatever_it_holds(purpose):
    headers = ["Note", "Value without a column 1", "Value without a column 2", "Line in the file"]
    rows = [["x", PHONE, "a@example.com", "4155550142"]]
    assert mapping.guess(headers, rows, "US", purpose=purpose)[1:] == ["", "", ""]


LONG = "How satisfied were you with the speed of our customer service this year"


@pytest.mark.parametrize(
    ("headers", "names"),
    [
        (
            ["2024 survey: how satisfied are you with our customer service overall?"],
            ["field_2024_survey_how_satisfied_are_you_with_our_customer_se"],
        ),
        (
            [f"{LONG} (before)", f"{LONG} (after)"],
            [
                "how_satisfied_were_you_with_the_speed_of_our_customer_servic",
                "how_satisfied_were_you_with_the_speed_of_our_customer_serv_2",
            ],
        ),
        (["Note", "Note", "Note 2", "country"], ["note", "note_2", "note_2_2", "country_2"]),
        (["123", "?"], ["field_123", "field"]),
    ],
)
def test_names_of_fields_are_no_longer_than_a_field_takes(headers, names):
    targets = mapping.custom_targets(headers)
    assert targets == [mapping.FIELD + name for name in names]
    assert all(len(name) <= mapping.FIELD_NAME_LENGTH for name in names)


def test_empty_columns_are_left_out():
    assert mapping.guess(["Phone", "Nothing"], [[PHONE, ""]], "US") == ["phone_number", ""]


@pytest.mark.parametrize(
    ("rows", "has_header"),
    [
        ([["Name", "Phone"], ["Anna", PHONE]], True),
        ([["Anna", PHONE], ["Bo", PHONE]], False),
        ([["Anna", "anna@example.com"]], False),
        ([["Wer", "Womit"], ["Anna", PHONE]], True),
        ([["Name", "1.4155E+10"]], False),
        ([], False),
    ],
)
def test_a_header_is_told_from_a_contact(rows, has_header):
    assert mapping.has_header(rows) is has_header


def test_names_without_a_header_are_found_by_what_they_look_like():
    assert mapping.guess(["Column 1", "Column 2"], [["Anna Svensson", PHONE], ["Bo Ek", PHONE]], "US")[0] == (
        "name"
    )
    assert mapping.guess(["Column 1", "Column 2", "Column 3"], [["Anna", "Svensson", PHONE]], "US")[:2] == [
        "first_name",
        "last_name",
    ]


def test_a_mapping_needs_one_phone_number():
    assert "phone number" in mapping.problems({0: "email"})[0]
    assert "Two columns" in mapping.problems({0: "phone_number", 1: "phone_number"})[0]
    assert mapping.problems({0: "phone_number", 1: "", 2: ""}) == []


@pytest.mark.parametrize(
    ("name", "halves"),
    [
        ("Anna Svensson", ("Anna", "Svensson")),
        ("Anna Maria Svensson", ("Anna Maria", "Svensson")),
        ("Svensson, Anna Maria", ("Anna Maria", "Svensson")),
        ("Anna", ("Anna", "")),
        ("Svensson,", ("Svensson", "")),
        ("", ("", "")),
    ],
)
def test_whole_names_are_split(name, halves):
    assert split_name(name) == halves


@pytest.mark.parametrize(
    "cell", ["a@" + "b." * 60_000, "a@" + "b" * 120_000, "a@b." * 30_000, "1 " * 60_000, "+1" + "-" * 120_000]
)
def test_long_cells_are_no_number_and_no_address_at_once(cell):
    # Forms that try things twice would take hours for it.
    assert not mapping.looks_like_phone(cell)
    assert not mapping.EMAIL_FORM.fullmatch(cell)
    assert mapping.guess(["Phone", "Email"], [[cell, cell]], "US")


def test_a_file_of_addresses_alone_is_told_what_to_tick():
    assert "tick “An email address is enough”" in " ".join(
        mapping.problems({0: mapping.EMAIL, 1: mapping.NAME})
    )
    assert "tick" not in " ".join(mapping.problems({0: mapping.NAME}))
    assert mapping.problems({0: mapping.EMAIL, 1: mapping.NAME}, email_is_enough=True) == []
