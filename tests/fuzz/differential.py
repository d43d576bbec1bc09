"""Compares the gateway's verdicts on XML documents with those of expat and libxml2 (through lxml).

Nothing that another parser refuses as not well-formed may be accepted, and what both accept is refused only for a
DOCTYPE, a processing instruction, or a limit. What the W3C's catalogue calls not well-formed is not accepted either.
Usage: differential.py FILE SUITE, where FILE is what `verdicts.rs` writes and SUITE the folder of the W3C's documents.
"""
import os
import re
import struct
import sys
from collections import Counter
from xml.parsers import expat

from lxml import etree

# SPEC §4 has UTF-16 read; expat detects it without a mark too, libxml2 does not.
WITHOUT_MARK = "only libxml2 refuses, for UTF-16 without a byte order mark"
# The catalogue calls this not well-formed (eduni/misc/007.xml), and the others pass over the declaration.
MARKED_OTHERWISE = "refused for a byte order mark of another encoding than is declared"
# expat knows the names of the fourth edition of XML 1.0, which are fewer than those of the fifth.
FOURTH_EDITION = "only expat refuses, for names of the fifth edition"


def by_expat(document):
    # A separator that no document can hold.
    parser = expat.ParserCreate(namespace_separator="\x01")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, LookupError, ValueError, UnicodeError) as error:
        return str(error)
    return None


def by_libxml2(document):
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        # That a namespace's name is a URI is no constraint of well-formedness.
        messages = [entry.message.strip() for entry in parser.error_log] or [str(error)]
        others = [message for message in messages if not message.endswith("is not a valid URI")]
        return "; ".join(others) or None
    except ValueError as error:
        return str(error)
    return None


def in_ascii(document):
    """The same with a letter for every character beyond ASCII."""
    is_wide = document.startswith((b"\xfe\xff", b"\xff\xfe"))
    try:
        return re.sub("[^\0-\x7f]", "x", document.decode("utf-16" if is_wide else "utf-8-sig")).encode()
    except UnicodeDecodeError:
        return None


def records(path):
    with open(path, "rb") as file:
        while head := file.read(9):
            verdict, name, length = chr(head[0]), *struct.unpack("<II", head[1:])
            yield verdict, file.read(name).decode(), file.read(length)


def judge(verdict, document):
    """What is told of a document: a class of agreement, and what is wrong, if anything is."""
    by = {"expat": by_expat(document), "libxml2": by_libxml2(document)}
    refused = {name: error for name, error in by.items() if error}
    if verdict == "a":
        if not refused:
            return "accepted by all", None
        ascii_only = in_ascii(document)
        if list(refused) == ["expat"] and ascii_only and not by_expat(ascii_only):
            return FOURTH_EDITION, None
        if list(refused) == ["libxml2"] and re.match(b"<\0|\0<", document):
            return WITHOUT_MARK, None
        return "accepted here, refused elsewhere", f"accepted, but {refused}"
    if len(refused) == len(by):
        return "refused by all", None
    if refused:
        return "refused here and by one other", None
    allowed = {"d": "a DOCTYPE", "p": "a processing instruction", "l": "a limit", "e": "an unknown encoding"}
    if verdict in allowed:
        return f"refused for {allowed[verdict]}", None
    if verdict == "c" and document.startswith(b"\xef\xbb\xbf"):
        return MARKED_OTHERWISE, None
    return "refused here, accepted elsewhere", "refused, but both others accept it"


def not_well_formed(suite):
    """The documents that the catalogue calls not well-formed, in XML 1.0, fifth edition."""
    catalogue = os.path.join(suite, "..", "cleaned", "xmlconf-flattened.xml")
    tree = etree.parse(catalogue, etree.XMLParser(load_dtd=False, resolve_entities=False, recover=True))
    for test in tree.iter("TEST"):
        editions = test.get("EDITION", "5").split()
        if test.get("TYPE") != "not-wf" or "5" not in editions or test.get("RECOMMENDATION") in ("XML1.1", "NS1.1"):
            continue
        bases = [e.get("{http://www.w3.org/XML/1998/namespace}base") for e in (test, *test.iterancestors())]
        yield os.path.normpath(os.path.join(suite, *reversed([base for base in bases if base]), test.get("URI")))


def main():
    counts, wrong = Counter(), []
    ill_formed = set(not_well_formed(sys.argv[2]))
    for verdict, name, document in records(sys.argv[1]):
        kind, error = judge(verdict, document)
        if name in ill_formed:
            counts["W3C", "called not well-formed by the catalogue"] += 1
            if verdict == "a":
                error = "accepted, but the catalogue calls it not well-formed"
        source = "mutated" if name.startswith("mutated") else "W3C"
        counts[source, kind] += 1
        if error:
            wrong.append((name, error, document))
    for (source, kind), count in sorted(counts.items()):
        print(f"{source:8} {count:8}  {kind}")
    for name, error, document in wrong[:50]:
        print(f"WRONG {name}: {error}: {document[:600]!r}")
    if wrong:
        sys.exit(f"{len(wrong)} wrong")


main()
