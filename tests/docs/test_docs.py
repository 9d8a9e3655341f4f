"""What the docs say is true: pages, links, commands and diagrams."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from config.diagrams import PAGE, page

ROOT = Path(settings.BASE_DIR)
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_diagrams_are_what_the_tables_say():
    assert PAGE.read_text() == page(), "run: python -m config.diagrams"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)#]+)", path.read_text()):
        if not re.match(r"[a-z]+:", link):
            assert (path.parent / link).exists(), link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_commands_named_in_the_docs_exist(path):
    for name in re.findall(r"\bscript/(\w+)", path.read_text()):
        assert (ROOT / "script" / name).exists(), name


def test_every_setting_read_from_the_environment_is_explained():
    sources = "".join(path.read_text() for path in (ROOT / "config").glob("*.py"))
    read = set(re.findall(r'environment\.\w+\(\s*"([A-Z_]+)"', sources))
    explained = (ROOT / "docs" / "operations.md").read_text()
    assert {name for name in read if f"`{name}`" not in explained} == set()
