//! The gateway reads all well-formed XML except DOCTYPE and processing instructions, and nothing else; `tests/fuzz`
//! compares with other parsers on many documents.

use crate::harness::{Gateway, Reply, element, envelope};

/// Not well-formed at any place of an element.
const ILL_FORMED: &[&str] = &[
    // Attributes
    "<x a=1/>",
    "<x a/>",
    "<x a='1'b='2'/>",
    "<x a='1' 'b'/>",
    "<x a='1' a='2'/>",
    "<x a=\"1' />",
    "<x a='<'/>",
    "<x a='&#1;'/>",
    "<x a='&#xFFFE;'/>",
    "<x a='&#X41;'/>",
    "<x a='&#+65;'/>",
    "<x a='&b;'/>",
    "<x a='&amp'/>",
    "<x a='a & b'/>",
    "<x a!='1'/>",
    "<x 1a='1'/>",
    "<x a='\u{1}'/>",
    "<x a='\u{FFFF}'/>",
    // Namespaces
    "<p:x/>",
    "<x p:a='1'/>",
    "<x><y><p:z/></y></x>",
    "<x xmlns:a='urn:x' xmlns:b='urn:x' a:k='1' b:k='2'/>",
    "<x xmlns:a='urn:&#x78;' xmlns:b='urn:x' a:k='1' b:k='2'/>",
    "<x xmlns:a='urn:x'><y xmlns:b='urn:x' a:k='1' b:k='2'/></x>",
    "<x xmlns:a='urn:x'/><y a:k='1'/>",
    "<x xmlns:a=''/>",
    "<x xmlns:a='urn:x' xmlns:a='urn:y'/>",
    "<x xmlns:xml='urn:x'/>",
    "<x xmlns:xmlns='urn:x'/>",
    "<x xmlns:a='http://www.w3.org/XML/1998/namespace'/>",
    "<x xmlns:a='http://www.w3.org/2000/xmlns/'/>",
    "<x xmlns='http://www.w3.org/XML/1998/namespace'/>",
    "<x xmlns='http://www.w3.org/2000/xmlns&#x2F;'/>",
    "<xmlns:x/>",
    "<x:y:z xmlns:x='urn:x'/>",
    "<x a:b:c='' xmlns:a='urn:a'/>",
    "<:x/>",
    "<x:/>",
    // Names and tags
    "<1x/>",
    "<-x/>",
    "<x\u{D7}/>",
    "<\u{300}x/>",
    "<x!/>",
    "<x\"y\"/>",
    "< x/>",
    "<x/ >",
    "<x / >",
    "</x>",
    "<x></y>",
    "<x></ x>",
    "<x></x a='1'>",
    "<>a</>",
    "<!>",
    "<!ELEMENT x>",
    // Text, comments and sections
    "<x>]]></x>",
    "<x>&#xFFFF;</x>",
    "<x>&#xD800;</x>",
    "<x>&#x110000;</x>",
    "<x>&#+65;</x>",
    "<x>&#;</x>",
    "<x>&#x;</x>",
    "<x>&amp</x>",
    "<x>& amp;</x>",
    "<x>&nbsp;</x>",
    "<x>\u{FFFE}</x>",
    "<x>\u{B}</x>",
    "<x><![CDATA[\u{1}]]></x>",
    "<x><![CDATA[</x>",
    "<x><![cdata[]]></x>",
    "<!-- a -- b -->",
    "<!-- a --->",
    "<!-->",
    "<!--->",
    "<!-- \u{1} -->",
];

/// Not well-formed before the root element.
const ILL_OPENED: &[&str] = &[
    "<?xml?>",
    "<?xml ?>",
    "<?xml version='2.0'?>",
    "<?xml version='1.'?>",
    "<?xml version='1.0a'?>",
    "<?xml encoding='utf-8'?>",
    "<?xml version=1.0?>",
    "<?xml version='1.0\"?>",
    "<?xml version='1.0'encoding='utf-8'?>",
    "<?xml version='1.0' encoding=utf-8?>",
    "<?xml version='1.0' encoding='utf-8' encoding='utf-8'?>",
    "<?xml version='1.0' standalone='yes' encoding='utf-8'?>",
    "<?xml version='1.0' standalone='maybe'?>",
    "<?xml version='1.0' a='b'?>",
    "<?XML version='1.0'?>",
    "\n<?xml version='1.0'?>",
    "<!-- a --><?xml version='1.0'?>",
    "<?xml version='1.0'?><?xml version='1.0'?>",
    "\u{FEFF}\u{FEFF}",
    "a",
    "&#32;",
    "<![CDATA[]]>",
];

/// Not well-formed after the root element.
const ILL_ENDED: &[&str] = &["<a/>", "a", "&#32;", "<![CDATA[ ]]>", "</a>", "<", "<!--"];

