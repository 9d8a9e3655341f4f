"""Contacts by hand: the page of all of them, making, editing, and a contact's time line."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import IntegrityError
from django.urls import reverse
from django.utils import timezone

from analytics.timeline import Kind, timeline_of
from campaigns.lifecycles import EnrollmentStatus
from campaigns.models import Disposition
from contacts.models import Contact, ContactEvent, CustomField, DoNotContact, DoNotContactEvent, List
from contacts.models.do_not_contact import end_of
from contacts.services import (
    KnownAlready,
    Refused,
    add_to_do_not_contact,
    add_to_list,
    create_contact,
    edit_contact,
    remove_from_do_not_contact,
    remove_from_list,
)
from dialer.erasing import erase_contact
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    DoNotContactFactory,
    EnrollmentFactory,
    ListFactory,
    zone_set,
)
from tests.factories.dialer import CallFactory

pytestmark = pytest.mark.django_db
PAGE = reverse("contacts:contacts")


def said(response) -> str:
    """The words of a page."""
    text = re.sub(r"<(script|style|head).*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def names(response) -> list[str]:
    return [row.contact.first_name for row in response.context["rows"]]


def test_every_model_is_in_the_admin():
    assert [m for m in apps.get_app_config("contacts").get_models() if m not in admin.site._registry] == []


def contact_page(action, *arguments):
    return reverse(f"admin:contacts_contact_{action}", args=arguments)


def test_the_admin_searches_as_the_dashboard_does(as_support):
    ContactFactory(first_name="Chloé", phone_number="+14155550142")
    ContactFactory(first_name="Bo")
    for asked in ("chloe", "415 555-0142"):
        page = as_support.get(contact_page("changelist"), {"q": asked})
        assert "Chloé" in said(page)
        assert "Bo" not in said(page).split()


def test_the_admin_changes_no_number_and_deletes_nobody(as_admin):
    contact = ContactFactory(phone_number="+14155550142", first_name="Anna")
    values = {
        "first_name": "Anne",
        "phone_number": "+14155550199",
        "fields": "{}",
        "email": "",
        "company": "",
    }
    inline = {f"memberships-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL")}
    as_admin.post(contact_page("change", contact.pk), {**values, **inline})
    contact.refresh_from_db()
    assert (contact.first_name, contact.phone_number) == ("Anne", "+14155550142")
    assert contact.events.get().text == "changed the first name from “Anna” to “Anne”"
    assert as_admin.post(contact_page("delete", contact.pk), {"post": "yes"}).status_code == 403


def test_the_admin_erases_by_the_dashboards_page_only(as_admin, as_support):
    one, other = ContactFactory.create_batch(2)
    posted = {"action": "erase", "_selected_action": [one.pk]}
    assert as_admin.post(contact_page("changelist"), posted).url == erasing(one)
    both = {**posted, "_selected_action": [one.pk, other.pk]}
    assert "Choose one person" in said(as_admin.post(contact_page("changelist"), both, follow=True))
    assert "Erase this person" not in said(as_support.get(contact_page("changelist")))


def test_the_admin_shows_an_erased_contact_and_changes_it_no_more(as_admin):
    contact = ContactFactory()
    Contact.objects.filter(pk=contact.pk).update(
        phone_number=None, first_name="", last_name="", erased_at=timezone.now()
    )
    assert "Erased person" in said(as_admin.get(contact_page("change", contact.pk)))
    assert as_admin.post(contact_page("change", contact.pk), {"first_name": "Anna"}).status_code == 403


def sent_by_the_admin(client, contact):
    """What a browser would send back without a change."""
    form = client.get(contact_page("change", contact.pk)).context["adminform"].form
    sent = {}
    for bound in form:
        sent[bound.html_name] = sent[bound.html_initial_name] = bound.value() or ""
    return sent | {f"memberships-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL")}


def test_the_admin_saves_only_what_was_changed(as_admin):
    contact = ContactFactory(first_name="Anna", fields={"plan": "basic", "city": "Rome"})
    sent = sent_by_the_admin(as_admin, contact)
    Contact.objects.filter(pk=contact.pk).update(
        company="Acme", fields={"plan": "basic", "city": "Paris", "since": "2020"}
    )
    changed = {"first_name": "Anne", "fields": '{"city": "Rome"}'}
    assert as_admin.post(contact_page("change", contact.pk), {**sent, **changed}).status_code == 302
    contact.refresh_from_db()
    assert (contact.first_name, contact.company) == ("Anne", "Acme")
    assert contact.fields == {"city": "Paris", "since": "2020"}


def test_the_admin_takes_no_values_that_are_no_texts(as_admin):
    contact = ContactFactory()
    for values in ('["a"]', '{"plan": {"a": 1}}', '{"plan": 1}'):
        sent = {**sent_by_the_admin(as_admin, contact), "fields": values}
        assert "Write names and texts" in said(as_admin.post(contact_page("change", contact.pk), sent))


@pytest.mark.django_db(transaction=True)
def test_the_admin_brings_nobody_back_who_was_erased_meanwhile(rf, supervisor):
    contact = ContactFactory(first_name="Zoe", company="")
    stale, model = Contact.objects.get(pk=contact.pk), admin.site._registry[Contact]
    request = rf.post("/")
    request.user = supervisor
    values = {"first_name": "Zoe", "company": "Acme", "fields": "{}"}
    form = model.get_form(request, stale, change=True)(values, instance=stale)
    assert form.is_valid(), form.errors
    erase_contact(contact=contact, actor=supervisor, keep_do_not_contact=False)
    with pytest.raises(Refused, match="was erased"):
        model.save_model(request, stale, form, change=True)
    contact.refresh_from_db()
    assert (contact.first_name, contact.phone_number) == ("", None)
    # Nor does anything else.
    with pytest.raises(IntegrityError, match="stays so"):
        stale.save()


# --- Everybody -------------------------------------------------------------------------------------


@pytest.fixture
def people():
    anna = ContactFactory(first_name="Anna", email="anna@example.com", zone_set=zone_set("America/Denver"))
    bo = ContactFactory(first_name="Bo", phone_number=None, email="bo@example.com", zone_set=zone_set())
    cem = ContactFactory(first_name="Cem")
    DoNotContactFactory(phone_number=cem.phone_number)
    ListFactory(name="Autumn", members=[anna, cem])
    return anna, bo, cem


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Cem", "Bo", "Anna"]),
        ({"q": "ann"}, ["Anna"]),
        ({"email": "with"}, ["Bo", "Anna"]),
        ({"email": "without"}, ["Cem"]),
        ({"number": "without"}, ["Bo"]),
        ({"do_not_contact": "yes"}, ["Cem"]),
        ({"do_not_contact": "no"}, ["Bo", "Anna"]),
        ({"zone": "America/Denver"}, ["Anna"]),
        ({"zone": "unknown"}, ["Bo"]),
        ({"list": "one"}, ["Cem", "Anna"]),
        ({"list": "one", "q": "cem"}, ["Cem"]),
        ({"since": "2020-01-01"}, ["Cem", "Bo", "Anna"]),
        ({"since": "2199-01-01"}, []),
        # Nonsense filters nothing.
        ({"email": "maybe", "list": "x", "since": "soon", "number": "\0"}, ["Cem", "Bo", "Anna"]),
        ({"list": "9" * 30, "zone": "\0"}, ["Cem", "Bo", "Anna"]),
    ],
)
def test_contacts_are_narrowed_down(as_viewer, people, asked, found):
    if asked.get("list") == "one":
        asked = {**asked, "list": List.objects.get().pk}
    page = as_viewer.get(PAGE, asked)
    assert names(page) == found
    answer = as_viewer.get(reverse("contacts:export"), asked)
    exported = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert [row["First name"] for row in csv.DictReader(io.StringIO(exported))] == found


def test_a_part_of_the_page_is_answered_to_htmx(as_viewer, people):
    part = as_viewer.get(PAGE, {"q": "anna"}, headers={"HX-Request": "true"})
    assert b"<html" not in part.content
    assert names(part) == ["Anna"]


def test_pages_go_on_where_the_last_one_ended(as_viewer):
    ContactFactory.create_batch(120)
    ListFactory(members=list(Contact.objects.all()))
    for asked in ({}, {"list": List.objects.get().pk}, {"q": "415"}):
        seen, cursor = [], None
        while cursor != "":
            page = as_viewer.get(PAGE, {**asked, "cursor": cursor or ""})
            seen += [row.contact.pk for row in page.context["rows"]]
            cursor = page.context["page"].next
        assert seen == sorted(seen, reverse=True)
        assert len(set(seen)) == len(seen) >= 50


def test_an_erased_person_is_not_shown(as_viewer, people, supervisor):
    anna = people[0]
    Contact.objects.filter(pk=anna.pk).update(
        phone_number=None, email=None, first_name="", last_name="", erased_at=timezone.now()
    )
    assert names(as_viewer.get(PAGE)) == ["Cem", "Bo"]
    assert "2 contacts" in said(as_viewer.get(PAGE))
    for url in (anna.get_absolute_url(), reverse("analytics:contact_history", args=[anna.pk])):
        assert as_viewer.get(url).status_code == 404


def test_few_queries_however_many_there_are(as_supervisor, people, django_assert_max_num_queries):
    ContactFactory.create_batch(60)
    for asked in ({}, {"q": "anna"}, {"list": List.objects.get().pk, "email": "with"}):
        with django_assert_max_num_queries(12):
            as_supervisor.get(PAGE, asked)


def test_the_chosen_are_added_to_a_list(as_supervisor, people):
    anna, bo, cem = people
    autumn = List.objects.get()
    url = reverse("contacts:chosen", args=["add"])
    form = as_supervisor.get(f"{url}?id={bo.pk}&id={cem.pk}", headers={"HX-Request": "true"})
    assert "2 contacts chosen" in said(form)
    as_supervisor.post(f"{url}?id={bo.pk}&id={cem.pk}", {"to": autumn.pk})
    autumn.refresh_from_db()
    assert (autumn.version, autumn.size) == (2, 3)
    # All that match, into a new list.
    as_supervisor.post(f"{url}?found=1&email=with", {"name": "With email"})
    made = List.objects.get(name="With email")
    assert set(Contact.objects.filter(memberships__list=made)) == {anna, bo}


@pytest.mark.parametrize(
    ("operation", "values"), [("add", {"name": "Spring"}), ("do-not-contact", {"reason": "asked"})]
)
def test_what_was_done_with_the_chosen_leads_back_to_where_they_were_found(
    as_supervisor, people, operation, values
):
    anna, *_ = people
    url = reverse("contacts:chosen", args=[operation])
    page = as_supervisor.get(f"{url}?id={anna.pk}&q=anna&email=with")
    assert f'href="{PAGE}?q=anna&amp;email=with">Cancel' in page.content.decode()
    done = as_supervisor.post(f"{url}?id={anna.pk}&q=anna&email=with&cursor=x&next=//evil", values)
    assert done.url == f"{PAGE}?q=anna&email=with"


def test_of_a_list_and_a_name_one_is_asked_for(as_supervisor, people):
    autumn = List.objects.get()
    others = reverse("contacts:list_operation", args=[autumn.pk, "add"])
    for url in (reverse("contacts:chosen", args=["add"]), others):
        page = said(as_supervisor.get(f"{url}?id={people[0].pk}"))
        assert "List one of the two" in page
        assert "Name of the new list one of the two" in page
        assert "optional" not in page


def test_a_number_without_a_name_is_told_as_people_write_it(as_supervisor):
    nobody = ContactFactory(first_name="", last_name="", phone_number="+14155550953", email=None)
    answer = as_supervisor.post(reverse("contacts:forbid", args=[nobody.pk]), follow=True)
    assert "(415) 555-0953 will not be contacted again." in answer.content.decode()
    assert "+14155550953 will not" not in answer.content.decode()


def test_the_chosen_are_put_on_do_not_contact(as_supervisor, people):
    anna, bo, _ = people
    url = reverse("contacts:chosen", args=["do-not-contact"])
    as_supervisor.post(f"{url}?id={anna.pk}&id={bo.pk}", {"reason": "asked"})
    assert DoNotContact.objects.filter(phone_number=anna.phone_number, reason="asked").exists()
    assert DoNotContact.objects.filter(email=bo.email).exists()


def test_who_is_never_contacted_again_is_neither_called_nor_written_to(as_supervisor):
    anna = ContactFactory(phone_number="+14155550101", email="anna@example.com")
    forbid = reverse("contacts:forbid", args=[anna.pk])
    # The number alone leaves the address.
    add_to_do_not_contact(phone_number=anna.phone_number)
    page = as_supervisor.get(anna.get_absolute_url())
    assert forbid in page.content.decode()
    assert "or anna@example.com any more" in said(page)
    as_supervisor.post(forbid, {"reason": "asked"})
    assert set(DoNotContact.objects.values_list("phone_number", "email", "scope")) == {
        (anna.phone_number, None, "all"),
        (None, "anna@example.com", "all"),
    }
    assert forbid not in as_supervisor.get(anna.get_absolute_url()).content.decode()


@pytest.mark.parametrize("query", ["", "?id=x", "?id=", "?id=" + "9" * 40])
def test_nothing_is_done_with_nobody(as_supervisor, people, query):
    answer = as_supervisor.post(reverse("contacts:chosen", args=["do-not-contact"]) + query, {})
    assert answer.status_code == 422
    assert "Choose at least one contact first." in said(answer)
    assert DoNotContact.objects.count() == 1


def test_there_is_nothing_else_to_be_done_with_the_chosen(as_supervisor):
    assert as_supervisor.get(reverse("contacts:chosen", args=["call"])).status_code == 404


# --- Making and editing ----------------------------------------------------------------------------


def test_a_contact_is_made_by_hand(as_supervisor, supervisor):
    listed = ListFactory()
    answer = as_supervisor.post(
        reverse("contacts:new"),
        {"phone_number": "(415) 555-0142", "country": "US", "first_name": "Anna", "list": listed.pk},
        follow=True,
    )
    contact = Contact.objects.get()
    assert (contact.phone_number, contact.first_name) == ("+14155550142", "Anna")
    assert contact.zone_set.zones == ["America/Los_Angeles"]
    assert contact.memberships.get().list == listed
    assert "Anna was added." in said(answer)
    assert contact.events.get().actor == supervisor


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "Give a phone number or an email address."),
        ({"phone_number": "911"}, "911"),
        ({"phone_number": "\0"}, "Null characters"),
        ({"email": "nobody"}, "valid email"),
        ({"phone_number": "4155550142", "first_name": "x" * 101}, "at most 100"),
    ],
)
def test_what_is_no_contact_is_refused_and_kept(as_supervisor, given, why):
    answer = as_supervisor.post(reverse("contacts:new"), {"country": "US", "last_name": "Ek", **given})
    assert answer.status_code == 422
    assert why in said(answer)
    assert 'value="Ek"' in answer.content.decode()
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    ("known", "given"),
    [
        ({"phone_number": "+14155550142"}, {"phone_number": "415-555-0142"}),
        ({"phone_number": None, "email": "bo@example.com"}, {"email": "BO@example.com"}),
    ],
)
def test_who_is_known_already_is_linked_to(as_supervisor, known, given):
    contact = ContactFactory(**known)
    answer = as_supervisor.post(reverse("contacts:new"), {"country": "US", **given})
    assert answer.status_code == 422
    assert "already" in said(answer)
    assert f'href="{contact.get_absolute_url()}"' in answer.content.decode()
    with pytest.raises(KnownAlready) as refused:
        create_contact(country="US", actor=None, **given)
    assert refused.value.contact == contact


def edited(contact, **changes):
    contact.refresh_from_db()
    values = {
        name: changes.get(name, getattr(contact, name) or "")
        for name in ("first_name", "last_name", "email", "company", "time_zone")
    }
    fields = changes.get("fields", contact.fields)
    edit_contact(contact=contact, fields=fields, actor=changes.get("actor"), **values)


@pytest.mark.parametrize("address", ["anna@localhost", '"anna smith"@example.com', "anna"])
def test_no_way_leads_in_for_an_address_that_reaches_nobody(as_supervisor, as_admin, address):
    contact = ContactFactory()
    new = {"email": address, "country": "US"}
    assert "valid email" in said(as_supervisor.post(reverse("contacts:new"), new))
    edit = reverse("contacts:edit", args=[contact.pk])
    assert "valid email" in said(as_supervisor.post(edit, {"email": address}))
    values = {"fields": "{}", "email": address}
    values |= {f"memberships-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL")}
    assert "valid email" in said(as_admin.post(contact_page("change", contact.pk), values))
    with pytest.raises(Refused, match="not an email address"):
        create_contact(email=address, country="US", actor=None)
    with pytest.raises(Refused, match="not an email address"):
        edited(contact, email=address)
    assert [one.email for one in Contact.objects.all()] == [None]


@pytest.mark.parametrize("address", ["anna@localhost", '"anna smith"@example.com', "jürgen@example.com"])
def test_whoever_has_an_unusual_address_is_edited_forbidden_and_erased(as_supervisor, address):
    contact = ContactFactory(phone_number=None, email=address, first_name="Anna")
    edit = reverse("contacts:edit", args=[contact.pk])
    assert as_supervisor.post(edit, {"email": address, "first_name": "Ann"}).status_code == 302
    as_supervisor.post(reverse("contacts:forbid", args=[contact.pk]), {"reason": "asked"})
    assert DoNotContact.objects.get().email == address
    DoNotContact.objects.all().delete()
    contact.refresh_from_db()
    assert as_supervisor.post(erasing(contact), {"typed": contact.name, "keep": "on"}).status_code == 302
    contact.refresh_from_db()
    assert contact.erased_at
    assert DoNotContact.objects.get().email == address


def test_an_edit_says_what_was_changed_from_what_to_what(supervisor):
    contact = ContactFactory(
        first_name="Ana", last_name="Ek", email="a@example.com", fields={"plan": "basic"}
    )
    edited(contact, first_name="Anna", email="", fields={"plan": "family", "city": "Ulm"}, actor=supervisor)
    event = contact.events.get()
    assert event.actor == supervisor
    assert event.text == (
        "changed the first name from “Ana” to “Anna”; the email address from “a@example.com” to nothing; "
        "city from nothing to “Ulm”; plan from “basic” to “family”"
    )
    assert CustomField.objects.get(name="city").label == "City"


def test_an_edit_that_changes_nothing_leaves_no_trace():
    contact = ContactFactory()
    before = contact.updated_at
    edited(contact)
    contact.refresh_from_db()
    assert contact.updated_at == before
    assert not contact.events.exists()


def test_a_long_edit_is_told_as_far_as_there_is_room():
    contact = ContactFactory()
    edited(contact, fields={f"field_{n}": "x" * 100 for n in range(20)})
    text = contact.events.get().text
    assert len(text) == 300
    assert text.endswith("…")


def test_an_erased_contact_is_not_edited():
    contact = ContactFactory()
    stale = Contact.objects.get(pk=contact.pk)
    Contact.objects.filter(pk=contact.pk).update(
        phone_number=None, first_name="", last_name="", erased_at=timezone.now()
    )
    with pytest.raises(Refused, match="erased"):
        edit_contact(
            contact=stale, first_name="Anna", last_name="", email="", company="", time_zone="", fields={}
        )


def test_the_page_says_where_the_time_zone_comes_from(as_viewer):
    by_number = ContactFactory(phone_number="+14155550142")
    given = ContactFactory(
        phone_number="+14155550143", time_zone="America/Denver", zone_set=zone_set("America/Denver")
    )
    unknown = ContactFactory(phone_number=None, email="x@example.com", zone_set=zone_set())
    assert "Worked out from the number: Los Angeles." in said(as_viewer.get(by_number.get_absolute_url()))
    assert "Given by a file or a person; by its number it would be Los Angeles." in said(
        as_viewer.get(given.get_absolute_url())
    )
    assert "the campaign’s own zone counts" in said(as_viewer.get(unknown.get_absolute_url()))


def test_the_page_tells_of_do_not_contact_and_what_was_taken_off(as_viewer, supervisor):
    contact = ContactFactory(email="anna@example.com")
    add_to_do_not_contact(phone_number=contact.phone_number, scope="text", reason="told us", actor=supervisor)
    remove_from_do_not_contact(
        entries=DoNotContact.objects.all(), reason="changed her mind", actor=supervisor
    )
    add_to_do_not_contact(email="anna@example.com", scope="email", reason="asked")
    page = said(as_viewer.get(contact.get_absolute_url()))
    assert "changed her mind" in page
    assert "No email" in page
    assert "asked" in page


# --- The time line ---------------------------------------------------------------------------------


@pytest.fixture
def busy(supervisor):
    """Somebody with whom everything happened."""
    contact = ContactFactory(email="anna@example.com")
    listed = ListFactory(name="Autumn")
    add_to_list(list=listed, contacts=Contact.objects.filter(pk=contact.pk), actor=supervisor)
    remove_from_list(list=listed, contacts=Contact.objects.filter(pk=contact.pk), actor=supervisor)
    edited(contact, company="Acme", actor=supervisor)
    channel = ChannelFactory(running=True, campaign__name="Spring")
    place = EnrollmentFactory(
        channel=channel,
        contact=contact,
        status=EnrollmentStatus.CALLBACK,
        attempts=1,
        due_at=timezone.now() + timedelta(hours=3),
    )
    meant = Disposition.objects.get(slug="interested")
    call = CallFactory(enrollment=place, disposition=meant, summary="Likes it")
    call.events.create(kind="disposition", data={"disposition": "Interested", "by": supervisor.pk})
    CallFactory(enrollment=place, state="ringing", outcome="", attempt=2)
    add_to_do_not_contact(phone_number=contact.phone_number, scope="text", reason="told us", actor=supervisor)
    remove_from_do_not_contact(entries=DoNotContact.objects.all(), reason="by mistake", actor=supervisor)
    add_to_do_not_contact(email="anna@example.com", reason="asked", actor=supervisor)
    return contact


def test_everything_that_happened_is_in_one_line(as_viewer, busy):
    page = said(as_viewer.get(reverse("analytics:contact_history", args=[busy.pk])))
    for words in (
        "Added to Carillon",
        "Joined Autumn version 1 · Added by hand · by Mara Supervisor",
        "Left Autumn version 2 · Removed by hand",
        "changed the company from nothing to “Acme”",
        "Spring Voice Callback",
        "To be called back",
        "Called in Spring Completed",
        "attempt 1 · Interested",
        "Likes it",
        "Mara Supervisor set the disposition of a call to Interested",
        "Being called in Spring Ringing",
        "Mara Supervisor put this person on do-not-contact: texts",
        "Mara Supervisor took this person off do-not-contact: texts",
        "by mistake",
        "Mara Supervisor put this person on do-not-contact: everything",
    ):
        assert words in page, words
    of_others = {Kind.SAID, Kind.CHANGED}
    assert {entry.kind for entry in timeline_of(busy).entries} == set(Kind) - of_others


@pytest.mark.django_db(transaction=True)
def test_the_import_that_made_and_the_one_that_changed_a_contact_are_linked_to(as_viewer, import_text):
    made = import_text("Name,Phone\nAnna,4155550101\n")
    changed = import_text("Name,Phone,Company\nAnna,4155550101,Acme\n")
    again = import_text("Name,Phone,Company\nAnna,4155550101,Acme\n")
    contact = Contact.objects.get()

    page = as_viewer.get(reverse("analytics:contact_history", args=[contact.pk]))

    assert "Changed by the import people.csv" in said(page)
    assert "Added by the import people.csv" in said(page)
    assert "Added to Carillon" not in said(page)
    links = set(re.findall(r"/contacts/imports/(\d+)/", page.text))
    assert links == {str(made.pk), str(changed.pk)}
    assert str(again.pk) not in links


def test_opt_outs_beside_an_entry_are_told(busy):
    number = busy.phone_number
    DoNotContact.objects.all().delete()
    before = DoNotContactEvent.objects.count()
    for source, reason in (("keypress", "pressed 9"), ("reply", "STOP"), ("assistant", "not again")):
        add_to_do_not_contact(phone_number=number, source=source, reason=reason, actor=None)
    assert DoNotContactEvent.objects.count() == before + 2

    told = [(one.kind, one.text, one.detail) for one in timeline_of(busy, size=100).entries]

    assert (
        Kind.FORBIDDEN,
        "this person was put on do-not-contact: everything (pressed a key)",
        "pressed 9",
    ) in told
    assert (Kind.SAID, "asked not to be contacted: everything (replied STOP)", "STOP") in told
    assert (Kind.SAID, "asked not to be contacted: everything (told the assistant)", "not again") in told


def test_the_last_day_of_do_not_contact_is_told_as_where_it_was_entered(as_viewer):
    person = ContactFactory()
    last = timezone.localdate() + timedelta(days=9)
    add_to_do_not_contact(phone_number=person.phone_number, expires_at=end_of(last), actor=None)

    page = said(as_viewer.get(person.get_absolute_url()))

    assert f"Everything until {last:%b} {last.day}, {last.year} " in page


def test_the_newest_comes_first(busy):
    times = [entry.at for entry in timeline_of(busy).entries]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_pages_of_a_time_line_leave_nothing_out_and_tell_nothing_twice(busy, size):
    # Things of one moment, of each kind.
    moment = timezone.now() - timedelta(days=3)
    for _ in range(4):
        event = ContactEvent.objects.create(contact=busy, text="changed something")
        ContactEvent.objects.filter(pk=event.pk).update(at=moment)
        CallFactory(contact=busy, ended_at=moment + timedelta(seconds=75))
    whole = timeline_of(busy, size=1000)
    assert whole.older == ""
    found, cursor = [], ""
    while True:
        page = timeline_of(busy, cursor, size)
        assert len(page.entries) <= size
        found += page.entries
        if not (cursor := page.older):
            break
    assert [entry.rank for entry in found] == [entry.rank for entry in whole.entries]


@pytest.mark.parametrize("cursor", ["x", "e30", "W10", "\0", "9" * 500, "WzEsMiwzXQ", "bnVsbA"])
def test_a_cursor_that_cannot_be_read_shows_the_first_page(busy, cursor):
    assert timeline_of(busy, cursor) == timeline_of(busy)


def test_what_is_older_is_asked_for_by_a_link_that_works_without_scripts(as_viewer, busy):
    for _ in range(30):
        ContactEvent.objects.create(contact=busy, text="changed something")
    url = reverse("analytics:contact_history", args=[busy.pk])
    part = as_viewer.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    older = re.search(r'href="([^"]*before=[^"]*)"', part)[1]
    more = as_viewer.get(older, headers={"HX-Request": "true"}).content.decode()
    assert "<section" not in more
    assert more.count("<li") >= 10
    assert "<html" in as_viewer.get(older).content.decode()
    assert f'href="{url}"' in as_viewer.get(busy.get_absolute_url()).content.decode()


def test_that_somebody_added_a_contact_is_told_once(supervisor):
    made = create_contact(phone_number="+14155550142", country="US", actor=supervisor)
    (told,) = timeline_of(made).entries
    assert (told.kind, told.text, told.by) == (Kind.CREATED, "added this contact by hand", str(supervisor))


def told_of(status, **of_the_call) -> list[str]:
    """What a time line tells of somebody who was called once."""
    place = EnrollmentFactory(status=status, attempts=1)
    CallFactory(enrollment=place, **of_the_call)
    return [entry.kind for entry in timeline_of(place.contact).entries if entry.kind != Kind.CREATED]


def test_a_place_of_which_the_call_says_all_is_not_told_besides():
    opt_out = Disposition.objects.filter(effect="do_not_call").first()
    assert told_of("completed") == [Kind.CALL]
    assert told_of("failed", outcome="failed") == [Kind.CALL]
    assert told_of("calling", state="ringing", outcome="") == [Kind.CALL]
    assert told_of("do_not_call", disposition=opt_out) == [Kind.CALL]


def test_a_place_that_says_more_than_the_call_is_told_besides():
    for status in ("retry", "callback", "do_not_call", "skipped"):
        assert sorted(told_of(status, outcome="busy")) == [Kind.CALL, Kind.PLACE]
    assert told_of("completed", outcome="withdrawn") == [Kind.PLACE]
    # A later run begins.
    assert sorted(told_of("completed", run=2)) == [Kind.CALL, Kind.PLACE]


def test_a_time_line_takes_few_queries(as_viewer, busy, django_assert_max_num_queries):
    for _ in range(15):
        CallFactory(contact=busy, enrollment=EnrollmentFactory(contact=busy))
    with django_assert_max_num_queries(20):
        as_viewer.get(reverse("analytics:contact_history", args=[busy.pk]))
    with django_assert_max_num_queries(12):
        as_viewer.get(busy.get_absolute_url())


# --- Erasing, by its page --------------------------------------------------------------------------


def erasing(contact) -> str:
    return reverse("analytics:erase_contact", args=[contact.pk])


def test_the_page_says_what_goes_and_what_stays(as_supervisor, busy):
    DoNotContact.objects.all().delete()
    page = said(as_supervisor.get(erasing(busy)))
    assert "of 2 calls" in page
    assert "A call to this person is under way." in page
    assert "All counts and results of campaigns" in page


@pytest.mark.parametrize("typed", ["anna  SVENSSON", "(415) 555-0142", "+1 415 555 0142", "Anna@Example.com"])
def test_a_person_is_erased_by_typing_who_it_is(as_supervisor, typed):
    contact = ContactFactory(
        first_name="Anna", last_name="Svensson", phone_number="+14155550142", email="anna@example.com"
    )
    answer = as_supervisor.post(erasing(contact), {"typed": typed, "keep": "on"}, follow=True)
    contact.refresh_from_db()
    assert contact.erased_at
    assert "The person was erased." in said(answer)
    assert DoNotContact.objects.filter(phone_number="+14155550142").exists()
    assert as_supervisor.get(erasing(contact)).status_code == 404


@pytest.mark.parametrize("typed", ["", " ", "anna", "415", "yes"])
def test_nobody_is_erased_by_typing_something_else(as_supervisor, typed):
    contact = ContactFactory(first_name="Anna", last_name="Svensson", email=None)
    answer = as_supervisor.post(erasing(contact), {"typed": typed})
    assert answer.status_code == 422
    contact.refresh_from_db()
    assert contact.erased_at is None


def test_what_there_is_none_of_is_not_said_to_go(as_supervisor):
    page = said(as_supervisor.get(erasing(ContactFactory())))
    assert not re.search(r"\b0 (lists?|campaign|calls?|recording|transcript)", page)
    assert "these calls" not in page
    assert "holds this person adds them as a new contact" in page


def test_nobody_can_press_erase_while_a_call_is_under_way(as_supervisor):
    button = r'<button class="button danger" type="submit"([^>]*)>'
    call = CallFactory(contact=ContactFactory(), state="ringing", outcome="")
    page = as_supervisor.get(erasing(call.contact)).content.decode()
    assert re.search(button, page)[1].startswith(" disabled")
    page = as_supervisor.get(erasing(ContactFactory())).content.decode()
    assert re.search(button, page)[1] == ""


def test_the_call_of_an_erased_person_says_so_and_takes_no_notes(as_supervisor):
    call = CallFactory(enrollment=EnrollmentFactory(status=EnrollmentStatus.COMPLETED), notes="Nice")
    url = reverse("analytics:call", args=[call.pk])
    assert "<textarea" in as_supervisor.get(url).content.decode()
    as_supervisor.post(erasing(call.contact), {"typed": call.to_number})
    response = as_supervisor.get(url)
    assert "Erased:" in said(response)
    assert "ranscript" not in said(response)
    for gone in ("<textarea", 'hx-trigger="live"', '<form class="filters chips'):
        assert gone not in response.content.decode()


def test_a_refusal_is_told_on_the_page(as_supervisor):
    call = CallFactory(contact=ContactFactory(), state="ringing", outcome="")
    answer = as_supervisor.post(erasing(call.contact), {"typed": call.contact.phone_number})
    assert answer.status_code == 422
    assert "Erase them when it is over." in said(answer)


def test_results_and_history_say_erased_person(as_supervisor):
    place = EnrollmentFactory(status=EnrollmentStatus.COMPLETED)
    call = CallFactory(enrollment=place)
    as_supervisor.post(erasing(call.contact), {"typed": call.to_number})
    campaign = place.channel.campaign
    for url in (
        reverse("analytics:results", args=[campaign.pk]),
        reverse("analytics:history"),
        reverse("analytics:call", args=[call.pk]),
        reverse("campaigns:contacts", args=[campaign.pk]),
    ):
        assert "Erased person" in said(as_supervisor.get(url)), url
    exported = b"".join(as_supervisor.get(reverse("analytics:export_history")).streaming_content).decode()
    assert "Erased person" in exported
