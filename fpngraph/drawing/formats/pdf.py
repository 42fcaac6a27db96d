"""A scene as PDF: vectors and text, with the font of the package embedded."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from io import BytesIO
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from fpngraph.drawing.formats.extras import MissingExtra
from fpngraph.drawing.formats.signs import warn_of_missing
from fpngraph.drawing.layout.geometry import Curve, Piece, Point, rounded
from fpngraph.drawing.layout.lettering import writable
from fpngraph.drawing.picture.scene import Circle, Group, Paint, Path, Polygon, Rect, Scene, Shape, Text
from fpngraph.drawing.picture.theme import colour, inks
from fpngraph.fonts import FACES, face

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.pdfgen.pathobject import PDFPathObject

_POINTS = 0.75  # per pixel: 72 of the one and 96 of the other are an inch
_LONGEST = 14_400.0  # points that a side of a page may have (PDF 1.7, annex C)
_MAX_DASHES = 10  # numbers in a pattern of dashes, which every reader takes
_MITER = 4.0  # SVG's own limit; that of PDF is 10


def write(scene: Scene) -> bytes:
    """The bytes of a PDF file: one page as large as the scene, 0.75 pt per pixel, less only where PDF has no such page.

    ``auto`` colours are the light ones.
    Raises MissingExtra where reportlab is not installed.
    """
    try:
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont
        from reportlab.pdfgen.canvas import Canvas
    except ImportError as error:
        raise MissingExtra("pdf") from error
    warn_of_missing(scene)
    for weight, path in FACES.items():
        if _font(weight) not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(_font(weight), str(path)))
    left, top, right, bottom = scene.box
    points = min(_POINTS * scene.zoom, _LONGEST / (right - left), _LONGEST / (bottom - top))
    size = (right - left) * points, (bottom - top) * points
    file = BytesIO()
    # "invariant": no time and no random number; another first font than ours would be named, but not embedded
    first: Any = _font(400)  # the stubs want a number
    canvas = Canvas(file, pagesize=size, invariant=True, pageCompression=1, initialFontName=first)
    canvas.setTitle(writable(scene.name))
    canvas.setSubject(writable(scene.description))
    canvas.setAuthor("")
    canvas.setCreator("fpngraph")
    canvas.scale(points, points)
    canvas.setMiterLimit(_MITER)
    writer = _Writer(canvas, scene)
    writer.draw(Rect(left, top, right - left, bottom - top, 0.0, Paint(fill="ground")))
    for group in scene.groups:
        writer.draw(group)
    canvas.save()
    return file.getvalue()


def _font(weight: int) -> str:
    """The name of a face in the list of fonts that all users of reportlab share."""
    return f"fpngraph-{face(weight)}"


class _Writer:
    def __init__(self, canvas: Canvas, scene: Scene) -> None:
        self._canvas = canvas
        self._left, self._bottom = scene.box[0], scene.box[3]
        self._theme = scene.theme

    def draw(self, shape: Shape) -> None:
        match shape:
            case Group():
                for part in shape.shapes:
                    self.draw(part)
            case Rect(paint=paint):
                self._closed(_outline(shape), paint)
            case Circle(x, y, radius, paint):
                stroke, fill = self._set(paint)
                self._canvas.circle(*self._place((x, y)), radius, stroke=stroke, fill=fill)
            case Path(curve, paint):
                stroke, fill = self._set(paint)
                for array, phase in _short(paint.dashes):
                    self._canvas.setDash(array, phase)
                    self._canvas.drawPath(self._path(curve), stroke=stroke, fill=fill)
            case Polygon(points, paint):
                self._closed(Curve(tuple(pairwise(points))), paint)
            case Text():
                self._text(shape)

    def _closed(self, curve: Curve, paint: Paint) -> None:
        outline = self._path(curve)
        outline.close()
        stroke, fill = self._set(paint)
        self._canvas.drawPath(outline, stroke=stroke, fill=fill)

    def _path(self, curve: Curve) -> PDFPathObject:
        path = self._canvas.beginPath()
        path.moveTo(*self._place(curve.start))
        for piece in curve.pieces:
            ends = [number for point in piece[1:] for number in self._place(point)]
            (path.lineTo if len(piece) == 2 else path.curveTo)(*ends)
        return path

    def _text(self, text: Text) -> None:
        self._canvas.setFillColor(self._colour(text.fill))
        self._canvas.setFont(_font(text.weight), text.size)
        line = unicodedata.normalize("NFC", text.text)
        put = {
            "start": self._canvas.drawString,
            "middle": self._canvas.drawCentredString,
            "end": self._canvas.drawRightString,
        }
        put[text.anchor](*self._place((text.x, text.y)), line)

    def _set(self, paint: Paint) -> tuple[int, int]:
        """Make a paint the current one; whether it draws the line, and whether the inside."""
        if paint.fill:
            self._canvas.setFillColor(self._colour(paint.fill))
        if paint.line:
            self._canvas.setStrokeColor(self._colour(paint.line))
            self._canvas.setLineWidth(paint.line_width)
            self._canvas.setDash(list(paint.dashes))
        return int(paint.line is not None), int(paint.fill is not None)

    def _colour(self, role: str) -> Any:
        """Red, green and blue, or for print the four inks, which a printing house would else choose on its own."""
        found = colour(role, self._theme)
        return inks(found) if self._theme == "print" else found

    def _place(self, point: Point) -> Point:
        """On the page: from its lower left corner, upwards."""
        return point[0] - self._left, self._bottom - point[1]


def _short(dashes: Sequence[float]) -> list[tuple[list[float], float]]:
    """Patterns and where they begin that make these dashes together, none longer than readers can take.

    A line with a label in it has a pattern of its whole length, of which PDFium takes the first 32 numbers only.
    """
    if len(dashes) <= _MAX_DASHES:
        return [(list(dashes), 0.0)]
    ends = list(accumulate(dashes))
    return [
        ([dash, ends[-1] - dash], ends[-1] - (end - dash))
        for dash, end in zip(dashes[::2], ends[::2], strict=True)
        if dash
    ]


def _outline(rect: Rect) -> Curve:
    """From where SVG begins, and its way round, so that dashes lie as there."""
    left, top, right, bottom = rect.x, rect.y, rect.x + rect.width, rect.y + rect.height
    across, down = min(rect.radius, rect.width / 2), min(rect.radius, rect.height / 2)
    corners = (
        ((right - across, top), (right, top), (right, top + down)),
        ((right, bottom - down), (right, bottom), (right - across, bottom)),
        ((left + across, bottom), (left, bottom), (left, bottom - down)),
        ((left, top + down), (left, top), (left + across, top)),
    )
    pieces: list[Piece] = []
    here = corners[-1][-1]
    for start, corner, end in corners:
        pieces += [(here, start), rounded(start, corner, end)]
        here = end
    return Curve(tuple(piece for piece in pieces if piece[0] != piece[-1]))
