"""Every column, declared once: its type, whether it may be null, its meaning, its unit."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

SHAPE = pa.list_(pa.int64())


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``type`` is None for a vector: its width is fixed when a table is made."""

    name: str
    type: pa.DataType | None
    meaning: str
    unit: str = ""
    nullable: bool = False

    def field(self, width: int | None = None) -> pa.Field:
        """The Arrow field; a vector becomes a fixed-size list of ``width`` float32 numbers.

        Raises ValueError for a vector without a positive width.
        """
        if self.type is not None:
            return pa.field(self.name, self.type, nullable=self.nullable)
        if not width or width < 1:
            raise ValueError(f"column {self.name} is a vector: say how many numbers it has")
        return pa.field(self.name, pa.list_(pa.float32(), width), nullable=self.nullable)


COLUMNS = (
    Column("file_digest", pa.string(), "SHA-256 of the harvested file; empty if never read"),
    Column("address", pa.string(), "where the file was harvested from, as an fsspec address"),
    Column("source", pa.int32(), "vertex that the tensor comes from", "node"),
    Column("licence", pa.string(), "licence of the file, as its source states it"),
    Column("opset", pa.int32(), "ONNX operator set of the file", nullable=True),
    Column("producer", pa.string(), "the program that wrote the file", nullable=True),
    Column("fingerprint", pa.string(), "hash of the network's canonical form, 32 hex digits"),
    Column("harvested_at", pa.timestamp("us"), "when the file was harvested", "UTC"),
    Column("name", pa.string(), "the network's name at its source, the first of several"),
    Column("family", pa.string(), "the design it is a variant of, by name"),
    Column("group", pa.string(), "all families of one design, and what is nearly one of its "
           "networks: what the split goes by", nullable=True),
    Column("design", pa.string(), "hash of the inference form: equal for one architecture "
           "however it was exported; null in datasets made before it", nullable=True),
    Column("vertices", pa.int32(), "vertices, Input and Output included", "vertices"),
    Column("edges", pa.int32(), "edges", "edges"),
    Column("instructions", pa.int32(), "lines of its program, a repeat being one; null in "
           "datasets made before it", nullable=True),
    Column("max_out_degree", pa.int32(), "most edges out of one vertex", "edges"),
    Column("max_in_degree", pa.int32(), "most edges into one vertex", "edges"),
    Column("depth", pa.int32(), "edges on the longest path from Input to Output", "edges"),
    Column("parameters", pa.int64(), "trainable numbers", "parameters"),
    Column("macs", pa.int64(), "multiply-accumulates of one image, in Conv, ConvTranspose, "
           "Gemm and MatMul; null in datasets made before it", "operations", nullable=True),
    Column("input_shape", SHAPE, "shape of the input at batch size 1", "elements"),
    Column("output_shape", SHAPE, "shape of the first output at batch size 1", "elements"),
    Column("paper_operators_only", pa.bool_(), "whether the paper's 20 operators suffice"),
    Column("data_set", pa.string(), "what it was measured on; none for speeds"),
    Column("metric", pa.string(), "what was measured: top1, top5, latency_ms, ..."),
    Column("recipe", pa.string(), "which weights or trial it was, in the source's words"),
    Column("value", pa.float64(), "the measured number: accuracies in percent"),
    Column("epochs", pa.int32(), "epochs of training before it", "epochs", nullable=True),
    Column("resolution", pa.int32(), "side of the images", "pixels", nullable=True),
    Column("part", pa.string(), "train, or test: held out from training"),
    Column("node", pa.int32(), "the vertex: its place in canonical order", "node"),
    Column("operator", pa.string(), "ONNX operator, or Input or Output"),
    Column("target", pa.int32(), "vertex that takes the tensor", "node"),
    Column("operand", pa.int32(), "the target's input position that the tensor fills"),
    Column("output", pa.int32(), "the source's output slot that the tensor leaves from"),
    Column("attribute", pa.string(), "ONNX attribute, or the name of a constant input"),
    Column("int", pa.int64(), "the value, if it is a whole number", nullable=True),
    Column("float", pa.float64(), "the value, if it is floating-point", nullable=True),
    Column("string", pa.string(), "the value, if it is text", nullable=True),
    Column("ints", pa.list_(pa.int64()), "the value, if it is whole numbers", nullable=True),
    Column("floats", pa.list_(pa.float64()), "the value, if floating-points", nullable=True),
    Column("strings", pa.list_(pa.string()), "the value, if it is texts", nullable=True),
    Column("stage", pa.string(), "the step that refused the file"),
    Column("reason", pa.string(), "why, as a short stable word"),
    Column("detail", pa.string(), "why, as a sentence"),
    Column("codec", pa.string(), "the codec that made the vectors"),
    Column("vector", None, "the whole network as one vector, from which it is decoded"),
    Column("smooth", None, "the vector's first numbers: distances and search go by these"),
    Column("residual", pa.binary(), "what decoding needs beside the vector; may be empty"),
    Column("bits", pa.int64(), "size of the residual; 0 if the vector suffices", "bits"),
)  # fmt: skip
BY_NAME = {column.name: column for column in COLUMNS}

# Names that mean another thing in one table than in the others.
FILE_SOURCE = Column("source", pa.string(), "which collection the file belongs to")
FILE_FINGERPRINT = Column(
    "fingerprint", pa.string(), "the network it holds; null if it was refused", nullable=True
)
SPLIT_GROUP = Column("group", pa.string(), "a group of networks")
LABEL_SOURCE = Column("source", pa.string(), "who measured it")
FILE_BYTES = Column("bytes", pa.int64(), "size of the file with its weights", "bytes")
VERTEX_VECTOR = Column("vector", None, "the vertex in the midst of its network as a vector")
