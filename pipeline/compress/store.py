"""Trained models on disk: weights in safetensors, everything else in a JSON card beside them.

Loading one reads numbers and names: it runs no code from the files and opens no pickle.
"""

import hashlib
import json
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from pipeline.atomic import write_atomically
from pipeline.errors import DataError

FORMAT = 1
KINDS = {
    "ae": "pipeline.compress.ae:AutoEncoder",
    "vae": "pipeline.compress.vae:VariationalAutoEncoder",
    "vae_quality": "pipeline.compress.vae_quality:QualityVAE",
    "seq2seq": "pipeline.compress.seq2seq:SequenceToSequence",
    "transformer": "pipeline.compress.transformer:ProgramTransformer",
    "dvae": "pipeline.compress.dvae:DVAE",
    "dvae_emb": "pipeline.compress.dvae_emb:DVAEEmb",
}
VERSIONS = ("torch", "lightning", "safetensors")


def build_model(kind: str, config: dict[str, Any]) -> nn.Module:
    """A model of ``kind`` with fresh weights (of torch's global seed).

    Raises DataError for an unknown kind, and for a configuration that the kind refuses.
    """
    if kind not in KINDS:
        raise DataError(f"unknown kind of model {kind!r}; known are: {', '.join(KINDS)}")
    module, name = KINDS[kind].split(":")
    model = getattr(import_module(module), name)
    try:
        return model(model.Config.model_validate(config))
    except (ValidationError, ValueError) as e:
        raise DataError(f"{kind}: configuration refused: {e}") from e


def save_codec(directory: Path | str, name: str, model: Any, card: dict[str, Any]) -> None:
    """Write NAME.safetensors and NAME.json (the card: ``card`` and what rebuilds the model).

    The card is written last and holds the digest of the weights, so a reader never takes a
    mixture of two versions for a codec.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    state = model.state_dict()
    # Weights that two layers share are written twice: safetensors holds no references.
    tensors = {k: v.detach().cpu().clone().contiguous() for k, v in state.items()}
    weights = save(tensors)
    whole = {
        "format": FORMAT,
        "name": name,
        "kind": model.kind,
        "config": model.config.model_dump(mode="json"),
        "parameters": sum(p.numel() for p in model.parameters()),
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
        "versions": {package: version(package) for package in VERSIONS},
    } | card
    write_atomically(directory / f"{name}.safetensors", weights)
    card_text = json.dumps(whole, indent=1) + "\n"
    write_atomically(directory / f"{name}.json", card_text.encode())


def read_card(path: Path | str) -> dict[str, Any]:
    """The card of the codec ``DIRECTORY/NAME``. Raises DataError naming the file and cause."""
    file = Path(f"{path}.json")
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except OSError as e:
        raise DataError(f"{file}: no such codec ({e.strerror})") from e
    except ValueError as e:
        raise DataError(f"{file}: not a codec's card: {e}") from e
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise DataError(f"{file}: not a codec's card of format {FORMAT}")
    return card


def load_model(path: Path | str) -> nn.Module:
    """The trained model of the codec ``DIRECTORY/NAME``, on the CPU, in evaluation mode.

    Raises DataError naming the file and cause: missing, damaged, weights and card of
    different versions, or a kind that is not known here.
    """
    card, file = read_card(path), Path(f"{path}.safetensors")
    try:
        weights = file.read_bytes()
    except OSError as e:
        raise DataError(f"{file}: weights missing ({e.strerror})") from e
    if hashlib.sha256(weights).hexdigest() != card.get("weights_sha256"):
        raise DataError(f"{file}: not the weights that the card beside it describes")
    try:
        with torch.random.fork_rng(devices=[]):
            model = build_model(str(card.get("kind")), card.get("config", {}))
        model.load_state_dict(load(weights))
    except (RuntimeError, SafetensorError, DataError) as e:
        raise DataError(f"{file}: {e}") from e
    return model.eval()
