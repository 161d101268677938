"""adaptive_avg_pool2d to a larger map, which torch's exact exporter refuses.

Where the wanted size is a multiple of the map's, every output is one input repeated: Resize,
nearest, says the same, forward and backward. AlexNet on images of 64 by 64 needs it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch.onnx import register_custom_op_symbolic, symbolic_helper

NAME = "aten::adaptive_avg_pool2d"


@cache
def support_enlarging_pools(opset: int) -> None:
    """Teach the exporter; every other use of the operator stays with torch's own rule."""
    from torch.onnx._internal.torchscript_exporter.registration import registry

    group = registry.get_function_group(NAME)
    own: Any = group.get(opset) if group is not None else None

    def adaptive_avg_pool2d(g: Any, x: Any, output_size: Any) -> Any:
        sizes = x.type().sizes()
        wanted = symbolic_helper._maybe_get_const(output_size, "is")
        if sizes and isinstance(wanted, list) and _enlarges(sizes[2:], wanted):
            return _repeat(g, x, [*sizes[:2], *wanted])
        return own(g, x, output_size)

    register_custom_op_symbolic(NAME, adaptive_avg_pool2d, opset)


def _enlarges(have: list[int], want: list[int]) -> bool:
    fits = all(size and target % size == 0 for size, target in zip(have, want, strict=True))
    return fits and list(have) != list(want)


def _repeat(g: Any, x: Any, sizes: list[int]) -> Any:
    target = g.op("Constant", value_t=torch.tensor(sizes, dtype=torch.int64))
    nothing = g.op("Constant", value_t=torch.tensor([], dtype=torch.float32))
    return g.op(
        "Resize",
        x,
        nothing,
        nothing,
        target,
        mode_s="nearest",
        coordinate_transformation_mode_s="asymmetric",
        nearest_mode_s="floor",
    )
