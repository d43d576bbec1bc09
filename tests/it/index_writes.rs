//! A change of a user writes to the search index only when an indexed text changed.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::harness::{Gateway, element, envelope};

#[derive(QueryableByName)]
struct Block {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    bytes: String,
}

/// Every block of the search index.
fn written(gateway: &Gateway) -> Vec<(i64, String)> {
    let file = gateway.data.path().join("gateway.db");
    let mut connection = SqliteConnection::establish(&file.to_string_lossy()).unwrap();
    let sql = "SELECT id, hex(block) AS bytes FROM users_search_data";
    let blocks: Vec<Block> = diesel::sql_query(sql).load(&mut connection).unwrap();
    blocks.into_iter().map(|b| (b.id, b.bytes)).collect()
}

fn modify(gateway: &Gateway, change: &str) {
    let request = format!("<user><userName>mokamiki</userName>{change}</user>");
    let reply = gateway.soap(&envelope("modifyUser", &request));
    assert_eq!(element(&reply.body, "code"), Some("0"), "{reply:?}");
}

fn hits(gateway: &Gateway, name: &str) -> String {
    let request = format!("<name>{name}</name>");
    let reply = gateway.soap(&envelope("findUsers", &request));
    element(&reply.body, "total").unwrap().to_owned()
}

#[test]
fn does_not_write_the_search_index_when_no_indexed_text_changes() {
    let gateway = Gateway::demo();
    if gateway.database.url().is_some() {
        // PostgreSQL maintains its trigram indexes without triggers.
        return;
    }
    let before = written(&gateway);
    modify(
        &gateway,
        "<organizationalUnit>elsewhere</organizationalUnit>",
    );
    // The index holds folded text, so a change of case changes nothing.
    modify(&gateway, "<name>MÓKA MIKLÓS</name>");
    assert!(before == written(&gateway), "the index was written");
    modify(&gateway, "<name>Kiss Miklós</name>");
    assert!(before != written(&gateway), "the index was not written");
}

#[test]
fn finds_a_user_by_the_new_name_and_not_by_the_old_name() {
    let gateway = Gateway::demo();
    modify(
        &gateway,
        "<organizationalUnit>elsewhere</organizationalUnit>",
    );
    assert_eq!(hits(&gateway, "móka miklós"), "1");
    modify(&gateway, "<name>Kiss Miklós</name>");
    assert_eq!(hits(&gateway, "móka miklós"), "0");
    assert_eq!(hits(&gateway, "kiss miklós"), "1");
}
