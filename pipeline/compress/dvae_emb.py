"""DVAE-EMB: D-VAE that learns what its operations are.

Chatzianastasis, Dasoulas, Siolas, Vazirgiannis, "Graph-based Neural Architecture Search with
Operation Embeddings", ICCV Workshops 2021 (arxiv.org/abs/2105.04885): embeddings in place of
one-hot vectors, one table for all three passes. The authors' code starts from a trained table;
here it starts at random.
"""

from typing import ClassVar

from pydantic import PositiveInt
from torch import nn

from pipeline.compress.dvae import DVAE, DVAEConfig
from pipeline.compress.message_pass import TYPES


class DVAEEmbConfig(DVAEConfig):
    """``embedding``: numbers an operation; the authors' three."""

    embedding: PositiveInt = 3


class DVAEEmb(DVAE):
    """D-VAE whose vertex features are learned embeddings of the operations."""

    kind: ClassVar[str] = "dvae_emb"
    Config: ClassVar[type[DVAEConfig]] = DVAEEmbConfig
    config: DVAEEmbConfig

    def make_features(self) -> tuple[nn.Module, int]:
        return nn.Embedding(TYPES, self.config.embedding), self.config.embedding
