"""Forms of the settings page: assistants, pools, caller IDs, dispositions."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.text import slugify

from campaigns.forms.addresses import check_sip_address, check_websocket_address
from campaigns.forms.fields import Line, WholeNumber
from campaigns.models import Assistant, AssistantKind, AssistantPool, CallerId, Disposition, PoolMember
from contacts.phone_numbers import Rejection, countries, dialable
from interface.templatetags.interface import phone_text


def _most(model: type[Any], name: str) -> int | None:
    length: int | None = model._meta.get_field(name).max_length
    return length


class AssistantForm(forms.ModelForm):  # type: ignore[type-arg]
    name = Line(
        max_length=_most(Assistant, "name"), error_messages={"required": "Give the assistant a name."}
    )
    description = Line(
        required=False,
        max_length=_most(Assistant, "description"),
        help_text="What it is for, for whoever chooses it in a campaign.",
    )
    kind = forms.ChoiceField(
        label="Reached by",
        choices=AssistantKind.choices,
        required=False,
        widget=forms.RadioSelect,
        initial=AssistantKind.WEBSOCKET,
    )
    url = Line(
        label="Address",
        max_length=_most(Assistant, "url"),
        error_messages={"required": "Enter the address at which the assistant takes calls."},
        help_text="By WebSocket, where the carrier streams the audio of each call: "
        "wss://assistant.example.com/calls. By SIP, where it calls: "
        "sip:grace@assistant.example.com;transport=tls. A SIP call carries the call’s number and a token, "
        "with which the assistant asks for the prompt: headers are too short for one.",
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    most_calls = WholeNumber(
        least=1,
        most=100_000,
        required=False,
        label="Calls at a time",
        help_text="How many it can take, whatever channels they are of; empty for as many as come.",
    )
    is_active = forms.BooleanField(
        label="Active", required=False, initial=True, help_text="Campaigns can’t start with one that is not."
    )

    class Meta:
        model = Assistant
        fields: ClassVar[list[str]] = ["name", "description", "kind", "url", "most_calls", "is_active"]

    def clean_kind(self) -> str:
        kind: str = self.cleaned_data["kind"]
        return kind or self.instance.kind

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        is_sip = self.cleaned_data.get("kind") == AssistantKind.SIP
        check = check_sip_address if is_sip else check_websocket_address
        check(url, allow_private=settings.ALLOW_PRIVATE_ADDRESSES)
        return url


class PoolForm(forms.ModelForm):  # type: ignore[type-arg]
    """A pool, with a field for the weight of each assistant there is: empty for one that is no member."""

    name = Line(max_length=_most(AssistantPool, "name"), error_messages={"required": "Give the pool a name."})
    description = Line(
        required=False,
        max_length=_most(AssistantPool, "description"),
        help_text="What it is for, for whoever chooses it in a campaign.",
    )
    is_active = forms.BooleanField(
        label="Active", required=False, initial=True, help_text="Campaigns can’t start with one that is not."
    )

    class Meta:
        model = AssistantPool
        fields: ClassVar[list[str]] = ["name", "description", "is_active"]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        saved = dict(self.instance.members.values_list("assistant", "weight")) if self.instance.pk else {}
        self.assistants = list(Assistant.objects.order_by("name"))
        for assistant in self.assistants:
            name = self._name(assistant)
            label = assistant.name if assistant.is_active else f"{assistant.name} (not active)"
            self.fields[name] = WholeNumber(least=1, most=100, required=False, label=f"Weight of {label}")
            self.initial[name] = saved.get(assistant.pk)
        if self.assistants:
            first = self.fields[self._name(self.assistants[0])]
            first.help_text = (
                "1 to 100: of weight 2, it takes twice the calls of one of weight 1. Empty: not in it."
            )
        self.order_fields(["name", "description", *map(self._name, self.assistants), "is_active"])

    @staticmethod
    def _name(assistant: Assistant) -> str:
        return f"weight_{assistant.pk}"

    @property
    def weights(self) -> dict[int, int]:
        """The members' weights, by assistant."""
        found = {each.pk: self.cleaned_data.get(self._name(each)) for each in self.assistants}
        return {pk: weight for pk, weight in found.items() if weight}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.weights and not any(name.startswith("weight_") for name in self.errors):
            missing = (
                "Give at least one assistant a weight." if self.assistants else "Add an assistant first."
            )
            self.add_error(None, ValidationError(missing, code="empty"))
        return cleaned

    @transaction.atomic
    def save(self, commit: bool = True) -> AssistantPool:
        pool: AssistantPool = super().save(commit)
        weights = self.weights
        for member in pool.members.exclude(assistant__in=weights):
            member.delete()
        for assistant_id, weight in weights.items():
            PoolMember.objects.update_or_create(
                pool=pool, assistant_id=assistant_id, defaults={"weight": weight}
            )
        return pool


