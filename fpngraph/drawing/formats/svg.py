"""A scene as SVG: presentation attributes, and one style that turns the light colours into dark ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from fpngraph.drawing.layout.geometry import Curve
from fpngraph.drawing.layout.lettering import writable
from fpngraph.drawing.picture.scene import Circle, Group, Paint, Path, Polygon, Rect, Scene, Shape, Text
from fpngraph.drawing.picture.theme import FONTS, Theme, colour, shade

_SELF_COLOURED = "fpngraph-auto"  # class of a picture that follows the reader's preference


def write(scene: Scene) -> str:
    """The text of an SVG file."""
    left, top, right, bottom = scene.box
    wide, high = right - left, bottom - top
    view = " ".join(map(_number, (left, top, wide, high)))
    size = f'width="{_number(wide * scene.zoom)}" height="{_number(high * scene.zoom)}"'
    writer = _Writer(scene.theme)
    body = [writer.element("rect", _page(scene), Paint(fill="ground"))]
    for group in scene.groups:
        body += writer.group(group)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" {size}'
        f' font-family={quoteattr(FONTS)} role="img"'
        + (f' class="{_SELF_COLOURED}"' if scene.theme == "auto" else "")
        + ">"
    )
    about = [f"<title>{escape(scene.name)}</title>"]
    if scene.description:
        about.append(f"<desc>{escape(scene.description)}</desc>")
    style = [writer.style()] if scene.theme == "auto" else []
    return writable("\n".join([head, *about, *style, *body, "</svg>", ""]))


def _page(scene: Scene) -> dict[str, str]:
    left, top, right, bottom = scene.box
    return {
        "class": "ground",
        "x": _number(left),
        "y": _number(top),
        "width": _number(right - left),
        "height": _number(bottom - top),
    }


class _Writer:
    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self._used: dict[tuple[str, str], str] = {}
        """Attribute and light colour to the dark one."""

    def style(self) -> str:
        """The dark colours, for every colour that was written."""
        rules = "".join(
            f'.{_SELF_COLOURED} [{attribute}="{light}"]{{{attribute}:{dark}}}'
            for (attribute, light), dark in self._used.items()
        )
        return f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"

    def group(self, group: Group) -> Iterator[str]:
        data = {f"data-{key}": value for key, value in group.data.items()}
        yield f"<g{_attributes({'class': group.mark, **data})}>"
        for number, shape in enumerate(group.shapes):
            yield from self._shape(shape)
            if number == 0 and group.tip:
                yield f"<title>{escape(group.tip)}</title>"
        yield "</g>"

    def _shape(self, shape: Shape) -> Iterator[str]:
        match shape:
            case Group():
                yield from self.group(shape)
            case Rect(x, y, wide, high, radius, paint):
                sizes = {"x": x, "y": y, "width": wide, "height": high, "rx": radius}
                yield self.element("rect", {key: _number(value) for key, value in sizes.items()}, paint)
            case Circle(x, y, radius, paint):
                sizes = {"cx": x, "cy": y, "r": radius}
                yield self.element("circle", {key: _number(value) for key, value in sizes.items()}, paint)
            case Path(curve, paint, mark, data):
                named = {"class": mark} if mark else {}
                named |= {f"data-{key}": value for key, value in data.items()}
                yield self.element("path", {**named, "d": path_data(curve)}, paint)
            case Polygon(points, paint):
                places = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
                yield self.element("polygon", {"points": places}, paint)
            case Text():
                yield self._text(shape)

    def _text(self, text: Text) -> str:
        attributes = {"x": _number(text.x), "y": _number(text.y), "font-size": _number(text.size)}
        if text.weight != 400:
            attributes["font-weight"] = str(text.weight)
        if text.anchor != "start":
            attributes["text-anchor"] = text.anchor
        attributes["fill"] = self._colour("fill", text.fill)
        return f"<text{_attributes(attributes)}>{escape(text.text)}</text>"

    def element(self, tag: str, attributes: Mapping[str, str], paint: Paint) -> str:
        painted = {**attributes, "fill": self._colour("fill", paint.fill) if paint.fill else "none"}
        if paint.line:
            painted["stroke"] = self._colour("stroke", paint.line)
            painted["stroke-width"] = _number(paint.line_width)
        if paint.dashes:
            painted["stroke-dasharray"] = " ".join(map(_number, paint.dashes))
        return f"<{tag}{_attributes(painted)}/>"

    def _colour(self, attribute: str, role: str) -> str:
        found = colour(role, self._theme)
        if self._theme == "auto":
            _, self._used[attribute, found] = shade(role)
        return found


def path_data(curve: Curve) -> str:
    """A curve in the language of the ``d`` attribute."""
    words = [f"M{_pair(curve.start)}"]
    for piece in curve.pieces:
        words.append(f"L{_pair(piece[1])}" if len(piece) == 2 else f"C{' '.join(map(_pair, piece[1:]))}")
    return "".join(words)


def _pair(point: tuple[float, float]) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    """At most two decimals, none where they are zero."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _attributes(attributes: Mapping[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
