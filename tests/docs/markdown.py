"""What the tests of the documentation read from Markdown: fenced blocks, prose, links, headings."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

from service.process import ROOT

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "service").rglob("*.md")),
]
BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>.*?) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)
COMMENT = re.compile(r"<!--.*?-->", re.S)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")


class Block(NamedTuple):
    """A fenced block."""

    page: str
    """Path below the root."""
    line: int
    """Of the page, from 1."""
    kind: str
    """sh, python, yaml, or nothing."""
    mark: str
    """Why it is not run, from the comment before it; empty: it is run."""
    text: str

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page."""
    text = page.read_text()
    return [
        Block(
            page.relative_to(ROOT).as_posix(),
            text.count("\n", 0, found.start()) + 1,
            found["kind"],
            found["mark"] or "",
            found["text"],
        )
        for found in BLOCK.finditer(text)
    ]


def commands(text: str) -> list[list[str]]:
    """The simple commands of a shell text as words, without comments and leading assignments."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word in ("&&", ";", "|"):
                found += [words] if words else []
                words = []
            elif words or not ASSIGNMENT.fullmatch(word):
                words.append(word)
    return found


def prose(page: Path) -> list[str]:
    """Sentences of a page: of paragraphs, list items and table cells; code counts as one word."""
    text = COMMENT.sub("", BLOCK.sub("\n", page.read_text()))
    text = re.sub(r"`[^`]+`", "code", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    parts: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text):
        for item in re.split(r"\n(?=\s*(?:[-*#|]|\d+\.)\s?)", paragraph):
            cells = item.split("|") if item.lstrip().startswith("|") else [item]
            parts += [" ".join(cell.split()) for cell in cells]
    return [one for part in parts for one in re.split(r"(?<=[.!?])\*{0,2}\s+", part) if one]


def links(page: Path) -> list[str]:
    """Targets of the links and pictures of a page."""
    return LINK.findall(COMMENT.sub("", BLOCK.sub("\n", page.read_text())))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("\n", page.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