class CallerIdForm(forms.ModelForm):  # type: ignore[type-arg]
    phone_number = Line(
        label="Phone number",
        max_length=40,
        error_messages={"required": "Enter the number."},
        help_text="As you would write it: (415) 555-0132, or +44 20 7946 0018. It must be one that the "
        "carrier has confirmed as yours.",
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    country = forms.ChoiceField(
        label="Country of a number without one", help_text="Unused if it starts with +."
    )
    name = Line(
        required=False, max_length=_most(CallerId, "name"), help_text="What you call it, such as Front desk."
    )
    is_active = forms.BooleanField(
        label="Active", required=False, initial=True, help_text="Campaigns can’t start with one that is not."
    )
    field_order = ("phone_number", "country", "name", "is_active")

    class Meta:
        model = CallerId
        fields: ClassVar[list[str]] = ["name", "is_active"]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["country"].choices = countries()  # type: ignore[attr-defined]
        self.initial["country"] = settings.DEFAULT_COUNTRY
        if self.instance.pk:
            self.initial["phone_number"] = phone_text(self.instance.phone_number)

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if "phone_number" not in cleaned or "country" not in cleaned:
            return cleaned
        number = dialable(cleaned["phone_number"], cleaned["country"])
        if isinstance(number, Rejection):
            self.add_error("phone_number", ValidationError(f"{number}.", code="invalid"))
            return cleaned
        others = CallerId.objects.filter(phone_number=number).exclude(pk=self.instance.pk)
        if others.exists():
            self.add_error(
                "phone_number", ValidationError("This number is a caller ID already.", code="unique")
            )
        self.instance.phone_number = cleaned["phone_number"] = number
        return cleaned


class DispositionForm(forms.ModelForm):  # type: ignore[type-arg]
    name = Line(
        max_length=_most(Disposition, "name"), error_messages={"required": "Give the disposition a name."}
    )
    is_win = forms.BooleanField(
        label="Counts as a win",
        required=False,
        help_text="What the conversion rate counts: the campaign did what it was for.",
    )
    effect = forms.ChoiceField(
        label="What choosing it does",
        choices=Disposition.Effect.choices,
        required=False,
        widget=forms.RadioSelect,
    )
    position = WholeNumber(
        least=0, most=9999, initial=100, label="Order", help_text="Lower numbers are offered first."
    )
    is_active = forms.BooleanField(
        label="Offered", required=False, initial=True, help_text="When it is not, calls that have it keep it."
    )

    class Meta:
        model = Disposition
        fields: ClassVar[list[str]] = ["name", "is_win", "effect", "position", "is_active"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Disposition.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError("There is a disposition of this name.", code="unique")
        return name

    def save(self, commit: bool = True) -> Disposition:
        if not self.instance.slug:
            self.instance.slug = _free_slug(self.cleaned_data["name"])
        saved: Disposition = super().save(commit)
        return saved


def _free_slug(name: str) -> str:
    """What files and assistants call a disposition: it stays when the name is changed later."""
    base = slugify(name).replace("-", "_")[:32] or "disposition"
    taken = set(Disposition.objects.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(
        slug for n in range(1, len(taken) + 2) if (slug := base if n == 1 else f"{base}_{n}") not in taken
    )
