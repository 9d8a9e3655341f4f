"""The campaign form: three tabs, validated together, saved together, by several people at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import F, Model, Value
from django.db.models.functions import Concat

from accounts.models import User
from campaigns import services
from campaigns.forms.advanced import RULE_PARTS, AdvancedForm
from campaigns.forms.basic import BasicForm
from campaigns.forms.clashes import Clash, in_words, mark, read_marks
from campaigns.forms.schedule import ScheduleForm
from campaigns.forms.tabs import Rows, TabForm
from campaigns.hours import zone_in_words
from campaigns.models import Activity, Campaign, Channel, ReattemptRule
from campaigns.refusals import Refused

UNTITLED = "Untitled campaign"
# Saving by itself, a draft is written down as edited once a sitting, not at every key.
SITTING = timedelta(minutes=30)
EDITED = "edited the draft: "
# A change is told as "dial timeout (60 → 45)" where both are as short as this, and all of them fit.
TOLD_EACH, TOLD_AT_MOST = 40, 200
# Behind the page that edited a channel last: another channel's page has changed what all of them share since.
SHARED_CHANGED = "*"


class Clashed(Refused):
    """Somebody else changed what this person changed: one of the two has to be chosen."""


def _tell_the_pages_of_others(channel: Channel) -> None:
    """What the campaign's channels share was changed by a page of this one: pages of the others did not."""
    others = Channel.objects.filter(campaign=channel.campaign_id).exclude(pk=channel.pk)
    others = others.exclude(edited_from="").exclude(edited_from__endswith=SHARED_CHANGED)
    others.update(edited_from=Concat("edited_from", Value(SHARED_CHANGED)))


