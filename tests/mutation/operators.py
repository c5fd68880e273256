"""Mutation operators: from a node of the compiler's syntax tree to edits of the source.

arithmetic  + - * / % << >> & |   another of the pair; += ++ likewise
relational  < <= > >= == !=       the boundary moved, the relation negated
logical     && || !               exchanged, dropped
condition   if (c) · c ? a : b    always, never; both branches exchanged
statement   f(x); x = y; emit; revert; return   left out
modifier    restricted, onlyX     left out
constant    1 · true · State.X · Scopes.X       one more, one less, the next
arguments   f(a, b)               two neighbours of one type exchanged
assembly    add(a, b), mstore, 32               the same, in Yul
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Node = dict[str, Any]

ARITHMETIC = {
    "+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "<<": ">>", ">>": "<<", "&": "|", "|": "&",
}  # fmt: skip
RELATIONAL = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
}
LOGICAL = {"&&": "||", "||": "&&"}
STEPS = {"++": "--", "--": "++"}
SCOPES = ("MANAGE", "AGREE", "ANCHOR", "VOUCHER", "CLAIM")
YUL_CALLS = {
    "add": "sub", "sub": "add", "mul": "div", "div": "mul", "mod": "div", "and": "or", "or": "and",
    "lt": "gt", "gt": "lt", "shl": "shr", "shr": "shl",
}  # fmt: skip


@dataclass(frozen=True)
class Edit:
    """Bytes `start` to `end` of a file become `after`."""

    operator: str
    start: int
    end: int
    after: str


def span(node: Node) -> tuple[int, int]:
    """First byte of a node and the byte behind its last."""
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def edits_of(node: Node, parent: Node, source: bytes) -> Iterator[Edit]:
    """Every edit that the operators know for one node."""
    known = _EDITS.get(node["nodeType"])
    if known is not None:
        yield from known(node, parent, source)


def _text(node: Node, source: bytes) -> str:
    start, end = span(node)
    return source[start:end].decode()


def _replaced_sign(node: Node, source: bytes, operator: str, sign: str, after: str) -> Edit:
    """An edit of the sign between a node's two sides."""
    begin = span(node.get("leftExpression") or node["leftHandSide"])[1]
    start = source.index(sign.encode(), begin)
    return Edit(operator, start, start + len(sign), after)


def _binary(node: Node, _parent: Node, source: bytes) -> Iterator[Edit]:
    sign = node["operator"]
    if sign in ARITHMETIC:
        yield _replaced_sign(node, source, "arithmetic", sign, ARITHMETIC[sign])
    for other in RELATIONAL.get(sign, ()):
        yield _replaced_sign(node, source, "relational", sign, other)
    if sign in LOGICAL:
        yield _replaced_sign(node, source, "logical", sign, LOGICAL[sign])


def _unary(node: Node, _parent: Node, source: bytes) -> Iterator[Edit]:
    start, end = span(node)
    sub_start, sub_end = span(node["subExpression"])
    if node["operator"] in ("!", "~"):
        yield Edit("logical", start, sub_start, "")
    elif node["operator"] in STEPS:
        place = (start, sub_start) if node["prefix"] else (sub_end, end)
        yield Edit("arithmetic", *place, STEPS[node["operator"]])


def _assignment(node: Node, _parent: Node, source: bytes) -> Iterator[Edit]:
    sign = node["operator"]
    if sign == "=":
        return
    yield _replaced_sign(node, source, "arithmetic", sign, ARITHMETIC[sign[:-1]] + "=")
    yield _replaced_sign(node, source, "arithmetic", sign, "=")


def _condition(node: Node, _parent: Node, _source: bytes) -> Iterator[Edit]:
    for value in ("true", "false"):
        yield Edit("condition", *span(node["condition"]), value)


def _choice(node: Node, _parent: Node, source: bytes) -> Iterator[Edit]:
    then, other = node["trueExpression"], node["falseExpression"]
    after = f"{_text(other, source)} : {_text(then, source)}"
    yield Edit("condition", span(then)[0], span(other)[1], after)


