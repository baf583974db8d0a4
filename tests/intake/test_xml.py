"""XML is read as a tree, losslessly; and nothing in it reaches out, expands, or takes memory out of proportion."""

import resource
from contextlib import suppress
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.intake.faults import Code, FaultyError
from ordertrail.intake.json_text import LARGEST
from ordertrail.intake.xml import MOST, xml_document, xml_tree
from shared_data import shared

WORDS = st.text(st.characters(codec="ascii", min_codepoint=97, max_codepoint=122), min_size=1, max_size=6)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=12)


def refusal(body: bytes) -> str:
    """The reason for which a document is refused."""
    with pytest.raises(FaultyError) as caught:
        xml_tree(body)
    return str(caught.value)


class TestTree:
    """What stands in the document stands in the tree."""

    def test_an_element_is_a_text_or_an_object_and_several_are_a_list(self) -> None:
        """Attributes, texts, and repetition have one place each; the root's namespace is kept in view."""
        body = b'<o:A xmlns:o="urn:o" b="1"><o:C>x</o:C><o:C d="2">y</o:C><E/><F xml:lang="en"/></o:A>'
        assert xml_tree(body) == {
            "A": {
                "@xmlns": "urn:o",
                "@b": "1",
                "C": ["x", {"@d": "2", "#text": "y"}],
                "E": "",
                "F": {"@xml:lang": "en"},
            }
        }

    def test_another_namespace_is_never_taken_for_the_formats(self) -> None:
        """A foreign element or attribute carries its namespace in its name; one that the caller knows does not."""
        body = b'<A xmlns="urn:a" xmlns:b="urn:b:1"><b:ID b:c="x">7</b:ID></A>'
        assert xml_tree(body)["A"]["{urn:b:1}ID"] == {"@{urn:b:1}c": "x", "#text": "7"}
        assert xml_tree(body, ("urn:b:",))["A"]["ID"]["#text"] == "7"

    def test_text_between_elements_is_kept_in_its_sequence(self) -> None:
        """One piece of text is #text; several are #mixed, in the sequence of the document."""
        assert xml_tree(b"<a>x<b>1</b></a>") == {"a": {"b": "1", "#text": "x"}}
        assert xml_tree(b"<a>x<b>1</b>y<c/>z</a>") == {
            "a": {"#mixed": ["x", {"b": "1"}, "y", {"c": ""}, "z"]}
        }

    def test_character_data_is_text(self) -> None:
        """CDATA, references, comments and instructions within a text leave the text."""
        assert xml_tree(b"<a><![CDATA[<b>&]]>x&amp;&#65;<!-- c --><?pi x?>y</a>") == {
            "a": {"#text": "<b>&x&Ay"}
        }

    @given(
        st.dictionaries(WORDS, TEXTS, min_size=1, max_size=4),
        st.sampled_from(["utf-8", "utf-16", "iso-8859-1"]),
    )
    def test_every_encoding_gives_the_same_tree(self, fields: dict[str, str], encoding: str) -> None:
        """What another library writes, in any encoding that is read, comes back as it was."""
        root = ET.Element("r")
        for name, text in fields.items():
            ET.SubElement(root, name).text = text.strip() or "x"
        expected = {name: text.strip() or "x" for name, text in fields.items()}
        assert xml_tree(ET.tostring(root, encoding=encoding)) == {"r": expected}

    def test_a_node_reads_both_spellings_of_a_text_alike(self) -> None:
        """With attributes or without, one or many: a node reads the text, and keeps the attributes that nobody read."""
        root = xml_document(b'<o><ID s="x">7</ID><N>a</N><N l="en">b</N><T>q</T></o>').root
        node = root.child("o")
        assert (node.id("ID"), node.texts("N"), node.child("T").text("#text")) == ("7", ("a", "b"), "q")
        assert [(one.pointer, one.value) for one in root.rest("x")] == [
            ("/o/ID/@s", "x"),
            ("/o/N/1/@l", "en"),
        ]
        node.unread("ID")
        assert ("/o/ID/#text", "7") in [(one.pointer, one.value) for one in root.rest("x")]


