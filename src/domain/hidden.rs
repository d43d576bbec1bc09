//! Detection and escaping of characters that are invisible in a text.

use icu_properties::props::{
    BinaryProperty as _, DefaultIgnorableCodePoint, EnumeratedProperty as _, GeneralCategory,
    GeneralCategoryGroup,
};

use super::text::has_control;

/// Whether a character is invisible, changes the direction of writing, or has no meaning in Unicode: default ignorable
/// and format characters (bidirectional controls among them), private use and unassigned code points.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    const FORBIDDEN: GeneralCategoryGroup = GeneralCategoryGroup::Format
        .union(GeneralCategoryGroup::PrivateUse)
        .union(GeneralCategoryGroup::Unassigned);
    // The braille pattern without dots is a symbol that fonts draw as a blank.
    !c.is_ascii()
        && (FORBIDDEN.contains(GeneralCategory::for_char(c))
            || DefaultIgnorableCodePoint::for_char(c)
            || c == '\u{2800}')
}

/// Whether a character is a combining mark.
pub(super) fn is_mark(c: char) -> bool {
    !c.is_ascii() && GeneralCategoryGroup::Mark.contains(GeneralCategory::for_char(c))
}

/// Returns the text on one line, with control and hidden characters escaped. The result cannot look like two lines or
/// like another text, and it cannot control a terminal.
#[must_use]
pub fn visible(text: &str) -> String {
    text.chars()
        .map(
            |c| match has_control(c.encode_utf8(&mut [0; 4])) || is_hidden(c) {
                true => c.escape_unicode().to_string(),
                false => c.to_string(),
            },
        )
        .collect()
}
