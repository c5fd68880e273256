"""Back, forward and reload around a form that was refused, in a browser that has scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from node.api.organisation.session_cookie import NAME
from tests.organisation.test_requests_pages import line
from tests.organisation.visits import visit
from tests.stage import World

ASK = "/organisation/requests/new?lang=en"


@pytest.fixture
def page(chromium: Browser, world: World, built_pages: None) -> Iterator[Page]:
    context = chromium.new_context(base_url=world.node.url)
    context.set_default_timeout(10_000)
    token = visit(world, "admin").token
    context.add_cookies([{"name": NAME, "value": token, "url": world.node.url}])
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    assert said == []
    context.close()


def send_wrong(world: World, page: Page) -> None:
    """The form of a request, whose consent would end in the past."""
    fields = line(world, validUntil="2020-01-01")
    for name, value in fields.items():
        if name == "agreementId":
            page.locator(f"#{name}").select_option(value)
        else:
            page.locator(f"#{name}").fill(value.replace("\r\n", "\n"))
    page.get_by_role("button", name="Make the request").click()
    expect(page.get_by_role("alert")).to_contain_text("The consent would end at")


@pytest.mark.deep
def test_back_from_the_next_page_leads_to_the_form_and_sends_nothing(
    world: World, page: Page
) -> None:
    page.goto(ASK)
    for _ in range(2):  # refused once, and once more
        send_wrong(world, page)
        assert page.url == f"{world.node.url}{ASK}"
    page.get_by_role("link", name="Consents", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Consents")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ask for a consent")
    expect(page.get_by_role("alert")).to_have_count(0)
    page.go_forward()
    expect(page.get_by_role("heading", level=1)).to_have_text("Consents")
    assert set(asked) == {"GET"}


@pytest.mark.deep
def test_a_reload_of_a_refused_form_sends_nothing(world: World, page: Page) -> None:
    page.goto(ASK)
    send_wrong(world, page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    page.reload()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert set(asked) == {"GET"}


@pytest.mark.deep
def test_a_form_at_an_address_that_takes_no_question_leads_back_to_its_page(
    world: World, page: Page
) -> None:
    page.goto("/organisation/access?lang=en")
    page.locator("#person-label").fill(" ")
    page.get_by_role("button", name="Make an invitation").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert page.url == f"{world.node.url}/organisation/access?lang=en"
    page.get_by_role("link", name="Name").click()
    expect(page.locator("#person-label")).to_be_focused()
    page.get_by_role("link", name="Français").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert page.url == f"{world.node.url}/organisation/access?lang=fr"


@pytest.mark.deep
def test_the_notice_is_chosen_as_a_file_and_once_more_after_a_refusal(
    world: World, page: Page
) -> None:
    fields = line(world)
    page.goto(ASK)
    for name in ("subjectReference", "purposes", "recipients", "validUntil"):
        page.locator(f"#{name}").fill(fields[name].replace("\r\n", "\n"))
    page.locator("#noticeReference").fill(fields["noticeReference"])
    page.locator("#noticeVersion").fill("of a file")
    page.get_by_label("Agreement").select_option(fields["agreementId"])
    notice = {"name": "notice.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\r\n\xff"}
    page.get_by_label("Its file").set_input_files(notice)
    page.locator("#expiresAt").fill("2020-01-01")
    page.get_by_role("button", name="Make the request").click()
    again = re.compile("^Choose the file again")
    expect(page.get_by_label("Its file")).to_have_accessible_description(again)
    page.locator("#expiresAt").fill("")
    page.get_by_label("Its file").set_input_files(notice)
    page.get_by_role("button", name="Make the request").click()
    expect(page.get_by_role("heading", name=fields["subjectReference"])).to_be_visible()