class CampaignForm:
    """The editor's tabs over one campaign and a channel of it; without a channel, over a new one.

    ``is_valid`` looks at all tabs. ``save`` saves all of it, ``save_what_is_valid`` leaves fields with
    errors as they were: so that a draft loses nothing else that was typed.

    Beside the fields, ``data`` may say with ``seen`` what they held when the page was shown (``marks``),
    and with ``settle``, "mine" or "theirs", who wins where two changed the same. To be sure that nobody
    saves between the look and the save, lock the channel before giving it here.
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
        # What others changed and this person left alone, and what both changed; known after a save.
        self.theirs: list[str] = []
        self.clashes: list[Clash] = []
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
        """What the page calls a field, or a reattempt rule."""
        if name in ReattemptRule.Outcome.values:
            return f"Call again after {ReattemptRule.Outcome(name).label.lower()}"
        tab = next(tab for tab in self.tabs if name in tab.fields)
        return str(tab[name].label)

    def called(self, names: list[str]) -> list[str]:
        """What activities call these fields."""
        columns = {name: column.called for tab in self.tabs for name, column in tab.columns.items()}
        return [columns.get(name, "reattempt rules") for name in names]

    @property
    def marks(self) -> str:
        """What the fields hold as they are saved, for the page to send back as ``seen``."""
        held = {
            name: getattr(self.rows.row(column.row), column.name)
            for tab in self.tabs
            for name, column in tab.columns.items()
        }
        return json.dumps({name: mark(value) for name, value in (held | self._saved_rules()).items()})

    @property
    def shared(self) -> list[str]:
        """The fields that all channels of the campaign have in common."""
        return [name for tab in self.tabs for name, column in tab.columns.items() if column.row == "campaign"]

    def control_values(self, names: list[str]) -> dict[str, Any]:
        """What the controls of these fields hold, for the page to show them; of an unbound form."""
        found: dict[str, Any] = {}
        for name in names:
            controls = (
                [f"retry_{name}{part}" for part in RULE_PARTS]
                if name in ReattemptRule.Outcome.values
                else [name]
            )
            for tab in self.tabs:
                found |= {
                    control: tab.control_value(control) for control in controls if control in tab.fields
                }
        return found

    # --- Saving -----------------------------------------------------------------------------------

    @transaction.atomic
    def save(self, *, actor: User, page: str = "") -> Channel:
        """Save everything; to be called when valid.

        Raises ``Refused`` while it may not change, and ``Clashed`` when somebody has to choose.
        """
        channel = self._save(actor, page, by_itself=False)
        if self.clashes:
            raise Clashed("Somebody else changed the same settings while you had them open.")
        return channel

    @transaction.atomic
    def save_what_is_valid(self, *, actor: User, page: str = "", by_itself: bool = False) -> Channel:
        """Save the fields without errors and clashes. A new draft without a name gets one.

        ``by_itself``: nobody pressed a button.
        """
        self.is_valid()
        is_untitled = self.channel is None or self.channel.campaign.name == UNTITLED
        if by_itself and is_untitled and not self._sent("name").strip():
            # Not typed yet: nobody's error.
            self.basic.errors.pop("name", None)
        return self._save(actor, page, by_itself=by_itself)

    def _save(self, actor: User, page: str, *, by_itself: bool) -> Channel:
        is_new = self.channel is None
        values = {name: value for tab in self.tabs for name, value in tab.values().items()}
        channel = self.channel or self._create(actor, values.get("name") or UNTITLED)
        rows = Rows.of(channel)
        if not is_new:
            # First of all: it refuses while the channel runs.
            services.save_channel_settings(channel=channel, actor=actor, changed=[])
        seen = {} if is_new else read_marks(self._sent("seen"))
        changed: dict[int, tuple[Model, list[str]]] = {}
        called, told = [], []
        for tab in self.tabs:
            for name, column in tab.columns.items():
                row = rows.row(column.row)
                if name not in values or name not in tab.fields or tab.fields[name].disabled:
                    continue
                saved = getattr(row, column.name)
                if saved == values[name] or not self._is_mine(name, values[name], saved, seen):
                    continue
                told.append(self._told(name, column.called, saved, values[name]))
                setattr(row, column.name, values[name])
                changed.setdefault(id(row), (row, []))[1].append(column.name)
                called.append(column.called)
        saved_rules = self._saved_rules()
        changed_rules = {
            outcome: rule
            for outcome, rule in self.advanced.rules().items()
            if saved_rules[outcome] != rule and self._is_mine(outcome, rule, saved_rules[outcome], seen)
        }
        called += ["reattempt rules"] if changed_rules else []
        told += ["reattempt rules"] if changed_rules else []
        if self.clashes and not by_itself:
            return channel
        if called and not by_itself and not is_new:
            # From what to what, where there is room for it.
            words = told if len(", ".join(told)) <= TOLD_AT_MOST else called
            services.save_channel_settings(channel=channel, actor=actor, changed=words)
        for row, names in changed.values():
            row.save(update_fields=[*names, *(["updated_at"] if isinstance(row, Campaign) else [])])
        for outcome, rule in changed_rules.items():
            self._save_rule(channel, outcome, rule)
        if by_itself and called and not is_new:
            Channel.objects.filter(pk=channel.pk).update(revision=F("revision") + 1)
            self._note_sitting(channel, actor, called)
        if any(isinstance(row, Campaign) for row, _ in changed.values()):
            _tell_the_pages_of_others(channel)
        if page:
            Channel.objects.filter(pk=channel.pk).update(edited_from=page)
        channel.refresh_from_db(fields=["revision", "edited_from"])
        return channel

    def _sent(self, name: str) -> str:
        return str(self.basic.data.get(name, ""))

    def _is_mine(self, name: str, mine: Any, saved: Any, seen: Mapping[str, str]) -> bool:
        """Whether a field that differs from what is saved was changed by this person, and by nobody else."""
        if name not in seen or seen[name] == mark(saved):
            return True
        settle = self._sent("settle")
        is_untouched = seen[name] == mark(mine)
        if settle == "mine" and not is_untouched:
            return True
        if settle == "theirs" or is_untouched:
            self.theirs.append(name)
        else:
            self.clashes.append(self._clash(name, mine, saved))
        return False

    def _clash(self, name: str, mine: Any, saved: Any) -> Clash:
        field = next((tab.fields[name] for tab in self.tabs if name in tab.fields), None)
        choices = dict(getattr(field, "choices", ())) if isinstance(mine, str) else {}
        if name == "time_zone":
            return Clash(name, self.label(name), zone_in_words(mine), zone_in_words(saved))
        return Clash(name, self.label(name), in_words(mine, choices), in_words(saved, choices))

    def _told(self, name: str, called: str, before: Any, after: Any) -> str:
        """What an activity says of a changed field."""
        words = self._clash(name, after, before)
        is_short = max(len(words.mine), len(words.theirs)) <= TOLD_EACH
        return f"{called} ({words.theirs} → {words.mine})" if is_short else called

    def _create(self, actor: User, name: str) -> Channel:
        campaign = services.create_campaign(actor=actor, name=name)
        channel = campaign.channels.select_related("campaign", "voice", "schedule").get()
        self.channel = channel
        return channel

    def _saved_rules(self) -> dict[str, tuple[int, int] | None]:
        rules = self.channel.reattempt_rules.all() if self.channel else ()
        saved = {rule.outcome: (rule.delay_minutes, rule.max_times) for rule in rules}
        return {outcome: saved.get(outcome) for outcome in ReattemptRule.Outcome.values}

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

    def _note_sitting(self, channel: Channel, actor: User, called: list[str]) -> None:
        """One activity a sitting, which goes on to name what was changed."""
        newest = Activity.objects.filter(campaign=channel.campaign_id).order_by("-id").first()
        if (
            newest is not None
            and newest.actor_id == actor.pk
            and newest.channel_id in {channel.pk, None}
            and newest.verb in {"create", "edit"}
            and newest.at > self.now - SITTING
        ):
            if newest.verb == "create":
                return
            before = newest.text.removeprefix(EDITED).split(", ")
            names = list(dict.fromkeys([*before, *called]))
            Activity.objects.filter(pk=newest.pk).update(
                text=f"{EDITED}{', '.join(names)}"[:300], at=self.now
            )
            return
        services.record_activity(
            campaign=channel.campaign,
            channel=channel,
            actor=actor,
            verb="edit",
            text=f"{EDITED}{', '.join(dict.fromkeys(called))}",
        )
