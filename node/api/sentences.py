"""Says in another language what the node says in English.

A problem, a refusal or a failure is written once, in English, where it arises; so the API answers
it, so the database keeps it, and so another node tells it. `web/texts/sentences.<language>.json`
has each of these sentences, with a {name} where a value stands, and the same in that language. A
sentence is found by what is fixed in it, and its values are read back out of it. For people, in
English too, a time or a month among the values is written as their calendar does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from node.api.texts import TEXTS_DIR, TIME_MAX, locale_of, month_in, time_in
from protocol.periods import PERIOD_MAX
from protocol.types import Period, UnixSeconds

OWN_LANGUAGE = "en"
LISTED_IN = "fr"
"""The language whose file lists the sentences for English, too."""
SLOT = re.compile(r"\{(\w+)\}")
NUMBERED = re.compile(r"\{(\w+)\|([^|{}]*)\|([^|{}]*)\}")
"""A word that the number at a slot puts into the singular or the plural: {count|clé|clés}."""
STOP = re.compile(r"\. ")
IN_WORDS = "said"
"""A slot whose name begins so holds a sentence that has its own words, or the whole has none."""
PLACE = "place"
"""A slot of this name holds the path of a field, in which is no blank."""
TIME, MONTH = "time", "month"
"""Slots whose names begin so hold Unix seconds, or a month counted from January 1970."""
DIGITS_MAX = 12
"""A longer number is no time, and more than one."""
DEPTH_MAX = 6
LENGTH_MAX = 1_000
"""Of a longer text nobody looks for the words."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """An English sentence cut at its slots: one more fixed part than slots, maybe empty."""

    fixed: tuple[str, ...]
    slots: tuple[str, ...]
    words: str

    @property
    def is_strict(self) -> bool:
        """Whether it fits only if what stands in it has words."""
        return any(slot.startswith(IN_WORDS) for slot in self.slots)

    @property
    def has_several(self) -> bool:
        """Whether it is several sentences, one of which may be somebody's remedy."""
        return self.is_strict and any(STOP.search(part) for part in self.fixed)

    @classmethod
    def of(cls, english: str, words: str) -> Sentence:
        """From the two texts, with {names} in them."""
        parts = SLOT.split(english)
        return cls(tuple(parts[::2]), tuple(parts[1::2]), words)

    def values_in(self, text: str) -> dict[str, str] | None:
        """What stands at each slot; None if the text is not this sentence. Each fixed part is
        taken where it comes first, so that no text makes the search long."""
        first, *middle, last = self.fixed
        if not (text.startswith(first) and text.endswith(last)):
            return None
        values, begin, end = [], len(first), len(text) - len(last)
        for part in middle:
            at = text.find(part, begin + 1, end)
            if at < 0:
                return None
            values.append(text[begin:at])
            begin = at + len(part)
        if begin >= end:
            return None
        return dict(zip(self.slots, [*values, text[begin:end]], strict=True))


class Translation:
    """All sentences of a language."""

    def __init__(self, words: Mapping[str, str], language: str) -> None:
        self._whole = words
        self._language = language
        sentences = [Sentence.of(*each) for each in words.items() if SLOT.search(each[0])]
        sentences.sort(key=_rank)
        self._several = [each for each in sentences if each.has_several]
        self._others = [each for each in sentences if not each.has_several]

    def say(self, text: str, depth: int = DEPTH_MAX) -> str | None:
        """The text in this language; None if it has no words for it."""
        if text in self._whole:
            return self._whole[text]
        if depth == 0 or len(text) > LENGTH_MAX:
            return None
        return (
            self._say_one(self._several, text, depth)
            or self._say_both(text, depth)
            or self._say_one(self._others, text, depth)
        )

    def _say_one(self, sentences: Iterable[Sentence], text: str, depth: int) -> str | None:
        """By the first of these that fits."""
        for sentence in sentences:
            values = sentence.values_in(text)
            if values is not None and (said := self._fill(sentence, values, depth)) is not None:
                return said
        return None

    def _fill(self, sentence: Sentence, values: Mapping[str, str], depth: int) -> str | None:
        filled = {}
        for slot, value in values.items():
            said = self._say_date(slot, value) or self.say(value, depth - 1)
            is_other = slot == PLACE and " " in value
            if is_other or (said is None and slot.startswith(IN_WORDS)):
                return None
            filled[slot] = value if said is None else said
        words = NUMBERED.sub(lambda word: self._in_number(values[word[1]], word), sentence.words)
        return SLOT.sub(lambda slot: filled[slot[1]], words)

    def _say_date(self, slot: str, value: str) -> str | None:
        """A time or a month as people write it; what is neither, or beyond a calendar, stays."""
        if not _is_number(value):
            return None
        number = int(value)
        if slot.startswith(TIME) and number <= TIME_MAX:
            return time_in(UnixSeconds(number), self._language)
        if slot.startswith(MONTH) and number <= PERIOD_MAX:
            return month_in(Period(number), self._language)
        return None

    def _in_number(self, value: str, word: re.Match[str]) -> str:
        locale = locale_of(self._language)
        is_one = _is_number(value) and locale.plural_form(int(value)) == "one"
        return word[2] if is_one else word[3]

    def _say_both(self, text: str, depth: int) -> str | None:
        """A refusal and its remedy, which some keep as one text."""
        for stop in STOP.finditer(text):
            if (remedy := self._whole.get(text[stop.end() :])) is not None:
                said = self.say(text[: stop.end() - 1], depth - 1)
                return None if said is None else f"{said} {remedy}"
        return None


def said_in(text: str | None, language: str) -> Markup:
    """A sentence of the node for a page; one without words in the page's language says which it
    has. Of what was kept without a sentence nothing is said."""
    if not text:
        return Markup("")
    said = translation_to(language).say(text)
    if said is None and language != OWN_LANGUAGE:
        return Markup('<span lang="{}">{}</span>').format(OWN_LANGUAGE, text)
    return Markup("{}").format(text if said is None else said)


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= DIGITS_MAX


def _rank(sentence: Sentence) -> tuple[bool, int]:
    """First those that fit only if what stands in them does, then those that say most."""
    return not sentence.is_strict, -sum(map(len, sentence.fixed))


def translate(told: dict[str, Any], language: str) -> None:
    """Says title, detail and remedy in a language; what has no words in it stays English."""
    translation = translation_to(language)
    for name in ("title", "detail", "remedy"):
        if name in told:
            told[name] = translation.say(told[name]) or told[name]


@lru_cache
def translation_to(language: str) -> Translation:
    """The sentences of a language; in the node's own they stay as they are, but for dates and for
    words that a number puts into the singular."""
    if language == OWN_LANGUAGE:
        words = {english: english for english in _words_of(LISTED_IN)} | _words_of(OWN_LANGUAGE)
    else:
        words = _words_of(language)
    return Translation(words, language)


def _words_of(language: str) -> dict[str, str]:
    file = TEXTS_DIR / f"sentences.{language}.json"
    sections: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    return {english: words for each in sections.values() for english, words in each.items()}
