"""What the contracts declare says what it is, so that a wallet, a page and a reader can tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.project_files import files, name_of

# A member of a contract with the comment above it; what it holds is indented further.
MEMBER = re.compile(r"((?:^ *///.*\n)*)^ {4}(\w[^{;]*)(\{[^}]*|;)", re.M)
SEEN_FROM_OUTSIDE = re.compile(r"^(?:event|error|struct)\b|\b(?:external|public)\b")
FIELD = re.compile(r"^ {8}\S.*?(\w+);", re.M)


def declared() -> Iterator[tuple[str, str, str, str]]:
    """Place, comment, head and body of what can be seen or is kept."""
    for path in files(".sol", under="contracts/"):
        for comment, head, body in MEMBER.findall(path.read_text(encoding="utf-8")):
            if SEEN_FROM_OUTSIDE.search(head):
                yield f"{name_of(path)}: {head.splitlines()[0]}", comment, head, body


def test_everything_declared_says_what_it_is() -> None:
    places = list(declared())
    assert len(places) > 200
    silent = [
        place for place, comment, *_ in places if not re.search("@notice|@inheritdoc", comment)
    ]
    assert silent == []


def test_a_struct_says_what_each_member_is() -> None:
    structs = [each for each in declared() if each[2].startswith("struct")]
    assert len(structs) > 15
    fields = {place: FIELD.findall(body) for place, _, _, body in structs}
    assert all(fields.values())
    assert {place: re.findall(r"@param (\w+)", comment) for place, comment, *_ in structs} == fields
