"""Charts as SVG that needs no script: for the first screen, and for paper. Only attributes, no styles: the page forbids those."""

from collections.abc import Sequence
from html import escape

from sniff.report.summary import size, span


def over_time(title: str, unit: str, width_ns: int, series: Sequence[tuple[str, str, Sequence[int]]], *, as_bytes: bool = False) -> str:
    """Columns over time. series: [(class, name, values)], each drawn over the one before it.

    Each column has a title that says when and how much.
    """
    count = max((len(values) for _, _, values in series), default=0)
    top = max((max(values, default=0) for _, _, values in series), default=0)
    width, height = 360, 84
    step = width / max(count, 1)
    bars = []
    for kind, name, values in series:
        for place, value in enumerate(values):
            if not value:
                continue
            tall = max(height * value / max(top, 1), 1.5)
            words = f"{span(place * width_ns)}: {size(value) if as_bytes else f'{value:,}'} {name}".strip()
            bars.append(f'<rect class="{kind}" x="{place * step:.2f}" y="{height - tall:.2f}" width="{max(step - 0.6, 0.5):.2f}" '
                        f'height="{tall:.2f}"><title>{escape(words)}</title></rect>')
    total = size(top) if as_bytes else f"{top:,}"
    per = f"per {span(width_ns)}"
    legend = "".join(f'<span class="key"><svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect class="{kind}" width="10" '
                     f'height="10"/></svg>{escape(name)}</span>' for kind, name, _ in series if len(series) > 1)
    return (f'<figure class="chart"><figcaption><b>{escape(title)}</b> <span class="quiet">peak {escape(total)} {escape(unit)} '
            f'{escape(per)}</span>{legend}</figcaption><svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" '
            f'aria-label="{escape(title)} over time, at most {escape(total)} {escape(per)}">{"".join(bars)}'
            f'<line class="axis" x1="0" x2="{width}" y1="{height}" y2="{height}"/></svg>'
            f'<div class="scale"><span>0 s</span><span>{escape(span(count * width_ns))}</span></div></figure>')
