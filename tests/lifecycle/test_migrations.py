"""Migrations that are undone leave behind what was there before them."""

from __future__ import annotations

import re

import pytest
from django.db.migrations import RunSQL
from django.db.migrations.loader import MigrationLoader


@pytest.mark.parametrize("app", ["contacts", "campaigns", "dialer"])
def test_a_guard_that_is_undone_is_the_one_before(app):
    graph = MigrationLoader(None).graph
    [leaf] = graph.leaf_nodes(app)
    before: dict[str, list[str]] = {}
    for key in graph.forwards_plan(leaf):
        for operation in graph.nodes[key].operations:
            if not isinstance(operation, RunSQL) or "_guard()" not in str(operation.sql):
                continue
            trigger = re.search(r"FUNCTION (\w+_guard)\(\)", str(operation.sql))[1]
            pairs, pairs_undone = map(transitions, (operation.sql, operation.reverse_sql))
            assert pairs_undone == before.get(trigger, []), f"{key} undone"
            before[trigger] = pairs
    assert before


def transitions(sql) -> list[str]:
    return sorted(set(re.findall(r"'(\w+>\w+)'", str(sql))))
