"""Results in a real browser: listening, reading, deciding, while the page refreshes by itself."""

from __future__ import annotations

import array
import io
import math
import re
import wave
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from playwright.sync_api import expect

from campaigns.models import Disposition
from tests.factories import ChannelFactory, ContactFactory, EnrollmentFactory
from tests.factories.dialer import CallFactory, RecordingFactory, TranscriptFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RATE = 8000


def sound(seconds: int) -> bytes:
    """A WAV file of a voice that swells and rests."""
    samples = array.array(
        "h",
        (
            int(12000 * math.sin(place / 9) * abs(math.sin(place / RATE * 1.3)))
            for place in range(RATE * seconds)
        ),
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(RATE)
        recording.writeframes(samples.tobytes())
    return file.getvalue()


TURNS = [
    ("assistant", "Hi Anna, this is Renewals at Northline. Is now a good time?", 0, 5500),
    ("contact", "Sure, I have a few minutes.", 6000, 8500),
    (
        "assistant",
        "Your plan ends on the 30th. Would you like to keep the same rate for another year?",
        9000,
        17000,
    ),
    ("contact", "Same rate? Yes, if the fee stays away.", 18000, 22000),
    ("assistant", "It does. I’ll send the confirmation to your email.", 23000, 28000),
    ("contact", "Perfect, thanks.", 29000, 31000),
]


def a_call_to_listen_to(channel, seconds=32, **options):
    contact = ContactFactory(first_name="Anna", last_name="Svensson", phone_number="+14155550102")
    enrollment = EnrollmentFactory(channel=channel, contact=contact, status="completed", attempts=1)
    call = CallFactory(
        enrollment=enrollment,
        assistant_name="Renewals assistant",
        duration_seconds=192,
        billed_seconds=240,
        cost="0.02100",
        hangup_cause="Normal Hangup",
        hangup_code=4000,
        hangup_by="callee",
        carrier_id="9a1c1b1e-6f2e-4b43-9a8e-0d3b6f3d6a11",
        summary="Keeps the plan at the same rate; wants the fee confirmed in writing.",
        **options,
    )
    RecordingFactory(call=call, file=ContentFile(sound(seconds), "1.wav"), duration_ms=seconds * 1000)
    TranscriptFactory(
        call=call,
        turns=[
            {"speaker": speaker, "text": text, "start_ms": start, "end_ms": end}
            for speaker, text, start, end in TURNS
        ],
    )
    call.events.create(kind="ring", data={"status": "ringing"})
    call.events.create(kind="answer", data={})
    call.events.create(kind="hangup", data={"cause": "Normal Hangup", "code": 4000})
    return call


PEOPLE = [
    ("Bilal Khan", "no_answer", "retry", None, 0),
    ("Chloé Perrin", "completed", "callback", "callback", 108),
    ("Kwame Mensah", "failed", "failed", "wrong_number", 0),
    ("Inès Moreau", "completed", "completed", "not_interested", 51),
    ("José García", "voicemail", "voicemail", None, 34),
    ("Zoë Kim", "completed", "do_not_call", "do_not_call", 12),
    ("Olu Adeyemi", "completed", "completed", "interested", 242),
]


def a_campaign_of_all_kinds(channel):
    now = timezone.now()
    for place, (name, outcome, status, disposition, seconds) in enumerate(PEOPLE):
        first, last = name.split()
        contact = ContactFactory(first_name=first, last_name=last)
        enrollment = EnrollmentFactory(
            channel=channel, contact=contact, status=status, attempts=1, due_at=now + timedelta(hours=2)
        )
        CallFactory(
            enrollment=enrollment,
            outcome=outcome,
            disposition=Disposition.objects.get(slug=disposition) if disposition else None,
            callback_at=now + timedelta(days=2) if disposition == "callback" else None,
            duration_seconds=seconds,
            assistant_name="Renewals assistant",
            cost="0.01400",
            message_left=outcome == "voicemail",
            ended_at=now - timedelta(minutes=9 * place + 5),
        )
    return a_call_to_listen_to(channel)


@pytest.fixture
def channel(db):
    channel = ChannelFactory(running=True)
    channel.campaign.name = "Autumn renewals, West"
    channel.campaign.save()
    return channel


def test_pictures_of_results(open_browser, supervisor, channel, photograph):
    campaign = channel.campaign
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{campaign.pk}/results/")
    photograph(page, "results-empty")
    call = a_campaign_of_all_kinds(channel)
    page.goto(f"/campaigns/{campaign.pk}/results/")
    photograph(page, "results")
    page.get_by_role("link", name="Anna Svensson").click()
    page.get_by_text("Perfect, thanks.").wait_for()
    expect(page.locator("path.all")).to_have_attribute("d", re.compile("M.{500}"))
    page.locator(".turn", has_text="Same rate?").click()
    page.get_by_role("button", name="Pause").click()
    photograph(page, "results-call")
    page.get_by_text("Details").click()
    page.get_by_text("Events").click()
    photograph(page, "results-call-details")
    page.goto(f"/campaigns/{campaign.pk}/results/?q=nobody+of+this+name")
    photograph(page, "results-none-found")
    page.goto("/history/")
    photograph(page, "history")
    page.goto(f"/calls/{call.pk}/")
    photograph(page, "call")
    narrow = open_browser(supervisor, width=390, height=844)
    narrow.goto(f"/campaigns/{campaign.pk}/results/")
    photograph(narrow, "results-narrow")
    narrow.goto(f"/campaigns/{campaign.pk}/results/?call={call.pk}")
    photograph(narrow, "results-call-narrow")


# --- Listening -------------------------------------------------------------------------------------


@pytest.fixture
def listening(open_browser, supervisor, channel):
    """(page, call): the results of a running campaign with a call to listen to open."""
    call = a_call_to_listen_to(channel)
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{channel.campaign_id}/results/")
    page.get_by_role("link", name="Anna Svensson").click()
    expect(page.locator("[data-length]")).to_have_text("0:32")
    return page, call


def audio(page, what: str):
    return page.locator("audio").evaluate(f"audio => audio.{what}")


def refresh(page):
    """What happens every ten seconds, now: a live request, and its answer swapped in."""
    with page.expect_response(lambda response: "/results/" in response.url):
        page.locator("#results").evaluate("element => element.dispatchEvent(new CustomEvent('live'))")
    # The answer is swapped in a moment after it has come.
    page.wait_for_timeout(150)


def test_the_turn_being_played_is_marked_and_a_turn_that_is_clicked_is_played(listening):
    page, _ = listening
    expect(page.locator(".turn.now")).to_have_count(0)
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator(".turn.now")).to_have_text(re.compile("Is now a good time"))
    page.get_by_role("button", name="Play from 0:18").click()
    expect(page.locator(".turn.now")).to_have_text(re.compile("Same rate"))
    assert audio(page, "currentTime") >= 18
    assert not audio(page, "paused")
    # Between two turns, the one before stays marked; then the next takes over by itself.
    page.locator("audio").evaluate("audio => { audio.currentTime = 22.4 }")
    expect(page.locator(".turn.now")).to_have_text(re.compile("Same rate"))
    expect(page.locator(".turn.now")).to_have_text(re.compile("It does"), timeout=5000)
    page.get_by_role("button", name="Pause").click()
    assert audio(page, "paused")


