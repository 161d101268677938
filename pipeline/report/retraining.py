"""Table 2: networks trained as they were, after the graph and back, and after each codec."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from typing import Any

from pipeline.report.figures import draw_curves
from pipeline.report.inputs import Inputs
from pipeline.report.numbers import count, duration
from pipeline.report.parts import Figure, Group, Missing, Row, Section, Table
from pipeline.report.published import RETRAINED

COMMAND = "nn2vec evaluate roundtrip --network {network} --codec CODEC -o results/roundtrip"
NAMES = {"resnet18": "ResNet18", "alexnet": "AlexNet"}
COLUMNS = ("network", "test accuracy, %", "gap, points", "fingerprint", "paired t test, p")
ORIGINAL, WITHOUT = "original", "without_compression"
LEAD = (
    "If the network that comes back is the same network, it trains the same way. "
    "Trained from scratch: as it was, after translation to the graph and back, "
    "and after its vectors alone, without the residual."
)


def describe_retraining(inputs: Inputs) -> Section:
    """A table and two figures a network; a network that was not trained says how to."""
    parts: list[Any] = []
    for network in dict.fromkeys([*RETRAINED, *inputs.roundtrip]):
        results = _of_known_codecs(inputs.roundtrip.get(network), inputs)
        parts.append(_table(network, results))
        if results and results.get("variants"):
            parts.append(_curves(network, results))
        else:
            what = f"This project's rows for {NAMES.get(network, network)}"
            parts.append(Missing(what, COMMAND.format(network=network)))
    return Section("retraining", "Networks that train again", LEAD, tuple(parts))


def _of_known_codecs(results: dict[str, Any] | None, inputs: Inputs) -> dict[str, Any] | None:
    """The results without rows of codecs that are gone."""
    if results is None:
        return None
    known = {ORIGINAL, WITHOUT, *inputs.cards}
    return results | {"variants": [v for v in results.get("variants", ()) if v in known]}


def _table(network: str, results: dict[str, Any] | None) -> Table:
    groups = []
    if results and results.get("variants"):
        from pipeline.evaluate.table2 import render_table2

        rows = tuple(
            (
                _said(row["network"]),
                row["accuracy"],
                row["gap"],
                row["fingerprint"],
                row["paired"],
            )
            for row in render_table2(results)
        )
        groups.append(Group("This project", rows))
    published = RETRAINED.get(network, {})
    if published:
        base = published["original"][0]
        theirs = tuple(
            (name, f"{mean:.2f} ± {std:.2f}", f"{mean - base:+.2f}", "not reported", "")
            for name, (mean, std) in published.items()
        )
        groups.append(Group("Published in the paper", theirs, True))
    caption = f"Table 2. {NAMES.get(network, network)}"
    words = frozenset({"fingerprint", "paired t test, p"})
    return Table(caption, COLUMNS, tuple(groups), words, _note(results))


def _note(results: dict[str, Any] | None) -> str:
    theirs = "The paper: 50 epochs on an image set that it does not name."
    return f"This project: {_recipe(results)} {theirs}" if results else theirs


def _recipe(results: dict[str, Any]) -> str:
    p = results.get("parameters", {})
    seeds = len(results.get("seeds", ()))
    return (
        f"{p.get('dataset')}, {count(p.get('train_images'))} training images, "
        f"{count(p.get('test_images'))} test images, {count(p.get('epochs'))} epochs, "
        f"{seeds} seed{'' if seeds == 1 else 's'}; mean ± standard deviation over seeds; "
        f"{duration(results.get('wall_seconds'))} of training."
    )


def _said(variant: str) -> str:
    words = {ORIGINAL: "original", WITHOUT: "without compression"}
    return words.get(variant, f"through {variant}")


def _curves(network: str, results: dict[str, Any]) -> Row:
    name = NAMES.get(network, network)
    each = next(iter(results["variants"]))
    images = results[each].get("images", {}).get("test_each_epoch")
    band = "Line: mean over seeds; band: least to most. Equal curves cover each other."
    accuracy = draw_curves(list(_points(results, "accuracy")), "test accuracy", percent=True)
    loss = draw_curves(list(_points(results, "loss")), "training loss, nats", log=True)
    return Row((
        Figure(f"{network}-accuracy", f"{name}: accuracy",
               f"On the first {count(images)} test images, classes alike. {band}", accuracy),
        Figure(f"{network}-loss", f"{name}: training loss", band, loss),
    ))  # fmt: skip


def _points(results: dict[str, Any], quantity: str) -> Iterator[dict[str, Any]]:
    for variant in results["variants"]:
        runs = [run[quantity] for run in results[variant]["runs"].values()]
        for epoch, values in enumerate(zip(*runs, strict=False), start=1):
            yield {"epoch": epoch, "value": round(fmean(values), 6), "series": _said(variant),
                   "low": round(min(values), 6), "high": round(max(values), 6)}  # fmt: skip
