"""What is fitted once a model is trained: the grid of its vectors, and vectors of vertices.

Vectors of vertices are what the encoder knows of each layer in the midst of its network.
Nothing decodes them; they find layers and blocks that stand in like places.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from pipeline.compress.grammar import write_lines
from pipeline.compress.tokens import Field
from pipeline.compress.transformer import CONTEXT, ProgramTransformer
from pipeline.compress.vocabulary import Vocabulary
from pipeline.graph.network import Network
from pipeline.program.instruction import Instruction, Line

FITTED_ON = 400  # networks that the projection is fitted on


def fit_context(
    model: ProgramTransformer, vocabulary: Vocabulary, networks: Sequence[Network]
) -> None:
    """Set the model's projection of contextual vectors to their principal components."""
    chosen = networks[:: max(1, len(networks) // FITTED_ON)]
    states = [_line_states(model, vocabulary, n.program.lines) for n in chosen]
    rows = torch.cat(states)
    _, _, components = torch.linalg.svd(rows - rows.mean(0), full_matrices=False)
    model.context.copy_(components[:CONTEXT].T.contiguous())


@torch.inference_mode()
def fit_grid(
    model: ProgramTransformer, vocabulary: Vocabulary, networks: Sequence[Network]
) -> None:
    """Set the step of each number of the smooth part to the posterior's mean deviation."""
    deviations = []
    for network in networks[:: max(1, len(networks) // FITTED_ON)]:
        tokens = torch.tensor([vocabulary.numbers(network.program.lines)])
        deviations.append((model.encode(tokens)[1] / 2).exp())
    model.grid.copy_(torch.cat(deviations).mean(0))


def vertex_vectors(
    model: ProgramTransformer, vocabulary: Vocabulary, network: Network
) -> np.ndarray:
    """(vertices, CONTEXT) float32. A vertex that a repeat says has the mean of the vectors of
    its instruction and of the repeat."""
    lines = network.program.lines
    vectors = _line_states(model, vocabulary, lines) @ model.context
    place, said = [], []  # of the instruction, and of the line that says it
    for number, line in enumerate(lines):
        if isinstance(line, Instruction):
            place.append(number)
            said.append(number)
            continue
        body = place[len(place) - line.length :]
        again = body * line.times + body[: line.rest]
        place += again
        said += [number] * len(again)
    return ((vectors[place] + vectors[said]) / 2).numpy()


@torch.inference_mode()
def _line_states(
    model: ProgramTransformer, vocabulary: Vocabulary, lines: Sequence[Line]
) -> torch.Tensor:
    """(lines, width): the encoder's state at the first token of each line."""
    tokens = list(write_lines(lines, vocabulary))
    numbers = [vocabulary.offsets[field] + token for field, token in tokens]
    starts = [place for place, (field, _) in enumerate(tokens) if field is Field.WORD]
    _, _, states = model.read(torch.tensor([numbers]))
    return states[0][starts].float()