/// Well-formed at any place of an element.
const WELL_FORMED: &[&str] = &[
    "<x a = \"1\"\n b='2'\t/>",
    "<x a='>' b='\"' c=\"'\"/>",
    "<x a='&lt;&#x41;&amp;&apos;&quot;&gt;&#x10FFFF;'/>",
    "<x a='' A=''></x\n>",
    "<x a='\u{85}\u{FDD0}\u{10FFFF}'/>",
    "<x xmlns:a='urn:x' xmlns:b='urn:y' a:k='' b:k='' k=''/>",
    "<x xmlns:a='urn:x' xmlns='urn:x' a:k='' k=''/>",
    "<x xmlns:a='urn:x'><y xmlns:a='urn:y' a:k=''/></x>",
    "<x xmlns='urn:x'><y xmlns=''/></x>",
    "<x xml:lang='hu' xml:space='preserve'/>",
    "<x xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
    "<xml:x/>",
    "<x xmlns:xmlfoo='urn:x' xmlfoo:a=''/>",
    "<_/>",
    "<\u{FC}n\u{EF}code.1-\u{B7}\u{300}/>",
    "<\u{10000}/>",
    "<x>]]&gt; ]] > ></x>",
    "<x><![CDATA[<&]]]]><![CDATA[>]]></x>",
    "<x>&#9;&#10;&#13;&#32;&#xD7FF;&#xE000;&#xFFFD;</x>",
    "<!-- - -->",
    "<!---->",
    "<!-- & < > ]]> <?a?> -->",
];

/// Well-formed before the root element.
const WELL_OPENED: &[&str] = &[
    "",
    "\n ",
    "\u{FEFF}",
    "<!-- a -->\n",
    "<?xml version='1.0'?>",
    "<?xml version=\"1.0\"\n?>\n",
    "<?xml version = '1.0'\tencoding = \"utf-8\" standalone='no' ?>",
    "<?xml version='1.0' standalone='yes'?><!-- a -->",
    // An XML 1.0 processor reads later minor versions as 1.0 (XML 1.0, fifth edition, §2.8).
    "<?xml version='1.7' encoding='UTF-8'?>",
];

/// Envelopes with this markup in ignored places: in a header entry, in an unknown element, and in an unknown element of
/// `requestMeta`.
fn in_ignored_places(markup: &str) -> [String; 3] {
    let plain = envelope("showUser", "<userName>mokamiki</userName>");
    let put = |before: &str, inside: &str| plain.replacen(before, &format!("{inside}{before}"), 1);
    [
        put(
            "<soapenv:Body>",
            &format!("<soapenv:Header><h xmlns=''>{markup}</h></soapenv:Header>"),
        ),
        put("</request>", &format!("<unknown>{markup}</unknown>")),
        put("</requestMeta>", &format!("<other>{markup}</other>")),
    ]
}

fn is_malformed(reply: &Reply) -> bool {
    reply.status == 500 && element(&reply.body, "code") == Some("MALFORMED")
}

fn is_shown(reply: &Reply) -> bool {
    element(&reply.body, "name") == Some("Móka Miklós")
}

#[test]
fn refuses_ill_formed_markup_in_ignored_places() {
    let gateway = Gateway::demo();
    let taken: Vec<_> = ILL_FORMED
        .iter()
        .flat_map(|markup| in_ignored_places(markup))
        .filter(|document| !is_malformed(&gateway.soap(document)))
        .collect();
    assert!(taken.is_empty(), "{} taken: {taken:#?}", taken.len());
}

#[test]
fn refuses_ill_formed_text_before_and_after_the_envelope() {
    let gateway = Gateway::demo();
    let plain = envelope("showUser", "<userName>mokamiki</userName>");
    let opened = ILL_OPENED.iter().map(|o| format!("{o}{plain}"));
    let ended = ILL_ENDED.iter().map(|e| format!("{plain}{e}"));
    let taken: Vec<_> = opened
        .chain(ended)
        .filter(|document| !is_malformed(&gateway.soap(document)))
        .collect();
    assert!(taken.is_empty(), "{} taken: {taken:#?}", taken.len());
}

#[test]
fn reads_well_formed_markup_in_ignored_places() {
    let gateway = Gateway::demo();
    let plain = envelope("showUser", "<userName>mokamiki</userName>");
    let opened = WELL_OPENED.iter().map(|o| format!("{o}{plain}"));
    let inside = WELL_FORMED
        .iter()
        .flat_map(|markup| in_ignored_places(markup));
    let refused: Vec<_> = opened
        .chain(inside)
        .filter(|document| !is_shown(&gateway.soap(document)))
        .collect();
    assert!(
        refused.is_empty(),
        "{} refused: {refused:#?}",
        refused.len()
    );
}

#[test]
fn refuses_two_attributes_with_the_same_name_and_namespace() {
    let gateway = Gateway::demo();
    let doubled = envelope("showUser", "<userName>mokamiki</userName>").replace(
        "<ws:showUser>",
        "<ws:showUser xmlns:a='urn:x' xmlns:b='urn:x' a:k='1' b:k='2'>",
    );
    assert!(is_malformed(&gateway.soap(&doubled)), "{doubled}");
}
