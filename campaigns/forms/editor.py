"""The campaign form: three tabs, validated together, saved together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import F, Model

from accounts.models import User
from campaigns import services
from campaigns.forms.advanced import AdvancedForm
from campaigns.forms.basic import BasicForm
from campaigns.forms.schedule import ScheduleForm
from campaigns.forms.tabs import Rows, TabForm
from campaigns.models import Activity, Campaign, Channel, ReattemptRule

UNTITLED = "Untitled campaign"
# Saving by itself, a draft is written down as edited once a sitting, not at every key.
SITTING = timedelta(minutes=30)


class CampaignForm:
    """The editor's tabs over one campaign and its channel; without a channel, over a new one.

    ``is_valid`` looks at all tabs. ``save`` saves all of it, ``save_what_is_valid`` leaves fields with
    errors as they were: so that a draft loses nothing else that was typed.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        channel: Channel | None,
        now: datetime,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.channel, self.now = channel, now
        self.is_bound = data is not None
        self.rows = Rows.of(channel) if channel else Rows.new()
        common: dict[str, Any] = {"rows": self.rows, "now": now}
        given = dict(initial or {})
        self.basic = BasicForm(data, **common, initial=given)
        self.schedule = ScheduleForm(data, **common)
        self.advanced = AdvancedForm(data, **common)
        self.tabs: tuple[TabForm, ...] = (self.basic, self.schedule, self.advanced)

    def is_valid(self) -> bool:
        # All of them are looked at, so that every tab shows its errors.
        valid = [tab.is_valid() for tab in self.tabs]
        return all(valid)

    @property
    def errors(self) -> dict[str, list[str]]:
        """Field -> its errors, over all tabs."""
        return {
            name: [str(message) for message in messages]
            for tab in self.tabs
            for name, messages in tab.errors.items()
        }

    @cached_property
    def warnings(self) -> dict[str, str]:
        return {name: text for tab in self.tabs for name, text in tab.warnings().items()}

    @property
    def first_tab_with_errors(self) -> str:
        return next((tab.slug for tab in self.tabs if tab.errors), "")

    def label(self, name: str) -> str:
        """What the page calls a field."""
        tab = next(tab for tab in self.tabs if name in tab.fields)
        return str(tab[name].label)

    # --- Saving -----------------------------------------------------------------------------------

    @transaction.atomic
    def save(self, *, actor: User) -> Channel:
        """Save everything; to be called when valid. Raises ``Refused`` while it may not change."""
        return self._save(actor, by_itself=False)

    @transaction.atomic
    def save_what_is_valid(self, *, actor: User, by_itself: bool = False) -> Channel | None:
        """Save the fields without errors. None when there is no name yet to save a new draft under.

        ``by_itself``: nobody pressed a button.
        """
        self.is_valid()
        if self.channel is None and "name" not in self.basic.values():
            return None
        return self._save(actor, by_itself=by_itself)

    @transaction.atomic
    def save_untitled(self, *, actor: User) -> Channel:
        """Like ``save_what_is_valid``; a new draft without a name gets one."""
        channel = self.save_what_is_valid(actor=actor)
        if channel is None:
            self.basic.errors.pop("name", None)
            self.basic.cleaned_data["name"] = UNTITLED
            channel = self._save(actor, by_itself=False)
        return channel

    def _save(self, actor: User, *, by_itself: bool) -> Channel:
        is_new = self.channel is None
        values = {name: value for tab in self.tabs for name, value in tab.values().items()}
        channel = self.channel or self._create(actor, values["name"])
        rows = Rows.of(channel)
        changed: dict[int, tuple[Model, list[str]]] = {}
        called = []
        for tab in self.tabs:
            for name, column in tab.columns.items():
                row = rows.row(column.row)
                if name not in values or getattr(row, column.name) == values[name]:
                    continue
                setattr(row, column.name, values[name])
                changed.setdefault(id(row), (row, []))[1].append(column.name)
                called.append(column.called)
        changed_rules = self._changed_rules(channel)
        called += ["reattempt rules"] if changed_rules else []
        # First of all: it locks the channel, and refuses while it runs.
        services.save_channel_settings(
            channel=channel, actor=actor, changed=[] if by_itself or is_new else called
        )
        for row, names in changed.values():
            row.save(update_fields=[*names, *(["updated_at"] if isinstance(row, Campaign) else [])])
        for outcome, rule in changed_rules.items():
            self._save_rule(channel, outcome, rule)
        if by_itself and called and not is_new:
            Channel.objects.filter(pk=channel.pk).update(revision=F("revision") + 1)
            self._note_sitting(channel, actor)
        channel.refresh_from_db(fields=["revision"])
        return channel

    def _create(self, actor: User, name: str) -> Channel:
        campaign = services.create_campaign(actor=actor, name=name)
        channel = campaign.channels.select_related("campaign", "voice", "schedule").get()
        self.channel = channel
        return channel

    def _changed_rules(self, channel: Channel) -> dict[str, tuple[int, int] | None]:
        saved = {rule.outcome: (rule.delay_minutes, rule.max_times) for rule in channel.reattempt_rules.all()}
        return {
            outcome: rule for outcome, rule in self.advanced.rules().items() if saved.get(outcome) != rule
        }

    @staticmethod
    def _save_rule(channel: Channel, outcome: str, rule: tuple[int, int] | None) -> None:
        if rule is None:
            for unwanted in ReattemptRule.objects.filter(channel=channel, outcome=outcome):
                unwanted.delete()
            return
        delay, times = rule
        ReattemptRule.objects.update_or_create(
            channel=channel, outcome=outcome, defaults={"delay_minutes": delay, "max_times": times}
        )

    def _note_sitting(self, channel: Channel, actor: User) -> None:
        newest = Activity.objects.filter(campaign=channel.campaign_id).order_by("-id").first()
        is_same_sitting = (
            newest is not None
            and newest.actor_id == actor.pk
            and newest.verb in {"create", "edit"}
            and newest.at > self.now - SITTING
        )
        if not is_same_sitting:
            services.record_activity(
                campaign=channel.campaign, channel=channel, actor=actor, verb="edit", text="edited the draft"
            )
