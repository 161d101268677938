"""How the parts of a program read."""

from pipeline.program.instruction import Filled, Kind, Ratio, Recent, Repeat, Symbol


def test_they_read_as_one_writes_them() -> None:
    spelled = (Ratio(2, 1), Ratio(1, 4), Ratio(3, 2), Recent(0), Recent(2), Filled(0.5, 64))
    assert list(map(repr, spelled)) == ["2C", "C/4", "3C/2", "=", "=2", "0.5*64"]
    symbols = [Symbol(kind, 3, slot) for kind, slot in zip(Kind, (0, 1, 0, 0), strict=True)]
    assert list(map(repr, symbols)) == ["^3", "-3:1", "..3", "like -3"]
    assert repr(Symbol(Kind.FRESH, 1)) == "^"


def test_a_repeat_knows_how_much_it_covers() -> None:
    assert Repeat(7, 3, 2).covers == 23
