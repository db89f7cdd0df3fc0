# SPDX-License-Identifier: MIT
"""Puts what was measured between two marks of the README, and the plots beside this file."""
import lines
import plot

ROOT = lines.FOLDER.parents[1]
BEGIN = "<!-- written by tests/bench/run.sh --readme -->"
END = "<!-- up to here -->"


def write_plots(tables, folder):
    """The names of those whose figures are there."""
    folder.mkdir(exist_ok=True)
    written = []
    for table in tables:
        if table.key in plot.PLOTS:
            name, draw = plot.PLOTS[table.key]
            (folder / name).write_text(draw(table), encoding="utf-8")
            written.append(name)
    return written


def write(tables, machine, date, n_rounds):
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{readme}: no '{BEGIN}' and '{END}'")
    parts = [f"Measured on {date}: {machine}; median of {n_rounds} rounds.\n"]
    parts += [table.as_markdown() for table in tables if table.key not in plot.PLOTS]
    folder = lines.FOLDER / "plots"
    for name in write_plots(tables, folder):
        alt = name.partition(".")[0].replace("-", " ")
        parts.append(f"![{alt}]({(folder / name).relative_to(ROOT)})\n")
    readme.write_text(before + BEGIN + "\n\n" + "\n".join(parts) + "\n" + END + after,
                      encoding="utf-8")
