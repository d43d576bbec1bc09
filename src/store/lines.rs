//! Lists in one text column, an entry a line.

pub(super) fn join_lines(entries: &[String]) -> String {
    entries.join("\n")
}

pub(super) fn split_lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
