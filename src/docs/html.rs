//! A small writer of HTML: everything that is no markup goes through one escape.

/// HTML in the making.
#[derive(Debug, Default)]
pub(super) struct Html {
    out: String,
}

impl Html {
    /// What was written.
    pub(super) fn finish(self) -> String {
        self.out
    }

    /// Markup as it stands; for constants only.
    pub(super) fn raw(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    /// Text, escaped for content and for attributes in quotes.
    pub(super) fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                c => self.out.push(c),
            }
        }
    }

    /// An element with attributes, and what `inside` writes in it.
    pub(super) fn with(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
        inside: impl FnOnce(&mut Html),
    ) {
        self.raw("<");
        self.raw(name);
        for (name, value) in attributes {
            self.raw(" ");
            self.raw(name);
            self.raw("=\"");
            self.text(value);
            self.raw("\"");
        }
        self.raw(">");
        inside(self);
        self.raw("</");
        self.raw(name);
        self.raw(">");
        if !INLINE.contains(&name) {
            self.raw("\n");
        }
    }

    /// An element without attributes.
    pub(super) fn element(&mut self, name: &'static str, inside: impl FnOnce(&mut Html)) {
        self.with(name, &[], inside);
    }

    /// An element with nothing but text in it.
    pub(super) fn line(&mut self, name: &'static str, text: &str) {
        self.element(name, |html| html.text(text));
    }

    /// A table with a caption and column heads; the first cell of each row is the row's head. Wide ones scroll by
    /// themselves, also by keyboard.
    pub(super) fn table(&mut self, caption: &str, heads: &[&str], rows: impl FnOnce(&mut Html)) {
        let frame = [
            ("class", "scroll"),
            ("role", "region"),
            ("aria-label", caption),
            ("tabindex", "0"),
        ];
        self.with("div", &frame, |html| {
            html.element("table", |html| {
                html.line("caption", caption);
                html.element("thead", |html| {
                    html.element("tr", |html| {
                        for head in heads {
                            html.with("th", &[("scope", "col")], |html| html.text(head));
                        }
                    });
                });
                html.element("tbody", rows);
            });
        });
    }

    /// A row of a table; `first` writes its head.
    pub(super) fn row(&mut self, first: impl FnOnce(&mut Html), cells: &[&str]) {
        self.element("tr", |html| {
            html.with("th", &[("scope", "row")], first);
            for cell in cells {
                html.line("td", cell);
            }
        });
    }

    /// A link that shows a name.
    pub(super) fn link(&mut self, target: &str, name: &str) {
        self.with("a", &[("href", target)], |html| html.line("code", name));
    }
}

/// Elements after which no line ends, since a blank would be seen.
const INLINE: [&str; 5] = ["a", "code", "span", "strong", "summary"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_are_escaped() {
        let mut html = Html::default();
        html.with("a", &[("href", "?a=\"&b")], |html| html.text("<b> & c"));
        assert_eq!(
            html.finish(),
            "<a href=\"?a=&quot;&amp;b\">&lt;b&gt; &amp; c</a>"
        );
    }
}
