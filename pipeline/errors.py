"""What can be wrong with a model, a dataset or a code: the only errors a batch may survive.

A stage's loop catches :class:`ModelError` and turns it into a row of the table ``rejected``;
anything else is a defect of this program and stops it loudly.
"""

from pipeline.redaction import redact


class ModelError(Exception):
    """One model cannot be taken in, and why.

    ``reason`` is a short, stable word for grouping (``"truncated"``, ``"cycle"``), ``detail``
    a sentence for a person, ``source`` the file or address it is about. Both are kept without
    credentials: they go to logs, records and tables.
    """

    def __init__(self, reason: str, detail: str, source: str = "") -> None:
        self.reason, self.detail, self.source = reason, redact(detail), redact(source)
        super().__init__(reason, self.detail, self.source)

    def __str__(self) -> str:
        where = f"{self.source}: " if self.source else ""
        return f"{where}{self.detail} [{self.reason}]"

    def at(self, source: str) -> "ModelError":
        """The same error, naming the file it came from (unless one is named already)."""
        return type(self)(self.reason, self.detail, self.source or source)


class UnsupportedOperator(ModelError):  # noqa: N818 - it says what it is
    """An operator that has no torch form, or no ONNX schema at all."""


class InvalidNetwork(ModelError):  # noqa: N818 - it says what it is
    """A graph that is no network: wrong arity, shapes that disagree, no path to the sink."""


class DataError(Exception):
    """A file of the project's own (table, manifest, codec) is missing or damaged."""


class NegativeVerdictError(Exception):
    """What was asked is answered, and the answer is no: exit status 1, no more to say."""
