"""The text and the JSON of ``nn2vec diff``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from pipeline.graph.network import Network
from pipeline.program.diff import Change, Depth, diff
from pipeline.program.show import BETWEEN

MOST = 16  # instructions of one change in the text; --json has all


def compare(first: Network, second: Network, names: tuple[str, str]) -> dict[str, Any]:
    """Two networks -> whether they and their designs are equal, and the changes."""
    equal = first == second
    return {
        "models": list(names),
        "equal": equal,
        "designs_equal": equal or first.design == second.design,
        "changes": [] if equal else [_plain(c) for c in diff(first, second)],
    }


def to_text(first: Network, second: Network, names: tuple[str, str]) -> str:
    """The same as people read it."""
    a, b = names
    if first == second:
        return f"{a} and {b} are the same network"
    if first.design == second.design:
        head = f"{a} and {b} are one design, spelled in two ways; from {a} to {b}:"
    else:
        head = f"from {a} to {b}:"
    return "\n".join([head, "", *_lines(diff(first, second))])


def _lines(changes: Sequence[Change | Depth]) -> Iterator[str]:
    depths = [c for c in changes if isinstance(c, Depth)]
    seen: dict[object, str] = {}
    for depth in depths:
        name = seen.get(depth.block)
        if name is None:
            name = seen[depth.block] = f"block {len(seen) + 1}"
            yield f"{name}:"
            yield from (f"    {BETWEEN.join(line)}" for line in depth.block)
    for depth in depths:
        before, after = _times(depth.before), _times(depth.after)
        yield f"{seen[depth.block]}, run {depth.number}: {before} -> {after}"
    for change in changes:
        if isinstance(change, Change):
            places = f", in {change.times} places" if change.times > 1 else ""
            yield f"behind {change.after or 'nothing'}{places}:"
            yield from _marked("-", change.removed)
            yield from _marked("+", change.added)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _marked(mark: str, phrases: Sequence[str]) -> Iterator[str]:
    yield from (f"  {mark} {phrase}" for phrase in phrases[:MOST])
    if len(phrases) > MOST:
        yield f"  {mark} ... {len(phrases) - MOST} more"


def _plain(change: Change | Depth) -> dict[str, Any]:
    kind = "depth" if isinstance(change, Depth) else "lines"
    return {"kind": kind} | asdict(change)
