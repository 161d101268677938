"""Outcomes as bytes and back, and many of them as one set of rows."""

from __future__ import annotations

import pytest
from small_tables import shapes_of

from pipeline.tables.networks import network_rows, networks_rows
from pipeline.tables.outcomes import Outcome, OutcomeCache, gather_rows


@pytest.fixture
def outcomes(light) -> list[Outcome]:
    return [
        Outcome({"fingerprint": n.fingerprint, "depth": 3}, network_rows(n, shapes_of(n)))
        for n in light.values()
    ]


def test_bytes_and_back(outcomes):
    for outcome in (*outcomes, Outcome(reason="cycle", detail="vertex 3\ndepends on itself")):
        assert Outcome.from_bytes(outcome.to_bytes()) == outcome
        assert Outcome.from_bytes(outcome.to_bytes()).to_bytes() == outcome.to_bytes()


@pytest.mark.parametrize("damaged", [b"", b"garbage", b"[]\n", b"{}\n", b'{"bytes": 1}\n'])
def test_other_bytes_are_no_outcome(damaged):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        Outcome.from_bytes(damaged)


def test_gathered_rows_are_those_of_all_networks_at_once(outcomes, light):
    together = networks_rows((n, shapes_of(n)) for n in light.values())
    gathered = gather_rows(outcomes)
    assert {name: rows.combine_chunks() for name, rows in gathered.items()} == together
    assert all(len(rows) == 0 for rows in gather_rows([]).values())


def test_a_cache_holds_what_was_put(tmp_path, outcomes):
    cache = OutcomeCache(tmp_path, 100)
    cache.put("ab", outcomes[0].to_bytes())
    assert cache.get("ab") == outcomes[0]
    assert cache.get("cd") is None
    assert OutcomeCache(tmp_path, 99).get("ab") is None
