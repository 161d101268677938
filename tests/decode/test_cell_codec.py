"""Networks of the ENAS set's space through the vectors of the codecs that ship."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline import Network, load_codec
from pipeline.compress import cells as enas
from pipeline.compress.classifiers import to_network
from pipeline.decode.cell_codec import CellCodec
from pipeline.decode.codec import valid
from pipeline.decode.shipped import codec_names
from pipeline.errors import DataError, InvalidNetwork, ModelError

CELLS = enas.draw_cells(4, torch.Generator().manual_seed(11))
NETWORKS = [to_network(enas.to_row(CELLS[i : i + 1]), 36) for i in range(len(CELLS))]
NARROW = to_network(enas.to_row(CELLS[:1]), 8)


@pytest.fixture(scope="module")
def codec() -> CellCodec:
    found = load_codec("enas6-vae", domain="enas6")
    assert isinstance(found, CellCodec)
    return found


@pytest.mark.parametrize("name", codec_names(domain="enas6"))
def test_the_vector_alone_gives_the_network(name: str) -> None:
    codec = load_codec(name)
    codes = codec.encode(NETWORKS)
    assert [code.vector.shape for code in codes] == [(codec.width,)] * len(NETWORKS)
    assert not any(code.residual for code in codes)
    assert [codec.decode(code) for code in codes] == NETWORKS
    assert [codec.decode(code, residual=False) for code in codes] == NETWORKS


def test_a_network_of_other_channels_has_them_in_its_residual(codec: CellCodec) -> None:
    code = codec.encode(NARROW)
    assert code.bits == 31 + 4
    assert codec.decode(code) == NARROW
    assert codec.decode(code, residual=False) == NETWORKS[0]


def test_a_vector_that_says_another_cell_is_mended_by_the_residual(codec: CellCodec) -> None:
    class Forgetful(type(codec.model)):
        def encode(self, cells: enas.Cells) -> torch.Tensor:
            return torch.zeros(len(cells), 6)

    forgetful = replace(codec, model=Forgetful(codec.model.model))
    codes = forgetful.encode(NETWORKS)
    assert all(code.bits == 31 + 6 for code in codes)
    assert [forgetful.decode(code) for code in codes] == NETWORKS


def test_any_vector_says_a_network(codec: CellCodec) -> None:
    drawn = np.random.default_rng(0).standard_normal((4, codec.width))
    drafts = [*codec.likeliest(drawn), codec.draft(np.full(codec.width, np.nan))]
    assert all(draft is not None and valid(draft) for draft in drafts)


def test_what_is_outside_the_domain_is_refused_by_name(
    codec: CellCodec, light: dict[str, Network]
) -> None:
    with pytest.raises(ModelError, match=r"codec enas6-vae: no network of the ENAS space"):
        codec.encode(light["squeezenet"])
    with pytest.raises(DataError, match="refines no vectors"):
        codec.encode(NETWORKS[0], steps=3)


@pytest.mark.parametrize(
    ("number", "channels"), [(enas.COUNT, 36), (0, 0)], ids=["no such cell", "no channels"]
)
def test_a_residual_that_nobody_wrote_is_refused(codec, number: int, channels: int) -> None:
    text = f"{number:031b}{channels:06b}"
    residual = np.packbits(np.array(list(text), np.uint8)).tobytes()
    code = replace(codec.encode(NETWORKS[0]), residual=residual, bits=len(text))
    with pytest.raises(InvalidNetwork, match="there is no cell"):
        codec.decode(code)
