"""Names of countries in many languages, from ``phonenumbers``."""

from __future__ import annotations

from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import phonenumbers


@cache
def names_by_language() -> dict[str, dict[str, str]]:
    """ISO code of a country -> language -> its name; "*en" stands for: as in the language "en".

    The module is loaded by itself: its package would load the names of all places on earth with it, 100 MB
    in each process.
    """
    path = Path(phonenumbers.__file__).with_name("geodata") / "locale.py"
    spec = spec_from_file_location("phonenumbers.geodata.locale", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} can't be loaded.")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    names: dict[str, dict[str, str]] = module.LOCALE_DATA
    return names
