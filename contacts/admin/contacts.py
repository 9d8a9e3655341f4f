"""Contacts in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from accounts.models import User
from contacts.admin.shared import ReadOnlyAdmin, checked_number, link
from contacts.email_addresses import is_email_address
from contacts.models import (
    Contact,
    ContactEvent,
    CustomField,
    Membership,
    RememberedMapping,
    Tally,
    ZoneSet,
)
from contacts.phone_numbers import possible_zones
from contacts.queries import search_contacts
from contacts.services import Refused, edit_contact
from contacts.zones import find_zone, zone_set_for


class ContactAdminForm(forms.ModelForm):  # type: ignore[type-arg]
    phone_number = forms.CharField(required=False, help_text="In any notation.")

    def clean_phone_number(self) -> str | None:
        return checked_number(self.cleaned_data["phone_number"])

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            # What the page showed comes back with it: what an import saved meanwhile stays.
            for field in self.fields.values():
                field.show_hidden_initial = True

    def clean_fields(self) -> dict[str, str]:
        values = self.cleaned_data["fields"] or {}
        if "fields" in self.changed_data and not (
            isinstance(values, dict) and all(isinstance(value, str) for value in values.values())
        ):
            raise forms.ValidationError('Write names and texts, like {"plan": "family"}.')
        return values

    def changed_values(self) -> dict[str, str]:
        """The custom fields that a person changed; an empty one shall go."""
        bound = self["fields"]
        try:
            shown = bound.field.to_python(self.data.get(bound.html_initial_name))
        except forms.ValidationError:
            shown = None
        if not isinstance(shown, dict):
            shown = {}
        values = {**dict.fromkeys(shown, ""), **self.cleaned_data["fields"]}
        return {name: value for name, value in values.items() if shown.get(name) != value}

    def clean_email(self) -> str | None:
        address = (self.cleaned_data["email"] or "").lower() or None
        if address and address != self.instance.email and not is_email_address(address):
            raise forms.ValidationError("Enter a valid email address.", code="invalid")
        return address

    def clean_time_zone(self) -> str:
        written = self.cleaned_data["time_zone"]
        zone = find_zone(written) if written else ""
        if zone is None:
            raise forms.ValidationError("There is no such time zone. Write it like America/Denver.")
        return zone


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    fields = readonly_fields = ("list", "added_in", "removed_in")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Contact)
class ContactAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = ContactAdminForm
    list_display = ("__str__", "phone_number", "email", "company", "zone_set", "created_at")
    list_select_related = ("zone_set",)
    search_fields = ("phone_number",)
    search_help_text = "Name, company, email, or number in any notation"
    show_full_result_count = False
    readonly_fields = ("zone_set", "created_at", "updated_at", "erased_at")
    exclude = ("search_text",)
    inlines = (MembershipInline,)
    actions = ("erase",)
    ordering = ("-id",)

    def get_readonly_fields(self, request: HttpRequest, obj: Contact | None = None) -> tuple[str, ...]:
        # A contact is known by its number, and calls to it may be under way.
        return (*self.readonly_fields, "phone_number") if obj else self.readonly_fields

    def has_change_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.erased_at is None)

    def has_delete_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        # That would leave holes in the counts of campaigns: people are erased.
        return False

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return isinstance(request.user, User) and request.user.may_edit

    @admin.action(description="Erase this person (one at a time)", permissions=["erase"])
    def erase(self, request: HttpRequest, contacts: QuerySet[Contact]) -> HttpResponse | None:
        """Leads to the dashboard's page, which says what goes and asks to type who it is."""
        found = list(contacts.filter(erased_at=None)[:2])
        if len(found) == 1:
            return redirect("analytics:erase_contact", found[0].pk)
        self.message_user(request, "Choose one person who was not erased yet.", messages.WARNING)
        return None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        return search_contacts(queryset, search_term, settings.DEFAULT_COUNTRY), False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return redirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Contact, form: Any, change: bool) -> None:
        """Only what was changed, in the row as it is by now; it may have been erased meanwhile."""
        actor = request.user if isinstance(request.user, User) else None
        if change:
            given = {name: form.cleaned_data[name] for name in form.changed_data}
            if "email" in given:
                given["email"] = given["email"] or ""
            if "fields" in given:
                given["fields"] = form.changed_values()
            edit_contact(contact=obj, actor=actor, **given)
            return
        by_number = possible_zones(obj.phone_number) if obj.phone_number else ()
        obj.zone_set = zone_set_for((obj.time_zone,) if obj.time_zone else by_number)
        super().save_model(request, obj, form, change)
        ContactEvent.objects.create(contact=obj, text=ContactEvent.ADDED_IN_ADMIN, actor=actor)


@admin.register(ZoneSet)
class ZoneSetAdmin(ReadOnlyAdmin):
    list_display = ("id", "zones")
    search_fields = ("zones",)
    ordering = ("id",)


@admin.register(ContactEvent)
class ContactEventAdmin(ReadOnlyAdmin):
    list_display = ("contact_link", "text", "actor", "at")
    list_select_related = ("contact", "actor")
    search_fields = ("=contact__phone_number", "=contact__email")
    show_full_result_count = False
    ordering = ("-id",)

    @admin.display(description="contact")
    def contact_link(self, event: ContactEvent) -> SafeString | str:
        return link(event.contact)


@admin.register(CustomField)
class CustomFieldAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "label", "kind", "description", "created_at")
    list_filter = ("kind",)
    search_fields = ("name", "label", "description")
    ordering = ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: CustomField | None = None) -> tuple[str, ...]:
        # Prompts and contacts know a field by its name.
        return ("name", "created_at") if obj else ("created_at",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Tally)
class TallyAdmin(ReadOnlyAdmin):
    list_display = ("of", "change")
    list_filter = ("of",)
    ordering = ("-id",)


@admin.register(RememberedMapping)
class RememberedMappingAdmin(ReadOnlyAdmin):
    list_display = ("purpose", "headers", "used_at")
    list_filter = ("purpose",)
    ordering = ("-id",)
