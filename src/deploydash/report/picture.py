"""The states of the CSCs over a run as one picture."""

from __future__ import annotations

from deploydash.core.words import clock
from deploydash.report.story import Story

HUES = {
    "ENABLED": "#00a370",
    "DISABLED": "#4b7386",
    "STANDBY": "#f0e400",
    "FAULT": "#df5601",
    "OFFLINE": "#29363d",
    "LOST": "#c77bd8",
    "UNKNOWN": "#0c161c",
}
"""The states' colours, from the bottom of the picture to its top."""


def states_picture(story: Story) -> str:
    """Return an SVG of how many CSCs were in each state over time; empty if nothing was sampled."""
    if len(story.states) < 2:
        return ""
    first, last = story.states[0][0], story.states[-1][0]
    most = max(sum(counts.values()) for _, counts in story.states) or 1
    bars = []
    for (utc, counts), (until, _) in zip(story.states, [*story.states[1:], (last, None)], strict=True):
        x, width = (utc - first) / (last - first) * 1000, max(1.0, (until - utc) / (last - first) * 1000)
        y = 200.0
        for state, hue in HUES.items():
            height = counts[state] / most * 200
            y -= height
            if height:
                bars.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{hue}"/>')
    legend = " ".join(f'<tspan fill="{hue}">■</tspan> {state}' for state, hue in HUES.items())
    return (
        '<svg viewBox="0 0 1000 225" role="img" aria-label="states of the CSCs over time">'
        f'{"".join(bars)}<text y="218" font-size="12">{clock(first)} to {clock(last)}  {legend}</text></svg>'
    )
