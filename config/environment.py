"""Reading the environment: the one place where Carillon's settings come from outside."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    value = os.environ.get(name, str(default)).strip().lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} should be one of {sorted(TRUE | FALSE - {''})}, not {value!r}.")


def number(name: str, default: float, *, least: float = 0) -> float:
    value = text(name, str(default))
    try:
        result = float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} should be a number, not {value!r}.") from None
    if result < least:
        raise ImproperlyConfigured(f"{name} should be at least {least:g}, not {value}.")
    return result


def whole(name: str, default: int, *, least: int = 0) -> int:
    result = number(name, default, least=least)
    if result != int(result):
        raise ImproperlyConfigured(f"{name} should be a whole number, not {result}.")
    return int(result)


def words(name: str) -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def kept_secret(path: Path) -> str:
    """A secret made once and kept in a file only its owner can read: for development."""
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Whoever comes first decides: four processes start at once, and must agree.
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        temporary.touch(mode=0o600)
        temporary.write_text(secrets.token_urlsafe(48))
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        return path.read_text()
