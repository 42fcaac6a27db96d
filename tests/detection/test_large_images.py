"""An image file costs a memory that is known before it is read, however little of it says how large it is."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy
import pytest
from PIL import Image

import fpngraph
from fpngraph.detection import images
from fpngraph.detection.images import ImageError, open_image, to_rgb

PEAK = """
import sys
from pathlib import Path
from fpngraph.detection.images import open_image

def memory(kind):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind))

for path in sys.argv[1:]:
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before = memory("VmRSS")
    open_image(path)
    print((memory("VmHWM") - before) * 1024)
"""


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def bomb(path: Path, side: int) -> None:
    """A PNG of side x side black pixels in a few thousand bytes."""
    header = side.to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    rows = zlib.compress(bytes(1 + -(-side // 8)) * side, 9)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def test_a_small_file_of_very_many_pixels_is_refused_before_it_is_read(tmp_path: Path) -> None:
    bomb(tmp_path / "bomb.png", 13_000)
    assert (tmp_path / "bomb.png").stat().st_size < 30_000

    with pytest.raises(ImageError) as caught:
        open_image(tmp_path / "bomb.png")

    assert str(caught.value) == "the image has 13,000 x 13,000 pixels, more than 134,217,728 in all"


def test_as_many_pixels_as_are_allowed_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MOST_PIXELS", 100)
    bomb(tmp_path / "ten.png", 10)
    bomb(tmp_path / "eleven.png", 11)

    assert open_image(tmp_path / "ten.png").size == (10, 10)
    with pytest.raises(ImageError):
        open_image(tmp_path / "eleven.png")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone counts the peak anew")
def test_no_more_copies_are_made_than_are_needed(tmp_path: Path) -> None:
    side, copies = 4000, {"RGB": 1, "I;16": 1.5, "RGBA": 2}
    for mode in copies:
        Image.new(mode, (side, side)).save(tmp_path / f"{mode}.png")
    environment = os.environ | {"PYTHONPATH": str(Path(fpngraph.__file__).parent.parent)}

    done = subprocess.run(
        [sys.executable, "-c", PEAK, *(tmp_path / f"{mode}.png" for mode in copies)],
        env=environment,
        capture_output=True,
        check=True,
    )

    strips = 4 * 4 * images._STRIP_PIXELS
    for count, peak in zip(copies.values(), done.stdout.split(), strict=True):
        assert int(peak) < (count + 0.3) * 4 * side**2 + (strips if count > 1 else 0)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "I;16", "F"])
def test_strips_are_what_the_whole_is(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = numpy.random.default_rng(0).integers(0, 256, (37, 5, 4)).astype(numpy.uint8)
    values[9:] %= 2  # what is white follows from the first strips
    image = Image.fromarray(values) if mode == "RGBA" else Image.fromarray(values[..., 0]).convert(mode)
    whole = to_rgb(image)
    monkeypatch.setattr(images, "_STRIP_PIXELS", 24)

    in_strips = to_rgb(image)

    assert len(list(images._strips(image))) == 10
    assert numpy.array_equal(numpy.asarray(in_strips), numpy.asarray(whole))
