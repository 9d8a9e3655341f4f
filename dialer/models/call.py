"""Calls, and what is kept of them. A call's record outlives its campaign."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import models
from django.db.models import Func, Q
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Assistant, Campaign, Channel, Disposition, Enrollment
from contacts.models import Contact
from dialer.lifecycles import CallState

ERASED_PERSON = "Erased person"


class Outcome(models.TextChoices):
    """How a call ended."""

    COMPLETED = "completed", "Completed"
    NO_ANSWER = "no_answer", "No answer"
    BUSY = "busy", "Busy"
    VOICEMAIL = "voicemail", "Voicemail"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    WITHDRAWN = "withdrawn", "Not placed"


class Deed(models.TextChoices):
    """What a key was said to do to whoever listens to an announcement."""

    OPT_OUT = "opt_out", "Opted out"
    TALK = "talk", "Talk to someone"
    REPEAT = "repeat", "Hear it again"
    # Any other key: the announcement is said again, too.
    NOTHING = "", "Nothing"


class Call(models.Model):
    # Nothing here is taken away by a deletion: the names below are kept as they were.
    enrollment = models.ForeignKey(Enrollment, null=True, on_delete=models.SET_NULL, related_name="calls")
    channel = models.ForeignKey(
        Channel, null=True, on_delete=models.SET_NULL, db_index=False, related_name="calls"
    )
    campaign = models.ForeignKey(
        Campaign, null=True, on_delete=models.SET_NULL, db_index=False, related_name="calls"
    )
    contact = models.ForeignKey(Contact, null=True, on_delete=models.SET_NULL, related_name="calls")
    assistant = models.ForeignKey(
        Assistant, null=True, blank=True, on_delete=models.SET_NULL, db_index=False, related_name="+"
    )
    campaign_name = models.CharField(max_length=120)
    channel_name = models.CharField(max_length=80)
    contact_name = models.CharField(max_length=201, blank=True)
    assistant_name = models.CharField(max_length=80, blank=True)
    to_number = models.CharField(max_length=16)
    from_number = models.CharField(max_length=16)
    run = models.PositiveSmallIntegerField()
    # 1 for the contact's first attempt in this run.
    attempt = models.PositiveSmallIntegerField()

    state = models.CharField(max_length=12, choices=CallState.choices, default=CallState.INTENT)
    # Not ended. The indexes below ask for this and not for the state: what does not change while a call
    # moves on through its states lets PostgreSQL update the row in place, without touching any index.
    is_live = models.GeneratedField(
        expression=models.ExpressionWrapper(~Q(state=CallState.ENDED), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    # What the enrollment waited as before it was claimed, to go back to if no call is placed.
    claimed_from = models.CharField(max_length=12)
    # The driver that may place it.
    owner = models.CharField(max_length=64)
    # When the reconciler asks the carrier, if nothing was heard by then.
    deadline_at = models.DateTimeField(null=True)
    checks = models.PositiveSmallIntegerField(default=0)

    request_id = models.CharField("carrier's request", max_length=64, blank=True)
    carrier_id = models.CharField("carrier's call", max_length=64, blank=True)

    created_at = models.DateTimeField()
    placed_at = models.DateTimeField(null=True, blank=True)
    # The carrier took it: from here on it counts as an attempt.
    accepted_at = models.DateTimeField(null=True, blank=True)
    ringing_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    billed_seconds = models.PositiveIntegerField(null=True, blank=True)
    cost = models.DecimalField(max_digits=10, decimal_places=5, null=True, blank=True)
    is_machine = models.BooleanField(default=False)
    message_left = models.BooleanField(default=False)
    hangup_code = models.PositiveIntegerField(null=True, blank=True)
    hangup_cause = models.CharField(max_length=120, blank=True)
    hangup_by = models.CharField(max_length=40, blank=True)
    # It failed, and not because of the number called: the carrier, its network, or our settings. Too many
    # of these among a channel's last calls pause it.
    is_error = models.BooleanField(default=False, db_default=False)
    # The carrier put it into its own queue, where it may wait for long; taken back when its time is over.
    is_queued = models.BooleanField(default=False, db_default=False)
    # We asked the carrier to take it out of that queue again, or to hang up before it is answered.
    is_taken_back = models.BooleanField(default=False, db_default=False)
    # When we last asked that a call be hung up on that is forbidden by now; while it rings, we ask again.
    take_back_asked_at = models.DateTimeField(null=True, blank=True)

    disposition = models.ForeignKey(
        Disposition, null=True, blank=True, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    callback_at = models.DateTimeField(null=True, blank=True)
    summary = models.CharField(max_length=500, blank=True)
    notes = models.TextField(blank=True, max_length=4000)
    # The key by which whoever listened to an announcement asked for most (``Deed``, in its order), and what
    # it was said to do.
    pressed = models.CharField("key pressed", max_length=1, blank=True, default="", db_default="")
    pressed_for = models.CharField(
        max_length=8, choices=Deed.choices, blank=True, default=Deed.NOTHING, db_default=""
    )

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(state__in=CallState.values), name="call_state_is_known"),
            models.CheckConstraint(
                condition=Q(state=CallState.ENDED, ended_at__isnull=False, deadline_at__isnull=True)
                & ~Q(outcome="")
                | ~Q(state=CallState.ENDED) & Q(outcome="", ended_at__isnull=True, deadline_at__isnull=False),
                name="call_ended_has_an_outcome",
            ),
            # Never two live calls to one number, whatever campaign they belong to.
            models.UniqueConstraint(
                fields=["to_number"], condition=Q(is_live=True), name="call_one_live_a_number"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # Concurrency: a channel's live calls, counted at each claim; and the reconciler's look for
            # those that are overdue.
            models.Index(fields=["channel"], condition=Q(is_live=True), name="call_live"),
            # Results and history, newest first.
            models.Index(fields=["campaign", "-id"], name="call_of_campaign"),
            # Results of one outcome or one disposition, however rare.
            models.Index(
                fields=["campaign", "outcome", "-id"],
                condition=Q(is_live=False),
                name="call_of_outcome",
            ),
            models.Index(
                fields=["campaign", "disposition", "-id"],
                condition=Q(disposition__isnull=False),
                name="call_of_disposition",
            ),
            # Results of whoever pressed a key, who are few among all that an announcement is read to.
            models.Index(
                fields=["campaign", "pressed_for", "-id"],
                condition=~Q(pressed=""),
                name="call_of_key",
            ),
            # Frequency caps, and a number's history.
            models.Index(fields=["to_number", "-created_at"], name="call_by_number"),
            # Results and history of some days, newest first: wherever those lie, and whatever else is asked.
            models.Index(fields=["-created_at", "-id"], name="call_newest"),
            # Who is over a cap right now, among a million (campaigns/preflight.py): a few pages a day.
            BrinIndex(fields=["created_at"], autosummarize=True, pages_per_range=32, name="call_by_time"),
            # The rate shown on a channel's card, the share of errors among its last calls, and the results of
            # one of its runs.
            models.Index(fields=["channel", "run", "-id"], name="call_of_run"),
            # Searches, by a part of either; the name as searches compare it (contacts/queries.py).
            GinIndex(
                OpClass(Func("contact_name", function="contacts_fold"), name="gin_trgm_ops"),
                OpClass("to_number", name="gin_trgm_ops"),
                name="call_words",
            ),
        ]

    def __str__(self) -> str:
        return f"call {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("analytics:call", args=[self.pk])

    @property
    def is_erased(self) -> bool:
        """Whether whom it reached was forgotten (dialer/erasing.py): nothing said of it is kept."""
        return not self.to_number

    @property
    def pressed_in_words(self) -> str:
        """ "Pressed 1: talk to someone"; empty where no key was pressed."""
        if not self.pressed:
            return ""
        meant = f": {self.get_pressed_for_display().lower()}" if self.pressed_for else ""
        return f"Pressed {self.pressed}{meant}"

    @property
    def called(self) -> str:
        """Whom it reached, as pages show it."""
        return ERASED_PERSON if self.is_erased else self.contact_name or "No name"


class CallEvent(models.Model):
    """What the carrier, the assistant or the engine told of a call. Append-only."""

    # Written in the statement that changes the call: that it exists need not be checked once more.
    call = models.ForeignKey(Call, on_delete=models.CASCADE, db_constraint=False, related_name="events")
    kind = models.CharField(max_length=24)
    at = models.DateTimeField(auto_now_add=True)
    data = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.kind} of {self.call_id}"


class Recording(models.Model):
    class Status(models.TextChoices):
        ANNOUNCED = "announced", "At the carrier"
        STORED = "stored", "Stored"
        FAILED = "failed", "Could not be fetched"

    call = models.OneToOneField(Call, on_delete=models.CASCADE, primary_key=True, related_name="recording")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ANNOUNCED)
    carrier_id = models.CharField(max_length=64, blank=True)
    source_url = models.CharField(max_length=500)
    file = models.FileField(upload_to="recordings/%Y/%m/%d/", blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    announced_at = models.DateTimeField(auto_now_add=True)
    # Nobody fetches it before: it is being fetched, or a try failed a while ago.
    try_again_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["try_again_at"], condition=Q(status="announced"), name="recording_to_fetch")
        ]

    def __str__(self) -> str:
        return f"recording of {self.call_id}"


class UnwantedFile(models.Model):
    """A file of our storage that shall go, or that no recording has yet: written down before it is stored.

    So nobody's voice stays for ever, whoever is killed, and however often the storage fails.
    """

    name = models.CharField(max_length=100, primary_key=True)
    due_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.name


class Transcript(models.Model):
    call = models.OneToOneField(Call, on_delete=models.CASCADE, primary_key=True, related_name="transcript")
    # [{"speaker": "assistant" | "contact", "text": str, "start_ms": int, "end_ms": int}, ...]
    turns = models.JSONField(default=list)
    # All that was said, for the search.
    words = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            GinIndex(OpClass("words", name="gin_trgm_ops"), name="transcript_words")
        ]

    def __str__(self) -> str:
        return f"transcript of {self.call_id}"
