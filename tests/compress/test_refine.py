"""Refined vectors: never worse, and the model stays as it is."""

import torch

from pipeline import Network
from pipeline.compress.refine import refine
from pipeline.decode.program_codec import ProgramCodec


def test_refining_is_never_worse(tiny_codec: ProgramCodec, light: dict[str, Network]) -> None:
    networks = [light["squeezenet"], light["bvlc_alexnet"]]
    tokens = [tiny_codec.tokens(network) for network in networks]
    means = tiny_codec.means(networks)
    before = {k: v.clone() for k, v in tiny_codec.model.state_dict().items()}

    def nats(vectors) -> list[float]:
        rows = zip(torch.tensor(vectors), tokens, strict=True)
        model = tiny_codec.model
        return [
            float(model.negative_log_likelihood(z[None], torch.tensor([row])).sum())
            for z, row in rows
        ]

    refined = refine(tiny_codec.model, means, tokens, steps=8)
    assert all(b < a for a, b in zip(nats(means), nats(refined), strict=True))
    assert (refined == refine(tiny_codec.model, means, tokens, steps=8)).all()
    assert (refine(tiny_codec.model, means, tokens, steps=0) == means).all()
    assert all((v == before[k]).all() for k, v in tiny_codec.model.state_dict().items())