class TestDocumentType:
    """A document type may name an outside one, which is never loaded; it may declare nothing."""

    def test_cxmls_document_type_is_passed_over(self) -> None:
        """The DOCTYPE of cXML is legal; no file and no network is touched for it."""
        body = b'<?xml version="1.0"?>\n<!DOCTYPE cXML SYSTEM "file:///etc/passwd">\n<cXML/>'
        assert xml_tree(body) == {"cXML": {}}
        assert xml_tree(body.replace(b"SYSTEM", b'PUBLIC "-//x"')) == {"cXML": {}}

    @pytest.mark.parametrize(
        "subset",
        [
            b'<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">',
            b'<!ENTITY c "' + b"x" * 1_000_000 + b'">',
            b'<!ENTITY c SYSTEM "file:///etc/passwd">',
            b'<!ENTITY c SYSTEM "http://127.0.0.1:1/">',
            b'<!ENTITY % c SYSTEM "http://127.0.0.1:1/x.dtd"> %c;',
            b'<!ATTLIST a b CDATA "x">',
            b"",
        ],
        ids=["billion laughs", "quadratic", "file", "network", "parameter", "default attribute", "empty"],
    )
    def test_declarations_of_its_own_are_refused_by_name(self, subset: bytes) -> None:
        """Entities of any kind can stand in an internal subset only, and none is read, in UTF-8 or UTF-16."""
        body = b"<!DOCTYPE a [" + subset + b"]><a>" + b"&c;" * 10_000 + b"</a>"
        assert "internal subset" in refusal(body)
        assert "internal subset" in refusal(b"<?xml version='1.0'?><!-- x --><?y z?> " + body)
        assert "internal subset" in refusal(body.decode().encode("utf-16"))
        assert "internal subset" in refusal(body.replace(b"<!DOCTYPE a [", b'<!DOCTYPE a SYSTEM "x" ['))

    @pytest.mark.parametrize(
        "body",
        [
            b'<!DOCTYPE a SYSTEM "x"><!DOCTYPE a [<!ENTITY c "d">]><a>&c;</a>',
            b'<a><!DOCTYPE a [<!ENTITY c "d">]>&c;</a>',
            b'<!doctype a [<!ENTITY c "d">]><a>&c;</a>',
            b"<!DOCTYPE a SYSTEM 'x\"><a/>",
        ],
    )
    def test_a_second_or_a_malformed_one_is_no_way_round(self, body: bytes) -> None:
        """Whatever stands after the first, or within the document, declares nothing either."""
        refusal(body)

    def test_an_entity_that_nobody_declared_is_named(self) -> None:
        """HTML's entities are none of XML's."""
        assert "nbsp" in refusal(b"<a>\n&nbsp;</a>")
        assert "line 3" in refusal(b"<?xml version='1.0'?>\n<a>\n&nbsp;</a>")

    def test_xinclude_is_refused(self) -> None:
        """An inclusion is refused rather than left where the included would stand."""
        body = b'<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="file:///etc/passwd" parse="text"/></a>'
        assert "XInclude" in refusal(body)


class TestEncoding:
    """The bytes are of the encoding that they declare, or the document is refused with both named."""

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b'<?xml version="1.0" encoding="UTF-16"?><a/>', "'UTF-16', and its first bytes are utf-8"),
            (
                '<?xml version="1.0" encoding="UTF-8"?><a/>'.encode("utf-16-le"),
                "its first bytes are utf-16-le",
            ),
            (b'\xef\xbb\xbf<?xml version="1.0" encoding="ISO-8859-1"?><a/>', "its first bytes are utf-8"),
            (b' \n<?xml version="1.0"?><a/>', "line 2 and not at the very beginning"),
            (b'<?xml version="1.0" encoding="utf-7"?><a/>', "'utf-7', which is not read"),
            (b'<?xml version="1.0" encoding=utf-8?><a/>', "declaration is malformed"),
            (b'<?xml version="2.0"?><a/>', "version '2.0'"),
            ("<a/>".encode("utf-32"), "UTF-32"),
            (b"<a>\xe9</a>", "byte 3 is not utf-8"),
            (b"\xff\xfe<\x00a", "is not utf-16-le"),
            (b"<a>\x01</a>", "U+0001"),
            (b"<a>&#1;</a>", "invalid"),
            (b"<a>\x00</a>", "U+0000"),
            (b"", "nothing stands"),
            (b'{"a": 1}', "stands where the root element was expected"),
            (b"<a:b/>", "prefix"),
            (b"<!-- never", "does not end"),
        ],
    )
    def test_what_is_wrong_is_told(self, body: bytes, words: str) -> None:
        """Each reason names what was declared and what was found."""
        assert words in refusal(body)

    def test_a_real_document_with_its_declaration_late(self) -> None:
        """A carrier's sample begins with a space before its declaration, which no parser may take."""
        path = shared("samples/carriers-xml/as__canadapost_pws__tracking_details_fr.xml")
        assert "not at the very beginning" in refusal(path.read_bytes())


class TestBounds:
    """Too much is refused soon, in memory that does not follow what was announced."""

    @pytest.mark.parametrize(
        "body",
        [
            b"<a>" * 1_000_000,
            b"<a>" + b"<b/>" * (MOST + 10),
            b"<a " + b" ".join(b'a%d="1"' % number for number in range(300_000)) + b"/>",
            b'<a b="' + b"x" * 20_000_000 + b'"/>',
            b"<a>"
            + b"".join(b'<n%d xmlns="%s"/>' % (number, b"u" * 900) for number in range(9_000))
            + b"</a>",
            b"<" + b"n" * 5_000 + b"/>",
            b" " * (LARGEST + 1),
            b"<!DOCTYPE " + b"a" * 5_000_000,
            b"<!---->" * 500_000,
        ],
        ids=["deep", "many", "attributes", "attribute", "names", "name", "bytes", "type", "comments"],
    )
    def test_it_is_refused_in_bounded_memory(self, body: bytes) -> None:
        """The process grows by less than four times the document and a little."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        refusal(body)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        assert grown < 4 * len(body) + 150_000_000

    def test_sixty_levels_are_read(self) -> None:
        """The bound is on what no order is, not on what is deep."""
        assert xml_tree(b"<a>" * 60 + b"</a>" * 60)
        with pytest.raises(FaultyError) as caught:
            xml_tree(b"<a>" * 70 + b"</a>" * 70)
        assert caught.value.faults[0].code is Code.TOO_LARGE

    @given(st.binary(max_size=200).map(lambda tail: b"<a>" + tail) | st.binary(max_size=200))
    def test_whatever_the_bytes_nothing_else_is_raised(self, body: bytes) -> None:
        """A tree or FaultyError."""
        with suppress(FaultyError):
            xml_tree(body)
