"""What a first visitor finds: people to log in as, a list, an assistant, a caller ID, two draft campaigns.

Loaded once: whoever deletes it does not get it back at the next start.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction

from accounts.models import Role, User
from campaigns.models import (
    Assistant,
    CallerId,
    Campaign,
    Channel,
    ReattemptRule,
    VoiceDestination,
    VoiceSettings,
)
from campaigns.models.rules import ALL_DAY
from campaigns.services import assign_list, create_campaign
from contacts.importing.running import run_import
from contacts.models import Import, ImportStatus, List
from contacts.services import map_import, upload_import

SAMPLE = Path(__file__).resolve().parent.parent / "docs" / "examples" / "contacts.csv"
# On this machine only, for trying things out: script/server prints them.
PASSWORD = "carillon-demo"  # noqa: S105 - not a secret, as it says
PEOPLE = (
    ("admin", "Ada", "Lindqvist", Role.ADMIN),
    ("supervisor", "Mara", "Okafor", Role.SUPERVISOR),
    ("agent", "Jonas", "Weber", Role.AGENT),
    ("support", "Priya", "Raman", Role.SUPPORT),
)


def may_load_demo(*, is_local: bool, carrier_is_simulated: bool, host: str) -> bool:
    """Whether its published password opens nothing to others: all of it is on this machine, and only there.

    ``host`` is the address listened on.
    """
    return is_local and carrier_is_simulated and _is_loopback(host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def people_with_the_published_password() -> list[str]:
    """Names of the demo's people whose password was never changed."""
    people = User.objects.filter(username__in=[name for name, *_ in PEOPLE], is_active=True)
    return [user.username for user in people.order_by("pk") if check_password(PASSWORD, user.password)]


def load_demo() -> list[str]:
    """Load it if nobody is there yet; return what to tell the person."""
    if not User.objects.exists():
        _load(_sample_list())
    names = list(
        User.objects.filter(username__in=[name for name, *_ in PEOPLE]).values_list("username", flat=True)
    )
    if not names:
        return []
    ordered = [name for name, *_ in PEOPLE if name in names]
    return [f"Log in as {', '.join(ordered)}; the password of each is {PASSWORD} unless you changed it."]


@transaction.atomic
def _load(contacts: List) -> None:
    password = make_password(PASSWORD)
    for username, first, last, role in PEOPLE:
        User.objects.create(
            username=username,
            first_name=first,
            last_name=last,
            role=role,
            password=password,
            is_staff=role in {Role.ADMIN, Role.SUPPORT},
            is_superuser=role == Role.ADMIN,
        )
    supervisor = User.objects.get(username="supervisor")
    assistant = Assistant.objects.create(
        name="Renewals assistant",
        description="Holds a short scripted conversation about a plan that ends soon.",
        url=f"ws://127.0.0.1:{settings.SIMULATOR_PORT}/assistant/renewals/",
    )
    caller_id = CallerId.objects.create(phone_number="+14155550100", name="San Francisco")
    campaign = create_campaign(
        actor=supervisor, name="Autumn renewals", description="Win-back of plans that end this month."
    )
    _fill_in(campaign, assistant, caller_id, supervisor, contacts)
    announced = create_campaign(
        actor=supervisor, name="Winter opening hours", description="An announcement, with keys to press."
    )
    _announce(announced, assistant, caller_id, supervisor, contacts)


def _sample_list() -> List:
    """The list that the sample file makes; found again if a first start was cut short."""
    with SAMPLE.open("rb") as file:
        found = upload_import(
            file=file, file_name=SAMPLE.name, list_name="Sample customers", country="US", actor=None
        )
    mapping = {int(position): target for position, target in found.mapping.items()}
    map_import(contact_import=found, mapping=mapping, has_header=True)
    run_import(found.pk)
    done = Import.objects.get(pk=found.pk)
    if done.status != ImportStatus.COMPLETED or done.list is None:
        raise RuntimeError(f"The sample contacts could not be imported: {done.error}")
    return done.list


def _fill_in(
    campaign: Campaign, assistant: Assistant, caller_id: CallerId, actor: User, contacts: List
) -> None:
    channel = campaign.channels.get()
    VoiceSettings.objects.filter(channel=channel).update(
        assistant=assistant,
        caller_id=caller_id,
        prompt="You call {{ first_name }} about a plan that ends this month. Be brief and kind.",
        concurrent_calls=10,
        calls_per_second=2,
        attempts_per_contact=2,
        record_calls=True,
    )
    _open_always(channel)
    ReattemptRule.objects.create(channel=channel, outcome="no_answer", delay_minutes=5, max_times=1)
    ReattemptRule.objects.create(channel=channel, outcome="busy", delay_minutes=2, max_times=1)
    assign_list(channel=channel, list=contacts, actor=actor)


def _announce(
    campaign: Campaign, assistant: Assistant, caller_id: CallerId, actor: User, contacts: List
) -> None:
    channel = campaign.channels.get()
    VoiceSettings.objects.filter(channel=channel).update(
        destination=VoiceDestination.ANNOUNCEMENT,
        announcement_text="Hello {{ first_name }}. From Monday on we open at nine. Press 1 to talk to "
        "someone, 2 to hear this again, or 9 if you don’t want to be called again.",
        talk_key="1",
        repeat_key="2",
        assistant=assistant,
        caller_id=caller_id,
        concurrent_calls=10,
        calls_per_second=2,
    )
    _open_always(channel)
    assign_list(channel=channel, list=contacts, actor=actor)


def _open_always(channel: Channel) -> None:
    """Whatever the hour a visitor comes, it dials: the contacts' zones are left aside as well."""
    schedule = channel.schedule
    schedule.hours = [ALL_DAY] * 7
    schedule.save(update_fields=["hours"])
