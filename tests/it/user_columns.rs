//! Every column of `users` is updated, shown, changed, exported and erased, or the table `COLUMNS` says why not. If the
//! table or the code lacks a column, a test fails and names the column and the place.

use chaingun_gateway::domain::user::{Status, User};
use chaingun_gateway::store::users;
use serde_json::{Value, json};

use crate::harness::browser::signed_in;
use crate::harness::rest::{KEY, RESOURCE, ask, json as document, status_and_code};
use crate::harness::sql::{columns, query, tables};
use crate::harness::{Gateway, NOW};

use Place::{As, Left};

enum Place {
    /// The column has this name in the place.
    As(&'static str),
    /// The place deliberately leaves the column out, for this reason.
    Left(&'static str),
}

struct Column {
    name: &'static str,
    /// `As` names the field of `UpdatedColumns`.
    update: Place,
    /// `As` names the attribute of showUser.
    show: Place,
    /// `As` names the attribute that createUser and modifyUser store.
    change: Place,
    /// `As` names the entry of `user` in the data export.
    export: Place,
    /// `As` means that the value is in no table after a deletion.
    erase: Place,
}

const KEY_COLUMN: &str = "it identifies the row";
const COMPUTED: &str = "it is computed from another column";
const FIXED: &str = "user names never change";
const GONE: &str = "the value says nothing about the person once the row is deleted";
const INTERNAL: &str = "clients have no use for it";

const COLUMNS: [Column; 18] = [
    column(
        "id",
        Left(KEY_COLUMN),
        Left(INTERNAL),
        Left(KEY_COLUMN),
        As("userId"),
        Left(GONE),
    ),
    column(
        "uuid",
        Left(KEY_COLUMN),
        Left(INTERNAL),
        Left(KEY_COLUMN),
        As("uuid"),
        Left("it is the pseudonym in the audit log"),
    ),
    column(
        "user_name",
        Left(FIXED),
        As("userName"),
        Left(FIXED),
        As("userName"),
        As(""),
    ),
    column(
        "user_name_ci",
        Left(FIXED),
        Left(COMPUTED),
        Left(FIXED),
        Left(COMPUTED),
        As(""),
    ),
    column(
        "user_name_skeleton",
        As("user_name_skeleton"),
        Left(COMPUTED),
        Left(COMPUTED),
        Left(COMPUTED),
        As(""),
    ),
    column(
        "name",
        As("name"),
        As("name"),
        As("name"),
        As("name"),
        As(""),
    ),
    column(
        "name_ci",
        As("name_ci"),
        Left(COMPUTED),
        Left(COMPUTED),
        Left(COMPUTED),
        As(""),
    ),
    column(
        "email",
        As("email"),
        As("email"),
        As("email"),
        As("email"),
        As(""),
    ),
    column(
        "email_ci",
        As("email_ci"),
        Left(COMPUTED),
        Left(COMPUTED),
        Left(COMPUTED),
        As(""),
    ),
    column(
        "client_name",
        As("client_name"),
        As("clientName"),
        As("clientName"),
        As("clientName"),
        Left(GONE),
    ),
    column(
        "organizational_unit",
        As("organizational_unit"),
        As("organizationalUnit"),
        As("organizationalUnit"),
        As("organizationalUnit"),
        As(""),
    ),
    column(
        "status",
        As("status"),
        As("status"),
        As("status"),
        As("status"),
        Left(GONE),
    ),
    column(
        "roles",
        As("roles"),
        As("roles"),
        As("roles"),
        As("roles"),
        Left(GONE),
    ),
    column(
        "password_hash",
        Left("`set_password` writes it"),
        Left("it is secret"),
        Left("changePassword writes it"),
        Left("it is secret; `hasPassword` tells that there is one"),
        As(""),
    ),
    column(
        "joins_organisation",
        Left("only activation reads and clears it"),
        Left(INTERNAL),
        Left("registerUser writes it"),
        Left("an unactivated user cannot sign in and export"),
        Left(GONE),
    ),
    column(
        "unconfirmed_since",
        As("unconfirmed_since"),
        Left(INTERNAL),
        Left("registerUser writes it"),
        Left("an unconfirmed user cannot sign in and export"),
        Left(GONE),
    ),
    column(
        "created_at",
        Left("it never changes"),
        Left("the published shape has no times"),
        Left("it is the time of the call"),
        As("createdAt"),
        Left(GONE),
    ),
    column(
        "updated_at",
        As("updated_at"),
        Left("the published shape has no times"),
        Left("it is the time of the call"),
        As("updatedAt"),
        Left(GONE),
    ),
];

const fn column(
    name: &'static str,
    update: Place,
    show: Place,
    change: Place,
    export: Place,
    erase: Place,
) -> Column {
    Column {
        name,
        update,
        show,
        change,
        export,
        erase,
    }
}

/// The row of a user as a JSON object.
fn row(gateway: &Gateway, id: i64) -> Value {
    let sql = match gateway.database.url() {
        Some(_) => {
            format!("SELECT CAST(row_to_json(u) AS TEXT) AS value FROM users u WHERE id = {id}")
        }
        None => {
            let columns: Vec<String> = columns(gateway, "users")
                .into_iter()
                .map(|(name, _)| format!("'{name}', {name}"))
                .collect();
            format!(
                "SELECT json_object({}) AS value FROM users WHERE id = {id}",
                columns.join(", ")
            )
        }
    };
    serde_json::from_str(&query(gateway, &sql)[0]).unwrap()
}

/// Updates mokamiki, so that each column that update writes gets another value, and returns the rows before and after.
fn update_every_field(gateway: &Gateway) -> (Value, Value) {
    let store = &gateway.app.store;
    let old = store
        .read(|c| users::by_name(c, "mokamiki"))
        .unwrap()
        .unwrap();
    let id = old.id;
    let plain = User {
        status: Status::Inactive,
        roles: Vec::new(),
        ..old.clone()
    };
    store
        .write(|c| {
            users::update(c, &plain)?;
            users::set_unconfirmed(c, id, NOW)
        })
        .unwrap();
    let before = row(gateway, id);
    // All fields are listed by name: a new field does not compile until it has a value here.
    let changed = User {
        id: old.id,
        uuid: old.uuid,
        user_name: old.user_name,
        name: "Marked Name".to_owned(),
        email: "Marked.Mail@example.org".to_owned(),
        client_name: "Portal".to_owned(),
        organizational_unit: Some("Marked Unit".to_owned()),
        status: Status::Active,
        roles: vec!["MARKED_ROLE".to_owned()],
        password_hash: old.password_hash,
        created_at: old.created_at,
        updated_at: NOW + 1,
    };
    store.write(|c| users::update(c, &changed)).unwrap();
    (before, row(gateway, id))
}

#[test]
fn lists_every_column_of_users_in_the_table() {
    let gateway = Gateway::empty();
    let live = columns(&gateway, "users");
    for (name, _) in &live {
        assert!(
            COLUMNS.iter().any(|column| column.name == name),
            "users.{name}: say in COLUMNS of tests/it/user_columns.rs whether update writes it, showUser shows it, \
             modifyUser changes it, the data export holds it and deletion erases it"
        );
    }
    assert_eq!(
        COLUMNS.len(),
        live.len(),
        "COLUMNS names a column that users does not have"
    );
}

#[test]
fn writes_every_column_that_is_not_fixed_in_an_update() {
    let gateway = Gateway::demo();
    let (before, after) = update_every_field(&gateway);
    for Column { name, update, .. } in &COLUMNS {
        match update {
            As(field) => assert_ne!(
                before[name], after[name],
                "users.{name}: UpdatedColumns::{field} in src/store/user_row.rs does not write it"
            ),
            Left(reason) => assert_eq!(
                before[name], after[name],
                "users.{name} changed, but {reason}"
            ),
        }
    }
}

#[test]
fn shows_every_column_that_is_not_hidden() {
    let gateway = Gateway::demo();
    let (_, row) = update_every_field(&gateway);
    let shown = document(&ask(&gateway, "GET", "/users/mokamiki", KEY, ""));
    let mut attributes = shown["data"]["attributes"].clone();
    // JSON:API identifies the user by its name.
    attributes["userName"] = shown["data"]["id"].clone();
    assert_holds(
        &row,
        &attributes,
        "src/contract/user.rs: showUser",
        |column| &column.show,
    );
}

/// Sends the attributes of an updated user through `change`, and asserts that the row has the values that the table
/// states.
fn assert_stores(change: impl Fn(&Gateway, &mut Value) -> i64, call: &str, except: &[&str]) {
    let updated = Gateway::demo();
    let (_, wanted) = update_every_field(&updated);
    let shown = document(&ask(&updated, "GET", "/users/mokamiki", KEY, ""));
    let gateway = Gateway::demo();
    let mut document = json!({ "data": shown["data"] });
    let id = change(&gateway, &mut document);
    let stored = row(&gateway, id);
    for Column { name, change, .. } in COLUMNS.iter().filter(|c| !except.contains(&c.name)) {
        if let As(attribute) = change {
            assert_eq!(
                stored[name], wanted[name],
                "users.{name}: {call} does not store {attribute}"
            );
        }
    }
}

/// The ID of the user of this name.
fn id_of(gateway: &Gateway, user_name: &str) -> i64 {
    let user = gateway.app.store.read(|c| users::by_name(c, user_name));
    user.unwrap().unwrap().id
}

#[test]
fn stores_every_changeable_column_at_modify_user() {
    let modify = |gateway: &Gateway, document: &mut Value| {
        let headers = format!("{KEY}{RESOURCE}");
        let body = document.to_string();
        let reply = ask(gateway, "PATCH", "/users/mokamiki", &headers, &body);
        assert_eq!(status_and_code(&reply), (200, "ok".to_owned()));
        id_of(gateway, "mokamiki")
    };
    assert_stores(modify, "src/operations/user/modify_user.rs", &[]);
}

#[test]
fn stores_every_changeable_column_at_create_user() {
    let create = |gateway: &Gateway, document: &mut Value| {
        document["data"]["id"] = "new.user".into();
        document["data"]["attributes"]["status"] = "UNACTIVATED".into();
        let headers = format!("{KEY}{RESOURCE}");
        let reply = ask(gateway, "POST", "/users", &headers, &document.to_string());
        assert_eq!(status_and_code(&reply), (200, "ok".to_owned()));
        id_of(gateway, "new.user")
    };
    // A new user is always UNACTIVATED.
    assert_stores(create, "src/operations/user/create_user.rs", &["status"]);
}

#[test]
fn exports_every_column_that_is_not_left_out() {
    let gateway = Gateway::demo();
    let (_, row) = update_every_field(&gateway);
    let mut browser = signed_in(&gateway, "mokamiki", "MokaMiki-1234");
    let export = browser.get(&gateway, "data.json");
    let export: Value = serde_json::from_str(&export.body).unwrap();
    assert_holds(
        &row,
        &export["user"],
        "the data export in src/loginbar",
        |column| &column.export,
    );
    assert_eq!(export["user"]["hasPassword"], true);
}

/// Asserts that each entry is the value of a column under the name in the table, and that each column has its entry.
fn assert_holds(row: &Value, entries: &Value, place: &str, named: fn(&Column) -> &Place) {
    for column in &COLUMNS {
        let (name, value) = (column.name, &row[column.name]);
        if let As(key) = named(column) {
            let entry = &entries[key];
            assert!(
                !entry.is_null(),
                "users.{name}: {place} lacks {key}: {entries}"
            );
            match entry {
                // Times have another format, so only texts and lists are compared.
                Value::String(text) if value.is_string() => {
                    assert_eq!(
                        Some(text.as_str()),
                        value.as_str(),
                        "users.{name}: {place}, {key}"
                    );
                }
                Value::Array(list) => {
                    assert_eq!(list.first(), Some(value), "users.{name}: {place}, {key}");
                }
                _ => {}
            }
        } else if let Some(text) = value.as_str().filter(|text| text.starts_with("Marked")) {
            assert!(
                !entries.to_string().contains(text),
                "users.{name}: {place} shows it"
            );
        }
    }
}

#[test]
fn erases_every_column_from_every_table() {
    let gateway = Gateway::demo();
    let (_, row) = update_every_field(&gateway);
    let reply = ask(&gateway, "DELETE", "/users/mokamiki", KEY, "");
    assert_eq!(status_and_code(&reply), (200, "ok".to_owned()));
    while gateway.background.housekeeping.erase_names().unwrap() {}
    let is_postgres = gateway.database.url().is_some();
    for table in tables(&gateway) {
        for (cell, kind) in columns(&gateway, &table) {
            if !kind.contains("Text") {
                continue;
            }
            for Column { name, erase, .. } in &COLUMNS {
                let Some(value) = row[name].as_str().filter(|_| matches!(erase, As(_))) else {
                    continue;
                };
                let value = value.to_lowercase().replace('\'', "''");
                let found = match is_postgres {
                    true => format!("position('{value}' in lower({cell})) > 0"),
                    false => format!("instr(lower({cell}), '{value}') > 0"),
                };
                let sql =
                    format!("SELECT CAST(count(*) AS TEXT) AS value FROM {table} WHERE {found}");
                assert_eq!(
                    query(&gateway, &sql),
                    ["0"],
                    "users.{name}: deletion leaves it in {table}.{cell}"
                );
            }
        }
    }
    let id = &row["id"];
    let left = format!("SELECT CAST(count(*) AS TEXT) AS value FROM users WHERE id = {id}");
    assert_eq!(
        query(&gateway, &left),
        ["0"],
        "users: deletion leaves the row"
    );
}
