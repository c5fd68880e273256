"""A form that could not be taken is shown again: what was filled in stays, and what is wrong stands
beside its field."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse

from node.api.context import Context
from node.api.organisation.forms import Form
from node.api.organisation.rendering import show
from node.api.page_route import problem_of
from node.api.principal import Principal
from node.problems import FieldProblem, Problem
from protocol.errors import ProtocolError

FAULTS = (Problem, ProtocolError, RequestValidationError)
"""What may come of reading a form."""


def fault_of(error: Exception, request: Request, form: Form, *groups: str) -> Problem:
    """The problem, where all that it names are fields of the form, or `groups` of boxes, of which
    only ticked ones come. Raises the error again if not: nothing that is filled in would mend it,
    so it has a page of its own."""
    problem = problem_of(error, request)
    named = {_field_of(each) for each in problem.errors}
    if not named or not named <= {*form.fields, *groups}:
        raise error
    return problem


def show_form(
    request: Request,
    context: Context,
    visitor: Principal,
    template: str,
    values: dict[str, Any],
    form: Form | None,
    problem: Problem | None,
) -> HTMLResponse:
    """A page with a form, and what `organisation/form_parts.html` shows in it; where the form is
    shown for the first time, `form` and `problem` are None."""
    wrong: dict[str, FieldProblem] = {}
    for each in [] if problem is None else problem.errors:
        wrong.setdefault(_field_of(each), each)
    filled = None if form is None else form.fields
    again = {"filled": filled, "wrong": wrong, "problem": problem}
    status = 200 if problem is None else problem.status
    return show(request, context, visitor, template, {**values, **again}, status)


def _field_of(each: FieldProblem) -> str:
    """A place in a list is a line of its field."""
    return each.field.partition(".")[0]
