r"""XML as a tree that :class:`ordertrail.intake.document.Node` reads, and nothing in it that reaches out or blows up.

::

    >>> xml_tree(b'<Order xmlns="urn:o"><ID scheme="x">7</ID><Line>a</Line><Line>b</Line></Order>')
    {'Order': {'@xmlns': 'urn:o', 'ID': {'@scheme': 'x', '#text': '7'}, 'Line': ['a', 'b']}}

An element is an object: attributes as ``@name``, elements within by their local name, its text as ``#text``. One with
a text alone is that text; a node of :func:`xml_document` reads both alike. Elements of one name are a list. Text in
several pieces between elements is kept in its sequence as ``#mixed``. Comments and processing instructions are left
out, and so is white space between elements.

Names are local for the root's namespace, for none, and for those that the caller names; an element or an attribute of
another namespace is named ``{namespace}name``, so that it is never taken for one of the format.

What is refused, with a fault that says so: a document type with declarations of its own (an internal subset: entities,
and with them expansion bombs and external entities, stand nowhere else), XInclude, bytes that are not of the encoding
that they declare, control characters, and more bytes, levels, elements or attributes than are read. A document type
that only names an outside one, as cXML has it, is passed over and never loaded. The parser never sees a document type.

Extensible Markup Language 1.0 (Fifth Edition), section 2.8 and appendix F; OWASP XML External Entity Prevention.
"""

import codecs
import re
from typing import Any, Final
from zoneinfo import ZoneInfo

from lxml import etree

from ordertrail.intake.document import Document
from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.json_text import DEEPEST, LARGEST

MOST: Final = 1_000_000
"""Elements and attributes of the largest document that is read."""

MOST_ATTRIBUTES: Final = 256
"""Of one element."""

LONGEST_NAME: Final = 1_024
"""Characters of the longest name of an element or attribute, with its namespace."""

LONGEST_NAMES: Final = 4 * 1024 * 1024
"""Characters of all different names of a document together: one long namespace may stand in each of a million."""

