"""Foreign text in Slack: it shows as what it is and does nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus_plugin_slack.blocks import MAX_TEXT, context, fit, section
from nexus_plugin_slack.text import code, link, one_line, plain, quote

HOSTILE = [
    "<!channel>",
    "<!here|here>",
    "<@U024BE7LH>",
    "<#C024BE7LR>",
    "<https://evil.example|your bank>",
    "<!subteam^S1>",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("make", [plain, code, quote])
def test_nothing_is_mentioned_and_nothing_links(make, text):
    """Mentions and masked links arrive as the characters that somebody typed."""
    assert "<" not in make(text)
    assert text.replace("<", "&lt;").replace(">", "&gt;") in make(text)


@given(st.text(max_size=300))
def test_foreign_text_never_holds_a_control_character(text):
    """No text leaves a `<`, a bare `&`, a line break or an invisible character behind."""
    made = plain(text)

    assert not re.search(r"[<>\r\n\x00-\x1f\u202a-\u202e\u2066-\u2069\u200b]", made)
    assert not re.search(r"&(?!amp;|lt;|gt;)", made)


@given(st.text(max_size=3000))
def test_quotation_stays_a_quotation(text):
    """Every line of a quotation is quoted: foreign text cannot pass for ours."""
    assert all(line.startswith("> ") for line in quote(text).splitlines())


def test_plain_clips_before_it_escapes():
    """A clipped text never ends within an escaped character."""
    assert plain("&" * 300) == "&amp;" * 199 + "…"


def test_code_fence_does_not_swallow_what_follows():
    """Runs of backticks cannot open a block of code over our own lines."""
    assert plain("```") == "'"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://good@evil.example/",
        "https://a.example/|x",
        "https://a.example/>x",
        "",
        "https://[",
        "file:///etc",
    ],
)
def test_other_addresses_are_no_links(url):
    """Only a plain web address becomes a link; of anything else the label remains."""
    assert link(url, "label") == "label"


def test_link_escapes_its_address():
    """The ampersands of an address are written as Slack reads them."""
    assert link("https://a.example/?a=1&b=2", "label") == "<https://a.example/?a=1&amp;b=2|label>"


def test_emoji_survive():
    """Joined emoji and other scripts arrive whole."""
    assert one_line("👩‍💻  задача\n١") == "👩‍💻 задача ١"


@given(st.lists(st.text(max_size=900), max_size=12))
def test_lines_fit(lines):
    """However many lines there are, the text fits."""
    assert len(fit([plain(line, 400) for line in lines])) <= MAX_TEXT


def test_blocks_tell_slack_to_leave_the_text_alone():
    """Slack is told not to look for names and addresses within the text."""
    assert [section("x")["text"]["verbatim"], context("x")["elements"][0]["verbatim"]] == [True, True]


def test_nothing_makes_no_block():
    """Without a line there is no block, since Slack refuses empty ones."""
    assert (section("", ""), context()) == (None, None)
