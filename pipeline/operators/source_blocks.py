"""Repeated runs of statements -> blocks: classes that take what differs as arguments.

A block is a run with one input that nothing after it needs, one value that leaves it, and at
most one part in which several values are alive (a residual branch, the arms of an inception
module). The run that saves most lines is taken first; its uses then count as one statement
each, so that blocks may hold blocks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.operators.source_statements import (
    CALL,
    INPUT,
    Argument,
    Declaration,
    Parameter,
    Statement,
)

LONGEST, SHORTEST = 150, 3  # statements in a block
MOST_PARAMETERS = 6
LEAST_SAVED = 4  # lines
CHANNELS = {"in_channels", "out_channels", "num_features", "in_features", "out_features"}
NONE, MANY = -2, -3


@dataclass(frozen=True)
class Block:
    """A class of the source: its parameters and its statements (INPUT: what it is given)."""

    name: str
    parameters: tuple[str, ...]
    body: tuple[Statement, ...]
    uses: int


@dataclass(frozen=True)
class Repeat:
    """A run of ``length`` statements that begins at each of ``starts``."""

    saved: int
    starts: tuple[int, ...]
    length: int
    is_branched: bool


def find_blocks(
    statements: list[Statement], returned: Sequence[int]
) -> tuple[list[Statement], tuple[int, ...], list[Block]]:
    """The statements with calls of blocks in them, what they return, and the blocks, inner
    ones first."""
    blocks: list[Block] = []
    branched: set[str] = set()
    kept = tuple(returned)
    while (repeat := best_repeat(statements, kept, branched)) is not None:
        block, calls = make_block(statements, repeat, f"Block{len(blocks) + 1}")
        blocks.append(block)
        branched |= {block.name} if repeat.is_branched else set()
        statements, kept = replace_runs(statements, kept, repeat, calls)
    return statements, kept, blocks


def best_repeat(
    statements: list[Statement], returned: tuple[int, ...], branched: set[str]
) -> Repeat | None:
    """The repeated run that saves most lines, if any saves enough. ``branched``: the blocks
    there are that hold a branch."""
    best: Repeat | None = None
    kinds = _number_kinds(statements, loose=True)
    for length, candidates in repeated_runs(statements, returned):
        for starts in candidates:
            most = (len(_apart(starts, length)) - 1) * length * 2
            if most <= (best.saved if best else LEAST_SAVED - 1):
                continue
            for group in _same_runs(statements, kinds, starts, length):
                parameters = len(differing(statements, group, length))
                branchings = count_branchings(statements, group[0], length, branched)
                lines = length * (1 + branchings)  # a chain of layers is written in fewer
                saved = (len(group) - 1) * lines - 2 * parameters - 2
                fits = parameters <= MOST_PARAMETERS and branchings <= 1
                if fits and saved >= (best.saved + 1 if best else LEAST_SAVED):
                    best = Repeat(saved, group, length, bool(branchings))
    return best


def repeated_runs(
    statements: list[Statement], returned: tuple[int, ...]
) -> Iterator[tuple[int, list[list[int]]]]:
    """For every length, the starts of runs that look alike and could be blocks."""
    count = len(statements)
    last = _last_uses(statements, returned)  # with that of INPUT at index -1
    nearest, second = _two_lowest_operands(statements)
    tokens = [_random_tokens(statements, loose) for loose in (True, False)]
    hashes = [np.zeros(count, np.uint64) for _ in tokens]
    outside = np.full(count, NONE)  # the one operand from before the run
    inner = np.full(count, -1)  # the last use of a value that must not leave the run
    for length in range(1, min(LONGEST, count // 2) + 1):
        starts = np.arange(count - length + 1)
        end = starts + length - 1
        outside = _admit(outside[: len(starts)], starts, nearest[end], second[end])
        if length > 1:
            inner = np.maximum(inner[: len(starts)], last[end - 1])
        alike: list[list[int]] = []
        ends_well = (inner[: len(starts)] <= end) & (outside >= INPUT)
        ends_well &= np.where(outside >= INPUT, last[outside], count) <= end
        for number, kinds in enumerate(tokens):
            hashes[number] = hashes[number][: len(starts)] * np.uint64(1_000_003) + kinds[end]
            if length >= SHORTEST or _has_block(statements):
                alike += _groups(hashes[number], np.flatnonzero(ends_well))
        if length >= 2:
            yield length, alike


def make_block(
    statements: list[Statement], repeat: Repeat, name: str
) -> tuple[Block, list[Statement]]:
    """The class of a repeated run, and the statement that stands for each of its uses."""
    holes = differing(statements, repeat.starts, repeat.length)
    names: dict[tuple[Any, ...], str] = {}
    for values, places in holes.items():
        names[values] = _name_parameter(places, set(names.values()))
    where = {place[:3]: names[v] for v, places in holes.items() for place in places}
    first = repeat.starts[0]
    body = tuple(
        replace(
            _relative(statements[first + k], first),
            declarations=tuple(
                _with_parameters(d, k, number, where)
                for number, d in enumerate(statements[first + k].declarations)
            ),
        )
        for k in range(repeat.length)
    )
    calls = []
    for number, start in enumerate(repeat.starts):
        arguments = tuple(Argument("", n, values[number]) for values, n in names.items())
        source = _outside_operand(statements, start, repeat.length)
        calls.append(Statement(CALL, (source,), (Declaration(name, arguments),)))
    return Block(name, tuple(names.values()), body, len(repeat.starts)), calls


def replace_runs(
    statements: list[Statement],
    returned: tuple[int, ...],
    repeat: Repeat,
    calls: list[Statement],
) -> tuple[list[Statement], tuple[int, ...]]:
    """The statements with each run replaced by its call."""
    call_at = dict(zip(repeat.starts, calls, strict=True))
    moved, kept, index = {INPUT: INPUT}, [], 0
    while index < len(statements):
        run = repeat.length if index in call_at else 1
        kept.append(call_at.get(index, statements[index]))
        index += run
        moved[index - 1] = len(kept) - 1
    renumbered = [replace(s, operands=tuple(moved[o] for o in s.operands)) for s in kept]
    return renumbered, tuple(moved[r] for r in returned)


def differing(
    statements: list[Statement], starts: Sequence[int], length: int
) -> dict[tuple[Any, ...], list[tuple[int, int, int, str]]]:
    """The numbers that are not the same in all runs: their values, run by run -> the places
    (statement, declaration, argument, name) where they stand."""
    holes: dict[tuple[Any, ...], list[tuple[int, int, int, str]]] = {}
    for k in range(length):
        runs = [statements[start + k].declarations for start in starts]
        for number, each in enumerate(zip(*runs, strict=True)):
            columns = zip(*(declaration.arguments for declaration in each), strict=True)
            for place, column in enumerate(columns):
                values = tuple(argument.value for argument in column)
                if column[0].is_number and len(set(values)) > 1:
                    holes.setdefault(values, []).append((k, number, place, column[0].name))
    return holes


def _same_runs(
    statements: list[Statement], kinds: list[int], starts: Sequence[int], length: int
) -> Iterator[tuple[int, ...]]:
    """Of the starts of equal hash those that are the same in truth and do not overlap."""
    groups: dict[Any, list[int]] = {}
    for start in starts:
        run = statements[start : start + length]
        flow = tuple(tuple(max(o - start, INPUT) for o in s.operands) for s in run)
        form = (flow, tuple(kinds[start : start + length]))
        groups.setdefault(form, []).append(start)
    for group in groups.values():
        if len(apart := _apart(group, length)) > 1:
            yield tuple(apart)


def _apart(starts: Sequence[int], length: int) -> list[int]:
    """As many of these starts as do not overlap."""
    apart: list[int] = []
    for start in starts:
        if not apart or start >= apart[-1] + length:
            apart.append(start)
    return apart


def _relative(statement: Statement, start: int) -> Statement:
    return replace(
        statement, operands=tuple(max(o - start, INPUT) for o in statement.operands)
    )


def _outside_operand(statements: list[Statement], start: int, length: int) -> int:
    run = statements[start : start + length]
    return next(o for s in run for o in s.operands if o < start)


def count_branchings(
    statements: list[Statement], start: int, length: int, branched: set[str]
) -> int:
    """How many parts of a run have several values alive at once, or are a branched block."""
    run = [_relative(s, start).operands for s in statements[start : start + length]]
    last = {operand: k for k, operands in enumerate(run) for operand in operands}
    parts, alive = 0, {INPUT}
    for k in range(length):
        was_branched = len(alive) > 1
        alive = {value for value in (*alive, k) if last.get(value, -1) > k}
        parts += len(alive) > 1 and not was_branched
        calls = {d.callee for d in statements[start + k].declarations}
        parts += len(alive) <= 1 and not was_branched and not calls.isdisjoint(branched)
    return parts


def _kind(statement: Statement, loose: bool) -> Any:
    """What two statements have in common when they may stand in the same place of a block:
    all but their numbers, or (strictly) but their channels."""
    return statement.parts, tuple(
        (d.callee, tuple(_argument_kind(a, loose) for a in d.arguments))
        for d in statement.declarations
    )


def _argument_kind(argument: Argument, loose: bool) -> Any:
    is_free = argument.is_number and (loose or argument.name in CHANNELS)
    return argument.name, None if is_free else repr(argument.value)


def _number_kinds(statements: list[Statement], loose: bool) -> list[int]:
    known: dict[Any, int] = {}
    return [known.setdefault(_kind(s, loose), len(known)) for s in statements]


def _random_tokens(statements: list[Statement], loose: bool) -> np.ndarray:
    numbers = _number_kinds(statements, loose)
    random = np.random.default_rng(0)
    return random.integers(1, 2**63, len(statements), dtype=np.uint64)[numbers]


def _groups(hashes: np.ndarray, starts: np.ndarray) -> list[list[int]]:
    """Starts grouped by the hash of their run, where there are several."""
    _, group, counts = np.unique(hashes[starts], return_inverse=True, return_counts=True)
    ordered = starts[np.argsort(group, kind="stable")]
    groups = np.split(ordered, np.cumsum(counts)[:-1])
    return [g.tolist() for g in groups if len(g) > 1]


def _admit(
    outside: np.ndarray, starts: np.ndarray, nearest: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """The one operand from before each run, once the run has grown by a statement whose two
    lowest operands are ``nearest`` and ``second``."""
    is_outside = nearest < starts
    clash = is_outside & ((second < starts) | ((outside != NONE) & (outside != nearest)))
    return np.where(clash, MANY, np.where(is_outside, nearest, outside))


def _two_lowest_operands(statements: list[Statement]) -> tuple[np.ndarray, np.ndarray]:
    far = len(statements)
    pairs = [(*sorted(set(s.operands))[:2], far, far)[:2] for s in statements]
    lowest = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return lowest[:, 0], lowest[:, 1]


def _last_uses(statements: list[Statement], returned: tuple[int, ...]) -> np.ndarray:
    last = np.arange(len(statements) + 1)
    last[INPUT] = 0
    for k, statement in enumerate(statements):
        last[list(statement.operands)] = k
    last[list(returned)] = len(statements)
    return last


def _has_block(statements: list[Statement]) -> bool:
    return any(d.callee.startswith("Block") for s in statements for d in s.declarations)


def _name_parameter(places: list[tuple[int, int, int, str]], taken: set[str]) -> str:
    names = [name for *_, name in places]
    name = "channels" if len(set(names) & CHANNELS) > 1 else names[0]
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def _with_parameters(
    declaration: Declaration, k: int, number: int, where: dict[tuple[int, int, int], str]
) -> Declaration:
    arguments = tuple(
        replace(a, value=Parameter(where[k, number, place]))
        if (k, number, place) in where
        else a
        for place, a in enumerate(declaration.arguments)
    )
    return replace(declaration, arguments=arguments)
