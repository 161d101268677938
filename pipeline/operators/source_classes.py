"""Statements -> the text of a class: what ``__init__`` declares, what ``forward`` computes."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import groupby

from pipeline.operators.source_statements import (
    CALL,
    INPUT,
    Argument,
    Declaration,
    Operand,
    Own,
    Parameter,
    Statement,
    literal,
)

WIDTH = 95
INDENT = "    "
LETTERS = "xyzuvw"
SEQUENTIAL = "nn.Sequential"
NAMES = {SEQUENTIAL: "layers", "nn.Buffer": "constant"}  # of what is declared; else its class
LOOPED = 3  # layers of a kind in a row


@dataclass
class Scope:
    """One class of the source being written."""

    name: str
    about: str
    parameters: tuple[str, ...]
    statements: Sequence[Statement]
    returned: tuple[int, ...]
    is_tuple: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    def render(self) -> str:
        """The class as text."""
        statements, returned = join_chains(list(self.statements), self.returned)
        names = name_values(statements, returned)
        declared: list[str] = []
        lines: list[str] = []
        for index, statement in enumerate(statements):
            owned = [self._name(declaration) for declaration in statement.declarations]
            for name, declaration in zip(owned, statement.declarations, strict=True):
                declared += declare(f"self.{name} = ", declaration)
            text = "".join(self._parts(statement, names, owned))
            is_result = not self.is_tuple and returned == (len(statements) - 1,) == (index,)
            lines += wrap(("return " if is_result else f"{names[index]} = ") + text)
        if not lines or not lines[-1].lstrip().startswith("return"):
            lines += self._result([names[r] for r in returned], lines)
        return self._assemble(declared, lines)

    def _result(self, values: list[str], lines: list[str]) -> list[str]:
        if any(line.startswith("return ") for line in lines):  # wrapped over several lines
            return []
        return wrap(
            f"return ({', '.join(values)},)" if self.is_tuple else f"return {values[0]}"
        )

    def _assemble(self, declared: list[str], lines: list[str]) -> str:
        body = [f'"""{self.about}"""', ""]
        if declared:
            body += wrap(f"def __init__({', '.join(('self', *self.parameters))}):", depth=1)
            body += [INDENT + line for line in ("super().__init__()", *declared)] + [""]
        body += ["def forward(self, x):", *(INDENT + line for line in lines)]
        return (
            f"class {self.name}(nn.Module):\n"
            + textwrap.indent("\n".join(body), INDENT)
            + "\n"
        )

    def _name(self, declaration: Declaration) -> str:
        kind = NAMES.get(declaration.callee)
        if kind is None:
            kind = re.sub(r"\d+d?$", "", declaration.callee.removeprefix("nn.")).lower()
        self.counts[kind] += 1
        return f"{kind}{self.counts[kind]}"

    def _parts(
        self, statement: Statement, names: dict[int, str], owned: list[str]
    ) -> Iterator[str]:
        for part in statement.parts:
            if isinstance(part, Own):
                yield f"self.{owned[part.number]}"
            elif isinstance(part, Operand):
                yield names[statement.operands[part.number]]
            else:
                yield part


def join_chains(
    statements: list[Statement], returned: tuple[int, ...]
) -> tuple[list[Statement], tuple[int, ...]]:
    """Layers that follow one another, with nothing else between, as one nn.Sequential."""
    uses = Counter(o for s in statements for o in s.operands) + Counter(returned)
    joined: list[Statement] = []
    moved = {INPUT: INPUT}
    for index, statement in enumerate(statements):
        follows = bool(index) and statement.operands == (index - 1,) and uses[index - 1] == 1
        if follows and statement.parts == CALL == joined[-1].parts:
            joined[-1] = replace(
                joined[-1], declarations=(*joined[-1].declarations, *statement.declarations)
            )
        else:
            operands = tuple(moved[o] for o in statement.operands)
            joined.append(replace(statement, operands=operands))
        moved[index] = len(joined) - 1
    for index, statement in enumerate(joined):
        if statement.parts == CALL and len(statement.declarations) > 1:
            layers = tuple(Argument("", "layer", d) for d in statement.declarations)
            chain = Declaration(SEQUENTIAL, layers)
            joined[index] = replace(statement, declarations=(chain,))
    return joined, tuple(moved[r] for r in returned)


def name_values(statements: list[Statement], returned: tuple[int, ...]) -> dict[int, str]:
    """A variable for each value; one that is needed no more gives its name to the next."""
    last = {o: k for k, s in enumerate(statements) for o in s.operands}
    last |= dict.fromkeys(returned, len(statements))
    names = {INPUT: LETTERS[0]}
    free: list[int] = []
    places = {INPUT: 0}
    count = 1
    for index, statement in enumerate(statements):
        ended = [places[o] for o in dict.fromkeys(statement.operands) if last[o] == index]
        if not ended and not free:
            free.append(count)
            count += 1
        place = ended[0] if ended else heappop(free)
        for other in ended[1:]:
            heappush(free, other)
        places[index] = place
        names[index] = LETTERS[place] if place < len(LETTERS) else f"x{place}"
        if index not in last:
            heappush(free, place)
    return names


def declare(name: str, declaration: Declaration) -> list[str]:
    """Lines that assign a declaration; a chain too long for one line has a line a layer."""
    text = name + render(declaration)
    if declaration.callee != SEQUENTIAL or len(text) <= WIDTH - 2 * len(INDENT):
        return wrap(text)
    inner = (wrap(layer + ",", depth=3) for layer in render_layers(declaration))
    return [f"{name}{SEQUENTIAL}(", *(INDENT + line for lines in inner for line in lines), ")"]


def render(declaration: Declaration) -> str:
    """``nn.Conv2d(3, 64, 7, stride=2)``; what is at its default is left out."""
    if declaration.callee == SEQUENTIAL:
        arguments = render_layers(declaration)
    else:
        arguments = [
            (f"{a.keyword}=" if a.keyword else "") + render_value(a.value)
            for a in declaration.arguments
            if isinstance(a.value, Parameter | Declaration) or a.value != a.default
        ]
    return f"{declaration.callee}({', '.join(arguments)})"


def render_layers(chain: Declaration) -> list[str]:
    """The layers of a chain; three and more of a kind as a comprehension."""
    texts: list[str] = []
    for text, run in groupby(render(argument.value) for argument in chain.arguments):
        count = len(list(run))
        many = [f"*[{text} for _ in range({count})]"]
        texts += many if count >= LOOPED else [text] * count
    return texts


def render_value(value: object) -> str:
    """An argument: a parameter's name, another declaration, or a literal."""
    if isinstance(value, Parameter):
        return value.name
    return render(value) if isinstance(value, Declaration) else literal(value)


def wrap(line: str, depth: int = 2) -> list[str]:
    """A statement on as many lines as it takes; it breaks within brackets only, for outside
    of them no line here is long. ``depth``: how far it will be indented."""
    return textwrap.wrap(
        line,
        WIDTH - depth * len(INDENT),
        subsequent_indent=INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
