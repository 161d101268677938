"""A dataset in Python: its tables, its networks, its labels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from pipeline.errors import DataError
from pipeline.graph.network import Network
from pipeline.registry.catalogue import opened
from pipeline.registry.manifest import TABLES_FOLDER, Manifest, read_manifest
from pipeline.tables.names import Names
from pipeline.tables.read import read_table, read_tables
from pipeline.tables.read_networks import GRAPH_TABLES, networks_in

Form = Literal["arrow", "pandas", "polars"]


def load_dataset(name: str = "zoo", datasets: Path | str = "datasets") -> Dataset:
    """A dataset: NAME or NAME@REVISION of the folder ``datasets``, the folder of one, or an
    fsspec address of such a folder (fetched whole, for as long as the object lives).

    Raises DataError, naming the datasets there are, for one that is not there.
    """
    held = ExitStack()
    if "://" in name:
        folder = _fetch(name, held)
    elif (Path(name) / "manifest.json").exists():
        folder = Path(name)
    else:
        folder = held.enter_context(opened(datasets, name))
    return Dataset(folder, held)


@dataclass(frozen=True)
class Dataset:
    """One version of a dataset. Everything is read when it is asked for."""

    folder: Path
    _held: ExitStack = field(default_factory=ExitStack, repr=False, compare=False)

    @cached_property
    def manifest(self) -> Manifest:
        """Version, tables, parameters, lineage."""
        return read_manifest(self.folder)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of its tables."""
        return tuple(self.manifest.tables)

    def table(self, name: str, form: Form = "arrow") -> Any:
        """A table as a pyarrow.Table, or a DataFrame of pandas or polars. Raises DataError."""
        if name not in self.tables:
            known = ", ".join(self.tables)
            raise DataError(f"{self.folder}: has no table {name!r}; there are: {known}")
        return _in_form(read_table(self.folder / TABLES_FOLDER, name), form)

    def network(self, name: str) -> Network:
        """The network of that name (``resnet18``, or with its source, ``timm/resnet18``) or
        fingerprint. Warns of a name that several have; raises DataError with the names alike.
        """
        try:
            return next(networks_in(self._graphs, [self.names.resolve(name)]))[1]
        except DataError as e:
            raise DataError(f"{self.folder}: {e}") from None

    def networks(self) -> Iterator[tuple[str, Network]]:
        """(fingerprint, network) of all, as the tables hold them."""
        yield from networks_in(self._graphs)

    def labels(self, form: Form = "arrow") -> Any:
        """What was measured about its networks, each row with the network's name."""
        names = self.table("networks").select(["fingerprint", "name"])
        joined = self.table("labels").join(names, "fingerprint", join_type="left outer")
        order = [(column, "ascending") for column in ("fingerprint", "data_set", "metric")]
        return _in_form(joined.sort_by(order), form)

    def to_pyg(self) -> list[Any]:
        """Every network as a ``torch_geometric.data.Data``: ``x`` (n, 1) the operator's number
        in ``operators``, ``edge_index`` (2, m), ``edge_attr`` (m, 1) the operand's position.

        Raises DataError where torch_geometric is not installed.
        """
        import torch

        try:
            from torch_geometric.data import Data
        except ModuleNotFoundError as e:
            raise DataError("to_pyg needs torch_geometric: pip install torch_geometric") from e
        numbers = {name: number for number, name in enumerate(self.operators)}
        graphs = []
        for fingerprint, network in self.networks():
            edges = list(network.edges)
            ends = [[e.source for e in edges], [e.target for e in edges]]
            graphs.append(
                Data(
                    x=torch.tensor([[numbers[v.operator]] for v in network.vertices]),
                    edge_index=torch.tensor(ends, dtype=torch.long),
                    edge_attr=torch.tensor([[e.operand] for e in edges], dtype=torch.long),
                    fingerprint=fingerprint,
                )
            )
        return graphs

    @cached_property
    def operators(self) -> tuple[str, ...]:
        """The operators that its networks use, sorted."""
        return tuple(sorted(self.table("nodes")["operator"].unique().to_pylist()))

    @cached_property
    def names(self) -> Names:
        """What its networks are called."""
        files = self.table("files") if "files" in self.tables else None
        return Names.of(self.table("networks"), files)

    @cached_property
    def _graphs(self) -> dict[str, pa.Table]:
        return read_tables(self.folder / TABLES_FOLDER, GRAPH_TABLES)


def _in_form(table: pa.Table, form: Form) -> Any:
    if form == "arrow":
        return table
    try:
        if form == "pandas":
            return table.to_pandas()
        import polars
    except ImportError as e:
        raise DataError(f"{form}: not installed: pip install {form}") from e
    return polars.from_arrow(table)


def _fetch(address: str, held: ExitStack) -> Path:
    from tempfile import TemporaryDirectory

    import fsspec

    folder = Path(held.enter_context(TemporaryDirectory(prefix="nn2vec-")))
    try:
        system, path = fsspec.core.url_to_fs(address)
        for part in ("manifest.json", TABLES_FOLDER):
            system.get(f"{path.rstrip('/')}/{part}", str(folder / part), recursive=True)
    except (OSError, ValueError, ImportError) as e:
        raise DataError(f"{address}: cannot be fetched: {e}") from e
    return folder
