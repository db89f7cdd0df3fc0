# SPDX-License-Identifier: MIT
"""Draws lines over two logarithmic axes as SVG, by hand: there is nothing to install for it."""
import html
import math

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 220, 40, 52
COLOURS = ("#0b6e4f", "#1f77b4", "#d1495b", "#6f4e9b", "#e08e0b", "#5c6b73", "#a23b72")


def _decades(low, high):
    """Powers of ten from at or below low to at or above high."""
    return [10.0 ** n for n in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def _short(value):
    for bound, sign in ((1e6, "M"), (1e3, "k")):
        if value >= bound:
            return f"{value / bound:g} {sign}"
    return f"{value:g}"


class Axis:
    """From a value to a place between begin and end."""

    def __init__(self, values, begin, end, whole_decades):
        low, high = min(values), max(values)
        if whole_decades:
            low, high = _decades(low, high)[0], _decades(low, high)[-1]
        self.low, self.begin, self.end = low, begin, end
        self.decades = math.log10(high / low) or 1
        self.ticks = [tick for tick in _decades(low, high) if low <= tick <= high * 1.0001]

    def place(self, value):
        return self.begin + (self.end - self.begin) * math.log10(value / self.low) / self.decades


def _text(x, y, text, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{html.escape(text)}</text>'


def _spread(places, least):
    """The same places in their order, none nearer to the next than least."""
    spread = []
    for place in places:
        spread.append(max(place, spread[-1] + least) if spread else place)
    return spread


def draw(title, x_label, y_label, series, level=None):
    """SVG text. series: {name: [(x, y), ...]}; level: a y at which a line is drawn across."""
    points = [point for line in series.values() for point in line]
    across = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT, False)
    up = Axis([y for _, y in points], HEIGHT - BOTTOM, TOP, True)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="12" fill="#222">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           _text(LEFT, 22, title, "start", ' font-size="14" font-weight="bold"')]
    for tick in across.ticks:
        x = across.place(tick)
        out.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        out.append(_text(x, HEIGHT - BOTTOM + 18, _short(tick)))
    for tick in up.ticks:
        y = up.place(tick)
        out.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        out.append(_text(LEFT - 8, y + 4, _short(tick), "end"))
    if level is not None:
        out.append(f'<path d="M{LEFT} {up.place(level):.1f}H{WIDTH - RIGHT}" stroke="#222" '
                   'stroke-dasharray="4 3"/>')
    out.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_label))
    out.append(_text(0, 0, y_label, "middle",
                     f' transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"'))
    ordered = sorted(series.items(), key=lambda item: up.place(item[1][-1][1]))
    labels = _spread([up.place(line[-1][1]) for _, line in ordered], 15)
    for (name, line), label in zip(ordered, labels):
        colour = COLOURS[list(series).index(name) % len(COLOURS)]
        path = "L".join(f"{across.place(x):.1f} {up.place(y):.1f}" for x, y in line)
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{across.place(x):.1f}" cy="{up.place(y):.1f}" r="2.5" '
                f'fill="{colour}"/>' for x, y in line]
        out.append(_text(WIDTH - RIGHT + 10, label + 4, name, "start", f' fill="{colour}"'))
    return "\n".join(out + ["</svg>"]) + "\n"


def draw_sizes(table):
    series = {name: [(n, figure.value) for n, figure in figures.items()]
              for (_, name), figures in table.rows.items()}
    return draw("What a hit costs", "number of arguments that are remembered", "ns", series)


def draw_gain(table):
    rows = {key: (name, figures) for (key, name), figures in table.rows.items()}
    _, plain = rows.pop("plain")
    series = {name: [(plain[cost].value, figure.value) for cost, figure in figures.items()]
              for name, figures in rows.values()}
    return draw("What remembering gains", "ns that the call takes without memoshim",
                "times as fast with it", series, level=1)


PLOTS = {"sizes": ("hit-cost.svg", draw_sizes), "gain": ("gain.svg", draw_gain)}
