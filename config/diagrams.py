"""``python -m config.diagrams``: docs/lifecycles.md, drawn from the tables of moves.

A test fails when the file is not what the tables say.
"""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "lifecycles.md"
HEAD = """# Lifecycles

Drawn from the tables in the code by `python -m config.diagrams`; change those, not this. A campaign's status
is derived from its channels (`campaigns/lifecycles.py`, `derive_campaign_status`).
"""


def page() -> str:
    """The page as it should be."""
    from campaigns.lifecycles import CHANNEL, ENROLLMENT
    from contacts.lifecycles import IMPORT
    from dialer.lifecycles import CALL

    parts = [HEAD]
    titles = {"Channel": CHANNEL, "Enrollment": ENROLLMENT, "Call": CALL, "Import": IMPORT}
    for title, lifecycle in titles.items():
        parts += [f"## {title}\n", f"```mermaid\n{lifecycle.diagram()}\n```\n"]
        parts += ["| From | Move | To | By | |", "|---|---|---|---|---|"]
        for move in lifecycle.moves:
            sources = ", ".join(
                lifecycle.label(state) for state in lifecycle.states.values if state in move.sources
            )
            by = ", ".join(sorted(each.value for each in move.by))
            parts.append(
                f"| {sources} | {move.label} | {lifecycle.label(move.target)} | {by} | {move.note} |"
            )
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    PAGE.write_text(page())
