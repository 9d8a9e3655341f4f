"""What may not be in the logs: anybody's phone number."""

from __future__ import annotations

import io
import logging
import logging.config

import pytest
from django.conf import settings

from config.logs import masked


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("dialed +14155550101.", "dialed +*******0101."),
        ("+4912345", "+***2345"),
        ("q=%2B14155550101&x", "q=%2B*******0101&x"),
        ("4155550101", "******0101"),
        ("two: +14155550101,+442079460018", "two: +*******0101,+********0018"),
        ("123456789 is no number", "123456789 is no number"),
        ("call 4711 at 2026-11-21 10:15:00,123", "call 4711 at 2026-11-21 10:15:00,123"),
        ("0f9b6a3e-4c1d-4b7a-9d2e-123456789012", "0f9b6a3e-4c1d-4b7a-9d2e-123456789012"),
        ("+1 (a sum)", "+1 (a sum)"),
    ],
)
def test_all_but_the_last_four_digits_of_a_number_are_masked(text, written):
    assert masked(text) == written


@pytest.fixture
def log():
    """A logger with the handler of our settings, and what it wrote."""
    handler = settings.LOGGING["handlers"]["console"]
    written = io.StringIO()
    configurator = logging.config.DictConfigurator(
        {
            **settings.LOGGING,
            "incremental": False,
            "handlers": {"console": {**handler, "stream": written}},
            "root": {},
            "loggers": {"tests.logs": {"handlers": ["console"], "level": "INFO", "propagate": False}},
        }
    )
    logger = logging.getLogger("tests.logs")
    before = logging.root.handlers[:], logging.root.level
    configurator.configure()
    logging.root.handlers[:], logging.root.level = before
    yield logger, written
    logger.handlers.clear()


def test_the_log_masks_arguments_and_tracebacks(log):
    logger, written = log
    try:
        raise ValueError("no such number: +14155550101")
    except ValueError:
        logger.exception("Call to %s failed: %r", "+14155550102", {"to": "+14155550103"})
    assert "Call to +*******0102 failed: {'to': '+*******0103'}" in written.getvalue()
    assert "ValueError: no such number: +*******0101" in written.getvalue()
    assert "1415555" not in written.getvalue()
