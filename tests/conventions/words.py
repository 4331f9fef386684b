#!/usr/bin/env python3
"""Checks the words of the code: comments and string literals, and headers' thread-safety. Usage: words.py SOURCE

Prints "file:line: what" for each fault and exits with 1 if there is any. The word list of the documents (documents.py)
applies to the folders below, and WORDS_OF_CODE in addition. Every installed header of these folders needs a line that
begins with "/// Thread-safety:" in its opening comment.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import documents

# The folders that are checked, with all folders in them.
FOLDERS = (
    "audit",
    "backtest",
    "base",
    "bench",
    "bundle",
    "cascade",
    "cli",
    "dnn",
    "examples",
    "experiment",
    "explain",
    "gbdt",
    "io",
    "report",
    "rules",
    "script",
    "training",
    "tests/audit",
    "tests/backtest",
    "tests/base",
    "tests/bundle",
    "tests/cascade",
    "tests/cli",
    "tests/conventions",
    "tests/dnn",
    "tests/experiment",
    "tests/explain",
    "tests/gbdt",
    "tests/io",
    "tests/report",
    "tests/rules",
    "tests/support",
    "tests/training",
)
SKIPPED_FILES = {"tests/conventions/documents.py", "tests/conventions/words.py"}  # they contain the words
SKIPPED_FOLDERS = {"__pycache__"}
FORMER_KEYS = {"least_gain", "least_z"}  # JSON keys whose present name a reader reports
CPP_ENDINGS = {".h", ".cpp", ".cu", ".c"}

# Words that only comments and messages are prone to, and what to write instead.
WORDS_OF_CODE = {
    r"(is|are) wanted": '"expected ..."',
    r"(breaks?|broke|broken) off": '"is truncated"',
    r"hears? of": '"is called for", "receives"',
    r"one that is no": '"one that is not a"',
    r"(?<!this )one an? (row|column|feature|tree|node|group|class|member|element|rule|level|warp|lane|byte|bit)": '"one per ..."',
    r"where there (is|are) no( more)? \w+": '"if there is no ..."',
    r"(says|tells) (so|why|of)": '"reports"',
    r"says? (which|what|how)": '"returns", "reports", "defines"',
    r"a twin": '"a counterpart"',
}
WORDS = documents.WORDS | WORDS_OF_CODE
WORD = re.compile("|".join(rf"(?P<w{i}>(?<![\w-])(?:{pattern})(?!\w))" for i, pattern in enumerate(WORDS)), re.I)

# One token of C++ that may contain text, or something in which quotes mean nothing.
CPP_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | R"(?P<mark>[^\s()\\]*)\((?P<raw>.*?)\)(?P=mark)"
      | "(?P<string>(?:[^"\\\n]|\\.)*)"
      | (?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)+'
      | \#\s*include[^\n]*""",
    re.S | re.X,
)
SHELL_TOKEN = re.compile(
    r"""(?:^|(?<=\s))\#(?P<comment>[^\n]*)
      | "(?P<string>(?:[^"\\]|\\.)*)"
      | '(?P<quoted>[^']*)'""",
    re.M | re.X,
)


@dataclass
class Piece:
    """A comment line or a string literal."""

    line: int
    text: str
    is_comment: bool
    continues: bool = False  # only blanks are between the piece before and this one


@dataclass
class Prose:
    """Pieces that are read as one text, so that phrases may run over the end of a line."""

    text: str = ""
    lines: list[tuple[int, int]] = field(default_factory=list)  # (offset, line) of each piece, ascending

    def append(self, piece: Piece) -> None:
        separator = " " if piece.is_comment and self.text else ""
        self.lines.append((len(self.text) + len(separator), piece.line))
        self.text += separator + piece.text.strip() if piece.is_comment else piece.text

    def line_at(self, offset: int) -> int:
        return max((line for begin, line in self.lines if begin <= offset), default=self.lines[0][1])


def pieces_of_cpp(text: str) -> Iterator[Piece]:
    end = 0
    for token in CPP_TOKEN.finditer(text):
        line, continues = documents.line_at(text, token.start()), not text[end : token.start()].strip()
        if token["comment"] is not None:
            for i, words in enumerate(token["comment"].split("\n")):
                yield Piece(line + i, re.sub(r"^\s*(///?|/\*+|\*/?)", "", words), True, continues or i > 0)
        elif token["raw"] is not None:
            yield Piece(line, token["raw"].replace("\n", " "), False, continues)
        elif token["string"] is not None:
            yield Piece(line, re.sub(r"\\[nt]", " ", token["string"]), False, continues)
        end = token.end()


