"""What to harvest, and within which bounds: the section ``harvest`` of ``params.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.redaction import GIVE_IT_OTHERWISE, find_credential


class Section(BaseModel):
    """Parameters that cannot change, accept no key they do not know, and hold no credential:
    addresses, parameters and what is said of them are published."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_credentials(cls, plain: Any) -> Any:
        if where := find_credential(plain):
            raise ValueError(f"{where} holds a credential: {GIVE_IT_OTHERWISE}")
        return plain


class Library(Section):
    """A library of models, exported one by one; ``names`` are shell patterns."""

    names: tuple[str, ...] = ("*",)
    limit: int | None = Field(default=None, ge=0)


class Remote(Section):
    """How long to try over a network: seconds a request may take, and tries. ``hosts``: shell
    patterns of those that redirects may lead to, for harvests that nobody watches; empty: any.
    """

    seconds: float = Field(default=30.0, gt=0)
    tries: int = Field(default=6, ge=1)
    hosts: tuple[str, ...] = ()


class Files(Remote):
    """ONNX files at any fsspec address or glob; ``options`` go to fsspec (an endpoint...)."""

    addresses: tuple[str, ...] = ()
    licence: str = "unknown"
    options: dict[str, Any] = Field(default_factory=dict)
    limit: int | None = Field(default=None, ge=0)


class HuggingFace(Remote):
    """Repositories of the hub by name, or everything of an organisation."""

    repositories: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    endpoint: str = "https://huggingface.co"
    limit: int | None = Field(default=None, ge=0)


class Sampled(Section):
    """``limit`` networks drawn from a search space; the same seed draws the same ones."""

    seed: int = 0
    limit: int = Field(default=100, ge=0)


class NasBench201(Sampled):
    """Cells a stage and channels of the first stage, on CIFAR-sized images."""

    cells: int = Field(default=5, ge=1)
    channels: int = Field(default=16, ge=1)


class NasBench101(Sampled):
    """Cells a stack and channels of the first stack, on CIFAR-sized images."""

    cells: int = Field(default=3, ge=1)
    channels: int = Field(default=128, ge=1)


class Enas6(Sampled):
    """Rows of the ENAS set; ``path`` is a copy of the file, fetched there if it is missing."""

    path: Path = Path("datasets/enas6/raw/final_structures6.txt")
    channels: int = Field(default=36, ge=1)


LabelSourceName = Literal[
    "torchvision_weights", "pytorchcv_errors", "timm_results", "nasbench201", "nasbench_macro",
    "enas6",
]  # fmt: skip


class Sources(Section):
    """The sources to harvest; one that is left out is not visited."""

    onnx_wheel: Library | None = None
    torchvision_zoo: Library | None = None
    timm_zoo: Library | None = None
    pytorchcv_zoo: Library | None = None
    files: Files | None = None
    huggingface: HuggingFace | None = None
    nasbench201: NasBench201 | None = None
    nasbench101: NasBench101 | None = None
    enas6: Enas6 | None = None
    nasbench_macro: Sampled | None = None
    random_cnn: Sampled | None = None

    def chosen(self) -> dict[str, Section]:
        """Source name -> its section, for those that stand in the parameters."""
        return {name: value for name, value in self if value is not None}


class HarvestParams(Section):
    """``processes`` models at once, each within so many processor seconds and so much memory.

    ``labels``: whose measurements to fetch, besides. ``retry`` names the reasons for which a
    model that was refused before is tried again; network trouble and a starved machine always
    are.
    """

    sources: Sources
    labels: tuple[LabelSourceName, ...] = ()
    processes: int = Field(default=1, ge=1)
    seconds: float = Field(default=180.0, gt=0)
    memory_gib: float = Field(default=8.0, gt=0)
    retry: tuple[str, ...] = ()
