"""Pictures of the plan: an SVG file made harmless, or why it is refused.

A picture is shown inside the bench page, so it may draw and do nothing else: no script, no foreign content, nothing
that is fetched from elsewhere. What is not on the list of drawing elements is refused; what a drawing program notes for
itself (metadata, its own attributes) is left out. Pure: bytes in, text out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from mes.i18n import _
from mes.plan.errors import listed

SVG: Final = "http://www.w3.org/2000/svg"
MAX_BYTES: Final = 65_536  # a line drawing has 2,000; every station keeps all pictures of every plan revision in use

# fmt: off
DRAWS: Final = frozenset({
    "svg", "g", "defs", "symbol", "use", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text",
    "tspan", "title", "desc", "clipPath", "mask", "marker", "pattern", "linearGradient", "radialGradient", "stop",
})
NOTES: Final = frozenset({"metadata"})  # left out without a word
STYLES: Final = frozenset({
    "fill", "fill-opacity", "fill-rule", "clip-path", "clip-rule", "color", "display", "font-family", "font-size",
    "font-style", "font-weight", "mask", "marker-end", "marker-mid", "marker-start", "opacity", "stop-color",
    "stop-opacity", "stroke", "stroke-dasharray", "stroke-dashoffset", "stroke-linecap", "stroke-linejoin",
    "stroke-miterlimit", "stroke-opacity", "stroke-width", "text-anchor", "visibility",
})
# fmt: on
_ELSEWHERE: Final = re.compile(r"url\s*\((?!\s*['\"]?#)|@import|javascript:|data:", re.IGNORECASE)

ElementTree.register_namespace("", SVG)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a file is no picture for the plan, and what would be one."""

    message: str
    allowed: str


def read_picture(content: bytes) -> str | Refused:
    """Read one SVG file.

    Returns:
        The drawing as SVG text without comments, declarations, size on paper, or anything but the drawing; or why not.
    """
    if len(content) > MAX_BYTES:
        said = _("The picture has %(size)s bytes.", size=len(content))
        return Refused(said, _("at most %(size)s bytes: a simple line drawing", size=MAX_BYTES))
    try:
        text = content.decode("utf-8-sig")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            # Entities can grow a small file to gigabytes, and fetch files: no drawing needs them.
            return Refused(_("The picture declares a document type."), _("an SVG file without <!DOCTYPE"))
        root = ElementTree.fromstring(text)  # noqa: S314 - expat without entities and document types: refused above
    except (ElementTree.ParseError, ValueError) as wrong:
        return Refused(_("This is not an SVG picture (%(why)s).", why=wrong), _("a UTF-8 text file with <svg …>"))
    if root.tag != f"{{{SVG}}}svg" or "viewBox" not in root.attrib:
        return Refused(_("This is not an SVG picture with a viewBox."), f'<svg xmlns="{SVG}" viewBox="0 0 100 100">')
    for side in ("width", "height"):  # the screen decides how big it is
        root.attrib.pop(side, None)
    refused = _clean(root)
    return ElementTree.tostring(root, encoding="unicode") if refused is None else refused


def _clean(element: ElementTree.Element) -> Refused | None:
    """Take from an element what is not drawing; say why where that would change the picture."""
    refused = _clean_attributes(element)
    if refused is not None:
        return refused
    name = _local(element.tag)
    if name not in ("text", "tspan", "title", "desc"):
        element.text = None
    for child in list(element):
        if _local(child.tag) in NOTES or _of_a_program(child.tag):
            element.remove(child)
            continue
        if child.tag.partition("}")[0] != "{" + SVG or _local(child.tag) not in DRAWS:
            said = _("The picture contains <%(name)s>.", name=_local(child.tag))
            return Refused(said, _("only drawing: %(names)s", names=listed(DRAWS)))
        if name not in ("text", "tspan"):
            child.tail = None
        refused = _clean(child)
        if refused is not None:
            return refused
    return None


def _clean_attributes(element: ElementTree.Element) -> Refused | None:
    found = list(element.attrib.items())
    element.attrib.clear()
    for name, value in found:
        if _ELSEWHERE.search(value) or (_local(name) == "href" and not value.startswith("#")):
            said = _("The picture refers to something outside itself: %(name)s.", name=f"{_local(name)}={value[:40]}")
            return Refused(said, _("references inside the picture, such as #part"))
        if name.lower().startswith("on"):
            return Refused(_("The picture contains a script: %(name)s.", name=name), _("only drawing"))
        if name == "style":
            # The page forbids inline styles; as attributes the same colours and lines stay.
            pairs = (part.partition(":") for part in value.split(";"))
            element.attrib.update({k.strip(): v.strip() for k, _colon, v in pairs if k.strip() in STYLES})
        elif _local(name) == "href":
            element.set("href", value)
        elif "}" not in name:
            element.attrib.setdefault(name, value)  # a style outranks an attribute
    return None


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _of_a_program(tag: str) -> bool:
    """Inkscape and its kin keep their settings in elements of their own."""
    return tag.startswith(("{http://www.inkscape.org/", "{http://sodipodi.sourceforge.net/"))
