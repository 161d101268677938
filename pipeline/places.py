"""Where things stand in a project: one folder a dataset, its shelf and its build within."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import DataError
from pipeline.params import FILE, read_plain

DATASETS, ZOO = Path("datasets"), "zoo"


@dataclass(frozen=True)
class Places:
    """What a run reads and makes of one dataset, whose ``folder`` is datasets/NAME."""

    folder: Path

    @property
    def shelf(self) -> Path:
        return self.folder / "shelf"

    @property
    def latencies(self) -> Path:
        return self.shelf / "labels" / "latency"

    @property
    def cache(self) -> Path:
        return self.folder / ".cache"

    @property
    def build(self) -> Path:
        return self.folder / "build"

    @property
    def normalised(self) -> Path:
        return self.build / "normalised"

    @property
    def labels(self) -> Path:
        return self.build / "labels"

    @property
    def codecs(self) -> Path:
        return self.build / "codecs"

    @property
    def embeddings(self) -> Path:
        return self.build / "embeddings"

    @property
    def metrics(self) -> Path:
        return self.build / "metrics"


def places(root: Path, dataset: str | None = None) -> Places:
    """Of a dataset; without a name, of the one that this project builds."""
    return Places(root / DATASETS / (dataset or dataset_of(root)))


def dataset_of(root: Path) -> str:
    """The dataset that this project builds: ``dataset`` in params.yaml, the zoo where nothing
    says. Raises DataError where it is no name."""
    named = read_plain(root).get("dataset", ZOO) if (root / FILE).exists() else ZOO
    if not isinstance(named, str) or not named or Path(named).name != named:
        raise DataError(f"{root / FILE}: dataset: {named!r} is no name of a dataset")
    return named
