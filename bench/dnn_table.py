"""Joins the JSON lines of the network bench into Markdown: dnn_table.py LINES...; a file's stem names its network."""

import sys
from pathlib import Path

from gbdt_table import OURS, difference_of, lines_of, name_of

WORKS = ("one row", "batch")
TITLES = {
    "mlp_128x2": "MLP 64→128×2→1",
    "mlp_256x3": "MLP 64→256×3→1",
    "tabm_k8_256x2": "TabM-mini, 8 paths, 64→256×2→1",
    "tabm_k32_256x2": "TabM-mini, 32 paths, 64→256×2→1",
    "tabm_k8_256x2_embedded_8": "TabM-mini, 8 paths, 64 numbers embedded in 8 dimensions (32 bins), 512→256×2→1",
    "tabm_k8_256x2_embedded_16": "TabM-mini, 8 paths, 64 numbers embedded in 16 dimensions (32 bins), 1024→256×2→1",
    "tabm_k32_256x2_embedded_16": "TabM-mini, 32 paths, 64 numbers embedded in 16 dimensions (32 bins), 1024→256×2→1",
}


def is_exact(line: dict) -> bool:
    """Ours in float32: what the peers are compared with."""
    return line["peer"] == OURS and "bf16" not in line["kernel"]


def cells_of(line: dict | None, best: float) -> list[str]:
    if line is None:
        return ["–", "–", ""]
    ratio = "" if line["peer"] == OURS else f"{line['us'] / best:.1f}×"
    return [f"{line['us']:.3g}", f"{line['low']:.3g} – {line['high']:.3g}", ratio]


def table(path: Path) -> str:
    lines = lines_of(path)
    by_name: dict[str, dict[str, dict]] = {}
    for line in lines:
        if line.get("work") in WORKS:
            by_name.setdefault(name_of({**line, "note": ""}), {})[line["work"]] = line
    best = {work: min(line["us"] for line in lines if line.get("work") == work and is_exact(line)) for work in WORKS}
    head = [
        "",
        "one row, µs",
        "quartiles",
        "Sluice is faster",
        "a row of a batch, µs",
        "quartiles",
        "Sluice is faster",
        "difference",
    ]
    out = [f"**{TITLES.get(path.stem, path.stem)}**", "", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, works in sorted(by_name.items(), key=lambda item: item[1]["one row"]["us"]):
        one = works["one row"]
        label = f"**{name}**" if one["peer"] == OURS else name + (" (Python call)" if one.get("note") else "")
        cells = [cell for work in WORKS for cell in cells_of(works.get(work), best[work])]
        out.append("| " + " | ".join([label, *cells, difference_of(one)]) + " |")
    out += [f"- {line['peer']} was skipped: {line['skipped']}" for line in lines if "skipped" in line]
    return "\n".join([*out, ""])


if __name__ == "__main__":
    print("\n".join(table(Path(path)) for path in sys.argv[1:]))
