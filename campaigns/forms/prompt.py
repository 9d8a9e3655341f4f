"""The fields a prompt may name: ``{{ first_name }}`` and what the contacts' own columns are called."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from contacts.models import Contact, CustomField

PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def standard_fields() -> list[str]:
    """What every contact has."""
    return list(Contact().template_fields())


def custom_fields() -> list[str]:
    """What the contacts have besides, by name; the page of custom fields lists them."""
    return list(CustomField.objects.values_list("name", flat=True))


def named_fields(prompt: str) -> list[str]:
    """The names in a prompt's placeholders, in order, each once."""
    return list(dict.fromkeys(name.strip() for name in PLACEHOLDER.findall(prompt)))


def broken_placeholder(prompt: str) -> str:
    """What is wrong with how the placeholders are written; empty if nothing is."""
    if "" in named_fields(prompt):
        return "{{ }} names no field. Write the field’s name between the braces, as in {{ first_name }}."
    rest = PLACEHOLDER.sub("", prompt)
    if "{{" in rest or "}}" in rest:
        return "A field is not closed: each {{ needs its }}, as in {{ first_name }}."
    nested = next((name for name in named_fields(prompt) if "{" in name or "}" in name), None)
    return f"“{nested}” is not a field’s name." if nested else ""


def unknown_fields(prompt: str, known: Iterable[str]) -> list[str]:
    """The names in a prompt that no contact has."""
    known = set(known)
    return [name for name in named_fields(prompt) if name not in known]


def unknown_fields_message(unknown: list[str], known: Iterable[str]) -> str:
    """One sentence for a person: what is unknown, and what they may have meant."""
    known = list(known)
    parts = []
    for name in unknown[:5]:
        near = get_close_matches(name, known, n=1)
        parts.append(f"“{name[:40]}” (did you mean “{near[0]}”?)" if near else f"“{name[:40]}”")
    more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
    return f"No contact has a field {', '.join(parts)}{more}: it would be left empty."
