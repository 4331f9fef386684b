#!/usr/bin/env python3
"""Checks the Markdown documents: words, line length, tables, links. Usage: documents.py SOURCE

Prints "file:line: what" for each fault and exits with 1 if there is any. Code blocks are not checked. Text between
<!-- name --> and <!-- end of name --> is written by programs, one paragraph a line: its length is not checked.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MAX_COLUMNS = 120
SKIPPED_FOLDERS = {"build", "demo", ".git"}

# What must not occur (regular expressions, any case), and what to write instead.
WORDS = {
    r"stands?|stood": '"is", "is in", "is next to"',
    r"(is|are|being) told( of)?|told of": '"is reported", "is notified"',
    r"held against": '"compared with"',
    r"(gone|goes|go|going) on with": '"resumed", "continues"',
    r"(for )?(everybody|nobody)": '"for all rows", "for no row", or who it is',
    r"where (there is none|it has one|there are none)": '"if there is none", "if present"',
    r"(?<!there )is no (?!longer|more|less|further|worse|better)\w+": '"is not a"',
    r"is not a time that has been": '"must be a time in the past"',
    r"(machine's )?mood": '"timing noise"',
    r"meets a request": '"affects a request"',
    r"dear|dearer|dearest": '"expensive", "high-priority"',
    r"on purpose": '"injected"',
    r"by hand": '"manual", "manually"',
    r"mend|mends|mended|mending": '"fix"',
    r"falls to|leaves for": '"degrades to", "skips to"',
    r"the ending|says nothing": '"file extension", and what is wrong',
    r"rows that training (did not see|has not seen)": '"held-out rows"',
    r"what became of": '"the outcome of"',
    r"why a row was decided as it was|came out as it did": '"explain one decision"',
    r"columns that only the network sees": '"columns fetched only for forwarded rows"',
    r"anew": '"again"',
    r"most_\w+|least_\w+": '"max_…", "min_…"',
}
WORD = re.compile("|".join(rf"(?P<w{i}>(?<![\w-])(?:{pattern})(?!\w))" for i, pattern in enumerate(WORDS)), re.I)

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"(?<![\w./:<-])(?:[\w.-]+/)+[\w.*-]+\.(?:md|h|cpp|cu|c|py|sh|json|txt|cmake|\*)(?![\w/])")
# Paths that are not this repository's: files of a bundle, and a header of XGBoost.
FOREIGN_PATHS = re.compile(r"rules/(pre|fallback|post)\.json|xgboost/c_api\.h")


@dataclass
class Line:
    number: int
    text: str
    is_code: bool = False
    is_generated: bool = False

    @property
    def is_table(self) -> bool:
        return not self.is_code and self.text.lstrip().startswith("|")


@dataclass
class Fault:
    file: Path
    line: int
    what: str


def read(path: Path) -> list[Line]:
    """The lines of a document, each with the kind of block that it is in."""
    lines: list[Line] = []
    is_fenced = is_generated = False
    for number, text in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        is_fence = text.lstrip().startswith("```")
        if text.startswith("<!-- end of "):
            is_generated = False
        lines.append(Line(number, text, is_fence or is_fenced or is_indented_code(text, lines), is_generated))
        if text.startswith("<!-- ") and not text.startswith("<!-- end of "):
            is_generated = True
        is_fenced ^= is_fence
    return lines


def is_indented_code(text: str, before: list[Line]) -> bool:
    if not text.startswith("    "):
        return False
    return not before or not before[-1].text.strip() or before[-1].is_code


def without_code(text: str) -> str:
    return re.sub(r"(`+).*?\1", lambda code: " " * len(code.group()), text)


def prose_of(lines: list[Line]) -> str:
    """The whole document with its code blanked, so that phrases and links may run over the end of a line."""
    return without_code("\n".join(" " * len(line.text) if line.is_code else line.text for line in lines))


def line_at(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def find_words(lines: list[Line]) -> Iterator[tuple[int, str]]:
    text = prose_of(lines)
    for found in WORD.finditer(text.replace("\n", " ")):
        advice = list(WORDS.values())[int((found.lastgroup or "w0")[1:])]
        yield line_at(text, found.start()), f'"{found.group()}": write {advice}'


def find_long_lines(lines: list[Line]) -> Iterator[tuple[int, str]]:
    for line in lines:
        is_link = re.fullmatch(r"\s*[-*]?\s*!?\[.*\]\(\S+\)", line.text)
        is_free = line.is_code or line.is_table or line.is_generated or is_link
        if not is_free and len(line.text) > MAX_COLUMNS:
            yield line.number, f"{len(line.text)} columns, at most {MAX_COLUMNS}"


def count_cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row.strip().strip("|"))) + 1


def is_rule(row: str) -> bool:
    return re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", row.strip()) is not None


def find_broken_tables(lines: list[Line]) -> Iterator[tuple[int, str]]:
    at = 0
    while at < len(lines):
        table: list[Line] = []
        while at + len(table) < len(lines) and lines[at + len(table)].is_table:
            table.append(lines[at + len(table)])
        if table:
            yield from faults_of_table(table)
        at += max(1, len(table))


def faults_of_table(table: list[Line]) -> Iterator[tuple[int, str]]:
    if len(table) < 2 or not is_rule(table[1].text):
        yield table[0].number, "a table without a heading: is there a blank line within it?"
        return
    n_cells = count_cells(table[0].text)
    for line in table[1:]:
        if not line.text.rstrip().endswith("|"):
            yield line.number, "a table's row must end with |"
        elif count_cells(line.text) != n_cells:
            yield line.number, f"{count_cells(line.text)} cells, the heading has {n_cells}"


@cache
def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    found: set[str] = set()
    for line in read(path):
        heading = re.match(r"#+ (.*)", line.text)
        if heading and not line.is_code:
            text = re.sub(r"[^\w\- ]", "", heading.group(1).lower())
            anchor, n = text.replace(" ", "-"), 0
            while (anchor if n == 0 else f"{anchor}-{n}") in found:
                n += 1
            found.add(anchor if n == 0 else f"{anchor}-{n}")
    return found


def find_dead_links(lines: list[Line], file: Path) -> Iterator[tuple[int, str]]:
    text = prose_of(lines)
    for link in LINK.finditer(text):
        target = link.group(1)
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (file.parent / path).resolve() if path else file
        if not linked.exists():
            yield line_at(text, link.start()), f"the link {target} leads nowhere"
        elif anchor and anchor not in anchors(linked):
            yield line_at(text, link.start()), f"{linked.name} has no heading for #{anchor}"


def find_dead_paths(lines: list[Line], file: Path, source: Path) -> Iterator[tuple[int, str]]:
    if file.name == "CHANGELOG.md":  # names files that are no more
        return
    for line in lines:
        if line.is_code:
            continue
        text = re.sub(r"\]\([^)]*\)|https?://\S+", " ", line.text)
        for path in PATH.findall(text):
            if not FOREIGN_PATHS.fullmatch(path) and not exists(path, file, source):
                yield line.number, f"there is no {path}"


def find_dead_tests(lines: list[Line], source: Path) -> Iterator[tuple[int, str]]:
    """A command that runs one test case, as in test_rules "now is*"."""
    for line in lines:
        for folder, name in re.findall(r"\btest_(\w+) \"([^\"]+?)\*?\"", line.text):
            texts = (file.read_text(encoding="utf-8") for file in (source / "tests" / folder).glob("*.cpp"))
            cases = (re.sub(r'"\s*"', "", text) for text in texts)
            if not any(re.search(r"TEST_CASE\(\s*\"" + re.escape(name), text) for text in cases):
                yield line.number, f'tests/{folder} has no test case "{name}"'


def exists(path: str, file: Path, source: Path) -> bool:
    """`sluice/<folder>/name.h` is how a header is included."""
    path = path.removeprefix("sluice/")
    return any(any(folder.glob(path)) for folder in (source, file.parent))


def faults_of(file: Path, source: Path) -> Iterator[Fault]:
    lines = read(file)
    checks = (
        find_words(lines),
        find_long_lines(lines),
        find_broken_tables(lines),
        find_dead_links(lines, file),
        find_dead_paths(lines, file, source),
        find_dead_tests(lines, source),
    )
    for check in checks:
        for number, what in check:
            yield Fault(file.relative_to(source), number, what)


def documents(source: Path) -> list[Path]:
    found = source.rglob("*.md")
    return sorted(path for path in found if not SKIPPED_FOLDERS & set(path.relative_to(source).parts))


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print("usage: documents.py SOURCE", file=sys.stderr)
        return 2
    source = Path(arguments[1]).resolve()
    faults = [fault for file in documents(source) for fault in faults_of(file, source)]
    for fault in sorted(faults, key=lambda fault: (str(fault.file), fault.line)):
        print(f"{fault.file}:{fault.line}: {fault.what}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
