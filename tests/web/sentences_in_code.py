"""Finds in the code every sentence by which the node tells what is wrong, with a {} at each value.

A sentence stands where a problem or an error of the protocol is made, or behind a name that says
what it is for.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from node.api.problem_documents import PLAIN_WORDS
from node.problems import catalogue
from protocol.errors import ProtocolError
from tests.project_files import files, name_of

NAMES = {
    *("detail", "remedy", "reason", "takes", "seen", "told", "day", "EURO_REMEDY", "said"),
    *("met", "problem", "ANOTHER_NODE", "NOT_WRITTEN"),
}
MAKERS = {
    "Problem.of": 1,
    "not_found": 2,
    "refused": 2,
    "FieldProblem": 1,
    "Fault": 2,
    "fault": 1,
    "_refused": 0,
    "_closed": 0,
    "_wrong": 0,
    "wrong_value": 0,
    "TooManySessions": 0,
    "SessionRefused": 0,
    "TargetRefused": 0,
    "NoAnswer": 0,
    "DeliveryFailed": 0,
    "PasskeyRefused": 0,
    "Refused": 0,
    "RecordTooLarge": 0,
    "_malformed": 0,
    "Refusal": 1,
    "DidDocumentUnknown": 0,
    "NoSigningKey": 0,
    "SignerUnreachable": 0,
    "reader.value": 2,
    "case": 0,
    "LogGap": 0,
    "BlockFault": 1,
    "Contradiction": 0,
    "ReadInVain": 0,
    "ReorganisationTooDeep": 0,
}
"""Calls, with the first of their arguments that is a sentence."""
OF_NO_PAGE = (
    "node/backup/",
    "node/bench/",
    "node/cli/",
    "node/demo/",
    "node/embedded/",
    "node/problem_kinds/",
    "node/sending/",
    "protocol/bundle_verification.py",
    "protocol/errors/",
    "protocol/ledger",
)
HALTS = (
    *("indexer/audit.py", "indexer/block_checks.py", "indexer/projections/known.py"),
    *("indexer/reorg.py", "indexer/rereads.py"),
)
"""Where the indexer says why it stands still, which the node tells."""
IN_TABLES = ("node/api/admission.py", "node/sending/failures.py")
AS_ANSWERS = (
    *("node/api/schemas/base.py", "node/record_delivery.py"),
    *("indexer/audit.py", "indexer/block_checks.py"),
)
"""Where a function answers or yields sentences."""
AS_RAISED = ("node/api/organisation/forms.py", "node/intake/request_csv.py")
"""Where a ValueError becomes the end of another sentence; those of `schemas` become one."""
SLOT = re.compile(r"\{[^{}]*\}|⟨[^⟩]*⟩")


def bare(sentence: str) -> str:
    """A sentence without the names of its values."""
    return SLOT.sub("{}", sentence)


def sentences_of_kinds() -> Iterator[str]:
    for kind in catalogue().values():
        yield from (kind.title, kind.meaning, kind.remedy)


def sentences_of_rules(base: type[ProtocolError] = ProtocolError) -> Iterator[str]:
    for rule in base.__subclasses__():
        if "__dataclass_fields__" in vars(rule):
            yield from (rule.sentence, rule.remedy)
        yield from sentences_of_rules(rule)


def sentences_of_fields() -> Iterator[str]:
    for words in PLAIN_WORDS.values():
        yield from words


def sentences_of_occasions() -> Iterator[tuple[str, str]]:
    """Each with the place where it stands."""
    for root in ("node/", "protocol/", *HALTS):
        for path in files(".py", under=root):
            name = name_of(path)
            if name.startswith(OF_NO_PAGE) and name not in IN_TABLES:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                for told in (*_told_in(node), *_at(node, name)):
                    if " " in told and re.search("[a-z]", bare(told)):
                        yield f"{name}:{getattr(node, 'lineno', 0)}", told


def _told_in(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Call():
            maker = ast.unparse(node.func)
            first = MAKERS.get(maker, MAKERS.get(maker.rpartition(".")[2], len(node.args)))
            for each in node.args[first:]:
                yield from _texts_in(each)
            for keyword in node.keywords:
                if keyword.arg in NAMES and not maker.startswith(("logger", "log")):
                    yield from _texts_in(keyword.value)
        case ast.Assign(targets=[target]):
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            for named, value in pairs:
                if isinstance(named, ast.Name) and named.id in NAMES:
                    yield from _texts_in(value)


def _at(node: ast.AST, name: str) -> Iterator[str]:
    """Sentences that only the place where they stand shows to be some."""
    match node:
        case ast.Dict() if name in IN_TABLES:
            for each in node.values:
                yield from _texts_in(each)
        case ast.Return(value=ast.expr() as answered) | ast.Yield(value=ast.expr() as answered) if (
            name in AS_ANSWERS
        ):
            yield from _texts_in(answered)
        case ast.Call(func=ast.Name(id="ValueError"), args=[ast.Constant(value=str(text))]):
            if name.startswith("node/api/schemas/"):
                yield f"{text[:1].upper()}{text[1:]}."
            elif name in AS_RAISED:
                yield text


def _texts_in(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr():
            parts = (
                each.value if isinstance(each, ast.Constant) else "{}" for each in value.values
            )
            yield "".join(map(str, parts))
        case ast.IfExp():
            yield from _texts_in(value.body)
            yield from _texts_in(value.orelse)
        case ast.Tuple(elts=several) | ast.BoolOp(values=several):
            for each in several:
                yield from _texts_in(each)
        case ast.Subscript():
            yield from _texts_in(value.value)
