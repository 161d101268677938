"""The design of a network: its inference form, and the fingerprint of that.

Rules are applied to every vertex, operands first, until none changes anything. Each rule is a
file of its own, with its reason; all are linear in the size of the graph.
"""

from __future__ import annotations

from collections import defaultdict

from pipeline.design import (
    activations,
    arithmetic,
    batch_normalization,
    concats,
    gelu,
    global_pools,
    layer_normalization,
    linear,
    no_operations,
    pads,
    reshapes,
    single_places,
    splits,
    transposes,
    windows,
)
from pipeline.design.concats import share_beginnings
from pipeline.design.operand_order import order_operands
from pipeline.design.rewriter import Rewriter, Rule
from pipeline.errors import ModelError
from pipeline.graph.network import Network

RULES: tuple[Rule, ...] = (
    *no_operations.RULES,
    *reshapes.RULES,
    *transposes.RULES,
    *concats.RULES,
    *splits.RULES,
    *windows.RULES,
    *pads.RULES,
    *global_pools.RULES,
    *arithmetic.RULES,
    *activations.RULES,
    *gelu.RULES,
    *layer_normalization.RULES,
    *linear.RULES,
    *batch_normalization.RULES,
    *single_places.RULES,
)
MOST_SWEEPS = 8  # over the whole graph
MOST_REWRITES = 8  # of one vertex in a sweep


def design_of(network: Network) -> Network:
    """The inference form: a network that computes the same function of its input, for weights
    that follow from the original ones. Raises InvalidNetwork where shapes disagree."""
    rewriter = Rewriter(network)
    by_operator: dict[str, list[Rule]] = defaultdict(list)
    for rule in RULES:
        for operator in rule.operators:
            by_operator[operator].append(rule)
    for _ in range(MOST_SWEEPS):
        if not sweep(rewriter, by_operator):
            break
    return order_operands(share_beginnings(rewriter.network()))


def design_or_itself(network: Network) -> Network:
    """The inference form; the network itself where its shapes disagree, so nothing is known of
    them."""
    try:
        return design_of(network)
    except ModelError:
        return network


def sweep(rewriter: Rewriter, rules: dict[str, list[Rule]]) -> bool:
    """Offer every vertex to its rules, operands first; whether anything changed."""
    changed = False
    for index in rewriter.order():
        for _ in range(MOST_REWRITES):
            # a rule may make it superfluous, or another operator
            mine = rules.get(rewriter.vertices[index].operator, ())
            if not rewriter.is_read(index) or not any(
                r.rewrite(rewriter, index) for r in mine
            ):
                break
            changed = True
    return changed


def design_fingerprint(network: Network) -> str:
    """Equal for networks that are one architecture at inference: 32 hexadecimal digits."""
    return design_of(network).fingerprint