def test_the_player_seeks_by_its_track_and_by_the_server_sending_parts(listening):
    page, _ = listening
    track = page.get_by_role("slider", name="Position in the recording")
    box = track.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert audio(page, "currentTime") == pytest.approx(16, abs=1.5)
    expect(track).to_have_attribute("aria-valuetext", re.compile("^0:1[4-8] of 0:32$"))


def test_the_player_is_operated_by_keys(listening):
    page, _ = listening
    page.locator("h1").click()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    before = audio(page, "currentTime")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert audio(page, "currentTime") == pytest.approx(before + 10, abs=0.5)
    page.keyboard.press("ArrowLeft")
    assert audio(page, "currentTime") == pytest.approx(before + 5, abs=0.5)
    # In the notes, the same keys write.
    notes = page.get_by_label("Notes")
    notes.click()
    page.keyboard.type("a b")
    expect(notes).to_have_value("a b")
    assert audio(page, "paused")


def test_the_speed_is_chosen_and_kept(listening):
    page, _ = listening
    speed = page.get_by_role("button", name="Speed")
    for rate in ("1.25×", "1.5×", "2×", "1×", "1.25×"):
        speed.click()
        expect(speed).to_have_text(rate)
    assert audio(page, "playbackRate") == 1.25
    page.reload()
    expect(page.get_by_role("button", name="Speed")).to_have_text("1.25×")
    assert audio(page, "playbackRate") == 1.25


