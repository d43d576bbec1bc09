//! The clients that the gateway is tested with. `tests/interop/run --write` keeps their tables in `clients.md`.

use minijinja::{Value, context};

/// The tables in Markdown, each with its notes.
pub const CLIENTS: &str = include_str!("clients.md");

/// The tables, each with its heading, columns, rows and notes.
pub(super) fn tables() -> Vec<Value> {
    // The first block is the comment of the file.
    let mut blocks = CLIENTS.split("\n\n").skip(1).peekable();
    let mut tables = Vec::new();
    while let Some(block) = blocks.next() {
        let mut rows = block.lines().map(cells);
        let mut columns = rows.next().unwrap_or_default();
        let heading = columns.drain(..1.min(columns.len())).next();
        let notes = blocks.next_if(|next| next.starts_with("- "));
        let notes = notes.unwrap_or_default().lines();
        tables.push(context! {
            heading,
            columns,
            // The second line only marks the columns.
            rows => rows.skip(1).collect::<Vec<_>>(),
            notes => notes.filter_map(|l| l.strip_prefix("- ")).collect::<Vec<_>>(),
        });
    }
    tables
}

fn cells(line: &str) -> Vec<&str> {
    let line = line.trim_matches(['|', ' ']);
    line.split('|').map(str::trim).collect()
}
