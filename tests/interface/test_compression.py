"""Pages are sent compressed, and nothing else is that is compressed already, or read as it comes."""

from __future__ import annotations

import gzip

import pytest
from django.urls import reverse

from tests.factories import CampaignFactory, ListFactory

pytestmark = pytest.mark.django_db

COMPRESSED = {"Accept-Encoding": "gzip, deflate, br"}


def test_a_page_is_sent_compressed_to_who_can_read_that(as_supervisor):
    for n in range(20):
        CampaignFactory(name=f"Campaign {n}")
    url = reverse("campaigns:manager")
    plain = as_supervisor.get(url)
    assert "Content-Encoding" not in plain.headers

    page = as_supervisor.get(url, headers=COMPRESSED)

    assert page.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in page.headers["Vary"]
    assert len(page.content) == int(page.headers["Content-Length"]) < len(plain.content) / 3
    assert "Campaign 19" in gzip.decompress(page.content).decode()


def test_the_length_of_a_page_tells_nothing_of_the_tokens_in_it(as_supervisor):
    url = reverse("campaigns:manager")
    lengths = {len(as_supervisor.get(url, headers=COMPRESSED).content) for _ in range(12)}
    assert max(lengths) - min(lengths) > 10


def test_a_fragment_is_sent_compressed_and_one_that_is_unchanged_not_at_all(as_supervisor):
    CampaignFactory()
    url, part = reverse("campaigns:manager"), {**COMPRESSED, "HX-Request": "true"}
    fragment = as_supervisor.get(url, headers=part)
    assert fragment.headers["Content-Encoding"] == "gzip"
    version = gzip.decompress(fragment.content).decode().partition('data-version="')[2].partition('"')[0]

    again = as_supervisor.get(url, headers={**part, "If-None-Match": f'"{version}"'})

    assert (again.status_code, again.content) == (304, b"")


def test_an_export_goes_out_as_it_is_read(as_supervisor):
    exported = as_supervisor.get(
        reverse("contacts:list_export", args=[ListFactory(members=30).pk]), headers=COMPRESSED
    )
    assert exported.streaming
    assert "Content-Encoding" not in exported.headers
    assert exported.getvalue().count(b"\n") == 31
