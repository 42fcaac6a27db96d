"""Few cases in which every two values of different options meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from random import Random

Case = dict[str, object]
_DRAWS = 60


def pairs(case: Mapping[str, object]) -> set[tuple[str, str]]:
    """Every two values of different options that meet in ``case``."""
    values = [f"{name}={value}" for name, value in case.items()]
    return set(combinations(values, 2))


def pairwise(options: Mapping[str, Sequence[object]], seed: int = 0) -> list[Case]:
    """Cases, the same at every call, in which each pair of values of different options occurs at least once.

    Greedy: each case is made around a pair not seen yet, and is the best of some random ones.
    """
    random = Random(seed)
    missing = _all_pairs(options)
    cases: list[Case] = []
    while missing:
        fixed = dict(text.split("=", 1) for text in min(missing))
        drawn = [_draw(options, fixed, random) for _ in range(_DRAWS)]
        cases.append(max(drawn, key=lambda case: len(pairs(case) & missing)))
        missing -= pairs(cases[-1])
    return cases


def _all_pairs(options: Mapping[str, Sequence[object]]) -> set[tuple[str, str]]:
    return {
        (f"{first}={one}", f"{second}={other}")
        for first, second in combinations(options, 2)
        for one, other in product(options[first], options[second])
    }


def _draw(options: Mapping[str, Sequence[object]], fixed: Mapping[str, str], random: Random) -> Case:
    return {
        name: next(value for value in values if str(value) == fixed[name]) if name in fixed else random.choice(values)
        for name, values in options.items()
    }
