"""The harness itself: what the fixtures must catch."""

import pytest

from tests.browser.conftest import watched_page


def test_silent_page_passes_and_is_as_wide_as_a_phone(phone_page, tmp_path):
    (tmp_path / "a.html").write_text("<!doctype html><meta name=viewport content='width=device-width'><p id=p>hello")
    phone_page.goto((tmp_path / "a.html").as_uri())
    assert phone_page.inner_text("#p") == "hello"
    assert phone_page.evaluate("innerWidth") == 390


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("console.error('broken')", "broken"),
        ("setTimeout(() => { throw new Error('thrown') })", "thrown"),
        ("fetch('http://example.invalid/x.js').catch(() => 0)", "example.invalid"),
    ],
)
def test_faults_of_a_page_are_caught(chromium, tmp_path, script, said):
    (tmp_path / "a.html").write_text(f"<!doctype html><p>a<script>{script}</script>")
    with pytest.raises(AssertionError, match=said):
        _visit(chromium, tmp_path / "a.html")


def _visit(chromium, path):
    with watched_page(chromium) as page:
        page.goto(path.as_uri())
        page.wait_for_timeout(100)
