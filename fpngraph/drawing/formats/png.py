"""A scene as PNG, by way of its SVG. Only the font of the package is used: the same bytes on every machine."""

from __future__ import annotations

from dataclasses import replace

from fpngraph.drawing.formats import svg
from fpngraph.drawing.formats.extras import MissingExtra
from fpngraph.drawing.formats.signs import warn_of_missing
from fpngraph.drawing.picture.scene import Scene
from fpngraph.fonts import FACES

_MOST_PIXELS = 100_000_000  # 400 MB while it is drawn; resvg itself takes what it gets until memory is out


def write(scene: Scene, *, scale: float = 2.0) -> bytes:
    """The bytes of a PNG file. ``auto`` colours are the light ones.

    ``scale``: its pixels per pixel of the scene, or, of a scene with a width on paper, per 1/96 inch of it.
    Raises MissingExtra where resvg_py is not installed, ValueError for a scale that gives no picture of a sane size.
    """
    _check(scene, scale)
    try:
        import resvg_py
    except ImportError as error:
        raise MissingExtra("png") from error
    warn_of_missing(scene)
    fixed = replace(scene, theme="light") if scene.theme == "auto" else scene
    return resvg_py.svg_to_bytes(
        svg_string=svg.write(fixed),
        skip_system_fonts=True,
        font_files=[str(path) for path in FACES.values()],
        zoom=scale,
    )


def _check(scene: Scene, scale: float) -> None:
    if not scale > 0:
        raise ValueError(f"scale is {scale!r}, a number above 0 is required")
    left, top, right, bottom = scene.box
    wide, high = (right - left) * scene.zoom, (bottom - top) * scene.zoom
    if min(wide, high) * scale < 1:
        raise ValueError(f"scale is {scale!r}, which gives no whole pixel; at least one each way is required")
    if wide * scale * high * scale > _MOST_PIXELS:
        most = (_MOST_PIXELS / wide / high) ** 0.5
        found = f"scale is {scale!r}, which gives {wide * scale:,.0f} x {high * scale:,.0f} pixels"
        raise ValueError(f"{found}; at most {most:.4g} is possible for this picture")
