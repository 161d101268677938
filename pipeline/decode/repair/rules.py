"""The rules on one vertex in the order they are tried, and the operators each is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from pipeline.decode.repair.agreement import (
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
from pipeline.decode.repair.builder import Fit
from pipeline.decode.repair.layout import (
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
    fit_matrix,
    flatten_operand,
    own_parameters,
    plain_gemm,
)
from pipeline.decode.repair.values import has_attribute
from pipeline.decode.repair.windows import (
    add_spatial_axes,
    divide_groups,
    fit_window_rank,
    keep_windows_inside,
    own_weight,
    plain_transposed,
    shrink_kernel,
)
from pipeline.operators.operands import data_inputs, is_variadic
from pipeline.operators.registry import operator_of

Which = Callable[[str], bool]


@dataclass(frozen=True)
class Rule:
    """A rule, the operators it is for, the least rank of their first operand."""

    fit: Fit
    which: Which
    rank: int = 1

    def is_for(self, operator: str, rank: int) -> bool:
        return rank >= self.rank and self.which(operator)


def every(operator: str) -> bool:
    """Any operator."""
    return True


def named(name: str) -> Which:
    """One operator."""
    return lambda operator: operator == name


def having(name: str, *others: str, but: tuple[str, ...] = ()) -> Which:
    """The operators with these attributes, or inputs of such a name, and without some."""
    return lambda operator: (
        all(has_attribute(operator, n) for n in (name, *others))
        and not any(has_attribute(operator, n) for n in but)
    )


@cache
def combining(operator: str) -> bool:
    """The operators of several tensors that broadcast."""
    known = operator_of(operator)
    is_many = is_variadic(operator) or len(data_inputs(operator)) > 1
    return known is not None and known.elementwise and is_many


@cache
def normalising(operator: str) -> bool:
    """The operators that have parameters and as many channels as come in."""
    known = operator_of(operator)
    return known is not None and bool(known.torch_names) and not known.width


sliding = having("kernel_shape")
convolving = having("kernel_shape", "group")
pooling = having("kernel_shape", but=("group",))

RULES = (
    Rule(drop_nonsense, every),
    Rule(cast_operands, every),
    Rule(drop_surplus_operands, every),
    Rule(fill_attributes, every),
    Rule(add_spatial_axes, convolving, 2),
    Rule(own_weight, convolving),
    Rule(fit_window_rank, sliding, 3),
    Rule(divide_groups, convolving, 3),
    Rule(shrink_kernel, sliding, 3),
    Rule(keep_windows_inside, pooling, 3),
    Rule(plain_transposed, having("output_padding"), 3),
    Rule(flatten_operand, named("Gemm")),
    Rule(plain_gemm, named("Gemm")),
    Rule(fit_matrix, named("MatMul")),
    Rule(own_parameters, normalising, 2),
    Rule(fit_axis, having("axis")),
    Rule(fit_axes, having("axes", but=("starts", "pads", "sizes"))),
    Rule(fit_target, named("Reshape"), 2),
    Rule(fit_permutation, having("perm")),
    Rule(fit_bounds, having("starts", "ends")),
    Rule(fit_parts, having("num_outputs")),
    Rule(fit_pads, named("Pad")),
    Rule(fit_sizes, having("scales", "sizes")),
    Rule(fit_block, having("blocksize")),
    Rule(fit_indices, having("indices")),
    Rule(odd_size, named("LRN")),
    Rule(fit_parameters, combining),
    Rule(agree_operands, combining, 2),
    Rule(drop_disagreeing, combining),
    Rule(agree_joined, named("Concat"), 2),
)
