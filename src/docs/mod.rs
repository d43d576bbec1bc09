//! The documentation for people: one page, written from the catalogue, the shapes and the rejection table.

mod clients;
mod examples;
mod views;

use std::fmt::Write as _;

use minijinja::{Environment, Error, Output, State, UndefinedBehavior, Value, context};

use crate::contract::SERVICE;
use crate::operations::CATALOG;

pub use clients::CLIENTS;
pub use examples::CONVERSATIONS;

/// The stylesheet of the page.
pub const STYLE: &str = include_str!("style.css");

/// The page, for a gateway that answers at these paths.
#[must_use]
pub fn page(soap_paths: &[String], rest_prefixes: &[String]) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_formatter(escape);
    let operations = CATALOG.iter().filter(|o| o.is_published());
    let values = context! {
        service => SERVICE,
        soap_paths => soap_paths.to_vec(),
        rest_prefixes => rest_prefixes.to_vec(),
        operations => operations.map(|o| views::operation(o)).collect::<Vec<_>>(),
        types => views::types(),
        codes => views::codes(),
        faults => examples::conversation("faults"),
        clients => clients::tables(),
    };
    let page = environment.render_named_str("page.html", include_str!("page.html"), values);
    page.unwrap_or_else(|error| {
        tracing::error!(cause = %error, "the page /docs could not be written");
        String::new()
    })
}

/// Writes a value, escaped for content and for attributes in double quotes. The escape of minijinja would also write
/// the slashes of paths as entities.
fn escape(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let text = value.to_string();
    if value.is_safe() {
        out.write_str(&text)?;
        return Ok(());
    }
    for c in text.chars() {
        match c {
            '&' => out.write_str("&amp;")?,
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            '"' => out.write_str("&quot;")?,
            c => out.write_char(c)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_text_and_attributes_but_no_slash() {
        let mut environment = Environment::new();
        environment.set_formatter(escape);
        let template = "<a href=\"{{ link }}\">{{ text }}</a>";
        let values = context! { link => "/?a=\"&b", text => "<b> & c" };
        let written = environment.render_named_str("a.html", template, values);
        assert_eq!(
            written.unwrap(),
            "<a href=\"/?a=&quot;&amp;b\">&lt;b&gt; &amp; c</a>"
        );
    }
}
