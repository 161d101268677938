"""One Transpose after another is one.

Reason: a library that computes in channels-last order returns to channels-first between its
layers, and exporters join what meets, or do not.
Requires: nothing. Ensures: no Transpose of a Transpose.
"""

from __future__ import annotations

from typing import Any

from pipeline.design.rewriter import Rewriter, Rule, vertex_of


def join(rewriter: Rewriter, index: int) -> bool:
    """``transpose(transpose(x, p), q)`` -> ``transpose(x, p[q])``."""
    vertex = rewriter.vertices[index]
    inner = rewriter.vertices[vertex.operands[0].source]
    if inner.operator != "Transpose":
        return False
    first: Any = inner.get("perm")
    second: Any = vertex.get("perm")
    perm = tuple(first[axis] for axis in second)
    rewriter.replace(index, vertex_of("Transpose", {"perm": perm}, inner.operands[0]))
    return True


RULES = (Rule("transpose of transpose", ("Transpose",), join),)
