"""Text as searches compare it: without case and accents, one kind of apostrophe.

``fold`` for what is asked, the database's ``contacts_fold`` (migration 0004) for what is stored; a test
holds them together.
"""

from __future__ import annotations

import re
import unicodedata

# The combining marks that a decomposed é or ü is made of.
_MARKS = re.compile("[\u0300-\u036f]")
_APOSTROPHES = str.maketrans("’‘ʼ´`", "'''''")


def fold(text: str) -> str:
    """``Chloé O’Neil`` -> ``chloe o'neil``."""
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.translate(_APOSTROPHES))).lower()