_CHUNK = 64 * 1024
_BOMS = (
    (codecs.BOM_UTF32_LE, None),
    (codecs.BOM_UTF32_BE, None),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
"""What the first bytes say, the longest first; UTF-32 is not read."""
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "iso-8859-2": "iso-8859-2",
    "iso-8859-15": "iso-8859-15",
    "latin1": "iso-8859-1",
    "windows-1250": "cp1250",
    "windows-1251": "cp1251",
    "windows-1252": "cp1252",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
"""The encodings that are read, by their names with the IANA."""
_WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be"})
_BEGINS = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*\x00?<")
_DECLARATION = re.compile(
    r"""<\?xml\s+version\s*=\s*["'](?P<version>[^"'<>]{1,16})["']"""
    r"""(?:\s+encoding\s*=\s*["'](?P<encoding>[A-Za-z][\w.-]{0,40})["'])?"""
    r"""(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*\?>""",
    re.ASCII,
)
_DOCTYPE = re.compile(
    r"""<!DOCTYPE\s+[^\s\[\]<>"']+(?:\s+(?:SYSTEM|PUBLIC\s+(?:"[^"<>]*"|'[^'<>]*'))\s+(?:"[^"<>]*"|'[^'<>]*'))?\s*>"""
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_XINCLUDE = "{http://www.w3.org/2001/XInclude}"
_XML = "{http://www.w3.org/XML/1998/namespace}"


def xml_tree(body: bytes, namespaces: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an XML document as an object with one member, named as its root element is. Raises FaultyError.

    ``namespaces`` are those beside the root's whose elements are named by their local names; each stands for all that
    begin with it. The root's own namespace stands in it as ``@xmlns``.
    """
    if len(body) > LARGEST:
        raise _too_large(f"{len(body)} bytes are more than the {LARGEST} that are read")
    text = _decoded(bytes(body))  # of a memory map, too
    wrong = _CONTROL.search(text)
    if wrong is not None:
        where = f"line {text.count(chr(10), 0, wrong.start()) + 1}"
        raise _unreadable(f"{where} has the control character U+{ord(wrong[0]):04X}, which no XML can have")
    start = _root_start(text)
    builder = _Builder(namespaces)
    parser = etree.XMLParser(
        target=builder,
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for place in range(start, len(text), _CHUNK):
            parser.feed(text[place : place + _CHUNK].encode())
        parser.close()
    except etree.XMLSyntaxError as error:
        line = (error.lineno or 1) + text.count("\n", 0, start)
        raise _unreadable(f"not XML: line {line}: {_first_line(error.msg)}") from None
    unbound = next(
        (one for one in parser.feed_error_log if one.type == etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE),
        None,
    )
    if unbound is not None:
        raise _unreadable(f"not XML with namespaces: {_first_line(unbound.message)}")
    return builder.document


def xml_document(body: bytes, zone: ZoneInfo | None = None, namespaces: tuple[str, ...] = ()) -> Document:
    """Read XML as a document: its root node has one member, named as the root element is. Raises FaultyError."""
    return Document(xml_tree(body, namespaces), zone or ZoneInfo("UTC"), markup=True)


def is_xml(body: bytes) -> bool:
    """Say whether bytes begin as a document in XML does, for channels that read JSON as well."""
    return _BEGINS.match(body) is not None


def _decoded(body: bytes) -> str:
    """Return the document's text, in the encoding that its first bytes and its declaration agree upon."""
    bom, found = next(((mark, codec) for mark, codec in _BOMS if body.startswith(mark)), (b"", "utf-8"))
    if found is None:
        raise _unreadable("it is UTF-32, which is not read; send UTF-8")
    told = bom in {codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    raw = body[len(bom) :] if told else body
    head = raw[:512].decode(found, "replace").lstrip("\ufeff")
    declared = _DECLARATION.match(head)
    if declared is None and head.startswith("<?xml") and head[5:6].isspace():
        raise _unreadable("the XML declaration is malformed")
    if declared is not None and not declared["version"].startswith("1."):
        raise _unreadable(f"it is of XML version {declared['version']!r}; 1.0 is read")
    codec = _agreed(declared["encoding"] if declared else None, found, told=told)
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        raise _unreadable(f"byte {error.start + len(body) - len(raw)} is not {codec}") from None


def _agreed(name: str | None, found: str, *, told: bool) -> str:
    """Return the codec to decode with. What the bytes show wins over nothing; it must not be contradicted."""
    if name is None:
        return found
    codec = _CODECS.get(name.lower())
    if codec is None:
        raise _unreadable(f"it declares the encoding {name!r}, which is not read; send UTF-8")
    wide = found in _WIDE
    if (
        (codec in _WIDE) != wide
        or (wide and codec not in {"utf-16", found})
        or (told and not wide and codec != found)
    ):
        raise _unreadable(f"it declares the encoding {name!r}, and its first bytes are {found}")
    return found if wide else codec


def _root_start(text: str) -> int:
    """Return where the root element begins, past the declaration, comments and a document type without a subset."""
    declared = _DECLARATION.match(text)
    place = declared.end() if declared else 0
    typed = False
    while True:
        while place < len(text) and text[place] in " \t\r\n":
            place += 1
        if text.startswith("<!--", place):
            place = _past(text, "-->", place + 4, "a comment")
        elif text.startswith("<?xml", place) and text[place + 5 : place + 6].isspace():
            line = text.count("\n", 0, place) + 1
            raise _unreadable(f"the XML declaration stands in line {line} and not at the very beginning")
        elif text.startswith("<?", place):
            place = _past(text, "?>", place + 2, "a processing instruction")
        elif text.startswith("<!", place):
            place, typed = _past_type(text, place, typed=typed), True
        elif text.startswith("<", place):
            return place
        else:
            found = "nothing" if place >= len(text) else repr(text[place : place + 20])
            raise _unreadable(f"not XML: {found} stands where the root element was expected")


def _past(text: str, end: str, place: int, what: str) -> int:
    found = text.find(end, place)
    if found < 0:
        raise _unreadable(f"not XML: {what} before the root element does not end")
    return found + len(end)


def _past_type(text: str, place: int, *, typed: bool) -> int:
    """Return where a document type ends. Raises FaultyError where it has declarations, or is a second one."""
    found = _DOCTYPE.match(text, place)
    if found is not None and not typed:
        return found.end()
    if text.startswith("<!DOCTYPE", place) and not typed and "[" in text[place : place + 4_096]:
        raise _unreadable(
            "its document type has declarations of its own (an internal subset), which may be entities that expand or "
            "reach out; they are never read"
        )
    raise _unreadable("not XML: its document type is malformed, or there are two")


class _Builder:
    """Makes the tree from what the parser tells, and stops it where there is too much."""

    def __init__(self, namespaces: tuple[str, ...]) -> None:
        self.document: dict[str, Any] = {}
        self._namespaces = namespaces
        self._own = ""
        self._names: dict[str, str] = {}
        self._open: list[tuple[str, dict[str, Any], list[Any]]] = []
        self._count = 0
        self._named = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Open an element."""
        self._count += 1 + len(attributes)
        if self._count > MOST:
            raise _too_large(f"it has over {MOST} elements and attributes")
        if len(attributes) > MOST_ATTRIBUTES:
            raise _too_large(f"an element has {len(attributes)} attributes; {MOST_ATTRIBUTES} are read")
        if len(self._open) >= DEEPEST - 1:
            raise _too_large(f"nested over {DEEPEST - 1} elements deep")
        if tag.startswith(_XINCLUDE):
            raise _unreadable("it includes another document (XInclude), which is never loaded")
        element: dict[str, Any] = {}
        if not self._open and tag.startswith("{"):
            self._own = tag[1 : tag.index("}")]
            element["@xmlns"] = self._own
        for name, value in attributes.items():
            element[self._attribute(name)] = value
        self._open.append((self._name(tag), element, []))

    def data(self, text: str) -> None:
        """Take a piece of text."""
        pieces = self._open[-1][2]
        if pieces and isinstance(pieces[-1], list):
            pieces[-1].append(text)
        else:
            pieces.append([text])

    def end(self, _: str) -> None:
        """Close an element and put it into the one around it."""
        name, element, pieces = self._open.pop()
        made = _element(element, pieces)
        if self._open:
            self._open[-1][2].append((name, made))
        else:
            self.document = {name: made if isinstance(made, dict) else {"#text": made} if made else {}}

    def close(self) -> None:
        """End the document."""

    def _name(self, tag: str) -> str:
        """Return an element's name in the tree; each is made once."""
        known = self._names.get(tag)
        if known is None:
            namespace, _, local = tag[1:].partition("}") if tag.startswith("{") else ("", "", tag)
            is_own = namespace in {"", self._own} or namespace.startswith(self._namespaces)
            known = self._learn(tag, local if is_own else tag)
        return known

    def _attribute(self, tag: str) -> str:
        """Return an attribute's name in the tree."""
        known = self._names.get("@" + tag)
        if known is None:
            known = self._learn("@" + tag, "@" + tag.replace(_XML, "xml:", 1))
        return known

    def _learn(self, tag: str, name: str) -> str:
        self._named += len(tag)
        if len(tag) > LONGEST_NAME or self._named > LONGEST_NAMES:
            raise _too_large(
                f"a name is over {LONGEST_NAME} characters long, or all are over {LONGEST_NAMES} together"
            )
        self._names[tag] = name
        return name


def _element(element: dict[str, Any], pieces: list[Any]) -> Any:
    """Return an element as the tree has it: its attributes, what is within, and its text."""
    runs = [index for index, one in enumerate(pieces) if isinstance(one, list) and "".join(one).strip()]
    if len(pieces) == len(runs) <= 1:
        text = "".join(pieces[0]) if runs else ""
        if not element:
            return text
        return {**element, "#text": text} if text else element
    if len(runs) > 1:
        whole = ("".join(one) if isinstance(one, list) else {one[0]: one[1]} for one in pieces)
        return {**element, "#mixed": [one for one in whole if one]}
    for name, made in (one for one in pieces if isinstance(one, tuple)):
        if name not in element:
            element[name] = made
        elif isinstance(element[name], list):
            element[name].append(made)
        else:
            element[name] = [element[name], made]
    if runs:
        element["#text"] = "".join(pieces[runs[0]])
    return element or ""


def _first_line(message: str | None) -> str:
    return (message or "malformed").splitlines()[0][:200]


def _unreadable(message: str) -> FaultyError:
    return FaultyError(Fault(Code.UNREADABLE, "", message))


def _too_large(message: str) -> FaultyError:
    return FaultyError(Fault(Code.TOO_LARGE, "", message))
