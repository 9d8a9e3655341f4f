"""What may be edited when, and by whom."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns import services
from campaigns.lifecycles import ChannelStatus
from tests.campaigns.editing import NEW, at, edit, errors_of, launch, typed
from tests.factories import (
    ChannelFactory,
)

# --- Read-only ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "says", "refusal"),
    [
        (
            "running",
            "This campaign is active: its settings are read-only.",
            "Voice is running; pause it to change its settings.",
        ),
        (
            "scheduled",
            "This campaign is scheduled: its settings are read-only",
            "Voice is scheduled; cancel its schedule to change its settings.",
        ),
        (
            "stopped",
            "This campaign is stopped: its settings are kept as they were.",
            "Voice is stopped: its settings are kept as they were.",
        ),
        (
            "completed",
            "This campaign is completed: its settings are kept as they were.",
            "Voice is completed: its settings are kept as they were.",
        ),
    ],
)
def test_settings_are_read_only_unless_draft_or_paused(as_supervisor, state, says, refusal):
    channel = ChannelFactory(**{state: True})
    page = as_supervisor.get(edit(channel.campaign)).content.decode()
    assert says in page
    assert '<fieldset class="panels" disabled>' in page
    assert 'name="then"' not in page
    response = as_supervisor.post(
        edit(channel.campaign),
        typed(
            name="Sneaked in",
            destination="assistant",
            assistant=channel.voice.assistant_id,
            caller_id=channel.voice.caller_id_id,
        ),
    )
    assert response.status_code == 409
    channel.campaign.refresh_from_db()
    assert channel.campaign.name != "Sneaked in"
    response = as_supervisor.post(edit(channel.campaign), typed(name="Sneaked in", then="autosave"))
    assert response.status_code == 409
    assert response.json()["refused"] == refusal


def test_an_archived_campaign_is_read_only(draft, as_supervisor, supervisor):
    services.archive_campaign(campaign=draft.campaign, actor=supervisor)
    assert "archived" in as_supervisor.get(edit(draft.campaign)).content.decode()
    assert as_supervisor.post(edit(draft.campaign), typed()).status_code == 409


def test_pausing_from_the_form_unlocks_it(as_supervisor):
    channel = ChannelFactory(running=True)
    response = as_supervisor.post(at("channel_unlock", channel))
    assert response.url == edit(channel.campaign)
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.PAUSED
    assert '<fieldset class="panels" disabled>' not in as_supervisor.get(response.url).content.decode()


def test_cancelling_a_schedule_from_the_form_unlocks_it(as_supervisor):
    channel = ChannelFactory(scheduled=True)
    as_supervisor.post(at("channel_unlock", channel))
    channel.refresh_from_db()
    assert channel.status == ChannelStatus.READY


def test_a_paused_campaign_is_edited_by_pressing_save_only(as_supervisor):
    paused = ChannelFactory(paused=True)
    page = as_supervisor.get(edit(paused.campaign)).content.decode()
    assert "data-autosave" not in page
    assert "data-warn" in page
    assert 'name="start_at"' not in page
    response = as_supervisor.post(edit(paused.campaign), typed(destination="assistant"))
    assert set(errors_of(response)) == {"assistant", "caller_id"}
    response = as_supervisor.post(
        edit(paused.campaign), typed(caller_id=paused.voice.caller_id_id, concurrent_calls="3")
    )
    assert response.status_code == 302
    paused.voice.refresh_from_db()
    assert paused.voice.concurrent_calls == 3


# --- Who may -----------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("client", "sees_new", "sees_edit", "saves"),
    [
        ("as_admin", 200, 200, 302),
        ("as_supervisor", 200, 200, 302),
        ("as_support", 403, 200, 403),
        ("as_viewer", 403, 200, 403),
        ("as_agent", 403, 403, 403),
    ],
)
def test_supervisors_edit_and_others_look(draft, request, client, sees_new, sees_edit, saves):
    person = request.getfixturevalue(client)
    assert person.get(NEW).status_code == sees_new
    assert person.get(edit(draft.campaign)).status_code == sees_edit
    assert person.post(edit(draft.campaign), typed()).status_code == saves
    for name in ("channel_unlock", "launch_assign", "launch_numbers", "launch_start"):
        url = at(name, draft)
        assert person.get(url).status_code in {403, 405}
        assert (person.post(url).status_code == 403) == (saves == 403)


def test_strangers_are_sent_to_the_log_in(draft, client):
    for url in (NEW, edit(draft.campaign), launch(draft.campaign)):
        assert client.get(url).status_code == 302
        assert "/login/" in client.get(url).url


def test_a_campaign_that_is_not_there_is_not_found(as_supervisor):
    channel, other = ChannelFactory(), ChannelFactory()
    for pk in (999_999, 10**30):
        for name in ("edit", "launch"):
            assert as_supervisor.get(reverse(f"campaigns:{name}", args=[pk])).status_code == 404
        for name in ("channel_edit", "channel_launch", "preflight", "channel_rename", "channel_delete"):
            for args in ([pk, channel.pk], [channel.campaign_id, pk], [other.campaign_id, channel.pk]):
                assert as_supervisor.get(reverse(f"campaigns:{name}", args=args)).status_code == 404
