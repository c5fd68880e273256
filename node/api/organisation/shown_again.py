"""A form that could not be taken is shown again: what was filled in stays, and what is wrong stands
beside its field."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from markupsafe import Markup

from node.api.organisation.forms import Form
from node.api.page_rendering import language_of
from node.api.page_route import problem_of
from node.api.sentences import said_in
from node.api.wording import wording_of
from node.problems import FieldProblem, Problem
from protocol.errors import ProtocolError

FAULTS = (Problem, ProtocolError, RequestValidationError)
"""What may come of reading a form."""


def fault_of(error: Exception, request: Request, form: Form) -> Problem:
    """The problem, where all that it names are fields of the form. Raises the error again if not:
    nothing that is filled in would mend it, so it has a page of its own."""
    problem = problem_of(error, request)
    named = {_field_of(each) for each in problem.errors}
    if not named or not named <= form.fields.keys():
        raise error
    return problem


def values_of(request: Request, form: Form | None, problem: Problem | None) -> dict[str, Any]:
    """What `organisation/form_parts.html` shows; of a form that is shown for the first time, both
    are None."""
    wrong: dict[str, Markup] = {}
    for each in [] if problem is None else problem.errors:
        wrong.setdefault(_field_of(each), _in_words(request, problem, each))
    return {"filled": None if form is None else form.fields, "wrong": wrong, "problem": problem}


def _field_of(each: FieldProblem) -> str:
    """A place in a list is a line of its field."""
    return each.field.partition(".")[0]


def _in_words(request: Request, problem: Problem | None, each: FieldProblem) -> Markup:
    """Its sentences in the page's language; amounts in euros, as the page shows all others."""
    language = language_of(request)
    if problem is not None and problem.slug == "amount-too-large":
        wording = wording_of(language)
        said = {name: wording.money(value) for name, value in problem.values.items()}
        return Markup("{}").format(wording.say("organisation.money.tooLarge", **said))
    words = said_in(each.detail, language), said_in(each.remedy, language)
    return Markup(" ").join(words)
