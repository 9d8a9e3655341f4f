"""What services refuse."""

from __future__ import annotations


class Refused(Exception):
    """What was asked for can't be done; the message tells a person why."""
