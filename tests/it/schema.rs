//! `src/store/tables.rs` equals the tables that the migrations create, on both databases.

use std::collections::BTreeMap;

use crate::harness::Gateway;
use crate::harness::sql::{Column, columns, tables};

/// The tables of `src/store/tables.rs` with their columns, by name.
fn declared() -> BTreeMap<String, Vec<Column>> {
    let text = std::fs::read_to_string("src/store/tables.rs").unwrap();
    text.split("diesel::table! {")
        .skip(1)
        .map(|table| {
            let (name, rest) = table.trim().split_once(" (").unwrap();
            let body = rest.split_once('{').unwrap().1.split_once('}').unwrap().0;
            let mut columns: Vec<Column> = body
                .split(',')
                .filter_map(|column| column.split_once("->"))
                .map(|(column, kind)| (column.trim().to_owned(), kind.trim().to_owned()))
                .collect();
            columns.sort();
            (name.to_owned(), columns)
        })
        .collect()
}

#[test]
fn declares_exactly_the_tables_of_the_database() {
    let gateway = Gateway::empty();
    let declared = declared();
    let names: Vec<String> = declared.keys().cloned().collect();
    assert_eq!(names, tables(&gateway), "the tables of src/store/tables.rs");
    for (table, expected) in declared {
        let found = columns(&gateway, &table);
        for column in &expected {
            assert!(
                found.contains(column),
                "src/store/tables.rs: {table}.{} is {}, but the database has {found:?}",
                column.0,
                column.1
            );
        }
        for column in &found {
            assert!(
                expected.contains(column),
                "src/store/tables.rs: {table} lacks {} -> {}",
                column.0,
                column.1
            );
        }
    }
}
