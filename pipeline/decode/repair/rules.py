"""The rules on one vertex in the order they are tried, and the operators each is for."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.decode.repair.agreement import (
    COMBINING,
    agree_joined,
    agree_operands,
    drop_disagreeing,
    fit_parameters,
)
from pipeline.decode.repair.attributes import (
    cast_operands,
    drop_nonsense,
    drop_surplus_operands,
    fill_attributes,
)
from pipeline.decode.repair.case import Rule
from pipeline.decode.repair.layout import (
    WITH_AXES,
    WITH_AXIS,
    fit_axes,
    fit_axis,
    fit_block,
    fit_bounds,
    fit_indices,
    fit_pads,
    fit_parts,
    fit_permutation,
    fit_sizes,
    fit_target,
    odd_size,
)
from pipeline.decode.repair.parameters import (
    NORMALISING,
    fit_matrix,
    flatten_operand,
    own_parameters,
    plain_gemm,
)
from pipeline.decode.repair.windows import (
    CONVOLUTIONS,
    POOLS,
    WINDOWS,
    add_spatial_axes,
    divide_groups,
    fit_window_rank,
    keep_windows_inside,
    own_weight,
    plain_transposed,
    shrink_kernel,
)


@dataclass(frozen=True)
class Entry:
    """A rule, the operators it is for (None: all), the rank its first operand must have."""

    rule: Rule
    operators: frozenset[str] | None = None
    rank: int = 1

    def is_for(self, operator: str, rank: int) -> bool:
        return rank >= self.rank and (self.operators is None or operator in self.operators)


def only(*operators: str) -> frozenset[str]:
    return frozenset(operators)


RULES = (
    Entry(drop_nonsense),
    Entry(cast_operands),
    Entry(drop_surplus_operands),
    Entry(fill_attributes),
    Entry(add_spatial_axes, CONVOLUTIONS, 2),
    Entry(own_weight, CONVOLUTIONS),
    Entry(fit_window_rank, WINDOWS, 3),
    Entry(divide_groups, CONVOLUTIONS, 3),
    Entry(shrink_kernel, WINDOWS, 3),
    Entry(keep_windows_inside, POOLS, 3),
    Entry(plain_transposed, only("ConvTranspose"), 3),
    Entry(flatten_operand, only("Gemm")),
    Entry(plain_gemm, only("Gemm")),
    Entry(fit_matrix, only("MatMul")),
    Entry(own_parameters, NORMALISING, 2),
    Entry(fit_axis, WITH_AXIS),
    Entry(fit_axes, frozenset(WITH_AXES)),
    Entry(fit_target, only("Reshape"), 2),
    Entry(fit_permutation, only("Transpose")),
    Entry(fit_bounds, only("Slice")),
    Entry(fit_parts, only("Split")),
    Entry(fit_pads, only("Pad")),
    Entry(fit_sizes, only("Resize")),
    Entry(fit_block, only("DepthToSpace", "SpaceToDepth")),
    Entry(fit_indices, only("Gather")),
    Entry(odd_size, only("LRN")),
    Entry(fit_parameters, COMBINING),
    Entry(agree_operands, COMBINING, 2),
    Entry(drop_disagreeing, COMBINING),
    Entry(agree_joined, only("Concat"), 2),
)