def pieces_of_python(text: str) -> Iterator[Piece]:
    before = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield Piece(token.start[0], token.string.lstrip("#!"), True, before == tokenize.COMMENT)
        elif token.type == tokenize.STRING:
            words = re.sub(r"\s+|\\n", " ", token.string.strip("rbfuRBFU\"'"))
            yield Piece(token.start[0], words, False, before == tokenize.STRING)
        if token.type != tokenize.NL:
            before = token.type


def pieces_of_shell(text: str) -> Iterator[Piece]:
    end = 0
    for token in SHELL_TOKEN.finditer(text):
        line, continues = documents.line_at(text, token.start()), not text[end : token.start()].strip()
        if token["comment"] is not None:
            yield Piece(line, token["comment"], True, continues)
        else:
            words = token["string"] if token["string"] is not None else token["quoted"]
            yield Piece(line, words.replace("\n", " "), False, continues)
        end = token.end()


def pieces_of(file: Path) -> Iterator[Piece]:
    text = file.read_text(encoding="utf-8")
    if file.suffix in CPP_ENDINGS:
        yield from pieces_of_cpp(text)
    elif file.suffix == ".py":
        yield from pieces_of_python(text)
    elif file.suffix == ".sh" or text.startswith("#!"):
        yield from pieces_of_shell(text)


def proses_of(pieces: Iterator[Piece]) -> Iterator[Prose]:
    """Joins the lines of a comment, and adjacent string literals."""
    prose, last = Prose(), None
    for piece in pieces:
        continues = last and piece.continues and last.is_comment == piece.is_comment and piece.line - last.line <= 1
        if last and not continues:
            yield prose
            prose = Prose()
        prose.append(piece)
        last = piece
    if last:
        yield prose


def find_words(file: Path) -> Iterator[tuple[int, str]]:
    for prose in proses_of(pieces_of(file)):
        for found in WORD.finditer(documents.without_code(prose.text)):
            if found.group() in FORMER_KEYS:
                continue
            advice = list(WORDS.values())[int((found.lastgroup or "w0")[1:])]
            yield prose.line_at(found.start()), f'"{found.group()}": write {advice}'


def installed_headers(folder: Path) -> list[Path]:
    """The HEADERS of a folder's CMakeLists.txt."""
    lists = folder / "CMakeLists.txt"
    text = lists.read_text(encoding="utf-8") if lists.exists() else ""
    found = re.search(r"\bHEADERS\s+((?:[\w/.-]+\.h\s+)+)", text)
    return [folder / name for name in found.group(1).split()] if found else []


def find_missing_promise(header: Path) -> Iterator[tuple[int, str]]:
    opening = re.match(r"#pragma once\n((?:///[^\n]*\n)*)", header.read_text(encoding="utf-8"))
    if not opening or not re.search(r"^/// Thread-safety: \S", opening.group(1), re.M):
        yield 1, 'the opening comment needs a line that begins with "/// Thread-safety:"'


def find_wide_comments(file: Path) -> Iterator[tuple[int, str]]:
    """The formatter leaves comments as they are."""
    for n, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if len(line) > documents.MAX_COLUMNS and line.lstrip().startswith("//"):
            yield n, f"a comment of {len(line)} columns, at most {documents.MAX_COLUMNS}"


def find_unlistable(file: Path) -> Iterator[tuple[int, str]]:
    """CMake takes a ";" in the name of a test case for the end of the name."""
    for name in re.finditer(r'TEST_CASE\((?:\s*"(?:[^"\\]|\\.)*")+', file.read_text(encoding="utf-8")):
        if ";" in name.group():
            yield documents.line_at(name.string, name.start()), 'the name of a test case contains ";"'


def faults_of(folder: Path, source: Path) -> Iterator[documents.Fault]:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(source)
        if str(name) not in SKIPPED_FILES and not SKIPPED_FOLDERS & set(name.parts):
            for line, what in (
                chain(find_words(file), find_unlistable(file), find_wide_comments(file)) if is_checked(file) else ()
            ):
                yield documents.Fault(name, line, what)
    for header in installed_headers(folder):
        for line, what in find_missing_promise(header):
            yield documents.Fault(header.relative_to(source), line, what)


def is_checked(file: Path) -> bool:
    is_script = file.suffix == "" and file.read_bytes().startswith(b"#!")
    return is_script or file.suffix in CPP_ENDINGS | {".py", ".sh"}


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print("usage: words.py SOURCE", file=sys.stderr)
        return 2
    source = Path(arguments[1]).resolve()
    missing = [name for name in FOLDERS if not (source / name).is_dir()]
    faults = [fault for name in FOLDERS if name not in missing for fault in faults_of(source / name, source)]
    for name in missing:
        print(f"words.py: there is no folder {name}")
    for fault in sorted(faults, key=lambda fault: (str(fault.file), fault.line)):
        print(f"{fault.file}:{fault.line}: {fault.what}")
    return 1 if faults or missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
