"""Programs folded into lines, blocks and loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hypothesis import given
from random_programs import networks

from pipeline import Network
from pipeline.program.fold import Block, Item, Line, fold, names
from pipeline.program.phrase import phrase
from pipeline.program.spell import spell


def said(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Line):
            yield from item.phrases
        else:
            for _ in range(item.times):
                yield from said(item.items)


@given(networks)
def test_every_instruction_is_said_once(network: Network) -> None:
    items = fold(network)
    assert list(said(items)) == list(map(phrase, spell(network)))
    ends = [0, *(item.stop for item in items)]
    assert [item.start for item in items] == ends[:-1]
    assert ends[-1] == len(network)


def test_stages_of_a_resnet_are_loops_of_one_block(zoo: Callable[[str], Network]) -> None:
    items = fold(zoo("resnet50"))
    loops = [item for item in items if isinstance(item, Block) and item.times > 1]
    assert [loop.times for loop in loops] == [2, 3, 5, 2]
    assert len({loop.body for loop in loops}) == 1
    assert set(names(items).values()) == {"A", "B"}


def test_it_is_said_in_lines_a_person_reads(zoo: Callable[[str], Network]) -> None:
    first = fold(zoo("resnet18"))[1]
    assert isinstance(first, Line)
    assert first.phrases == ("Conv 7x7 64 /2", "BatchNorm", "Relu")
