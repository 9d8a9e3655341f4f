"""Custom fields: listed in one place, edited, typed, and deleted from all contacts."""

from __future__ import annotations

import re
import threading

import pytest
from django.db import connection, transaction
from django.urls import reverse

from campaigns.forms import prompt
from contacts.forms.contacts import ContactForm
from contacts.importing.saving import StagedContact, Staging, hold_fields
from contacts.models import Contact, CustomField
from contacts.services import Refused, add_field, delete_field, edit_field
from contacts.services import fields as service
from tests.conftest import work_off
from tests.factories import ContactFactory, zone_set

pytestmark = pytest.mark.django_db
PAGE = reverse("contacts:fields")


def said(response) -> str:
    text = re.sub(r"<(script|style|head).*?</\1>", " ", response.content.decode(), flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_a_page_without_fields_says_where_they_come_from(as_viewer):
    page = said(as_viewer.get(PAGE))
    assert "No custom fields yet" in page
    assert "{{ first_name }}" in page


def test_fields_are_listed_as_prompts_write_them(as_viewer):
    add_field(label="Plan ends on", kind="date", description="From billing")
    page = said(as_viewer.get(PAGE))
    assert re.search(r"Plan ends on From billing · known since .* {{ plan_ends_on }} Date", page)


def test_whoever_only_reads_is_told_that_nothing_was_added(as_viewer):
    assert as_viewer.post(PAGE, {"label": "Plan", "kind": "text"}).status_code == 403
    assert not CustomField.objects.exists()


def test_a_field_is_added_by_hand(as_supervisor):
    answer = as_supervisor.post(PAGE, {"label": "Größe (cm)", "kind": "number"}, follow=True)
    assert CustomField.objects.get().name == "größe_cm"
    assert "{{ größe_cm }}" in said(answer)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"label": ""}, "required"),
        ({"label": "\u200b"}, "Give the field a name."),
        ({"label": "x" * 121}, "at most 120"),
        ({"label": "Plan"}, "There is a field “plan” already."),
        ({"label": "PLAN"}, "There is a field “plan” already."),
        ({"label": "City", "kind": "colour"}, "valid choice"),
    ],
)
def test_what_is_no_new_field_is_refused(as_supervisor, given, why):
    add_field(label="Plan", kind="text")
    answer = as_supervisor.post(PAGE, {"kind": "text", **given})
    assert answer.status_code == 422
    assert why in said(answer)
    assert CustomField.objects.count() == 1


def test_the_names_of_what_every_contact_has_are_not_given_again():
    assert add_field(label="Email", kind="text").name == "email_2"


def test_a_fields_name_stays_when_it_is_edited(as_supervisor):
    field = add_field(label="Plan", kind="text")
    as_supervisor.post(
        reverse("contacts:field_edit", args=[field.pk]),
        {"label": "Tariff", "kind": "yes_no", "description": "What they pay"},
    )
    field.refresh_from_db()
    assert (field.name, field.label, field.kind, field.description) == (
        "plan",
        "Tariff",
        "yes_no",
        "What they pay",
    )
    with pytest.raises(Refused):
        edit_field(field=field, label=" ", kind="text", description="")


def test_how_many_contacts_have_it_is_counted_apart_when_it_is_asked_for(as_viewer):
    field = add_field(label="Plan", kind="text")
    # A click is what htmx waits for, if it isn't told otherwise.
    assert "hx-trigger" not in as_viewer.get(PAGE).text.partition('id="main"')[2]
    ContactFactory(fields={"plan": "basic"})
    ContactFactory(fields={"plan_b": "basic"})
    ContactFactory()
    assert said(as_viewer.get(reverse("contacts:field_count", args=[field.pk]))) == "1"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("budget_seconds", "tasks"), [(20, 1), (0, 4)])
def test_a_deleted_field_is_taken_off_all_contacts(as_supervisor, monkeypatch, budget_seconds, tasks):
    monkeypatch.setattr(service, "BUDGET_SECONDS", budget_seconds)
    monkeypatch.setattr(service, "BATCH", 2)
    field = add_field(label="Plan", kind="text")
    for n in range(7):
        ContactFactory(fields={"plan": "basic", "city": "Ulm"} if n % 2 else {"city": "Ulm"})
    as_supervisor.post(reverse("contacts:field_delete", args=[field.pk]), {"typed": "plan"})
    assert not CustomField.objects.exists()
    # When its time is over, a task hands over to the next.
    rounds = []
    while done := work_off():
        rounds.append(done)
    assert sum(rounds) >= tasks
    assert [contact.fields for contact in Contact.objects.all()] == [{"city": "Ulm"}] * 7


