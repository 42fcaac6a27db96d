"""A scene as one HTML file without network: the SVG, and a program that tells, marks, finds and zooms."""

from __future__ import annotations

import base64
import hashlib
import xml.etree.ElementTree as ET
from html import escape
from importlib.resources import files
from string import Template

from fpngraph.drawing.formats import svg
from fpngraph.drawing.layout.lettering import writable
from fpngraph.drawing.picture.scene import Scene
from fpngraph.drawing.picture.theme import shade

_NAMESPACE = "http://www.w3.org/2000/svg"
_ROLES = ("ground", "cell", "cell_line", "ink", "muted", "down")  # colours of the page around the picture


def write(scene: Scene) -> str:
    """The text of an HTML file, the same for the same scene."""
    script = _part("page.js")
    return Template(_part("page.html")).substitute(
        title=escape(writable(scene.name)),
        theme=scene.theme if scene.theme in ("auto", "dark") else "light",
        policy=_policy(script),
        colours=_colours(),
        style=_part("page.css"),
        picture=_picture(scene),
        script=script,
    )


def _part(name: str) -> str:
    return files("fpngraph.drawing.formats").joinpath("page", name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """What the page may do: run its own program and nothing else, and load nothing."""
    digest = base64.b64encode(hashlib.sha256(f"\n{script}".encode()).digest()).decode()
    return f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:"


def _colours() -> str:
    """The theme's colours as CSS variables; ``light-dark`` chooses by the page's ``color-scheme``."""
    shades = "".join(f"--{role}:light-dark({','.join(shade(role))});" for role in _ROLES)
    fixed = "".join(f'[data-theme="{theme}"]{{color-scheme:{theme}}}' for theme in ("light", "dark"))
    return f":root{{color-scheme:light dark;{shades}}}{fixed}"


def _picture(scene: Scene) -> str:
    """The SVG, with nodes as buttons that keyboard and screen reader reach."""
    root = ET.fromstring(svg.write(scene).replace(f' xmlns="{_NAMESPACE}"', "", 1))  # HTML knows it without
    for name in ("title", "desc"):
        for element in root.findall(name):
            root.remove(element)
    about = f"{scene.name}: {scene.description}" if scene.description else scene.name
    root.attrib |= {"role": "group", "aria-label": writable(about)}
    for node in root.iterfind(".//g[@class='node']"):
        label = node.findtext("title") or node.attrib["data-node"]
        node.attrib |= {"tabindex": "0", "role": "button", "aria-pressed": "false", "aria-label": label}
    return ET.tostring(root, encoding="unicode")
