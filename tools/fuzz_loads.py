"""Feeds damaged graph files to ``fpngraph.loads``: a graph or a GraphError is right, anything else is a fault.

Run: python tools/fuzz_loads.py --texts 1000000

Each text is a shipped graph with some edits, and is made from the seed and its number alone: ``--first NUMBER --texts 1
--show`` prints one again and loads it.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from fpngraph.errors import GraphError
from fpngraph.library import loads, shipped

PIECES = (
    *("P", "td", "l", "min", "max", "none", "inputs", "nodes", "stages", "from", "outputs", "channels", "level"),
    *(
        "$channels",
        "$(l)",
        "$(min//0)",
        "$(l*2+1)",
        "$x",
        "$(",
        "P3",
        "P(l)",
        "P(l-1)",
        "P(3..5)",
        "P(9..3)",
        "td(l) |",
    ),
    *(
        "repeat: 3",
        "repeat: $op",
        "fusion: ",
        "softmax",
        "[act, conv]",
        "{conv: {kernel: 4}}",
        "{3: 8, 4: 9}",
        '{"3": 8}',
    ),
    *("[", "]", "{", "}", ":", ": ", ",", "|", "(", ")", "..", "- ", "? ", "\n", "\n  ", "\t", "---\n", "#", "%"),
    *("'", '"', "&a ", "*a", "<<: ", "!x", "!!python/name:os.system", "~", "|\n", ">-\n", "\\x41", "@", "`"),
    *("0", "-1", "31", "1e400", ".nan", "0x1f", "999999999", "9" * 19, "\xa0", "\u2028", "\x85", "\ufeff", "\u200b"),
    *("\x00", "\x1b", "\ud800", "\U0001f600", "é", "true", "yes", "null", "1:30", "x" * 600),
)
Edit = Callable[[Random, str, list[str]], str]


def put(rng: Random, text: str, texts: list[str]) -> str:
    """A piece of the language, or any character, in place of up to eight characters."""
    start = rng.randrange(len(text) + 1)
    piece = rng.choice(PIECES) if rng.random() < 0.8 else chr(rng.randrange(0x110000))
    return text[:start] + piece + text[start + rng.randrange(9) :]


def cut(rng: Random, text: str, texts: list[str]) -> str:
    """Some characters less."""
    start = rng.randrange(len(text) + 1)
    return text[:start] + text[start + rng.randrange(40) :]


def move_line(rng: Random, text: str, texts: list[str]) -> str:
    """A line at another place, with another indentation, or twice."""
    lines = text.splitlines(keepends=True) or [""]
    line = lines[rng.randrange(len(lines))]
    if rng.random() < 0.5:
        lines.remove(line)
    lines.insert(rng.randrange(len(lines) + 1), " " * rng.randrange(5) + line.lstrip(" "))
    return "".join(lines)


def splice(rng: Random, text: str, texts: list[str]) -> str:
    """Some lines of another graph."""
    lines, others = text.splitlines(keepends=True), rng.choice(texts).splitlines(keepends=True)
    start, other = rng.randrange(len(lines) + 1), rng.randrange(len(others) + 1)
    lines[start : start + rng.randrange(4)] = others[other : other + rng.randrange(6)]
    return "".join(lines)


def change_word(rng: Random, text: str, texts: list[str]) -> str:
    """A word or number in the place of another."""
    words = [*re.finditer(r"\w+", text)]
    if not words:
        return text
    old, new = rng.choice(words), rng.choice(words)[0] if rng.random() < 0.5 else rng.choice(PIECES)
    return text[: old.start()] + new + text[old.end() :]


def flatten(rng: Random, text: str, texts: list[str]) -> str:
    """A stretch many times: long lists, deep nesting, large files."""
    start = rng.randrange(len(text) + 1)
    stretch = text[start : start + rng.randrange(1, 12)]
    return text[:start] + stretch * rng.randrange(2, 60) + text[start:]


EDITS: tuple[tuple[Edit, int], ...] = ((put, 5), (cut, 2), (move_line, 2), (splice, 2), (change_word, 6), (flatten, 1))


def text_of(seed: int, number: int, texts: list[str]) -> str:
    """The damaged text of this number."""
    rng = Random(f"{seed} {number}")
    text = rng.choice(texts)
    edits, weights = zip(*EDITS, strict=True)
    for edit in rng.choices(edits, weights, k=rng.choice((1, 1, 1, 2, 2, 3, 5))):
        text = edit(rng, text, texts)
    return text


def outcome(text: str) -> tuple[str, str]:
    """``graph``, ``GraphError`` or the name of another exception, and the last lines that it prints."""
    try:
        loads(text)
    except GraphError as error:
        return ("GraphError", "") if str(error).strip() else ("an error without a text", "")
    except Exception as error:
        return type(error).__name__, "".join(traceback.format_exception(error)[-4:])
    return "graph", ""


@dataclass
class Tally:
    """What came of the texts so far."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, 0)
    """Processor time in seconds, and the number of the text."""
    faults: int = 0

    def add(self, number: int, said: str, seconds: float) -> None:
        self.counts[said] += 1
        self.slowest = max(self.slowest, (seconds, number))
        self.faults += said not in ("graph", "GraphError")

    def __str__(self) -> str:
        counted = ", ".join(f"{count:,} {said}" for said, count in self.counts.most_common())
        seconds, number = self.slowest
        return f"{self.counts.total():,} texts: {counted}; the slowest took {seconds:.2f} s (number {number})"


def run(seed: int, numbers: range) -> Iterator[Tally]:
    """Load the texts of these numbers; the tally after each of them."""
    texts = [path.read_text(encoding="utf-8") for path in shipped().values()]
    tally = Tally()
    for number in numbers:
        text = text_of(seed, number, texts)
        start = time.process_time()
        said, trace = outcome(text)
        tally.add(number, said, time.process_time() - start)
        if trace:
            print(f"seed {seed}, number {number}: {said}\n{text!r}\n{trace}", flush=True)
        yield tally


def main() -> None:
    """Prints a line of progress every ten seconds, every fault at once, and the tally at the end."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--texts", type=int, default=10_000, help="how many")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--first", type=int, default=0, help="number of the first")
    options.add_argument("--show", action="store_true", help="print each text")
    args = options.parse_args()
    texts = [path.read_text(encoding="utf-8") for path in shipped().values()]
    begun = shown = time.monotonic()
    tally = Tally()
    for tally in run(args.seed, range(args.first, args.first + args.texts)):
        done, now = tally.counts.total(), time.monotonic()
        if args.show:
            print(text_of(args.seed, args.first + done - 1, texts))
        if now - shown > 10:
            rate = done / (now - begun)
            left = (args.texts - done) / rate / 60
            print(f"{tally}; {rate:.0f} a second, {left:.0f} minutes left", file=sys.stderr, flush=True)
            shown = now
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"seed {args.seed}, {tally}; {done / (time.monotonic() - begun):.0f} a second, {peak:.0f} MB at most")
    sys.exit(tally.faults > 0)


if __name__ == "__main__":
    main()
