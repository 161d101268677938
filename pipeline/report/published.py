"""Figures others have published, for the rows that stand beside ours.

Shalamov, Efimova, Filchenkov, "Translation of a neural network into a vector representation",
tables 1 and 2; D-VAE: Zhang et al., NeurIPS 2019, arxiv.org/abs/1904.11088, tables 1 and 2
(also for S-VAE, GraphRNN and GCN); DVAE-EMB: ICCV Workshops 2021; PACE: its own repository.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedEncoder:
    """Shares in %, RMSE in standard deviations; None where nothing was published."""

    name: str
    where: str
    latent: str
    epochs: int | None = None
    accuracy: float | None = None
    validity: float | None = None
    uniqueness: float | None = None
    rmse: float | None = None
    pearson_r: float | None = None


ENCODERS = (
    PublishedEncoder("Proposed in the paper", "table 1", "4 + 2", None, 99.99, 100.0),
    PublishedEncoder("D-VAE", "NeurIPS 2019", "56", 300, 99.96, 100.0, 37.26, 0.384, 0.920),
    PublishedEncoder("DVAE-EMB", "ICCV-W 2021", "56", 300, 99.99, 100.0, 39.15, 0.371, 0.925),
    PublishedEncoder("S-VAE", "NeurIPS 2019", "56", 300, 99.98, 100.0, 37.03, 0.478, 0.873),
    PublishedEncoder("GraphRNN", "NeurIPS 2019", "56", 300, 99.85, 99.84, 29.77, 0.726, 0.669),
    PublishedEncoder("GCN", "NeurIPS 2019", "56", 300, 98.70, 99.53, 34.00, 0.485, 0.870),
    PublishedEncoder("PACE", "its repository", "64", 100, rmse=0.248, pearson_r=0.968),
)

# Network -> variant -> (mean, standard deviation) of test accuracy, %, after 50 epochs.
RETRAINED = {
    "resnet18": {
        "original": (78.99, 0.39),
        "without compression": (78.99, 0.39),
        "with compression": (79.17, 0.23),
    },
    "alexnet": {
        "original": (71.54, 0.42),
        "without compression": (70.46, 0.50),
        "with compression": (60.44, 0.39),
    },
}
