"""The documentation can be read: short sentences, links that lead somewhere."""

import re

import pytest

from service.process import ROOT
from tests.docs.markdown import PAGES, anchors, links, prose

PLACES = re.compile(r"`((?:graphics|service|train|tests|docs|k8s|\.ci)/[\w./-]+)`")
MADE_LATER = ("service/shipped/general", "train/shipped/pretrained")
"""Folders that commands fill."""
MOST_WORDS = 30
"""In a sentence."""
each_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix()
)


@each_page
def test_no_sentence_is_longer_than_a_breath(page):
    long = [sentence for sentence in prose(page) if len(sentence.split()) > MOST_WORDS]
    assert not long


@each_page
def test_every_relative_link_and_picture_leads_somewhere(page):
    for link in links(page):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


@each_page
def test_every_file_and_folder_that_is_named_is_there(page):
    named = PLACES.findall(page.read_text())
    missing = [
        name
        for name in named
        if "NAME" not in name and not name.startswith(MADE_LATER) and not (ROOT / name).exists()
    ]
    assert not missing


def test_the_readme_is_short_and_begins_with_a_picture():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert lines[0].startswith("![")
    assert len(lines) <= 130
