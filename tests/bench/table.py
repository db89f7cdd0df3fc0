# SPDX-License-Identifier: MIT
"""Tables of figures: as text for a terminal, as Markdown for the README, as JSON for programs."""
import dataclasses
import textwrap


@dataclasses.dataclass
class Figure:
    """A median, and how many times another line's it is, if there is something to compare with."""

    value: float
    times: float = None
    digits: int = None  # None: as the table has it

    def text(self, digits):
        shown = f"{self.value:,.{digits if self.digits is None else self.digits}f}"
        return shown if self.times is None else f"{shown} ({_times(self.times)})"


def _times(ratio):
    return f"{ratio:.2f}x" if ratio < 10 else f"{ratio:,.0f}x"


@dataclasses.dataclass
class Table:
    key: str
    title: str
    columns: dict  # key to heading
    rows: dict = dataclasses.field(default_factory=dict)  # (key, name) to {column: Figure}
    digits: int = 1
    notes: list = dataclasses.field(default_factory=list)
    accounts: dict = dataclasses.field(default_factory=dict)  # of programs, see parts.py

    def put(self, key, name, column, value, times=None, digits=None):
        self.rows.setdefault((key, name), {})[column] = Figure(value, times, digits)

    def get(self, key, column):
        """The figure, or None if it was not measured."""
        for row, figures in self.rows.items():
            if row[0] == key:
                return figures.get(column)
        return None

    def _cells(self):
        yield ["", *self.columns.values()]
        for (_, name), figures in self.rows.items():
            yield [name, *(figures[column].text(self.digits) if column in figures else ""
                           for column in self.columns)]

    def as_text(self):
        grid = list(self._cells())
        widths = [max(len(row[i]) for row in grid) for i in range(len(grid[0]))]
        lines = [self.title]
        for row in grid:
            lines.append("  ".join([row[0].ljust(widths[0])] + [
                cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]).rstrip())
        for note in self.notes:
            lines += textwrap.wrap(note, 96, initial_indent="  ", subsequent_indent="  ")
        return "\n".join(lines) + "\n"

    def as_markdown(self):
        grid = list(self._cells())
        lines = [f"**{self.title}**", ""]
        lines.append("| " + " | ".join(grid[0]).strip() + " |")
        lines.append("|---|" + "---:|" * (len(grid[0]) - 1))
        lines += ["| " + " | ".join(row) + " |" for row in grid[1:]]
        if self.notes:
            lines += ["", *self.notes]
        return "\n".join(lines) + "\n"

    def as_json(self):
        return {"key": self.key, "title": self.title, "notes": self.notes,
                "accounts": self.accounts, "rows": {
            key: {column: {"value": figure.value, "times": figure.times}
                  for column, figure in figures.items()}
            for (key, _), figures in self.rows.items()}}
