//! Reads elements as trees, for documents whose structure is known only at run time.

use super::{Rejection, Tag, Token, Why, XmlLimits, XmlReader, malformed, normalized};

/// An element with its content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// The namespace name; empty if the element has none.
    pub namespace: String,
    /// The name without its prefix.
    pub local: String,
    /// The attributes without a prefix.
    pub attributes: Vec<Attribute>,
    /// Whether the element has `xsi:nil="true"`.
    pub is_nil: bool,
    pub children: Vec<Node>,
    /// The text of the element itself.
    pub text: String,
}

/// An attribute without a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub name: String,
    pub value: String,
    /// The namespace of the value, if the value is a qualified name such as `xs:string`.
    pub value_namespace: String,
}

impl Node {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|a| a.name == name);
        found.map(|a| a.value.as_str())
    }

    /// The namespace and the local name of an attribute whose value is a qualified name.
    #[must_use]
    pub fn qualified(&self, name: &str) -> Option<(&str, &str)> {
        let found = self.attributes.iter().find(|a| a.name == name)?;
        let local = found.value.rsplit(':').next().unwrap_or_default();
        Some((&found.value_namespace, local))
    }

    /// The children of this name in this namespace.
    pub fn named<'n>(&'n self, namespace: &str, local: &str) -> impl Iterator<Item = &'n Node> {
        self.children
            .iter()
            .filter(move |child| child.local == local && child.namespace == namespace)
    }
}

/// Reads a whole document as a tree.
///
/// # Errors
/// The first problem of the document.
pub fn parse_tree(text: &str, limits: XmlLimits) -> Result<Node, Rejection> {
    let mut reader = XmlReader::new(text, limits, false);
    let Token::Start(tag) = reader.advance()? else {
        return Err(malformed(Why::Truncated));
    };
    let root = reader.tree(&tag)?;
    while !matches!(reader.advance()?, Token::Eof) {}
    Ok(root)
}

impl<'a> XmlReader<'a> {
    /// Reads the element whose start tag has just been read, up to its end tag.
    ///
    /// # Errors
    /// Unreadable input.
    pub fn tree(&mut self, tag: &Tag<'a>) -> Result<Node, Rejection> {
        // Without recursion, so that deep documents do not use up the stack.
        let mut open = vec![self.node(tag)];
        loop {
            match self.advance()? {
                Token::Start(tag) => {
                    let node = self.node(&tag);
                    open.push(node);
                }
                Token::Text(text) => {
                    if let Some(node) = open.last_mut() {
                        node.text.push_str(&text);
                        self.check_text(node.text.len())?;
                    }
                }
                Token::End => {
                    let Some(done) = open.pop() else {
                        return Err(malformed(Why::Truncated));
                    };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Token::Eof => return Err(malformed(Why::Truncated)),
            }
        }
    }

    /// The current element without its content.
    fn node(&self, tag: &Tag<'a>) -> Node {
        let plain = self.attributes.iter().filter(|a| a.prefix.is_empty());
        let attributes = plain.map(|a| {
            let value = normalized(a.raw).trim().to_owned();
            let prefix = value.split_once(':').map_or("", |(prefix, _)| prefix);
            Attribute {
                name: a.local.to_owned(),
                value_namespace: self
                    .namespaces
                    .name(self.namespaces.find(prefix))
                    .to_owned(),
                value,
            }
        });
        Node {
            namespace: self.namespace_name(tag).to_owned(),
            local: tag.local.to_owned(),
            attributes: attributes.collect(),
            is_nil: self.nil,
            ..Node::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: XmlLimits = XmlLimits {
        depth: 5,
        elements: 10,
        attributes: 8,
        text_bytes: 100,
    };

    #[test]
    fn reads_names_attributes_and_texts_of_every_level() {
        let text = "<a:x xmlns:a='urn:a' xmlns='urn:d' type='a:T' base='U'><y> 1 &amp; 2</y><z><![CDATA[<]]></z></a:x>";
        let root = parse_tree(text, LIMITS).unwrap();
        assert_eq!(
            (root.namespace.as_str(), root.local.as_str()),
            ("urn:a", "x")
        );
        assert_eq!(root.qualified("type"), Some(("urn:a", "T")));
        assert_eq!(root.qualified("base"), Some(("urn:d", "U")));
        let texts: Vec<_> = root.children.iter().map(|c| c.text.as_str()).collect();
        assert_eq!(texts, [" 1 & 2", "<"]);
        assert_eq!(root.named("urn:d", "y").count(), 1);
    }

    #[test]
    fn refuses_documents_over_the_limits() {
        let deep = format!("{}{}", "<a>".repeat(6), "</a>".repeat(6));
        assert!(parse_tree(&deep, LIMITS).is_err());
        assert!(parse_tree(&format!("<a>{}</a>", "<b/>".repeat(10)), LIMITS).is_err());
        assert!(parse_tree(&format!("<a>{}</a>", "x".repeat(101)), LIMITS).is_err());
        assert!(parse_tree("<a/><b/>", LIMITS).is_err());
    }
}
