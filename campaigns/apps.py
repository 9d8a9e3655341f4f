from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models import F, Model
from django.db.models.signals import post_delete, post_save
from django.utils import timezone


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from campaigns.models import (
            Assistant,
            AssistantPool,
            CallerId,
            PoolMember,
            ReattemptRule,
            Schedule,
            VoiceSettings,
        )

        for model in (VoiceSettings, Schedule, ReattemptRule):
            for signal in (post_save, post_delete):
                signal.connect(settings_changed, sender=model)
        post_save.connect(schedule_changed, sender=Schedule)
        for destination in (Assistant, AssistantPool, CallerId):
            post_save.connect(destination_changed, sender=destination)
        post_save.connect(member_changed, sender=Assistant)
        for signal in (post_save, post_delete):
            signal.connect(pool_changed, sender=PoolMember)


def settings_changed(instance: Model, **kwargs: Any) -> None:
    """Whoever saves a channel's settings, the form or the admin: what was read of them is out of date."""
    from campaigns.models import Channel

    Channel.objects.filter(pk=instance.channel_id).update(revision=F("revision") + 1)  # type: ignore[attr-defined]


def schedule_changed(instance: Model, **kwargs: Any) -> None:
    """Who was put off by the hours as they were is judged by the hours as they are."""
    from campaigns.lifecycles import WAITING
    from campaigns.models import Enrollment
    from campaigns.models.enrollment import LAST_DAY_PASSED, OUTSIDE_HOURS

    now = timezone.now()
    Enrollment.objects.filter(
        channel=instance.pk, status__in=WAITING, reason__in=[OUTSIDE_HOURS, LAST_DAY_PASSED], due_at__gt=now
    ).update(due_at=now, reason="", updated_at=now)


def destination_changed(instance: Model, **kwargs: Any) -> None:
    from campaigns.models import Channel

    channels = Channel.objects.filter(voice__in=instance.voice_settings.all())  # type: ignore[attr-defined]
    channels.update(revision=F("revision") + 1)


def member_changed(instance: Model, **kwargs: Any) -> None:
    """An assistant of pools: what was read of the channels that connect to these is out of date."""
    from campaigns.models import Channel

    channels = Channel.objects.filter(voice__pool__members__assistant=instance.pk)
    Channel.objects.filter(pk__in=channels.values("pk")).update(revision=F("revision") + 1)


def pool_changed(instance: Model, **kwargs: Any) -> None:
    from campaigns.models import Channel

    channels = Channel.objects.filter(voice__pool=instance.pool_id)  # type: ignore[attr-defined]
    channels.update(revision=F("revision") + 1)