def _statement(node: Node, parent: Node, source: bytes) -> Iterator[Edit]:
    start, end = span(node)
    end += source[end : end + 1] == b";"
    if parent["nodeType"] == "ForStatement":
        return  # would only never end
    # An `if` around nothing but a revert is dropped by its condition already.
    alone = parent["nodeType"] == "IfStatement" or len(parent.get("statements", ())) == 1
    if node["nodeType"] == "RevertStatement" and alone:
        return
    yield Edit("statement", start, end, "{}")


def _modifier(node: Node, _parent: Node, _source: bytes) -> Iterator[Edit]:
    if node.get("kind") == "modifierInvocation":
        yield Edit("modifier", *span(node), "")


def _literal(node: Node, _parent: Node, source: bytes) -> Iterator[Edit]:
    if node["kind"] == "bool":
        yield Edit("constant", *span(node), "false" if node["value"] == "true" else "true")
    elif node["kind"] == "number":
        yield from _neighbours(node, _text(node, source))


def _neighbours(node: Node, text: str) -> Iterator[Edit]:
    number, _, unit = text.replace("_", "").partition(" ")
    width = len(number) if number.startswith("0x") else 0
    for value in (int(number, 0) + 1, int(number, 0) - 1):
        if value >= 0:
            after = f"{value:#0{width}x}" if width else str(value)
            yield Edit("constant", *span(node), f"{after} {unit}".strip())


def _member(node: Node, _parent: Node, source: bytes) -> Iterator[Edit]:
    owner, _, name = _text(node, source).rpartition(".")
    if owner == "Scopes" and name in SCOPES:
        after = SCOPES[(SCOPES.index(name) + 1) % len(SCOPES)]
        yield Edit("constant", *span(node), f"Scopes.{after}")
    elif owner.rpartition(".")[2] in _NEXT:
        yield Edit("constant", *span(node), f"{owner}.{_NEXT[owner.rpartition('.')[2]][name]}")


_NEXT = {
    "State": {
        "Unknown": "Proposed",
        "Proposed": "Active",
        "Active": "Suspended",
        "Suspended": "Terminated",
        "Terminated": "Unknown",
    },
    "Status": {"Unknown": "Admitted", "Admitted": "Suspended", "Suspended": "Unknown"},
}


def _call(node: Node, _parent: Node, source: bytes) -> Iterator[Edit]:
    for one, two in pairwise(node["arguments"]):
        kinds = [side["typeDescriptions"].get("typeString") for side in (one, two)]
        texts = [_text(side, source) for side in (one, two)]
        if kinds[0] == kinds[1] and texts[0] != texts[1]:
            start, end = span(one)[0], span(two)[1]
            between = source[span(one)[1] : span(two)[0]].decode()
            yield Edit("arguments", start, end, texts[1] + between + texts[0])


def _yul_call(node: Node, _parent: Node, source: bytes) -> Iterator[Edit]:
    name = node["functionName"]
    if name["name"] in YUL_CALLS:
        yield Edit("assembly", *span(name), YUL_CALLS[name["name"]])
    if name["name"] == "iszero":
        yield Edit("assembly", *span(node), f"iszero({_text(node, source)})")


def _yul_statement(node: Node, _parent: Node, _source: bytes) -> Iterator[Edit]:
    yield Edit("assembly", *span(node), "{}")


def _yul_literal(node: Node, _parent: Node, source: bytes) -> Iterator[Edit]:
    if node["kind"] == "number":
        for edit in _neighbours(node, _text(node, source)):
            yield Edit("assembly", edit.start, edit.end, edit.after)


_EDITS = {
    "BinaryOperation": _binary,
    "UnaryOperation": _unary,
    "Assignment": _assignment,
    "IfStatement": _condition,
    "Conditional": _choice,
    "ExpressionStatement": _statement,
    "EmitStatement": _statement,
    "RevertStatement": _statement,
    "Return": _statement,
    "Continue": _statement,
    "ModifierInvocation": _modifier,
    "Literal": _literal,
    "MemberAccess": _member,
    "FunctionCall": _call,
    "YulFunctionCall": _yul_call,
    "YulAssignment": _yul_statement,
    "YulExpressionStatement": _yul_statement,
    "YulLiteral": _yul_literal,
}
