//! Lists the conversations of `examples/wire/` for the page /docs, so that a new conversation needs no change in code.

use std::io::{Error, Write as _};
use std::path::Path;

fn main() -> Result<(), Error> {
    let folder = Path::new("examples/wire").canonicalize()?;
    // Cargo reads this line.
    let mut to_cargo = std::io::stdout();
    writeln!(to_cargo, "cargo::rerun-if-changed={}", folder.display())?;
    let mut paths = Vec::new();
    for entry in folder.read_dir()? {
        paths.push(entry?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|kind| kind == "wire"));
    paths.sort();
    let target = std::env::var_os("OUT_DIR").ok_or_else(|| Error::other("OUT_DIR is not set"))?;
    let mut out = std::fs::File::create(Path::new(&target).join("conversations.rs"))?;
    writeln!(out, "&[")?;
    for path in paths {
        let name = path.file_stem().unwrap_or_default();
        writeln!(out, "({name:?}, include_str!({path:?})),")?;
    }
    writeln!(out, "]")
}
