"""What is done with contacts that were chosen among all of them."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.functional import cached_property

from accounts.models import User
from contacts.everybody import MOST_CHOSEN, Chosen
from contacts.forms.lists import ONE_OF_TWO, NewName, OneList, told_forbidden
from contacts.models import List
from contacts.queries import count_of
from contacts.services import (
    MOST_DELETED,
    Deletable,
    add_to_list,
    add_to_new_list,
    count_deletable,
    delete_contacts,
    forbid_contacts,
)


class ChosenForm(forms.Form):
    """Something to be done with the chosen, which says beforehand how many they are."""

    title: ClassVar[str]
    action: ClassVar[str]
    is_destructive: ClassVar[bool] = False

    def __init__(self, data: Any = None, *, chosen: Chosen) -> None:
        self.chosen = chosen
        super().__init__(data)

    @property
    def back(self) -> str:
        """Where the chosen were found."""
        return reverse("contacts:contacts") + self.chosen.filters.address()

    def clean(self) -> dict[str, Any]:
        if not self.chosen:
            raise ValidationError("Choose at least one contact first.")
        return super().clean() or self.cleaned_data

    def preview(self) -> str:
        raise NotImplementedError

    def besides(self) -> list[str]:
        """What is to be known besides, in sentences."""
        return []

    @property
    def is_possible(self) -> bool:
        return True

    def told(self) -> dict[str, int]:
        """What the person is shown, as it is by now; sent along, so that nothing else is done."""
        return {}

    def do(self, actor: User) -> str:
        """Do it; what to say. Raises ``Refused``. Of a valid form."""
        raise NotImplementedError

    def _people(self) -> str:
        if not self.chosen:
            return "Nobody"
        count = count_of(self.chosen.contacts(), most=MOST_CHOSEN)
        more = "More than " if count.is_capped else ""
        return f"{more}{_people(count.value)}"


class AddForm(ChosenForm):
    title, action = "Add to a list", "Add"

    to = OneList(label="List", queryset=List.objects.none(), empty_label="A new list", aside=ONE_OF_TWO)
    name = NewName(aside=ONE_OF_TWO, help_text="Only for a new list.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["to"].queryset = List.objects.order_by("name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not cleaned.get("to") and not cleaned.get("name", "").strip() and "to" not in self.errors:
            self.add_error("name", "Choose a list, or give a new one a name.")
        return cleaned

    def preview(self) -> str:
        return f"{self._people()} chosen."

    def do(self, actor: User) -> str:
        to, contacts = self.cleaned_data["to"], self.chosen.contacts()
        if to is None:
            made = add_to_new_list(name=self.cleaned_data["name"], contacts=contacts, actor=actor)
            return f"“{made.name}” has {_people(made.size)} now."
        added = add_to_list(list=to, contacts=contacts, actor=actor)
        return f"{_people(added)} added to “{to.name}”."


class ForbidForm(ChosenForm):
    title, action, is_destructive = "Never contact again", "Add to do-not-contact", True

    reason = forms.CharField(label="Reason", required=False, max_length=200)

    def preview(self) -> str:
        return f"{self._people()} will not be contacted again, in any way, by any campaign."

    def do(self, actor: User) -> str:
        added = forbid_contacts(
            contacts=self.chosen.contacts(), reason=self.cleaned_data["reason"], actor=actor
        )
        return told_forbidden(added)


class DeleteForm(ChosenForm):
    title, action, is_destructive = "Delete contacts", "Delete", True

    # How many the person was told of.
    expected = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)

    @cached_property
    def count(self) -> Deletable:
        return count_deletable(self.chosen.contacts()) if self.chosen else Deletable(0, 0)

    def told(self) -> dict[str, int]:
        return {"expected": self.count.goes}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("expected") is None:
            raise ValidationError("Look how many they are before you delete them.")
        return cleaned

    @property
    def is_possible(self) -> bool:
        return 0 < self.count.goes <= MOST_DELETED

    def preview(self) -> str:
        goes = self.count.goes
        if goes > MOST_DELETED:
            return (
                f"More than {MOST_DELETED:,} contacts can be deleted. Narrow the filters, and delete some at "
                "a time."
            )
        if not goes:
            return self._nobody()
        theirs = "its" if goes == 1 else "their"
        return f"{_people(goes)} will be deleted, and taken off {theirs} lists. This can’t be undone."

    def _nobody(self) -> str:
        if not self.count.stays:
            return "Nobody chosen."
        if self.count.stays == 1:
            return (
                "This contact can’t be deleted: it was called, or is in a campaign, whose records and counts "
                "need it."
            )
        return (
            "None of these contacts can be deleted: all were called, or are in campaigns, whose records and "
            "counts need them."
        )

    def besides(self) -> list[str]:
        goes, stays = self.count.goes, self.count.stays
        told = []
        if goes and stays:
            people = f"More than {_people(MOST_DELETED)}" if stays > MOST_DELETED else _people(stays)
            told.append(
                f"{people} {'stays' if stays == 1 else 'stay'}: called, or in a campaign, whose records and "
                "counts need them."
            )
        if goes:
            told.append("Do-not-contact stays as it is.")
        told.append(
            "Somebody asks to be forgotten? Erase the person, from the menu of the contact’s own page."
        )
        return told

    def do(self, actor: User) -> str:
        deleted = delete_contacts(
            contacts=self.chosen.contacts(), expected=self.cleaned_data["expected"], actor=actor
        )
        return f"{_people(deleted)} deleted."


def _people(count: int) -> str:
    return "1 contact" if count == 1 else f"{count:,} contacts"


# By the word in their address.
OPERATIONS: dict[str, type[ChosenForm]] = {
    "add": AddForm,
    "do-not-contact": ForbidForm,
    "delete": DeleteForm,
}
