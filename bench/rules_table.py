"""Joins the JSON lines of the rules bench into Markdown: rules_table.py LINES..."""

import json
import sys
from pathlib import Path

WORKS = ("one row", "batch")


def table(path: Path) -> str:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    timed = [line for line in lines if "us" in line]
    ours = {line["work"]: line for line in timed if line["peer"] == "Sluice"}
    head = [
        "",
        *(cell for work in WORKS for cell in (f"{work}, µs", "quartiles", "Sluice is faster")),
        "same rules hold",
    ]
    out = [
        f"**{ours['one row']['rules']} rules**, {ours['one row']['cost']} units",
        "",
        "| " + " | ".join(head) + " |",
        "|---" * len(head) + "|",
    ]
    for peer in dict.fromkeys(line["peer"] for line in timed):
        works = {line["work"]: line for line in timed if line["peer"] == peer}
        cells = []
        for work in WORKS:
            line = works[work]
            ratio = "" if peer == "Sluice" else f"{line['us'] / ours[work]['us']:.0f}×"
            cells += [f"{line['us']:.3g}", f"{line['low']:.3g} – {line['high']:.3g}", ratio]
        same = "" if peer == "Sluice" else "yes" if all(line["same"] for line in works.values()) else "NO"
        out.append("| " + " | ".join([peer, *cells, same]) + " |")
    out += [f"\n{line['peer']} was skipped: {line['skipped']}" for line in lines if "skipped" in line]
    return "\n".join([*out, ""])


if __name__ == "__main__":
    print("\n".join(table(Path(path)) for path in sys.argv[1:]))
