//! Substring search, the one query that SQLite (FTS5 trigrams) and PostgreSQL (pg_trgm) do differently.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::connection::on_backend;
use super::milestones::{Milestones, Place, STEP};
use super::users::{Filter, SortKey};
use super::{AnyConnection, StoreError};
use crate::domain::text::canonical;

/// Trigram indexes answer nothing shorter by themselves.
const SHORTEST_PHRASE: usize = 3;
/// From so many hits on, a page is found sooner by walking users in order than by sorting the hits.
const MANY_HITS: i64 = 10_000;

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = Text)]
    user_name_ci: String,
}

#[derive(QueryableByName)]
struct Mark {
    #[diesel(sql_type = Text)]
    first: String,
    #[diesel(sql_type = Text)]
    last: String,
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    users: i64,
    /// Goes up with every change of that, and of what users are sorted by.
    #[diesel(sql_type = BigInt)]
    changes: i64,
}

#[derive(QueryableByName)]
struct Total {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

/// The canonical user names of one page in order, and the number of all hits.
pub(super) fn find(
    connection: &mut AnyConnection,
    filter: &Filter,
    milestones: &Milestones,
) -> Result<(Vec<String>, i64), StoreError> {
    let parts = parts(filter);
    let Counted {
        users: kept,
        changes,
    } = counted(connection, filter)?;
    let (total, paged) = match &connection {
        AnyConnection::Sqlite(_) if parts.is_empty() => {
            (kept, Condition::of(filter, &Way::kept(kept, &parts)))
        }
        AnyConnection::Postgres(_) if parts.is_empty() => {
            (kept, Condition::of(filter, &Way::Planned(&parts)))
        }
        AnyConnection::Sqlite(_) => on_sqlite(connection, filter, &parts, kept)?,
        AnyConnection::Postgres(_) => match few_on_postgres(connection, filter, &parts)? {
            Some(found) => return Ok(found),
            None => {
                let planned = Condition::of(filter, &Way::Planned(&parts));
                (planned.count(connection)?, planned)
            }
        },
    };
    if filter.offset >= total || filter.limit == 0 {
        return Ok((Vec::new(), total));
    }
    let page = match far_down(filter) {
        Some(key) => page_far_down(connection, filter, key, changes, milestones)?,
        None => paged.page(connection, filter)?,
    };
    Ok((page, total))
}

/// The order of a page of the whole list that is worth milestones.
fn far_down(filter: &Filter) -> Option<SortKey> {
    let whole =
        filter.client_names.is_empty() && filter.statuses.is_empty() && parts(filter).is_empty();
    let key = match filter.sort.as_slice() {
        [] => SortKey::UserName,
        [only] if !only.descending => only.key,
        _ => return None,
    };
    (whole && filter.offset >= 2 * STEP).then_some(key)
}

/// Goes on from the nearest milestone, setting those that are missing up to the page.
fn page_far_down(
    connection: &mut AnyConnection,
    filter: &Filter,
    key: SortKey,
    changes: i64,
    milestones: &Milestones,
) -> Result<Vec<String>, StoreError> {
    let (mut passed, mut place) = milestones.before(key, changes, filter.offset);
    while passed + STEP <= filter.offset {
        // Only what the index holds, so that no user is looked at on the way.
        let (first, last) = key.index();
        let head = format!("SELECT {first} AS first, {last} AS last FROM users");
        let tail = format!(" ORDER BY {} LIMIT 1 OFFSET {STEP}", order(filter));
        let condition = Condition::from_place(key, place);
        let sql = condition.sql(&head, &tail, connection);
        let Some(mark) = load::<Mark>(connection, sql, &condition.binds)?.pop() else {
            return Ok(Vec::new());
        };
        passed += STEP;
        let next = (mark.first, mark.last);
        milestones.add(key, changes, passed, next.clone());
        place = Some(next);
    }
    let rest = Filter {
        offset: filter.offset - passed,
        ..filter.clone()
    };
    Condition::from_place(key, place).page(connection, &rest)
}

/// How many users there are of the filter's clients and statuses, whatever their names: kept as a table of its own, so that
/// nobody counts them.
fn counted(connection: &mut AnyConnection, filter: &Filter) -> Result<Counted, StoreError> {
    let mut condition = Condition::default();
    condition.any_of("", "client_name", filter.client_names.iter().cloned());
    let statuses = filter.statuses.iter().map(|s| s.as_str().to_owned());
    condition.any_of("", "status", statuses);
    let head = "SELECT CAST(coalesce(sum(users), 0) AS BIGINT) AS users, \
                CAST(coalesce(sum(changes), 0) AS BIGINT) AS changes FROM user_counts";
    let sql = condition.sql(head, "", connection);
    let counted = load::<Counted>(connection, sql, &condition.binds)?.pop();
    Ok(counted.unwrap_or(Counted {
        users: 0,
        changes: 0,
    }))
}

/// The number of hits, and how to come to a page of them.
fn on_sqlite(
    connection: &mut AnyConnection,
    filter: &Filter,
    parts: &[Part],
    kept: i64,
) -> Result<(i64, Condition), StoreError> {
    let indexed = Indexed::of(parts).filter(|_| kept >= MANY_HITS);
    let Some(indexed) = indexed else {
        let kept = Condition::of(filter, &Way::kept(kept, parts));
        return Ok((kept.count(connection)?, kept));
    };
    let hits = indexed.hits(connection, MANY_HITS)?;
    if (hits.len() as i64) < MANY_HITS {
        let among = Condition::of(filter, &Way::Among(&hits, &indexed.rest));
        return Ok((among.count(connection)?, among));
    }
    let listed = Condition::of(filter, &Way::Listed(&indexed));
    let total = listed.count(connection)?;
    Ok((total, Condition::of(filter, &Way::Walked(parts))))
}

/// The page and the total in one go, where there are not too many hits to be listed.
fn few_on_postgres(
    connection: &mut AnyConnection,
    filter: &Filter,
    parts: &[Part],
) -> Result<Option<(Vec<String>, i64)>, StoreError> {
    let planned = Condition::of(filter, &Way::Planned(parts));
    let hits = planned.sql(
        "SELECT user_name_ci, name_ci, email_ci FROM users",
        &format!(" LIMIT {MANY_HITS}"),
        connection,
    );
    // The total comes as a row of its own, before all others.
    let sql = format!(
        "WITH hits AS MATERIALIZED ({hits}), page AS (SELECT * FROM hits ORDER BY {order} LIMIT {limit} OFFSET {offset}) \
         SELECT user_name_ci FROM (SELECT CAST(count(*) AS TEXT) AS user_name_ci FROM hits) AS total \
         UNION ALL SELECT user_name_ci FROM (SELECT user_name_ci FROM page ORDER BY {order}) AS page",
        order = order(filter),
        limit = filter.limit,
        offset = filter.offset,
    );
    let mut rows = load::<Key>(connection, sql, &planned.binds)?.into_iter();
    let total = rows.next().and_then(|row| row.user_name_ci.parse().ok());
    let total = total.unwrap_or(MANY_HITS);
    let page = rows.map(|row| row.user_name_ci).collect();
    Ok((total < MANY_HITS).then_some((page, total)))
}

/// What a list is sorted by, as SQL: no two users are alike in it.
fn order(filter: &Filter) -> String {
    let mut columns: Vec<String> = filter
        .sort
        .iter()
        .map(|sort| {
            let direction = if sort.descending { " DESC" } else { "" };
            format!("{}{direction}", sort.key.column())
        })
        .collect();
    if filter.sort.iter().all(|sort| sort.key != SortKey::UserName) {
        columns.push(SortKey::UserName.column().to_owned());
    }
    columns.join(", ")
}

impl SortKey {
    const fn column(self) -> &'static str {
        match self {
            SortKey::UserName => "user_name_ci",
            SortKey::Name => "name_ci",
            SortKey::Email => "email_ci",
        }
    }

