"""Pages as somebody sees them who knows nothing of them: links, buttons, forms to fill in."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.http import HttpResponseBase
from django.test import Client
from lxml import html

# What ends the story: logging out. Files and sounds are no pages.
_LEFT_ALONE = ("/logout/", "/password/", "/static/", "/admin/", "/recording/", "/events/")

WORDS = (
    *(
        "",
        "Autumn",
        "the wrong number",
        "Ärger 🎈 <b>markup</b>",
        "x" * 500,
        "a\x00b",
        "{{ first_name }}",
        "{% if",
    ),
    *("0", "1", "7", "60", "-3", "99999999999", "1.5", "+14155550001", "(415) 555-0002\n+14155550003 Anna"),
    *("2026-02-29", "2031-01-02", "2020-01-01", "2031-01-02T09:00", "America/Denver", "No/Where", "09:00"),
)


@dataclass(frozen=True)
class Deed:
    """Something that can be done on a page: a link, a button, a form."""

    method: str
    url: str
    # (name, value) as a browser would send them, unless somebody changes something.
    data: tuple[tuple[str, str], ...] = ()
    # Of them, what a person can change: name -> what may be chosen, or () for anything.
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    is_htmx: bool = False

    @property
    def changes_something(self) -> bool:
        return self.method == "post"

    def do(self, client: Client, chance: random.Random, names: list[str]) -> HttpResponseBase:
        """Do it; half of the forms are sent as they are, the others with some fields changed."""
        data: dict[str, list[str]] = {}
        for name, value in self.data:
            data.setdefault(name, []).append(value)
        if self.choices and chance.random() < 0.5:
            for name in chance.sample(sorted(self.choices), chance.randint(1, min(3, len(self.choices)))):
                offered = self.choices[name]
                # Where a name is asked for, to confirm, one of them is the right one.
                words = names if names and chance.random() < 0.4 else WORDS
                data[name] = [chance.choice(offered or words)]
        headers = {"HX-Request": "true", "Referer": f"http://testserver{self.url}"} if self.is_htmx else {}
        if self.method == "get":
            return client.get(self.url, data or None, headers=headers)
        return client.post(self.url, data, headers=headers)


def deeds_of(content: str, url: str) -> list[Deed]:
    """All that a person could do on this page, or part of one."""
    if not content.strip():
        return []
    page = html.fromstring(content)
    # What scripts will make something of is not there yet.
    for template in list(page.iter("template")):
        template.drop_tree()
    found: list[Deed] = []

    def add(method: str, target: str | None, **about: Any) -> None:
        address = urlsplit(urljoin(url, target or url))
        if address.netloc or any(part in address.path for part in _LEFT_ALONE):
            return
        path = f"{address.path}?{address.query}" if address.query else address.path
        found.append(Deed(method=method, url=path, **about))

    forms = {form.get("id"): form for form in page.iter("form")}
    for form in forms.values():
        data, choices = _fields(form)
        method = (form.get("method") or "get").lower()
        if method in {"get", "post"} and _is_sent_as_it_is(form):
            add(method, form.get("action"), data=data, choices=choices)
    for form in page.iter("form"):
        data, choices = _fields(form)
        if form.get("hx-post"):
            add("post", form.get("hx-post"), data=data, choices=choices, is_htmx=True)
    for button in page.iter("button"):
        if button.get("disabled") is not None:
            continue
        form = forms.get(button.get("form")) if button.get("form") else _form_around(button)
        if button.get("formaction") and form is not None:
            data, choices = _fields(form)
            own = ((button.get("name"), button.get("value") or ""),) if button.get("name") else ()
            add("post", button.get("formaction"), data=data + own, choices=choices)
        for attribute in ("hx-post", "hx-get"):
            if button.get(attribute):
                own = ((button.get("name"), button.get("value") or ""),) if button.get("name") else ()
                inside = _fields(form) if form is not None else ((), {})
                method = attribute.removeprefix("hx-")
                add(method, button.get(attribute), data=inside[0] + own, choices=inside[1], is_htmx=True)
    for link in page.iter("a"):
        if link.get("hx-get"):
            add("get", link.get("hx-get"), is_htmx=True)
        elif link.get("href") and not link.get("href").startswith(("#", "http", "mailto", "tel")):
            add("get", link.get("href"))
    return found


def _is_sent_as_it_is(form: Any) -> bool:
    """Some only hold what buttons elsewhere send, each to an address of its own."""
    return any(
        (button.get("type") or "submit") == "submit" and not button.get("formaction")
        for button in form.iter("button")
    )


def _form_around(element: Any) -> Any:
    while element is not None and element.tag != "form":
        element = element.getparent()
    return element


def _fields(form: Any) -> tuple[tuple[tuple[str, str], ...], dict[str, tuple[str, ...]]]:
    data = tuple((name, value or "") for name, value in form.form_values())
    choices: dict[str, tuple[str, ...]] = {}
    for element in form.iter("input", "select", "textarea"):
        name, kind = element.get("name"), (element.get("type") or "text").lower()
        if not name or element.get("disabled") is not None or kind in {"hidden", "submit", "button", "file"}:
            continue
        if element.tag == "select":
            choices[name] = tuple(option.get("value") or "" for option in element.iter("option"))
        elif kind in {"checkbox", "radio"}:
            choices[name] = (*choices.get(name, ()), element.get("value") or "on")
        else:
            choices[name] = ()
    return data, choices
