"""Operators that move values: reshaping, permuting, joining, splitting, repeating."""

from __future__ import annotations

import math
import operator
from typing import Any

from pipeline.errors import InvalidNetwork
from pipeline.graph.network import Shape
from pipeline.operators.axes import (
    Filled,
    fill_axis,
    from_front,
    integers,
    known_integers,
    plain,
)
from pipeline.operators.registry import Example, Operator, Shapes, Values, register

MOST_PARTS = 4096  # of a Split


def build_flatten(layer: Any) -> Any:
    """nn.Flatten, or a reshape to the two axes it makes."""
    axis, shape = layer["axis"], layer.shape
    if axis == 1 and len(shape) > 1:
        return layer.module(layer.nn.Flatten())
    target = (1, -1) if axis == 0 else (-1, math.prod(shape[axis:]))
    return layer.method("reshape", layer.x, target)


def fill_reshape(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """The leading axis of the target, which is the batch's, is said by 0 (as it was) or -1 (by
    the others), so that the target holds for any batch; ``allowzero`` is without effect."""
    target = integers(values, "shape")
    if target is None or not target or (values["allowzero"] and 0 in target):
        return {}
    named = [first[axis] if size == 0 else size for axis, size in enumerate(target)]
    rest = math.prod(size for size in named if size != -1)
    if -1 in named and math.prod(first) % rest:
        return {}  # which shape inference refuses
    named = [math.prod(first) // rest if size == -1 else size for size in named]
    if named[0] == first[0]:
        target = (0, *target[1:])
    elif -1 in target[1:]:
        target = (
            -1,
            *(n if t == -1 else t for n, t in zip(named[1:], target[1:], strict=True)),
        )
    else:
        target = (-1, *target[1:])
    return plain("shape", target) | {"allowzero": None}


def build_reshape(layer: Any) -> Any:
    """``x.reshape``; a leading 0 is the size of x at run time."""
    target: list[Any] = list(known_integers(layer, "shape"))
    for axis, size in enumerate(target):
        if size == 0 and not layer.get("allowzero"):
            target[axis] = (
                layer.method("size", layer.x, axis) if axis == 0 else layer.shape[axis]
            )
    return layer.method("reshape", layer.x, *target)


def fill_transpose(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """Reversed where no order is given."""
    return {"perm": values.get("perm", tuple(range(len(first)))[::-1])}


def fill_squeeze(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """The axes of size 1 where none are named."""
    axes = integers(values, "axes")
    if axes is None:
        axes = tuple(axis for axis, size in enumerate(first) if size == 1)
    return plain("axes", tuple(sorted(from_front(axes, len(first)))))


def fill_unsqueeze(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """Axes counted from the front of the result."""
    axes = integers(values, "axes")
    if axes is None:
        return {}
    return plain("axes", tuple(sorted(from_front(axes, len(first) + len(axes)))))


def build_squeeze(layer: Any) -> Any:
    """torch.squeeze of several axes."""
    return layer.method("squeeze", layer.x, known_integers(layer, "axes"))


def build_unsqueeze(layer: Any) -> Any:
    """torch.unsqueeze, axis by axis."""
    y = layer.x
    for axis in known_integers(layer, "axes"):
        y = layer.method("unsqueeze", y, axis)
    return y


def build_concat(layer: Any) -> Any:
    """torch.cat; a parameter (a class token) is repeated for each image of the batch."""
    axis, parts = layer["axis"], []
    for position in layer.positions:
        part = layer.operand(position)
        if axis and not layer.has_edge(position) and layer.operand_shape(position)[0] == 1:
            others = (-1,) * (len(layer.shape) - 1)
            part = layer.method("expand", part, layer.method("size", layer.x, 0), *others)
        parts.append(part)
    return layer.call(layer.torch.cat, parts, dim=axis)


def fill_split(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """Equal parts (the last may be smaller) by their number, others by their sizes."""
    (axis,) = from_front((values["axis"],), len(first))  # type: ignore[arg-type]
    sizes = integers(values, "split")
    if sizes is None:
        return {"axis": axis}
    if sizes == equal_parts(first[axis], len(sizes)):
        return {"axis": axis, **plain("split", None), "num_outputs": len(sizes)}  # type: ignore[arg-type]
    return {"axis": axis, **plain("split", sizes), "num_outputs": None}


def equal_parts(size: int, parts: int) -> tuple[int, ...]:
    """https://onnx.ai/onnx/operators/onnx__Split.html: all as large, the last what is left."""
    each = -(-size // parts)
    return (each,) * (parts - 1) + (size - each * (parts - 1),)


def count_parts(values: Values) -> int:
    """The number of outputs of a Split. Raises InvalidNetwork for one that says neither their
    number nor their sizes, or says more than any axis has parts for."""
    sizes = integers(values, "split")
    parts = values.get("num_outputs") if sizes is None else len(sizes)
    if not isinstance(parts, int) or not 0 < parts <= MOST_PARTS:
        raise InvalidNetwork("attributes", f"Split: {parts} outputs")
    return parts


def build_split(layer: Any) -> list[Any]:
    """torch.split, and each of its parts."""
    axis, sizes = layer["axis"], integers(layer.attributes, "split")
    sizes = sizes or equal_parts(layer.shape[axis], layer["num_outputs"])
    parts = layer.call(layer.torch.split, layer.x, list(sizes), dim=axis)
    return [layer.call(operator.getitem, parts, slot) for slot in range(len(sizes))]


def fill_expand(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """Sizes that stay as they are (of size 1 here, the batch among them) are 1."""
    target = integers(values, "shape")
    if target is None:
        return {}
    ahead = max(0, len(target) - len(first))
    padded = (1,) * ahead + first[max(0, len(first) - len(target)) :]
    kept = tuple(1 if t == s else t for t, s in zip(target, padded, strict=True))
    return plain("shape", kept)


def build_expand(layer: Any) -> Any:
    """``x.expand``; -1 keeps a size, the batch's among them."""
    target = known_integers(layer, "shape")
    ahead = len(target) - len(layer.shape)
    sizes = (1,) * -ahead + target
    kept = [size if axis < ahead or size != 1 else -1 for axis, size in enumerate(sizes)]
    return layer.method("expand", layer.x, *kept)


def fill_gather(values: Values, first: Shape, parameters: Shapes) -> Filled:
    """The axis from the front, the indices as int64."""
    filled = fill_axis(values, parameters.get("data", first), parameters)
    return filled if values.get("indices") is None else filled | {"indices.dtype": None}


def build_gather(layer: Any) -> Any:
    """``data[:, indices]``."""
    index = (*(slice(None),) * layer["axis"], layer.operand(1))
    return layer.call(operator.getitem, layer.operand(0), index)


def build_tile(layer: Any) -> Any:
    """torch.tile."""
    return layer.call(layer.torch.tile, layer.x, known_integers(layer, "repeats"))


def build_depth_to_space(layer: Any) -> Any:
    """nn.PixelShuffle for CRD; DCR takes the channels in another order."""
    block, (_, channels, height, width) = layer["blocksize"], layer.shape
    if layer["mode"] == "CRD":
        return layer.module(layer.nn.PixelShuffle(block))
    depth = channels // block**2
    y = layer.method("reshape", layer.x, -1, block, block, depth, height, width)
    y = layer.method("permute", y, 0, 3, 4, 1, 5, 2)
    return layer.method("reshape", y, -1, depth, height * block, width * block)


def build_space_to_depth(layer: Any) -> Any:
    """The inverse of DepthToSpace, DCR."""
    block, (_, channels, height, width) = layer["blocksize"], layer.shape
    rows, columns = height // block, width // block
    y = layer.method("reshape", layer.x, -1, channels, rows, block, columns, block)
    y = layer.method("permute", y, 0, 3, 5, 1, 2, 4)
    return layer.method("reshape", y, -1, channels * block**2, rows, columns)


def check_axes(layer: Any) -> str | None:
    """Of some axes: ONNX Runtime takes none for all."""
    return None if layer.vertex.get("axes") else "of no axes"


def check_gather(layer: Any) -> str | None:
    """By constant indices that the axis has."""
    indices, axis = layer.constants.get("indices"), layer.vertex.get("axis", 0)
    if indices is None:
        return None
    size = layer.operands[0].shape[axis]
    is_beyond = (indices < -size).any() or (indices >= size).any()
    return f"an index beyond {size} places" if is_beyond else None


CUBE = ((1, 4, 5, 6),)

register(
    Operator(
        name="Flatten", paper=True, fill=fill_axis, build=build_flatten, any_dtype=True,
        examples=(
            Example(CUBE), Example(CUBE, {"axis": 3}), Example(CUBE, {"axis": -2}),
            Example(CUBE, {"axis": 0}), Example(CUBE, {"axis": 4}), Example(((1, 7),)),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="Reshape", paper=True, fill=fill_reshape, build=build_reshape, any_dtype=True,
        structural=("shape",), target="shape", usual=lambda _: {"shape": (0, -1)},
        examples=(
            Example(CUBE, constants={"shape": [1, 120]}),
            Example(CUBE, constants={"shape": [1, 2, 2, 5, 6]}),
            Example(CUBE, constants={"shape": [0, -1]}),
            Example(CUBE, constants={"shape": [0, 0, 30]}),
            Example(CUBE, constants={"shape": [-1, 120]}),
            Example(CUBE, {"allowzero": 1}, constants={"shape": [1, 4, -1]}),
            Example(CUBE, constants={"shape": [2, -1, 30]}),
            Example(((3, 4, 5),), constants={"shape": [4, 15]}),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="Transpose", fill=fill_transpose, any_dtype=True,
        usual=lambda shape: {"perm": (0, *range(len(shape) - 1, 0, -1))},
        build=lambda layer: layer.method("permute", layer.x, *layer["perm"]),
        examples=(Example(CUBE, {"perm": [0, 2, 3, 1]}), Example(((2, 3, 4),))),
    )
)  # fmt: skip
register(
    Operator(
        name="Squeeze", fill=fill_squeeze, build=build_squeeze, any_dtype=True,
        structural=("axes",), check=check_axes,
        examples=(
            Example(((1, 4, 1, 1),), constants={"axes": [-1, 2]}),
            Example(((1, 4, 1, 6),), constants={"axes": [2]}),
            Example(((3, 1, 1, 6),)),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="Unsqueeze", fill=fill_unsqueeze, build=build_unsqueeze, any_dtype=True,
        structural=("axes",), check=check_axes,
        examples=(
            Example(((1, 4),), constants={"axes": [2, 3]}),
            Example(((1, 4),), constants={"axes": [-1, 1]}),
            Example(((1, 4),), constants={"axes": [0]}),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="Concat", paper=True, fill=fill_axis, build=build_concat, any_dtype=True,
        usual=lambda _: {"axis": 1},
        examples=(
            Example(((1, 4, 5, 6), (1, 2, 5, 6)), {"axis": 1}),
            Example(((1, 4, 5), (1, 4, 2), (1, 4, 3)), {"axis": -1}),
            Example(((1, 7, 8),), {"axis": 1}, {"inputs_0": (1, 1, 8)}),
            Example(((1, 3),), {"axis": 1}, constants={"inputs_1": [[0.5, 1.0]]}),
            Example(((2, 3), (1, 3)), {"axis": 0}),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="Split", fill=fill_split, outputs=count_parts, build=build_split,
        structural=("split",), any_dtype=True,
        usual=lambda _: {"axis": 1, "num_outputs": 2},
        examples=(
            Example(((1, 6, 5),), {"axis": 1, "num_outputs": 3}, outputs=3),
            Example(((1, 7, 5),), {"axis": -2, "num_outputs": 3}, outputs=3),
            Example(((1, 7, 5),), {"axis": 1}, constants={"split": [1, 4, 2]}, outputs=3),
            Example(((1, 6, 5),), {"axis": 1}, constants={"split": [3, 3]}, outputs=2),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="Expand", fill=fill_expand, build=build_expand, any_dtype=True,
        structural=("shape",), target="shape",
        usual=lambda shape: {"shape": (1,) * len(shape)},
        examples=(
            Example(((1, 4, 1, 1),), constants={"shape": [1, 4, 5, 6]}),
            Example(((1, 4, 1, 6),), constants={"shape": [5, 1]}),
            Example(((1, 4),), constants={"shape": [3, 1, 4]}),
            Example(((3, 1),), constants={"shape": [2, 1, 6]}),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="Gather", fill=fill_gather, build=build_gather, any_dtype=True,
        usual=lambda _: {"axis": 1, "indices": (0,)}, check=check_gather,
        delicate=True,  # indices may be known at run time alone
        examples=(
            Example(CUBE, {"axis": 1}, constants={"indices": 2}),
            Example(CUBE, {"axis": -1}, constants={"indices": [5, 0, -1]}),
            Example(CUBE, {"axis": 2}, constants={"indices": [[0, 1], [4, 3]]}),
            Example(((3, 4),), constants={"indices": 1}),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="Tile", build=build_tile, structural=("repeats",),
        usual=lambda shape: {"repeats": (1,) * len(shape)},
        examples=(Example(((1, 4, 5),), constants={"repeats": [1, 2, 3]}),),
    )
)  # fmt: skip
register(
    Operator(
        name="DepthToSpace", build=build_depth_to_space,
        usual=lambda _: {"blocksize": 2}, choices={"mode": ("DCR", "CRD")},
        examples=(
            Example(((1, 12, 3, 4),), {"blocksize": 2}),
            Example(((1, 12, 3, 4),), {"blocksize": 2, "mode": "CRD"}),
        ),
    )
)  # fmt: skip
register(
    Operator(
        name="SpaceToDepth", build=build_space_to_depth, usual=lambda _: {"blocksize": 2},
        examples=(Example(((1, 3, 6, 4),), {"blocksize": 2}),),
    )
)  # fmt: skip
