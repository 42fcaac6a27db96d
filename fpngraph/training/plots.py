"""Pictures of an evaluation, as SVG, and of a training, as PNG. They need matplotlib."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fpngraph.training.evaluation import Evaluation
from fpngraph.training.naming import place_names

_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")  # Paul Tol's, for all eyes
_MOST = 20  # classes with a line and a name of their own


def precision_recall(evaluation: Evaluation) -> bytes:
    """Precision over recall at an IoU of 0.5: a line for each class, a thick one for their mean."""
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    known = {name: curve for name, curve in evaluation.precision.items() if min(curve) >= 0}
    recalls = [place / 100 for place in range(101)]
    for name, curve in known.items():
        axes.plot(recalls, curve, linewidth=0.8, alpha=0.6, label=name if len(known) <= _MOST else None)
    if known:
        mean = [sum(values) / len(known) for values in zip(*known.values(), strict=True)]
        axes.plot(recalls, mean, "k", linewidth=2.2, label="mean")
        figure.legend(loc="outside right upper", fontsize="small", frameon=False)
    axes.set(xlabel="recall", ylabel="precision at IoU 0.5", xlim=(0, 1), ylim=(0, 1.02))
    return _svg(figure)


def per_class(evaluation: Evaluation) -> bytes:
    """AP of each class, the best first."""
    known = sorted(((value, name) for name, value in evaluation.per_class.items() if value is not None))
    figure = Figure(figsize=(6, max(1.5, 0.22 * len(known) + 0.8)), layout="constrained")
    axes = figure.subplots()
    axes.barh([name for _, name in known], [value for value, _ in known], color="#4477aa")
    axes.set(xlabel="AP (0.50:0.95)", xlim=(0, 1))
    axes.margins(y=0.01)
    return _svg(figure)


def learning_curve(rows: Sequence[Mapping[str, str]]) -> bytes:
    """Losses and precision over epochs, as PNG; ``rows`` are those of ``metrics.csv``."""
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    losses, precision = figure.subplots(1, 2)
    for axes, names in ((losses, ("train_loss", "val_loss")), (precision, ("AP", "AP50"))):
        for name, colour in zip(names, ("#4477aa", "#ee6677"), strict=True):
            points = [(int(row["epoch"]), float(row[name])) for row in rows if row.get(name)]
            axes.plot([x for x, _ in points], [y for _, y in points], color=colour, marker=".", label=name)
        axes.set(xlabel="epoch", xlim=(0.5, max(2, *(int(row["epoch"]) for row in rows)) + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False)
        axes.grid(alpha=0.25)
    losses.set(ylabel="loss", ylim=(0, 1.05 * losses.get_ylim()[1]))
    precision.set(ylabel="average precision", ylim=(0, 1))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def trade_offs(ap: Mapping[str, float], costs: Mapping[str, Mapping[str, float]]) -> bytes:
    """Precision over what it costs, as SVG: a panel for each kind of cost, a point with its name for each detector.

    ``ap`` is in percent, by name; ``costs`` by what is below the axis, then by name.
    """
    figure = Figure(figsize=(4.2 * len(costs), 3.8), layout="constrained")
    panels = figure.subplots(1, len(costs), sharey=True, squeeze=False)[0]
    for axes, (label, of_names) in zip(panels, costs.items(), strict=True):
        points = {name: (of_names[name], value) for name, value in ap.items() if name in of_names}
        for (name, point), colour in zip(points.items(), cycle(_COLOURS)):
            axes.scatter(*point, color=colour, s=36, zorder=3, label=name)
        axes.set(xlabel=label)
        axes.margins(0.2, 0.15)
        axes.xaxis.set_major_locator(MaxNLocator(5))  # numbers of many digits have room
        axes.grid(alpha=0.25)
    panels[0].set(ylabel="AP (0.50:0.95), percent")
    figure.draw_without_rendering()  # what is on the page has its places now
    for axes, of_names in zip(panels, costs.values(), strict=True):
        place_names(axes, {name: (of_names[name], value) for name, value in ap.items() if name in of_names})
    return _svg(figure)


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
