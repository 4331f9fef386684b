#!/usr/bin/env python3
"""Looks for the traces of the hardening flags (cmake/SluiceHardening.cmake) in every program and shared library.

Usage: hardened.py FOLDER [--without fortify,cet]

FOLDER is a build or an installation; CMake's own trials in it are left out. Each file must be position independent, with
a read-only relocation table, all symbols bound at start and a stack that is not executable. Its run path may have
absolute elements and $ORIGIN alone: an empty or a relative one would load libraries from the user's current
folder. Programs and libraries of ours must also call the checks of the stack protector and of FORTIFY, and have
landing pads for indirect jumps on x86. Prints one line per fault and exits with 1 if there is one, or if FOLDER has no
program.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# A landing pad. Not the file's own note about them: it is absent if the distribution's start code has none.
ENDBR64 = b"\xf3\x0f\x1e\xfa"
SMALL = 100_000  # bytes: below that, a library may have no buffer that needs a check


def readelf(path: Path, *flags: str) -> str:
    done = subprocess.run(["readelf", "--wide", *flags, path], capture_output=True, text=True, check=True)
    return done.stdout


@dataclass
class Elf:
    path: Path

    def __post_init__(self):
        self.header = readelf(self.path, "--file-header", "--program-headers", "--dynamic")
        self.symbols = readelf(self.path, "--dyn-syms")

    @property
    def is_small(self) -> bool:
        return self.path.stat().st_size < SMALL

    def dynamic(self, tag: str) -> list[str]:
        return re.findall(rf"\({tag}\)\s+(.*)", self.header)

    def run_path_faults(self) -> list[str]:
        faults = []
        for text in self.dynamic("RUNPATH") + self.dynamic("RPATH"):
            elements = text[text.index("[") + 1 : text.rindex("]")].split(":")
            wrong = [e for e in elements if not re.match(r"/|\$ORIGIN(/|$)|\$\{ORIGIN\}(/|$)", e)]
            faults += [f'run path element "{e}" depends on the current folder' for e in wrong]
        return faults

    def faults(self, without: set[str]) -> list[str]:
        faults = self.run_path_faults()
        flags = " ".join(self.dynamic("FLAGS") + self.dynamic("FLAGS_1"))
        is_program = "INTERP" in self.header
        if not re.search(r"Type:\s+DYN", self.header) or (is_program and "PIE" not in flags):
            faults.append("not position independent (-pie)")
        if "GNU_RELRO" not in self.header:
            faults.append("relocations stay writable (-z relro)")
        if "NOW" not in flags and not self.dynamic("BIND_NOW"):
            faults.append("symbols are bound late (-z now)")
        stack = re.search(r"GNU_STACK.*", self.header)
        if not stack or re.search(r"\sR?WE\s", stack.group()):
            faults.append("the stack is executable (-z noexecstack)")
        if self.is_small:
            return faults
        if "__stack_chk_fail" not in self.symbols:
            faults.append("no stack protector (-fstack-protector-strong)")
        if "fortify" not in without and not re.search(r"__\w+_chk(@|\s)", self.symbols.replace("__stack_chk", "")):
            faults.append("no checked function of the C library (-D_FORTIFY_SOURCE)")
        if "cet" not in without and "X86-64" in self.header and self.path.read_bytes().count(ENDBR64) < 20:
            faults.append("no landing pads for indirect jumps (-fcf-protection)")
        return faults


def elf_files(folder: Path) -> list[Path]:
    """Programs and shared libraries; archives and objects are parts of them."""
    found = []
    for path in sorted(folder.rglob("*")):
        in_trial = any(part in ("CMakeFiles", "CMakeScratch") for part in path.relative_to(folder).parts)
        if in_trial or path.is_symlink() or not path.is_file() or path.suffix in (".o", ".a"):
            continue
        with path.open("rb") as file:
            if file.read(4) == b"\x7fELF":
                found.append(path)
    return found


def main() -> int:
    folder = Path(sys.argv[1])
    without = set(sys.argv[3].split(",")) if sys.argv[2:3] == ["--without"] else set()
    n_faults = n_programs = 0
    files = elf_files(folder)
    for path in files:
        elf = Elf(path)
        n_programs += "INTERP" in elf.header
        for fault in elf.faults(without):
            print(f"{path.relative_to(folder)}: {fault}")
            n_faults += 1
    print(f"{len(files)} files, {n_programs} of them programs: {n_faults} faults")
    return 1 if n_faults or not n_programs else 0


if __name__ == "__main__":
    sys.exit(main())