def test_a_refresh_disturbs_neither_the_sound_nor_a_note_half_typed(listening, channel):
    page, call = listening
    page.get_by_role("button", name="Play from 0:06").click()
    notes = page.get_by_label("Notes")
    notes.click()
    page.keyboard.type("Wants the fee ")
    page.locator("audio").evaluate("audio => { window.before = audio }")
    played = audio(page, "currentTime")
    other = EnrollmentFactory(channel=channel, contact=ContactFactory(first_name="Bilal", last_name="Khan"))
    CallFactory(enrollment=other, outcome="busy")
    refresh(page)
    expect(page.get_by_role("link", name="Bilal Khan")).to_be_visible()
    expect(page.locator("tr[aria-selected]")).to_have_text(re.compile("Anna Svensson"))
    page.keyboard.type("in writing.")
    expect(notes).to_be_focused()
    expect(notes).to_have_value("Wants the fee in writing.")
    assert page.locator("audio").evaluate("audio => window.before === audio")
    assert not audio(page, "paused")
    assert audio(page, "currentTime") > played
    expect(page.locator("#notes-state")).to_have_text("Saved")
    call.refresh_from_db()
    assert call.notes == "Wants the fee in writing."


def test_filtering_keeps_the_open_call_and_says_so_in_the_address(listening, channel):
    page, call = listening
    page.get_by_role("button", name="Play from 0:06").click()
    CallFactory(enrollment=EnrollmentFactory(channel=channel), outcome="busy")
    refresh(page)
    page.get_by_role("link", name=re.compile("Busy")).click()
    expect(page.locator(".calls tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(rf"\?outcome=busy&call={call.pk}$"))
    assert not audio(page, "paused")
    search = page.get_by_role("searchbox")
    search.fill("nobody")
    expect(page.get_by_text("No call is like that")).to_be_visible()
    expect(search).to_be_focused()
    page.get_by_role("link", name="Clear").click()
    expect(page.locator(".calls tbody tr")).to_have_count(2)
    expect(search).to_have_value("")
    page.go_back()
    expect(page.get_by_text("No call is like that")).to_be_visible()


def test_a_filter_chosen_from_a_list_filters_at_once(listening, channel):
    page, call = listening
    enrollment = EnrollmentFactory(
        channel=channel, status="retry", attempts=1, due_at=timezone.now() + timedelta(hours=1)
    )
    CallFactory(enrollment=enrollment, outcome="busy")
    refresh(page)
    expect(page.locator(".calls tbody tr")).to_have_count(2)
    picker = page.locator("[data-key=picker-status]")
    picker.locator("summary").click()
    picker.get_by_label("Retry scheduled").check()
    expect(page.locator(".calls tbody tr")).to_have_count(1)
    expect(page.locator(".calls tbody tr")).to_contain_text("Retry")
    expect(page).to_have_url(re.compile(rf"\?status=retry&call={call.pk}$"))


# --- Deciding --------------------------------------------------------------------------------------


def test_a_disposition_is_chosen_in_place_and_its_row_says_so(listening):
    page, call = listening
    row = page.locator(f"#call-{call.pk}")
    panel = page.locator("#call")
    panel.get_by_role("button", name="Interested", exact=True).click()
    expect(row).to_contain_text("Interested")
    expect(panel.get_by_role("button", name="Interested", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator(".cards")).to_contain_text("Wins1")
    # Pressed again, it is taken back.
    panel.get_by_role("button", name="Interested", exact=True).click()
    expect(row).not_to_contain_text("Interested")
    panel.get_by_role("button", name="Do not call").click()
    expect(row).to_contain_text("Do not call")
    expect(page.locator("#call-badge")).to_contain_text("Do not call")


def test_a_callback_is_set_for_a_time(listening):
    page, call = listening
    panel = page.locator("#call")
    panel.get_by_role("button", name="Callback").click()
    asked = (timezone.localtime() + timedelta(days=3)).replace(hour=17, minute=0)
    panel.get_by_label("Call back at").fill(f"{asked:%Y-%m-%dT%H:%M}")
    panel.get_by_role("button", name="Set callback").click()
    expect(page.locator(f"#call-{call.pk}")).to_contain_text("Callback")
    call.refresh_from_db()
    assert call.callback_at.replace(second=0) == asked.replace(second=0, microsecond=0)
    expect(panel.get_by_role("button", name=re.compile("^Callback .*17:00"))).to_have_attribute(
        "aria-pressed", "true"
    )


def test_notes_that_can_not_be_saved_say_so_and_stay(listening):
    watched, _ = listening
    # A page whose console is not watched: the browser writes every refusal there.
    page = watched.context.new_page()
    page.goto(watched.url)
    notes = page.get_by_label("Notes")
    page.route("**/notes/", lambda route: route.fulfill(status=422, body="Too long."))
    notes.fill("kept")
    expect(page.locator("#notes-state")).to_have_text("Too long.")
    expect(notes).to_have_value("kept")
    page.unroute("**/notes/")
    notes.fill("kept, too")
    expect(page.locator("#notes-state")).to_have_text("Saved")


def test_calls_are_gone_through_by_keys_and_the_panel_closed(listening, channel):
    page, first = listening
    second = CallFactory(enrollment=EnrollmentFactory(channel=channel, contact__last_name="Second"))
    refresh(page)
    page.locator("h1").click()
    page.keyboard.press("k")
    expect(page.locator("#call h2")).to_contain_text("Second")
    expect(page).to_have_url(re.compile(rf"call={second.pk}$"))
    page.keyboard.press("j")
    expect(page.locator("#call h2")).to_contain_text("Svensson")
    expect(page.locator(f"#call-{first.pk}")).to_have_attribute("aria-selected", "true")
    page.locator("#call").get_by_role("button", name="Close").click()
    expect(page.locator("#call")).to_be_hidden()
    expect(page).to_have_url(re.compile("/results/$"))
    page.go_back()
    expect(page.locator("#call h2")).to_contain_text("Svensson")


def test_a_recording_that_arrives_later_comes_into_the_open_panel(open_browser, supervisor, channel):
    enrollment = EnrollmentFactory(channel=channel, status="completed", attempts=1)
    call = CallFactory(enrollment=enrollment)
    page = open_browser(supervisor)
    page.goto(f"/campaigns/{channel.campaign_id}/results/?call={call.pk}")
    page.get_by_label("Notes").fill("half a no")
    expect(page.get_by_text("The transcript comes when")).to_be_visible()
    RecordingFactory(call=call, file=ContentFile(sound(4), "1.wav"), duration_ms=4000)
    TranscriptFactory(call=call)
    page.locator("#call-media").evaluate("element => element.dispatchEvent(new CustomEvent('live'))")
    expect(page.locator("[data-length]")).to_have_text("0:04")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(page.locator(".turn.now")).to_have_text(re.compile("good time"))
    expect(page.get_by_label("Notes")).to_have_value("half a no")


def test_a_file_that_is_no_sound_says_so(open_browser, supervisor, channel):
    call = CallFactory(enrollment=EnrollmentFactory(channel=channel))
    RecordingFactory(call=call, file=ContentFile(b"<html>gone</html>", "1.wav"))
    page = open_browser(supervisor)
    page.goto(f"/calls/{call.pk}/")
    expect(page.get_by_text("can’t be played here")).to_be_visible()


def test_results_work_without_scripts(open_browser, supervisor, channel):
    call = a_call_to_listen_to(channel)
    page = open_browser(supervisor, java_script_enabled=False)
    page.goto(f"/campaigns/{channel.campaign_id}/results/")
    page.get_by_role("link", name="Anna Svensson").click()
    expect(page.get_by_text("Perfect, thanks.")).to_be_visible()
    page.get_by_role("button", name="Interested", exact=True).click()
    expect(page.get_by_role("button", name="Interested", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    page.get_by_label("Notes").fill("by hand")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Notes")).to_have_value("by hand")
    call.refresh_from_db()
    assert (call.disposition.slug, call.notes) == ("interested", "by hand")
