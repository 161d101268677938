"""adaptive_avg_pool2d to a larger map, which torch's exact exporter refuses.

Where the wanted size is a multiple of the map's, every output is one input repeated: Resize,
nearest, says the same, forward and backward. AlexNet on images of 64 by 64 needs it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.onnx import register_custom_op_symbolic

NAME = "aten::adaptive_avg_pool2d"


def support_enlarging_pools(opset: int) -> None:
    """Teach the exporter; every other use of the operator stays with torch's own rule."""
    register_custom_op_symbolic(NAME, _adaptive_avg_pool2d, opset)


def _adaptive_avg_pool2d(g: Any, x: Any, output_size: Any) -> Any:
    sizes = x.type().sizes()
    wanted = output_size.node()["value"].tolist() if _is_constant(output_size) else None
    if sizes and wanted and _enlarges(sizes[2:], wanted):
        target = torch.tensor([*sizes[:2], *wanted], dtype=torch.int64)
        nothing = g.op("Constant", value_t=torch.tensor([], dtype=torch.float32))
        return g.op(
            "Resize", x, nothing, nothing, g.op("Constant", value_t=target),
            mode_s="nearest", coordinate_transformation_mode_s="asymmetric",
            nearest_mode_s="floor",
        )  # fmt: skip
    return _own_rule()(g, x, output_size)


def _is_constant(value: Any) -> bool:
    return value.node().kind() in ("onnx::Constant", "prim::Constant")


def _enlarges(have: list[int], want: list[int]) -> bool:
    fits = all(size and target % size == 0 for size, target in zip(have, want, strict=True))
    return fits and list(have) != list(want)


def _own_rule() -> Any:
    from torch.onnx._internal.torchscript_exporter import symbolic_opset9

    return symbolic_opset9.adaptive_avg_pool2d  # type: ignore[attr-defined]
