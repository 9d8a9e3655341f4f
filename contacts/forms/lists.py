"""Forms of lists: each operation with a preview of what comes of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.models import User
from contacts import services
from contacts.filters import Selection
from contacts.forms.fields import CountryField
from contacts.membership import contacts_of, count_in_both, count_on_any_of
from contacts.models import List
from contacts.services.lists import MOST_PARTS, part_names, part_sizes

NAME_LENGTH = 120


class ListForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = List
        fields = ("name", "description")

    def _post_clean(self) -> None:
        """The service says whether the name is free; the instance is its to change."""


class NumbersForm(forms.Form):
    lines = forms.CharField(
        label="Numbers",
        max_length=1_000_000,
        # Empty lines at the top count, too, when wrong lines are told by their number.
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "placeholder": "(415) 555-0142, Anna Svensson"}),
        help_text="One a line, with a name if you like. Any notation will do.",
    )
    country = CountryField()


# Beside the labels of two fields of which one is needed.
ONE_OF_TWO = "one of the two"


class OneList(forms.ModelChoiceField):  # type: ignore[type-arg]
    def __init__(self, *, aside: str = "", **options: Any) -> None:
        self.aside = aside
        super().__init__(required=not aside, **options)

    def label_from_instance(self, list: List) -> str:
        return f"{list.name} ({list.size:,})"


class SeveralLists(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, list: List) -> str:
        return f"{list.name} ({list.size:,})"


class NewName(forms.CharField):
    def __init__(self, *, aside: str = "", **options: Any) -> None:
        self.aside = aside
        options.setdefault("label", "Name of the new list")
        super().__init__(
            required=not aside,
            max_length=NAME_LENGTH,
            widget=forms.TextInput(attrs={"autocomplete": "off"}),
            **options,
        )


class ListOperation(forms.Form):
    """Something to be done with a list, which is previewed, and then asked of its service."""

    title: ClassVar[str]
    action: ClassVar[str]
    is_destructive: ClassVar[bool] = False

    def __init__(self, data: Any = None, *, list: List, chosen: Selection) -> None:
        self.list = list
        self.chosen = chosen
        super().__init__(data, initial=self.first_values())

    def first_values(self) -> dict[str, Any]:
        return {}

    @property
    def back(self) -> str:
        """The list, narrowed down as it was when this was asked for."""
        return self.list.get_absolute_url() + self.chosen.filters.address()

    def preview(self) -> list[str]:
        """What will come of it, in sentences; of a form that may not be filled in yet."""
        raise NotImplementedError

    def do(self, actor: User) -> tuple[str, str]:
        """Do it: (what to say, where to go). Raises ``Refused``. Of a valid form."""
        raise NotImplementedError

    def _value(self, name: str) -> Any:
        """What is filled in so far, if it is right."""
        if self.is_bound:
            return None if name in self.errors else self.cleaned_data.get(name)
        return self.get_initial_for_field(self.fields[name], name)

    def _others(self) -> Any:
        return List.objects.exclude(pk=self.list.pk).order_by("name")

    def _keeping_its_campaigns(self) -> list[str]:
        """Told where a list that campaigns use gets a new version."""
        if not self.list.channels.exists():
            return []
        return [
            f"Channels that were started keep the version they have; “{self.list.name}” gets the next one."
        ]


class CopyForm(ListOperation):
    title, action = "Copy the list", "Copy"

    name = NewName()

    def first_values(self) -> dict[str, Any]:
        return {"name": f"Copy of {self.list.name}"[:NAME_LENGTH]}

    def preview(self) -> list[str]:
        if self.chosen.filters.is_empty:
            return [f"The new list will have {_people(self.list.size)}, as “{self.list.name}” has now."]
        found = self.chosen.filters.apply(contacts_of(self.list)).order_by().count()
        return [
            f"“{self.list.name}” has {_people(self.list.size)}. The new list will have those "
            f"{self.chosen.filters.in_words()}: {_people(found)}."
        ]

    def do(self, actor: User) -> tuple[str, str]:
        made = services.copy_list(
            list=self.list, name=self.cleaned_data["name"], filters=self.chosen.filters, actor=actor
        )
        return f"{_people(made.size)} {_were(made.size)} copied to “{made.name}”.", made.get_absolute_url()


NEW, THIS = "new", "this"


class _Into(ListOperation):
    """A result that is a new list, or the next version of this one."""

    into = forms.ChoiceField(label="The result is", widget=forms.RadioSelect, initial=NEW)
    # Filled in from the start, and not looked at where no new list is made.
    name = NewName()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["into"].choices = [  # type: ignore[attr-defined]
            (NEW, "A new list"),
            (THIS, f"The next version of “{self.list.name}”"),
        ]

    @property
    def _new_name(self) -> str:
        return self.cleaned_data["name"] if self.cleaned_data["into"] == NEW else ""

    def _campaigns(self) -> list[str]:
        return self._keeping_its_campaigns() if self._value("into") == THIS else []


class MergeForm(_Into):
    title, action = "Merge with other lists", "Merge"

    lists = SeveralLists(
        label="Merge with",
        queryset=List.objects.none(),
        error_messages={"required": "Choose at least one list."},
    )
    field_order = ("lists", "into", "name")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["lists"].queryset = self._others()  # type: ignore[attr-defined]

    def first_values(self) -> dict[str, Any]:
        return {"name": f"{self.list.name} and more"[:NAME_LENGTH]}

    def preview(self) -> list[str]:
        lists = [self.list, *(self._value("lists") or [])]
        if len(lists) == 1:
            return ["Choose the lists whose contacts are put together. Who is on several comes once."]
        total = count_on_any_of(lists)
        several = sum(one.size for one in lists) - total
        sizes = _sizes(lists)
        come = "comes" if several == 1 else "come"
        overlap = f"; {several:,} {come} more than once, and will be there once" if several else ""
        return [f"{sizes}{overlap}. The result has {_people(total)}.", *self._campaigns()]

    def do(self, actor: User) -> tuple[str, str]:
        lists = [self.list, *self.cleaned_data["lists"]]
        into = None if self._new_name else self.list
        merged = services.merge_lists(lists=lists, into=into, name=self._new_name, actor=actor)
        return f"Merged. “{merged.name}” has {_people(merged.size)}.", merged.get_absolute_url()


WITHOUT, SHARED = "without", "shared"


class SubtractForm(_Into):
    title, action = "Subtract or compare", "Make the result"

    how = forms.ChoiceField(label="Keep", widget=forms.RadioSelect, initial=WITHOUT)
    other = OneList(
        label="The other list",
        queryset=List.objects.none(),
        empty_label="Choose a list",
        error_messages={"required": "Choose the other list."},
    )
    field_order = ("other", "how", "into", "name")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["other"].queryset = self._others()  # type: ignore[attr-defined]
        self.fields["how"].choices = [  # type: ignore[attr-defined]
            (WITHOUT, "Those who are not on the other list"),
            (SHARED, "Those who are on both"),
        ]

    def first_values(self) -> dict[str, Any]:
        return {"name": f"Part of {self.list.name}"[:NAME_LENGTH]}

    def preview(self) -> list[str]:
        other = self._value("other")
        if other is None:
            return ["Choose the list to subtract. It stays as it is."]
        shared = count_in_both(self.list, other)
        left = shared if self._value("how") == SHARED else self.list.size - shared
        return [
            f"{_sizes([self.list, other])}; {shared:,} in both. The result has {_people(left)}.",
            *self._campaigns(),
        ]

    def do(self, actor: User) -> tuple[str, str]:
        other, name = self.cleaned_data["other"], self._new_name
        if self.cleaned_data["how"] == SHARED:
            made = services.intersect_lists(list=self.list, other=other, name=name, actor=actor)
        else:
            made = services.subtract_list(list=self.list, minus=other, name=name, actor=actor)
        return f"“{made.name}” has {_people(made.size)} now.", made.get_absolute_url()


_SHARE = re.compile(r"[/:,;+%\s]+")


class SplitForm(ListOperation):
    title, action = "Split at random", "Split"

    shares = forms.CharField(
        label="Shares",
        initial="50/50",
        max_length=60,
        help_text="Like 50/50, 10/90 or 1/1/1. Every contact is in exactly one part, by chance.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    name = NewName(label="Name of the parts", help_text="A, B … is put after it.")

    def first_values(self) -> dict[str, Any]:
        return {"name": self.list.name}

    def clean_shares(self) -> list[int]:
        return _shares(self.cleaned_data["shares"])

    def preview(self) -> list[str]:
        if wrong := self.is_bound and self.data.get("shares", "").strip() and self.errors.get("shares"):
            return [str(error) for error in wrong]
        shares, name = self._value("shares"), self._value("name")
        if not shares or not name:
            return ["Fill in shares and a name to see the parts."]
        if not self.is_bound:
            shares = _shares(shares)
        sizes = part_sizes(self.list.size, shares)
        parts = zip(part_names(name, len(shares)), sizes, strict=True)
        return [
            f"“{self.list.name}” has {_people(self.list.size)}, and stays as it is. New lists:",
            *(f"{part}: {_people(size)}" for part, size in parts),
        ]

    def do(self, actor: User) -> tuple[str, str]:
        parts = services.split_list(
            list=self.list, shares=self.cleaned_data["shares"], name=self.cleaned_data["name"], actor=actor
        )
        made = ", ".join(f"“{part.name}” ({part.size:,})" for part in parts)
        return f"New lists: {made}.", f"{reverse('contacts:lists')}?sort=-changed"


def _shares(text: str) -> list[int]:
    """``10/90`` or ``10 %, 90 %`` as numbers. Raises ``ValidationError``."""
    written = [share for share in _SHARE.split(text) if share]
    if not all(share.isascii() and share.isdigit() and len(share) < 5 and int(share) for share in written):
        raise ValidationError("Write shares like 50/50 or 10/45/45.")
    if not 2 <= len(written) <= MOST_PARTS:
        raise ValidationError(f"A list is split into 2 to {MOST_PARTS} parts.")
    return [int(share) for share in written]


class _OfChosen(ListOperation):
    """Something done with some of the contacts of a list."""

    def clean(self) -> dict[str, Any]:
        if not self.chosen:
            raise ValidationError("Choose at least one contact first.")
        return super().clean() or self.cleaned_data

    def _count(self) -> int:
        if self.chosen.is_everybody and self.chosen.filters.is_empty:
            return self.list.size
        return self.chosen.contacts().order_by().count()


class RemoveForm(_OfChosen):
    title, action, is_destructive = "Remove from the list", "Remove", True

    def preview(self) -> list[str]:
        if not self.chosen:
            return ["Choose at least one contact first."]
        count = self._count()
        stay = self.list.size - count
        return [
            f"{_people(count)} of {self.list.size:,} will be taken off “{self.list.name}”; "
            f"{_people(stay)} {'stays' if stay == 1 else 'stay'}. They are contacts still.",
            *self._keeping_its_campaigns(),
        ]

    def do(self, actor: User) -> tuple[str, str]:
        removed = services.remove_from_list(list=self.list, contacts=self.chosen.contacts(), actor=actor)
        return f"{_people(removed)} {_were(removed)} taken off “{self.list.name}”.", self.back


class AddForm(_OfChosen):
    title, action = "Add to another list", "Add"

    to = OneList(label="List", queryset=List.objects.none(), empty_label="A new list", aside=ONE_OF_TWO)
    name = NewName(aside=ONE_OF_TWO, help_text="Only for a new list.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["to"].queryset = self._others()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not cleaned.get("to") and not cleaned.get("name", "").strip() and "to" not in self.errors:
            self.add_error("name", "Choose a list, or give a new one a name.")
        return cleaned

    def preview(self) -> list[str]:
        if not self.chosen:
            return ["Choose at least one contact first."]
        to = self._value("to")
        count = self._count()
        if to is None:
            return [f"The new list will have {_people(count)}."]
        known = self.chosen.contacts().filter(pk__in=contacts_of(to).values("pk")).order_by().count()
        total = _people(to.size + count - known)
        return [f"{_people(count)} chosen; {known:,} on “{to.name}” already. It will have {total}."]

    def do(self, actor: User) -> tuple[str, str]:
        to, contacts = self.cleaned_data["to"], self.chosen.contacts()
        note = f"Added from “{self.list.name}”"
        if to is None:
            to = services.add_to_new_list(
                name=self.cleaned_data["name"], contacts=contacts, note=note, actor=actor
            )
            added = to.size
        else:
            added = services.add_to_list(list=to, contacts=contacts, note=note, actor=actor)
        return f"{_people(added)} {_were(added)} added to “{to.name}”.", self.back


class ForbidForm(_OfChosen):
    title, action, is_destructive = "Never contact again", "Add to do-not-contact", True

    reason = forms.CharField(label="Reason", required=False, max_length=200)

    def preview(self) -> list[str]:
        if not self.chosen:
            return ["Choose at least one contact first."]
        return [f"{_people(self._count())} will not be contacted again, in any way, by any campaign."]

    def do(self, actor: User) -> tuple[str, str]:
        added = services.forbid_contacts(
            contacts=self.chosen.contacts(), reason=self.cleaned_data["reason"], actor=actor
        )
        return told_forbidden(added), self.back


def told_forbidden(added: int) -> str:
    """What came of forbidding contacts, whose numbers and addresses were ``added``."""
    if not added:
        return "All of them were on do-not-contact already."
    what = "1 number or address" if added == 1 else f"{added:,} numbers and addresses"
    return f"{what} {_were(added)} added to do-not-contact."


def _people(count: int) -> str:
    return "1 contact" if count == 1 else f"{count:,} contacts"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _sizes(lists: Sequence[List]) -> str:
    """“A” has 4,812, “B” 1,200"""
    first, *others = [f"“{one.name}”" for one in lists]
    sizes = [f"{one.size:,}" for one in lists]
    return ", ".join(
        [f"{first} has {sizes[0]}", *(f"{name} {size}" for name, size in zip(others, sizes[1:], strict=True))]
    )


# By the word in their address.
OPERATIONS: dict[str, type[ListOperation]] = {
    "copy": CopyForm,
    "merge": MergeForm,
    "subtract": SubtractForm,
    "split": SplitForm,
    "remove": RemoveForm,
    "add": AddForm,
    "do-not-contact": ForbidForm,
}