def test_a_field_is_not_deleted_by_typing_another_name(as_supervisor):
    field = add_field(label="Plan", kind="text")
    answer = as_supervisor.post(
        reverse("contacts:field_delete", args=[field.pk]), {"typed": "city"}, follow=True
    )
    assert "Type plan to delete it." in said(answer)
    assert CustomField.objects.exists()


def test_a_field_made_again_meanwhile_keeps_its_values():
    contact = ContactFactory(fields={"plan": "basic"})
    field = add_field(label="Plan", kind="text")
    delete_field(field=field, typed="plan")
    add_field(label="Plan", kind="text")
    assert service.remove_field("plan") == 0
    contact.refresh_from_db()
    assert contact.fields == {"plan": "basic"}


# --- On a contact's form ---------------------------------------------------------------------------


def form_of(contact, **values):
    form = ContactForm(instance=contact)
    keys = {name: key for key, name in form.custom.items()}
    data = {"email": contact.email or "", **{keys[name]: form[keys[name]].initial or "" for name in keys}}
    data |= {keys.get(name, name): value for name, value in values.items()}
    return ContactForm(data, instance=contact)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("number", ["12", "1,234.5", "1.234,5", "-3", "12 %"], ["twelve", "1..2"]),
        ("date", ["2026-12-31", "31.12.2026", "12/31/2026"], ["2026-02-30", "soon"]),
        ("yes_no", ["yes", "no"], ["maybe"]),
        ("text", ["anything", "=1+1"], ["x" * 2001]),
    ],
)
def test_values_are_of_the_fields_kind(kind, good, bad):
    add_field(label="Value", kind=kind)
    contact = ContactFactory()
    for value in good:
        form = form_of(contact, value=value)
        assert form.is_valid(), (value, form.errors)
        assert form.changed_values == {"value": value}
    for value in bad:
        assert not form_of(contact, value=value).is_valid(), value


def test_a_value_that_is_there_may_stay_whatever_the_kind_is():
    add_field(label="Value", kind="date")
    contact = ContactFactory(fields={"value": "next Tuesday"})
    form = form_of(contact)
    assert form.is_valid()
    assert form.changed_values == {}


def test_a_field_given_on_a_contacts_form_is_one_of_all(as_supervisor):
    contact = ContactFactory(email="a@example.com")
    as_supervisor.post(
        reverse("contacts:edit", args=[contact.pk]),
        {"email": "a@example.com", "new_name": "Plan ends on", "new_value": "2026-12-31"},
    )
    contact.refresh_from_db()
    assert contact.fields == {"plan_ends_on": "2026-12-31"}
    assert CustomField.objects.get().name == "plan_ends_on"


def test_prompts_may_use_the_fields(as_supervisor):
    add_field(label="Plan ends on", kind="date")
    assert prompt.custom_fields() == ["plan_ends_on"]


def test_values_come_into_their_fields_when_others_came_meanwhile(as_supervisor):
    add_field(label="City", kind="text")
    add_field(label="Plan", kind="text")
    contact = ContactFactory()
    address = reverse("contacts:edit", args=[contact.pk])
    inputs = re.findall(r'name="(field_[^"]+)"', as_supervisor.get(address).text)
    add_field(label="Birthday", kind="text")
    as_supervisor.post(address, dict(zip(inputs, ["Ulm", "family"], strict=True)))
    contact.refresh_from_db()
    assert contact.fields == {"city": "Ulm", "plan": "family"}


def test_what_an_import_saved_since_the_form_was_shown_stays(as_supervisor):
    add_field(label="City", kind="text")
    add_field(label="Plan", kind="text")
    contact = ContactFactory(first_name="Lu", fields={"city": "Rome", "plan": "basic"})
    address = reverse("contacts:edit", args=[contact.pk])
    form = as_supervisor.get(address).context["form"]
    sent = {bound.html_name: value for bound, value in form.shown}
    sent |= {f"initial-{bound.html_name}": value for bound, value in form.shown}
    Contact.objects.filter(pk=contact.pk).update(
        company="Acme", fields={"city": "Paris", "plan": "basic", "birthday": "2000-01-01"}
    )
    answer = as_supervisor.post(address, {**sent, "first_name": "Lucy", "field_plan": ""})
    assert answer.status_code == 302
    contact.refresh_from_db()
    assert (contact.first_name, contact.company) == ("Lucy", "Acme")
    assert contact.fields == {"city": "Paris", "birthday": "2000-01-01"}


