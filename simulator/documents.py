"""The XML a customer answers with: read, checked, and turned into plain elements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from xml.etree import ElementTree

LARGEST_BYTES = 100 * 1024

# Element -> elements it may contain.
GRAMMAR: dict[str, frozenset[str]] = {
    "Speak": frozenset(
        {"break", "cont", "emphasis", "lang", "p", "phoneme", "prosody", "s", "say-as", "sub", "w"}
    ),
    "Play": frozenset(),
    "Dial": frozenset({"Number", "User"}),
    "Record": frozenset(),
    "Stream": frozenset(),
    "Wait": frozenset(),
    "GetInput": frozenset({"Speak", "Play", "Wait"}),
    "GetDigits": frozenset({"Speak", "Play", "Wait"}),
    "Hangup": frozenset(),
    "Redirect": frozenset(),
    "Conference": frozenset(),
    "MultiPartyCall": frozenset(),
    "DTMF": frozenset(),
    "PreAnswer": frozenset({"Speak", "Play", "Wait", "Redirect", "DTMF", "GetInput", "GetDigits"}),
    "Message": frozenset(),
}
_NEEDS_TEXT = frozenset({"Speak", "Play", "Stream", "Conference", "MultiPartyCall", "DTMF"})


class InvalidDocument(ValueError):
    """The carrier would hang up with one of the 80xx causes; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Element:
    tag: str
    attributes: Mapping[str, str]
    text: str
    children: tuple[Element, ...]

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.attributes.get(name)
        return default if value is None else value.strip().lower() == "true"

    def number(self, name: str, default: float) -> float:
        try:
            return float(self.attributes.get(name, default))
        except ValueError:
            return default


@lru_cache(maxsize=128)
def read(body: bytes) -> tuple[Element, ...]:
    """The elements in a <Response>; raises InvalidDocument."""
    if len(body) > LARGEST_BYTES:
        raise InvalidDocument("larger than 100 KB")
    try:
        # What comes is small, and expat itself refuses entities that grow.
        root = ElementTree.fromstring(body.strip())  # noqa: S314
    except (ElementTree.ParseError, ValueError) as error:
        raise InvalidDocument(f"not XML: {error}") from error
    if root.tag != "Response":
        raise InvalidDocument(f"the root must be Response, not {root.tag}")
    return tuple(_element(child, frozenset(GRAMMAR)) for child in root)


def _element(node: ElementTree.Element, allowed: frozenset[str]) -> Element:
    tag = node.tag
    if tag not in allowed:
        raise InvalidDocument(f"unknown element {tag}")
    children = (
        tuple(_element(child, GRAMMAR.get(tag, frozenset())) for child in node) if tag != "Speak" else ()
    )
    text = ("".join(node.itertext()) if tag == "Speak" else node.text or "").strip()
    if tag in _NEEDS_TEXT and not text:
        raise InvalidDocument(f"{tag} is empty")
    if tag == "Stream" and not text.startswith(("ws://", "wss://")):
        raise InvalidDocument("Stream needs a ws:// or wss:// address")
    if tag == "Stream" and len(node.get("extraHeaders", "")) > 512:
        raise InvalidDocument("extraHeaders is longer than 512 bytes")
    if tag == "Dial" and not children:
        raise InvalidDocument("Dial dials nobody")
    return Element(tag, dict(node.attrib), text, children)