    /// The first and the last column of the index that has users in this order, which say where a user stands in it.
    const fn index(self) -> (&'static str, &'static str) {
        match self {
            SortKey::UserName => ("user_name_ci", "user_name_ci"),
            SortKey::Name => ("name_ci", "user_name_ci"),
            SortKey::Email => ("email_ci", "email_ci"),
        }
    }
}

/// A column and what it must contain.
type Part = (&'static str, String);

/// What a filter wants contained; nothing is contained in everything and left out.
fn parts(filter: &Filter) -> Vec<Part> {
    [
        ("user_name_ci", &filter.user_name),
        ("name_ci", &filter.name),
        ("email_ci", &filter.email),
    ]
    .into_iter()
    .filter_map(|(column, part)| Some((column, canonical(part.as_deref()?))))
    .filter(|(_, part)| !part.is_empty())
    .collect()
}

/// A query of SQLite's search index that lists hits, and the parts it leaves to be looked at.
struct Indexed {
    sql: String,
    binds: Vec<String>,
    rest: Vec<Part>,
}

impl Indexed {
    fn of(parts: &[Part]) -> Option<Self> {
        let is_phrase = |part: &str| part.chars().count() >= SHORTEST_PHRASE;
        let (long, mut short): (Vec<Part>, Vec<Part>) =
            parts.iter().cloned().partition(|(_, part)| is_phrase(part));
        if !long.is_empty() {
            // One MATCH for all columns: the index intersects them. A quoted phrase of a trigram index
            // is an exact substring, so nothing in the text is an operator.
            let phrases: Vec<_> = long
                .iter()
                .map(|(column, part)| format!("{column} : \"{}\"", part.replace('"', "\"\"")))
                .collect();
            return Some(Self {
                sql: "SELECT rowid AS id FROM users_search WHERE users_search MATCH ?".to_owned(),
                binds: vec![phrases.join(" AND ")],
                rest: short,
            });
        }
        // What is too short for a phrase is the beginning of a trigram: the index keeps its terms in
        // order, and every text ends in padding so that its last characters begin one too.
        short.sort_by_key(|(_, part)| part.chars().count());
        let (column, part) = short.pop()?;
        let after = format!("{part}{}", char::MAX);
        Some(Self {
            sql: format!(
                "SELECT DISTINCT doc AS id FROM users_search_terms \
                 WHERE term >= ? AND term < ? AND col = '{column}'"
            ),
            binds: vec![part, after],
            rest: short,
        })
    }

    fn hits(&self, connection: &mut AnyConnection, most: i64) -> Result<Vec<i64>, StoreError> {
        let ids: Vec<Id> = load(
            connection,
            format!("{} LIMIT {most}", self.sql),
            &self.binds,
        )?;
        Ok(ids.into_iter().map(|row| row.id).collect())
    }
}

/// How to come to the hits of substrings.
enum Way<'a> {
    /// These are what the index found, all but for the rest that is to be looked at.
    Among(&'a [i64], &'a [Part]),
    /// All that the index lists: costs as much as there are hits.
    Listed(&'a Indexed),
    /// Users in order are looked at one by one: costs as much as hits are rare.
    Walked(&'a [Part]),
    /// Users of the clients and statuses that are asked for are few enough to look at and sort all of them.
    Kept(&'a [Part]),
    /// PostgreSQL's planner knows by itself.
    Planned(&'a [Part]),
}

impl<'a> Way<'a> {
    fn kept(kept: i64, parts: &'a [Part]) -> Self {
        if kept < MANY_HITS {
            Way::Kept(parts)
        } else {
            Way::Walked(parts)
        }
    }
}

/// A WHERE clause under construction. Its text is made of constants; every value is bound.
#[derive(Default, Clone)]
struct Condition {
    clauses: Vec<String>,
    binds: Vec<String>,
}

impl Condition {
    fn of(filter: &Filter, way: &Way<'_>) -> Self {
        let mut condition = Condition::default();
        // Once there is a list of hits, SQLite must not prefer the index of all users of a client; a plus
        // hides the column from its planner.
        let mut plus = "+";
        match way {
            Way::Among(hits, rest) => {
                let mark = condition.bind(format!("{hits:?}"));
                let clause = format!("id IN (SELECT value FROM json_each({mark}))");
                condition.clauses.push(clause);
                condition.contains(rest);
            }
            Way::Listed(indexed) => {
                condition.binds.extend(indexed.binds.iter().cloned());
                condition.clauses.push(format!("id IN ({})", indexed.sql));
                condition.contains(&indexed.rest);
            }
            Way::Walked(parts) => {
                // An index of clients or statuses has users in the order of their names only, and only those of one of
                // each.
                let one_of_each = filter.client_names.len() <= 1 && filter.statuses.len() <= 1;
                let by_user_name = filter.sort.iter().all(|s| s.key == SortKey::UserName);
                if one_of_each && by_user_name {
                    plus = "";
                }
                condition.contains(parts);
            }
            Way::Kept(parts) => {
                plus = "";
                condition.contains(parts);
            }
            Way::Planned(parts) => {
                plus = "";
                condition.contains_on_postgres(parts);
            }
        }
        condition.any_of(plus, "client_name", filter.client_names.iter().cloned());
        let statuses = filter.statuses.iter().map(|s| s.as_str().to_owned());
        condition.any_of(plus, "status", statuses);
        condition
    }

    /// Users from a place in an order on.
    fn from_place(key: SortKey, place: Option<Place>) -> Self {
        let mut condition = Condition::default();
        if let Some((first, last)) = place {
            let (a, b) = key.index();
            let mark = condition.bind(first);
            if a == b {
                condition.clauses.push(format!("{a} >= {mark}"));
            } else {
                let second = condition.bind(last);
                let clause = format!("({a}, {b}) >= ({mark}, {second})");
                condition.clauses.push(clause);
            }
        }
        condition
    }

    /// Binds a value and returns its place holder, `?` to be numbered later.
    fn bind(&mut self, value: String) -> &'static str {
        self.binds.push(value);
        "?"
    }

    fn any_of(&mut self, plus: &str, column: &str, values: impl Iterator<Item = String>) {
        let marks: Vec<_> = values.map(|v| self.bind(v)).collect();
        if !marks.is_empty() {
            self.clauses
                .push(format!("{plus}{column} IN ({})", marks.join(", ")));
        }
    }

    fn contains(&mut self, parts: &[Part]) {
        for (column, part) in parts {
            let mark = self.bind(part.clone());
            self.clauses.push(format!("instr({column}, {mark}) > 0"));
        }
    }

    fn contains_on_postgres(&mut self, parts: &[Part]) {
        for (column, part) in parts {
            let literal = part
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            let mark = self.bind(format!("%{literal}%"));
            self.clauses.push(format!("{column} LIKE {mark}"));
        }
    }

    fn sql(&self, head: &str, tail: &str, connection: &AnyConnection) -> String {
        let mut sql = String::from(head);
        if !self.clauses.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&self.clauses.join(" AND "));
        }
        sql.push_str(tail);
        if matches!(connection, AnyConnection::Sqlite(_)) {
            return sql;
        }
        let mut numbered = String::with_capacity(sql.len() + 16);
        let mut at = 0;
        for c in sql.chars() {
            if c == '?' {
                at += 1;
                numbered.push('$');
                numbered.push_str(&at.to_string());
            } else {
                numbered.push(c);
            }
        }
        numbered
    }

    fn count(&self, connection: &mut AnyConnection) -> Result<i64, StoreError> {
        let sql = self.count_sql(connection);
        let total: Vec<Total> = load(connection, sql, &self.binds)?;
        Ok(total.first().map_or(0, |t| t.total))
    }

    fn count_sql(&self, connection: &AnyConnection) -> String {
        self.sql("SELECT count(*) AS total FROM users", "", connection)
    }

    fn page_sql(&self, connection: &AnyConnection, filter: &Filter) -> String {
        let (order, limit, offset) = (order(filter), filter.limit, filter.offset);
        let tail = format!(" ORDER BY {order} LIMIT {limit} OFFSET {offset}");
        self.sql("SELECT user_name_ci FROM users", &tail, connection)
    }

    fn page(
        &self,
        connection: &mut AnyConnection,
        filter: &Filter,
    ) -> Result<Vec<String>, StoreError> {
        let keys: Vec<Key> = load(connection, self.page_sql(connection, filter), &self.binds)?;
        Ok(keys.into_iter().map(|row| row.user_name_ci).collect())
    }
}

fn load<R>(
    connection: &mut AnyConnection,
    sql: String,
    binds: &[String],
) -> Result<Vec<R>, StoreError>
where
    R: QueryableByName<diesel::sqlite::Sqlite> + QueryableByName<diesel::pg::Pg> + 'static,
{
    Ok(on_backend!(connection, c => {
        let mut query = diesel::sql_query(sql).into_boxed();
        for bind in binds {
            query = query.bind::<Text, _>(bind);
        }
        query.load(c)?
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::user::Status;
    use crate::store::users::Sort;
    use crate::store::{Opening, Store, StoreError};

    #[derive(QueryableByName, Debug)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("search.db");
        let opening = Opening::parse(&path.to_string_lossy(), 1, 1000).unwrap();
        (folder, Store::open(opening).unwrap())
    }

    /// How SQLite goes about both queries of a search, in its own words.
    fn plan(filter: &Filter, way: &Way<'_>) -> String {
        let (_folder, store) = store();
        let plan = |c: &mut AnyConnection| {
            let condition = Condition::of(filter, way);
            let mut steps = String::new();
            for sql in [condition.count_sql(c), condition.page_sql(c, filter)] {
                let sql = format!("EXPLAIN QUERY PLAN {sql}");
                let found: Vec<Step> = load(c, sql, &condition.binds)?;
                for step in found {
                    steps.push_str(&step.detail);
                    steps.push('\n');
                }
            }
            Ok::<_, StoreError>(steps)
        };
        store.read(plan).unwrap()
    }

    fn part(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_listed_search_goes_by_the_hits_whatever_else_is_asked() {
        let everything = Filter {
            statuses: vec![Status::Active],
            client_names: vec!["Default".to_owned()],
            ..Filter::default()
        };
        for (name, email) in [
            (part("nyuszi"), None),
            (part("nyuszi"), part("valami")),
            (part("ny"), None),
            (part("n"), part("v")),
            (part("ny"), part("valami")),
        ] {
            let plain = Filter {
                name,
                email,
                ..Filter::default()
            };
            let filtered = Filter {
                name: plain.name.clone(),
                email: plain.email.clone(),
                ..everything.clone()
            };
            for filter in [plain, filtered] {
                let indexed = Indexed::of(&parts(&filter)).unwrap();
                for way in [Way::Listed(&indexed), Way::Among(&[1, 2], &indexed.rest)] {
                    let plan = plan(&filter, &way);
                    assert!(!plan.contains("SCAN users\n"), "{filter:?}\n{plan}");
                    assert!(!plan.contains("users USING INDEX"), "{filter:?}\n{plan}");
                    let by_number = plan.matches("SEARCH users USING INTEGER PRIMARY KEY");
                    assert_eq!(by_number.count(), 2, "{filter:?}\n{plan}");
                }
            }
        }
    }

    #[test]
    fn filters_alone_and_long_walks_use_an_index_in_order() {
        let clients = vec!["Default".to_owned()];
        let statuses = vec![Status::Active];
        for filter in [
            Filter::default(),
            Filter {
                statuses: statuses.clone(),
                ..Filter::default()
            },
            Filter {
                client_names: clients.clone(),
                ..Filter::default()
            },
            Filter {
                client_names: clients,
                statuses,
                ..Filter::default()
            },
            Filter {
                user_name: part("an"),
                ..Filter::default()
            },
        ] {
            let plan = plan(&filter, &Way::Walked(&parts(&filter)));
            assert!(!plan.contains("SCAN users\n"), "{filter:?}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{filter:?}\n{plan}");
        }
    }

    fn by(key: SortKey, descending: bool) -> Vec<Sort> {
        vec![Sort { key, descending }]
    }

    #[test]
    fn long_lists_are_walked_in_any_order_without_sorting_them() {
        for sort in [
            by(SortKey::UserName, true),
            by(SortKey::Name, false),
            by(SortKey::Email, false),
            by(SortKey::Email, true),
        ] {
            for statuses in [
                vec![],
                vec![Status::Active],
                vec![Status::Active, Status::Inactive],
            ] {
                let filter = Filter {
                    sort: sort.clone(),
                    statuses,
                    user_name: part("an"),
                    ..Filter::default()
                };
                let plan = plan(&filter, &Way::Walked(&parts(&filter)));
                assert!(!plan.contains("TEMP B-TREE"), "{filter:?}\n{plan}");
            }
        }
        // Those of one name have to be put in order, and no more than those.
        let filter = Filter {
            sort: by(SortKey::Name, true),
            ..Filter::default()
        };
        let plan = plan(&filter, &Way::Walked(&[]));
        assert!(plan.contains("TEMP B-TREE FOR LAST TERM"), "{plan}");
    }

    #[test]
    fn totals_are_kept_through_everything_that_changes_them() {
        use crate::store::users;
        let (_folder, store) = store();
        let count = |clients: &[&str], statuses: &[Status]| {
            let filter = Filter {
                client_names: clients.iter().map(|c| (*c).to_owned()).collect(),
                statuses: statuses.to_vec(),
                ..Filter::default()
            };
            store.read(|c| counted(c, &filter)).unwrap().users
        };
        let add = |name: &str| {
            let email = format!("{name}@a.hu");
            let new = users::NewUser {
                uuid: name,
                user_name: name,
                name,
                email: &email,
                client_name: "Default",
                organizational_unit: None,
                status: Status::Active,
                roles: &[],
                password_hash: None,
                joins_organisation: None,
                now: 0,
            };
            store.write(|c| users::insert(c, &new)).unwrap()
        };
        assert_eq!(count(&[], &[]), 0);
        let (a, b) = (add("a"), add("b"));
        assert_eq!(
            (count(&[], &[]), count(&["Default"], &[Status::Active])),
            (2, 2)
        );
        store
            .write(|c| {
                let mut user = users::by_id(c, a)?.unwrap();
                user.client_name = "Portal".to_owned();
                users::update(c, &user)?;
                user.status = Status::Inactive;
                users::update(c, &user)?;
                users::update(c, &user)
            })
            .unwrap();
        assert_eq!(
            (count(&["Default"], &[]), count(&["Portal", "Default"], &[])),
            (1, 2)
        );
        assert_eq!(
            (
                count(&[], &[Status::Inactive]),
                count(&["Portal"], &[Status::Active])
            ),
            (1, 0)
        );
        store.write(|c| users::erase(c, b)).unwrap();
        assert_eq!((count(&[], &[]), count(&["Default"], &[])), (1, 0));
    }

    #[test]
    fn parts_of_every_length_are_found_wherever_they_stand() {
        let (_folder, store) = store();
        store
            .write(|c| {
                for (n, name) in ["Őry Ágó", "ab", "100%", "x_\"y", "ÁGÓ Őr"]
                    .iter()
                    .enumerate()
                {
                    let user_name = format!("u{n}");
                    let new = crate::store::users::NewUser {
                        uuid: &user_name,
                        user_name: &user_name,
                        name,
                        email: &format!("{user_name}@a.hu"),
                        client_name: "Default",
                        organizational_unit: None,
                        status: Status::Active,
                        roles: &[],
                        password_hash: None,
                        joins_organisation: None,
                        now: 0,
                    };
                    crate::store::users::insert(c, &new)?;
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
        for (text, hits) in [
            ("ágó", 2),
            ("gó", 2),
            ("ó", 2),
            ("Ő", 2),
            ("őr", 2),
            ("Y Á", 1),
            ("b", 1),
            ("%", 1),
            ("0%", 1),
            ("_", 1),
            ("_\"", 1),
            ("_\"y", 1),
            ("'", 0),
            ("abc", 0),
            ("", 5),
        ] {
            let filter = Filter {
                name: part(text),
                limit: 20,
                ..Filter::default()
            };
            let parts = parts(&filter);
            let indexed = Indexed::of(&parts);
            let listed = indexed
                .as_ref()
                .map(|i| Condition::of(&filter, &Way::Listed(i)));
            let walked = Condition::of(&filter, &Way::Walked(&parts));
            store
                .read(|c| {
                    for condition in listed.iter().chain([&walked]) {
                        assert_eq!(condition.count(c)?, hits, "{text:?}");
                        assert_eq!(condition.page(c, &filter)?.len() as i64, hits, "{text:?}");
                    }
                    let (page, total) = find(c, &filter, &Milestones::default())?;
                    assert_eq!((page.len() as i64, total), (hits, hits), "{text:?}");
                    Ok::<_, StoreError>(())
                })
                .unwrap();
        }
    }
}
