"""Settings: assistants, caller IDs, dispositions, and what is told of the connection."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse

from campaigns.forms.addresses import check_websocket_address
from campaigns.models import Assistant, AssistantPool, CallerId, Disposition
from interface.addresses import is_private
from tests.at_once import Other
from tests.factories import (
    AssistantFactory,
    AssistantPoolFactory,
    CallerIdFactory,
    ChannelFactory,
    ContactFactory,
)

SETTINGS = "/settings/"
KINDS = ("assistant", "caller_id", "disposition")


def typed(kind, /, **changes):
    posted = {
        "assistant": {"name": "Renewals", "url": "wss://assistant.example.com/calls", "is_active": "on"},
        "caller_id": {"phone_number": "(415) 555-2671", "country": "US", "name": "Desk", "is_active": "on"},
        "disposition": {"name": "Wants a demo", "position": "15", "effect": "", "is_active": "on"},
    }[kind]
    return {**posted, **changes}


def new(kind):
    return reverse(f"campaigns:{kind}_new")


def page_of(kind, row):
    return reverse(f"campaigns:{kind}", args=[row.pk])


def a(kind):
    return {
        "assistant": AssistantFactory,
        "caller_id": CallerIdFactory,
        "disposition": lambda: Disposition.objects.get(slug="interested"),
    }[kind]()


# --- Assistants --------------------------------------------------------------------------------------------


def test_an_assistant_is_added_and_changed(as_supervisor):
    assert as_supervisor.post(new("assistant"), typed("assistant")).url == "/settings/#assistants"
    assistant = Assistant.objects.get()
    as_supervisor.post(page_of("assistant", assistant), typed("assistant", name="Renewals 2", is_active=""))
    assistant.refresh_from_db()
    assert (assistant.name, assistant.is_active) == ("Renewals 2", False)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "x" * 81}),
        ("name", {"name": "bell\x07"}),
        ("description", {"description": "x" * 301}),
        ("url", {"url": ""}),
        ("url", {"url": "https://assistant.example.com"}),
        ("url", {"url": "javascript:alert(1)"}),
        ("url", {"url": "wss://"}),
        ("url", {"url": "wss://example.com:99999/"}),
        ("url", {"url": "wss://[::1"}),
        ("url", {"url": "wss://name:secret@example.com/"}),
        ("url", {"url": "wss://example.com/#part"}),
        ("url", {"url": "wss://example.com/a b"}),
        ("url", {"url": f"wss://example.com/{'x' * 500}"}),
    ],
    ids=str,
)
def test_an_assistant_that_cannot_be_is_refused(as_supervisor, field, changes):
    response = as_supervisor.post(new("assistant"), typed("assistant", **changes))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert not Assistant.objects.exists()


def test_a_name_that_another_assistant_has_is_refused(as_supervisor):
    AssistantFactory(name="Renewals")
    assert as_supervisor.post(new("assistant"), typed("assistant")).status_code == 422


SIP_ADDRESSES = [
    "sip:grace@assistant.example.com",
    "sip:grace_1.a+b@assistant.example.com:5061;transport=tls",
    "sip:grace@8.8.8.8;transport=udp",
    "sip:grace@[2606:4700::1111]:5060",
]


@pytest.mark.parametrize("address", SIP_ADDRESSES)
def test_an_assistant_may_be_reached_by_sip(as_supervisor, settings, address):
    settings.ALLOW_PRIVATE_ADDRESSES = False
    assert (
        as_supervisor.post(new("assistant"), typed("assistant", kind="sip", url=address)).status_code == 302
    )
    assert (Assistant.objects.get().kind, Assistant.objects.get().url) == ("sip", address)


@pytest.mark.parametrize(
    "address",
    [
        "wss://assistant.example.com",
        "sip:assistant.example.com",
        "sip:@example.com",
        "sip:grace@",
        "sip:grace:secret@example.com",
        "sip:grace@example.com:0",
        "sip:grace@example.com:99999",
        "sip:grace@example.com:123456",
        "sip:grace@example.com;transport=pigeon",
        "sip:grace@example.com;lr",
        "sip:grace@example.com?Subject=hi",
        "sip:grace@example.com,sip:eve@example.com",
        "sip:grace@exa mple.com",
        "sip:gr<ace@example.com",
        "sips:grace@example.com",
        "tel:+12125550100",
        "sip:grace@10.0.0.1",
        "sip:grace@localhost",
        "sip:grace@[::1]",
        "sip:grace@pbx.local;transport=tcp",
        f"sip:{'g' * 65}@example.com",
    ],
)
def test_a_sip_address_that_cannot_be_is_refused(as_supervisor, settings, address):
    settings.ALLOW_PRIVATE_ADDRESSES = False
    response = as_supervisor.post(new("assistant"), typed("assistant", kind="sip", url=address))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["url"]


def test_an_address_is_one_of_its_kind(as_supervisor):
    sip = typed("assistant", kind="websocket", url=SIP_ADDRESSES[0])
    assert as_supervisor.post(new("assistant"), sip).status_code == 422
    odd = as_supervisor.post(new("assistant"), typed("assistant", kind="pigeon"))
    assert "kind" in odd.context["form"].errors


def test_a_form_without_its_kind_leaves_it(as_supervisor):
    assistant = AssistantFactory(kind="sip", url=SIP_ADDRESSES[0])
    as_supervisor.post(page_of("assistant", assistant), typed("assistant", url=SIP_ADDRESSES[1]))
    assistant.refresh_from_db()
    assert (assistant.kind, assistant.url) == ("sip", SIP_ADDRESSES[1])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "[::1]",
        "[fd00::1]",
        "[fe80::1%25eth0]",
        "[::ffff:10.0.0.1]",
        # The same, as gateways to IPv4 write it.
        "[::10.0.0.1]",
        "[64:ff9b::10.0.0.1]",
        "[2002:a00:1::]",
        "224.0.0.1",
        "[ff02::1]",
        # As browsers and libraries read them.
        "１２７.0.0.1",
        "127。0.0.1",
        "①②⑦.0.0.1",
        "%31%32%37.0.0.1",
        "ⓛocalhost",
        "localhost",
        "LOCALHOST.",
        "assistant",
        "printer.local",
        "db.internal",
    ],
)
def test_addresses_inside_are_refused_unless_they_are_meant(host):
    url = f"ws://{host}/calls"
    with pytest.raises(ValidationError, match="private network"):
        check_websocket_address(url, allow_private=False)
    check_websocket_address(url, allow_private=True)


@pytest.mark.parametrize("host", ["assistant.example.com", "8.8.8.8", "[2606:4700::1111]", "münchen.example"])
def test_addresses_outside_are_taken(host):
    check_websocket_address(f"wss://{host}:8443/calls?key=1", allow_private=False)
    assert not is_private(host.strip("[]"))


def test_the_setting_decides_about_private_addresses(as_supervisor, settings):
    settings.ALLOW_PRIVATE_ADDRESSES = False
    local = typed("assistant", url="ws://127.0.0.1:8001/assistant/demo/")
    assert as_supervisor.post(new("assistant"), local).status_code == 422
    settings.ALLOW_PRIVATE_ADDRESSES = True
    assert as_supervisor.post(new("assistant"), local).status_code == 302


def test_the_demo_assistant_is_shown_where_the_carrier_is_simulated(as_supervisor, settings):
    settings.CARRIER_IS_SIMULATED, settings.PLIVO_API_URL = True, "http://127.0.0.1:8001"
    for page in (SETTINGS, new("assistant")):
        assert "ws://127.0.0.1:8001/assistant/demo/" in as_supervisor.get(page).content.decode()
    settings.CARRIER_IS_SIMULATED = False
    assert "/assistant/demo/" not in as_supervisor.get(new("assistant")).content.decode()


# --- Caller IDs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "country", "kept"),
    [
        ("(415) 555-2671", "US", "+14155552671"),
        ("415.555.2671", "US", "+14155552671"),
        ("+1 415 555 2671", "GB", "+14155552671"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("+44 20 7946 0018", "US", "+442079460018"),
    ],
)
def test_a_caller_id_is_taken_as_people_write_it(as_supervisor, written, country, kept):
    as_supervisor.post(new("caller_id"), typed("caller_id", phone_number=written, country=country))
    assert CallerId.objects.get().phone_number == kept


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("phone_number", {"phone_number": ""}),
        ("phone_number", {"phone_number": "12"}),
        ("phone_number", {"phone_number": "front desk"}),
        ("phone_number", {"phone_number": "9" * 41}),
        ("phone_number", {"phone_number": "(415) 555-2671\x00"}),
        ("country", {"country": "XX"}),
        ("name", {"name": "x" * 81}),
    ],
    ids=str,
)
def test_a_caller_id_that_cannot_be_is_refused(as_supervisor, field, changes):
    response = as_supervisor.post(new("caller_id"), typed("caller_id", **changes))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]


def test_a_number_is_a_caller_id_once(as_supervisor):
    CallerIdFactory(phone_number="+14155552671")
    response = as_supervisor.post(new("caller_id"), typed("caller_id", phone_number="415-555-2671"))
    assert "This number is a caller ID already." in response.content.decode()
    # Itself may be saved again.
    own = CallerId.objects.get()
    assert as_supervisor.post(page_of("caller_id", own), typed("caller_id")).status_code == 302


def test_caller_ids_are_shown_nationally(as_supervisor):
    CallerIdFactory(phone_number="+14155552671")
    assert "(415) 555-2671" in as_supervisor.get(SETTINGS).content.decode()


# --- Dispositions ------------------------------------------------------------------------------------------


def test_a_disposition_is_added_with_a_name_for_assistants(as_supervisor):
    as_supervisor.post(new("disposition"), typed("disposition", is_win="on", effect="callback"))
    disposition = Disposition.objects.get(name="Wants a demo")
    assert (disposition.slug, disposition.is_win, disposition.effect, disposition.position) == (
        "wants_a_demo",
        True,
        "callback",
        15,
    )
    as_supervisor.post(page_of("disposition", disposition), typed("disposition", name="Demo!"))
    disposition.refresh_from_db()
    assert (disposition.name, disposition.slug) == ("Demo!", "wants_a_demo")
    as_supervisor.post(new("disposition"), typed("disposition", name="Wants a demo"))
    assert Disposition.objects.get(name="Wants a demo").slug == "wants_a_demo_2"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "INTERESTED"}),
        ("name", {"name": "x" * 61}),
        ("effect", {"effect": "explode"}),
        ("position", {"position": "-1"}),
        ("position", {"position": "10000"}),
    ],
    ids=str,
)
def test_a_disposition_that_cannot_be_is_refused(as_supervisor, field, changes):
    response = as_supervisor.post(new("disposition"), typed("disposition", **changes))
    assert list(response.context["form"].errors) == [field]


def test_a_name_without_latin_letters_gets_a_name_for_assistants_too(as_supervisor):
    as_supervisor.post(new("disposition"), typed("disposition", name="要求演示"))
    assert Disposition.objects.get(name="要求演示").slug == "disposition"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_added_is_active_unless_told_otherwise(as_supervisor, kind):
    assert as_supervisor.get(new(kind)).context["form"]["is_active"].value() is True


# --- In use ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["assistant", "caller_id"])
def test_what_a_campaign_uses_says_so_and_is_not_deleted(as_supervisor, kind):
    channel = ChannelFactory()
    row = getattr(channel.voice, kind)
    for page in (SETTINGS, page_of(kind, row)):
        assert channel.campaign.name in as_supervisor.get(page).content.decode()
    delete = reverse(f"campaigns:{kind}_delete", args=[row.pk])
    assert "is in use" in as_supervisor.post(delete, follow=True).content.decode()
    row.refresh_from_db()


@pytest.mark.parametrize("kind", ["assistant", "caller_id"])
def test_of_many_campaigns_that_use_it_the_newest_are_named_and_the_others_counted(
    as_supervisor, kind, django_assert_max_num_queries, monkeypatch
):
    monkeypatch.setattr("campaigns.views.settings.USERS_ON_A_PAGE", 4)
    row = a(kind)
    channels = [ChannelFactory() for _ in range(5)]
    # A campaign with two channels uses it once.
    channels.append(ChannelFactory(campaign=channels[-1].campaign, name="Second"))
    for channel in channels:
        type(channel.voice).objects.filter(pk=channel.voice.pk).update(**{kind: row})
    with django_assert_max_num_queries(9):
        table = as_supervisor.get(SETTINGS)
    page = as_supervisor.get(page_of(kind, row)).content.decode()
    names = [channel.campaign.name for channel in channels[:5]]
    (shown,) = (each for each in table.context[f"{kind}s"] if each.pk == row.pk)
    assert [user.name for user in shown.users] == names[:1:-1]
    assert [f">{name}</a>" in page for name in names] == [False, True, True, True, True]
    assert "and 2 more" in table.content.decode()
    assert "and 1 more" in page


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_uses_is_deleted(as_supervisor, kind):
    row = a(kind)
    assert 'data-dialog="delete"' in as_supervisor.get(page_of(kind, row)).content.decode()
    as_supervisor.post(reverse(f"campaigns:{kind}_delete", args=[row.pk]))
    assert not type(row).objects.filter(pk=row.pk).exists()


def test_a_disposition_that_calls_have_is_not_deleted(as_supervisor):
    from tests.factories.dialer import CallFactory

    disposition = Disposition.objects.get(slug="interested")
    CallFactory(disposition=disposition)
    page = as_supervisor.get(page_of("disposition", disposition)).content.decode()
    assert "Calls have it" in page
    as_supervisor.post(reverse("campaigns:disposition_delete", args=[disposition.pk]))
    disposition.refresh_from_db()


# --- The way back ------------------------------------------------------------------------------------------


def test_what_a_campaign_needed_leads_back_to_it(as_supervisor):
    response = as_supervisor.post(
        f"{new('assistant')}?next=/campaigns/7/edit/&as=assistant", typed("assistant")
    )
    assert response.url == f"/campaigns/7/edit/?assistant={Assistant.objects.get().pk}"


@pytest.mark.parametrize("url", ["https://evil.example", "//evil.example", "javascript:alert(1)", "\\\\evil"])
def test_no_way_leads_to_somebody_elses_page(as_supervisor, url):
    response = as_supervisor.post(f"{new('assistant')}?next={url}&as=assistant", typed("assistant"))
    assert response.url == "/settings/#assistants"


# --- The connection, and who may ---------------------------------------------------------------------------


def test_the_connection_is_told_without_its_secrets(as_supervisor, settings):
    settings.CARRIER_IS_SIMULATED = False
    settings.PLIVO_AUTH_ID, settings.PLIVO_AUTH_TOKEN = "MAREALACCOUNT0000000", "very-secret-token"
    page = as_supervisor.get(SETTINGS).content.decode()
    assert "MAREALACCOUNT0000000" in page
    assert "very-secret-token" not in page
    assert settings.SECRET_KEY not in page
    # It runs on this machine here, which Plivo can't reach.
    assert "set PUBLIC_URL" in page


def test_the_simulated_carrier_says_so(as_viewer, settings):
    settings.CARRIER_IS_SIMULATED = True
    page = as_viewer.get(SETTINGS).content.decode()
    assert "Simulated carrier" in page
    assert "PLIVO_AUTH_TOKEN" in page


@pytest.mark.django_db
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("client", "reads", "changes"),
    [
        ("as_admin", True, True),
        ("as_supervisor", True, True),
        ("as_support", True, False),
        ("as_viewer", True, False),
        ("as_agent", False, False),
    ],
)
def test_supervisors_change_settings_and_others_look(request, client, kind, reads, changes):
    person, row = request.getfixturevalue(client), a(kind)
    for page in (SETTINGS, page_of(kind, row)):
        assert person.get(page).status_code == (200 if reads else 403)
    assert person.get(new(kind)).status_code == (200 if changes else 403)
    if reads:
        page = person.get(page_of(kind, row)).content.decode()
        assert ('<fieldset class="body form" disabled>' in page) != changes
        assert (new(kind) in person.get(SETTINGS).content.decode()) == changes
    for url, posted in (
        (page_of(kind, row), typed(kind)),
        (new(kind), typed(kind, name="Another", phone_number="(415) 555-2699")),
    ):
        assert person.post(url, posted).status_code == (302 if changes else 403)
    delete = reverse(f"campaigns:{kind}_delete", args=[row.pk])
    assert person.get(delete).status_code in {403, 405}
    assert person.post(delete).status_code == (302 if changes else 403)


def test_settings_take_few_queries_however_much_there_is(as_supervisor, django_assert_max_num_queries):
    for _ in range(5):
        ChannelFactory()
    ContactFactory()
    with django_assert_max_num_queries(12):
        as_supervisor.get(SETTINGS)


# --- Pools -------------------------------------------------------------------------------------------------


def weights(**by_name):
    return {f"weight_{AssistantFactory(name=name).pk}": weight for name, weight in by_name.items()}


def members(pool):
    return dict(pool.members.values_list("assistant__name", "weight"))


def test_a_pool_is_added_changed_and_deleted(as_supervisor):
    sent = {"name": "Evening", "is_active": "on", **weights(Grace="2", Ada="1", Eve="")}
    assert as_supervisor.post(new("pool"), sent).url == "/settings/#pools"
    pool = AssistantPool.objects.get()
    assert members(pool) == {"Grace": 2, "Ada": 1}
    page = as_supervisor.get(SETTINGS).content.decode()
    assert "Evening" in page
    assert "× 2" in page
    changed = {**sent, **dict.fromkeys([name for name in sent if name.startswith("weight_")][:1], "")}
    as_supervisor.post(page_of("pool", pool), {**changed, "name": "Night", "is_active": ""})
    pool.refresh_from_db()
    assert (pool.name, pool.is_active, members(pool)) == ("Night", False, {"Ada": 1})
    as_supervisor.post(reverse("campaigns:pool_delete", args=[pool.pk]))
    assert not AssistantPool.objects.exists()
    assert Assistant.objects.count() == 3


@pytest.mark.parametrize("weight", ["0", "-1", "101", "much", "1.5", "9" * 50])
def test_a_weight_that_cannot_be_is_refused(as_supervisor, weight):
    sent = {"name": "Evening", "is_active": "on", **weights(Grace=weight)}
    assert as_supervisor.post(new("pool"), sent).status_code == 422
    assert not AssistantPool.objects.exists()


@pytest.mark.parametrize("changes", [{"name": ""}, {"name": "x" * 81}, {"name": "bell\x07"}])
def test_a_pool_that_cannot_be_is_refused(as_supervisor, changes):
    sent = {"name": "Evening", "is_active": "on", **weights(Grace="1"), **changes}
    assert as_supervisor.post(new("pool"), sent).status_code == 422


def test_a_pool_has_an_assistant(as_supervisor):
    response = as_supervisor.post(new("pool"), {"name": "Evening"})
    assert "Add an assistant first." in response.content.decode()
    response = as_supervisor.post(new("pool"), {"name": "Evening", **weights(Grace="")})
    assert "Give at least one assistant a weight." in response.content.decode()


def test_a_pool_that_a_campaign_uses_says_so_and_is_not_deleted(as_supervisor):
    pool = AssistantPoolFactory(name="Evening")
    channel = ChannelFactory(campaign__name="Autumn", voice__destination="pool", voice__pool=pool)
    for page in (SETTINGS, page_of("pool", pool)):
        assert "Autumn" in as_supervisor.get(page).content.decode()
    as_supervisor.post(reverse("campaigns:pool_delete", args=[pool.pk]))
    assert channel.voice.pool == AssistantPool.objects.get()


def test_an_assistant_of_a_pool_says_so_and_is_not_deleted(as_supervisor):
    assistant = AssistantFactory()
    AssistantPoolFactory(name="Evening", members={assistant: 1})
    assert "Evening" in as_supervisor.get(page_of("assistant", assistant)).content.decode()
    as_supervisor.post(reverse("campaigns:assistant_delete", args=[assistant.pk]))
    assert Assistant.objects.filter(pk=assistant.pk).exists()


@pytest.mark.parametrize(("most", "status"), [("5", 302), ("", 302), ("0", 422), ("-1", 422), ("many", 422)])
def test_an_assistant_may_take_so_many_calls(as_supervisor, most, status):
    response = as_supervisor.post(new("assistant"), typed("assistant", most_calls=most))
    assert response.status_code == status


def test_pools_take_few_queries_however_many_there_are(as_supervisor, django_assert_max_num_queries):
    for _ in range(20):
        AssistantPoolFactory(members={AssistantFactory(): 1, AssistantFactory(): 2})
    with django_assert_max_num_queries(12):
        as_supervisor.get(SETTINGS)


# --- At the same moment ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", KINDS)
def test_what_two_presses_add_at_once_is_added_once_and_said(supervisor, log_in, kind):
    sent, one, other = typed(kind), log_in(supervisor), log_in(supervisor)
    with transaction.atomic():
        assert one.post(new(kind), sent).status_code == 302
        # Looked for before the first was committed.
        second = Other(lambda: other.post(new(kind), sent))
        assert second.is_waiting()
    response = second.done().result
    assert response.status_code == 409
    assert "a moment ago" in response.content.decode()
