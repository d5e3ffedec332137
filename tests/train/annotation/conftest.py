"""Opens pages, and finds what is wrong with them."""

import pytest


@pytest.fixture
def opened(browser):
    """Opens a page; at the end, fails for any error in its script and any request it made."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    context.set_default_timeout(20_000)
    wrong: list[str] = []
    asked: list[str] = []
    pages: set[str] = set()

    def to(path):
        tab = context.new_page()
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("request", lambda request: asked.append(request.url))
        pages.add(path.as_uri())
        tab.goto(path.as_uri())
        return tab

    yield to
    context.close()
    assert not wrong
    assert {address.partition(":")[0] for address in asked} <= {"file", "data", "blob"}
    assert {address for address in asked if address.startswith("file:")} == pages
