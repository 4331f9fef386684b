"""Joins the JSON lines of the forest bench into Markdown, and into docs/benchmarks.md between its markers.

gbdt_table.py main LINES            one case beside every peer
gbdt_table.py shapes LINES...       a line a shape (the file's stem names it)
gbdt_table.py put SECTION DOCUMENT  replaces a section of the document with standard input
"""

import json
import sys
from pathlib import Path

WORKS = {
    "one row": "One row, p50: raw floats in, margin out",
    "batch": "Batch of 8192, one thread",
    "threads": "Batch of 65,536 on one and on two threads",
    "SHAP batch": "SHAP, batch",
    "SHAP one row": "SHAP, one row, p50",
    "interventional 100": "Interventional SHAP, 100 references",
    "interventional 10000": "Interventional SHAP, 10,000 references",
    "load": "Loading the JSON model (a call, not a row)",
}
OURS = "Sluice"


def lines_of(path: Path) -> list[dict]:
    """The JSON lines of a run; anything else that a peer printed is not ours to read."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.startswith("{")]


def name_of(line: dict) -> str:
    parts = [line["peer"], line.get("version", ""), line.get("kernel", "")]
    note = f" ({line['note']})" if line.get("note") else ""
    return " ".join(part for part in parts if part) + note


def best_of_ours(lines: list[dict], work: str) -> float | None:
    ours = [line["us"] for line in lines if line.get("work") == work and line["peer"] == OURS]
    return min(ours) if ours else None


def difference_of(line: dict) -> str:
    value = line.get("difference")
    if value is None:
        return "–"
    return "none" if value == 0 else f"{value:.1g}"


def main_table(path: Path) -> str:
    lines = lines_of(path)
    out = []
    for work, title in WORKS.items():
        rows = sorted((line for line in lines if line.get("work") == work), key=lambda line: line["us"])
        best = best_of_ours(lines, work)
        if not rows:
            continue
        out += [
            f"**{title}**",
            "",
            "| | µs | quartiles | Sluice is faster | difference from Sluice's margins |",
            "|---|---|---|---|---|",
        ]
        for line in rows:
            ratio = f"{line['us'] / best:.1f}×" if best and line["peer"] != OURS else ""
            label = f"**{name_of(line)}**" if line["peer"] == OURS else name_of(line)
            out.append(
                f"| {label} | {line['us']:.3g} | {line['low']:.3g} – {line['high']:.3g} | {ratio} | {difference_of(line)} |"
            )
        out.append("")
    memory = next((line for line in lines if "memory" in line), None)
    if memory:
        ubjson = path.with_suffix("") / "model.ubj"  # bench/peers/prepare_native.py writes it
        beside = f", its UBJSON file {ubjson.stat().st_size / 1e6:.2f} MB" if ubjson.exists() else ""
        out += [
            f"The loaded model takes {memory['memory'] / 1e6:.2f} MB{beside}. Comparing the fast methods with the plain walk "
            f"takes {memory['comparing']:.1%} of the time of loading.",
            "",
        ]
    for line in lines:
        if "skipped" in line:
            out.append(f"- {line['peer']} was skipped: {line['skipped']}")
    return "\n".join(out)


def shape_row(path: Path) -> str:
    lines = lines_of(path)
    cells = [path.stem.replace("_", " ")]
    for work in ("batch", "one row"):
        ours = min(
            (line for line in lines if line.get("work") == work and line["peer"] == OURS), key=lambda line: line["us"]
        )
        peers = [line for line in lines if line.get("work") == work and line["peer"] != OURS]
        xgboost = next(line for line in peers if line["peer"].startswith("XGBoost") and "Debian" in line["peer"])
        others = [line for line in peers if line is not xgboost and not line["peer"].startswith("Sluice")]
        nearest = min(others, key=lambda line: line["us"], default=None)
        cells += [f"{ours['us']:.3g} {ours['kernel']}", f"{xgboost['us']:.3g}", f"{xgboost['us'] / ours['us']:.1f}×"]
        cells.append(f"{name_of(nearest)}: {nearest['us'] / ours['us']:.1f}×" if nearest else "–")
    cells += [f"{line['comparing']:.1%}" for line in lines if "comparing" in line]
    return "| " + " | ".join(cells) + " |"


def shapes_table(paths: list[Path]) -> str:
    head = ["shape"] + [
        f"{work}{part}"
        for work in ("batch", "one row")
        for part in (", Sluice", ", XGBoost 1.7.4", ": faster", ", next peer")
    ]
    head.append("loading: share of comparing methods")
    return "\n".join(["| " + " | ".join(head) + " |", "|---" * len(head) + "|"] + [shape_row(path) for path in paths])


def put(section: str, document: Path, text: str) -> None:
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    whole = document.read_text()
    head, rest = whole.split(begin, 1)
    _, tail = rest.split(end, 1)
    document.write_text(f"{head}{begin}\n{text.strip()}\n{end}{tail}")


def main(arguments: list[str]) -> None:
    match arguments:
        case ["main", path]:
            print(main_table(Path(path)))
        case ["shapes", *paths]:
            print(shapes_table([Path(path) for path in paths]))
        case ["put", section, document]:
            put(section, Path(document), sys.stdin.read())
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