def test_a_value_of_another_kind_that_was_shown_may_stay_whatever_it_is_by_now(as_supervisor):
    add_field(label="Value", kind="date")
    contact = ContactFactory(fields={"value": "next Tuesday"})
    address = reverse("contacts:edit", args=[contact.pk])
    shown = {"field_value": "next Tuesday", "initial-field_value": "next Tuesday"}
    Contact.objects.filter(pk=contact.pk).update(fields={"value": "2027-01-01"})
    assert as_supervisor.post(address, {**shown, "first_name": "Lucy"}).status_code == 302
    contact.refresh_from_db()
    assert (contact.first_name, contact.fields) == ("Lucy", {"value": "2027-01-01"})


def test_the_form_sends_what_it_showed(as_supervisor):
    contact = ContactFactory(company="Acme", fields={"plan": "<basic>"})
    page = as_supervisor.get(reverse("contacts:edit", args=[contact.pk])).text
    assert '<input type="hidden" name="initial-company" value="Acme">' in page
    assert '<input type="hidden" name="initial-field_plan" value="&lt;basic&gt;">' in page


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("value", ["basic", "family"])
def test_what_an_import_saves_while_a_field_of_that_name_is_deleted_stays(value, monkeypatch):
    monkeypatch.setattr(service, "PAUSE_SECONDS", 0.02)
    contact = ContactFactory(fields={"plan": "basic"})
    unknown = zone_set()
    merged, let_go = threading.Event(), threading.Event()

    def importing():
        with transaction.atomic(), Staging() as staging:
            staging.add([StagedContact(1, contact.phone_number, unknown.pk, fields={"plan": value})])
            staging.merge(
                list_name="Autumn", list_id=None, note="", actor=None, fields={"plan": ("Plan", "text")}
            )
            merged.set()
            let_go.wait(10)
        connection.close()

    def removing():
        service.remove_field("plan")
        connection.close()

    both = [threading.Thread(target=importing), threading.Thread(target=removing)]
    both[0].start()
    assert merged.wait(10)
    both[1].start()
    both[1].join(0.5)
    let_go.set()
    for one in both:
        one.join()
    contact.refresh_from_db()
    assert CustomField.objects.filter(name="plan").exists()
    assert contact.fields == {"plan": value}


@pytest.mark.django_db(transaction=True)
def test_the_removal_of_a_field_makes_room_while_an_import_is_being_saved(monkeypatch):
    monkeypatch.setattr(service, "BUDGET_SECONDS", 0.0)
    contact = ContactFactory(fields={"plan": "basic"})
    held, let_go = threading.Event(), threading.Event()

    def importing():
        with transaction.atomic():
            hold_fields()
            held.set()
            let_go.wait(10)
        connection.close()

    other = threading.Thread(target=importing)
    other.start()
    assert held.wait(10)
    try:
        assert service.remove_field("plan") == 0
    finally:
        let_go.set()
        other.join()
    while work_off():
        pass
    contact.refresh_from_db()
    assert contact.fields == {}


def test_a_field_deleted_meanwhile_is_not_edited():
    field = add_field(label="Plan", kind="text")
    CustomField.objects.all().delete()
    with pytest.raises(Refused, match="deleted meanwhile"):
        edit_field(field=field, label="Tariff", kind="text", description="")


def test_the_loudest_button_of_a_fields_page_saves_it(as_supervisor):
    field = CustomField.objects.create(name="plan", label="Plan")
    page = as_supervisor.get(reverse("contacts:field_edit", args=[field.pk])).content.decode()
    page, _, asks = page.partition("<dialog")
    loud = re.findall(r'<button class="button (?:primary|danger)[^>]*>([^<]*)', page)
    assert loud == ["Save"]
    assert 'data-dialog="delete-field"' in page
    assert 'class="button danger"' in asks
