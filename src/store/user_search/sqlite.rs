//! Plans a user search on SQLite, whose FTS5 trigram index lists the hits of a substring.

use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::MANY_HITS;
use super::condition::Condition;
use super::filter::{Filter, Pattern, SortKey};
use crate::store::{AnyConnection, Result};

/// The shortest phrase that a trigram index can match, in characters.
const SHORTEST_PHRASE: usize = 3;

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The number of matching users, and the condition that finds a page of them. `stored` is the number of users with the
/// filter's clients and statuses.
pub(super) fn plan(
    conn: &mut AnyConnection,
    filter: &Filter,
    patterns: &[Pattern],
    stored: i64,
) -> Result<(i64, Condition)> {
    let in_order = if stored < MANY_HITS {
        SearchPlan::SortAll(patterns)
    } else {
        SearchPlan::WalkIndex(patterns)
    }
    .condition(filter);
    if patterns.is_empty() {
        return Ok((stored, in_order));
    }
    let index_query = IndexQuery::of(patterns).filter(|_| stored >= MANY_HITS);
    let Some(index_query) = index_query else {
        return Ok((in_order.count(conn)?, in_order));
    };
    let hits = index_query.hits(conn, MANY_HITS)?;
    if (hits.len() as i64) < MANY_HITS {
        let listed = SearchPlan::HitList(&hits, &index_query.rest).condition(filter);
        return Ok((listed.count(conn)?, listed));
    }
    let all_hits = SearchPlan::HitQuery(&index_query).condition(filter);
    Ok((all_hits.count(conn)?, in_order))
}

/// A query of the trigram index that lists hits, and the patterns that remain to be checked on each hit.
struct IndexQuery {
    sql: String,
    binds: Vec<String>,
    rest: Vec<Pattern>,
}

impl IndexQuery {
    fn of(patterns: &[Pattern]) -> Option<Self> {
        let is_phrase = |part: &str| part.chars().count() >= SHORTEST_PHRASE;
        let (long, mut short): (Vec<Pattern>, Vec<Pattern>) = patterns
            .iter()
            .cloned()
            .partition(|(_, part)| is_phrase(part));
        if !long.is_empty() {
            // One MATCH for all columns: the index intersects them. A quoted phrase of a trigram index
            // is an exact substring, so that no character of the text is an operator.
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
        // A text that is too short for a phrase is the beginning of a trigram. The index keeps its terms
        // in order, and every stored text ends in padding, so that its last characters begin a trigram too.
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

    /// The numbers of at most `limit` hits.
    fn hits(&self, conn: &mut AnyConnection, limit: i64) -> Result<Vec<i64>> {
        let query = Condition {
            clauses: Vec::new(),
            binds: self.binds.clone(),
        };
        let ids: Vec<IdRow> = query.load(conn, format!("{} LIMIT {limit}", self.sql))?;
        Ok(ids.into_iter().map(|row| row.id).collect())
    }
}

/// The ways to find users on SQLite.
enum SearchPlan<'a> {
    /// Check the other conditions on these hits of the index.
    HitList(&'a [i64], &'a [Pattern]),
    /// Check the other conditions on every hit of the index: the cost grows with the hits.
    HitQuery(&'a IndexQuery),
    /// Check users one by one in the order of an index until the page is full: cheap if hits are frequent.
    WalkIndex(&'a [Pattern]),
    /// Check and sort all users of the clients and statuses: cheap if they are few.
    SortAll(&'a [Pattern]),
}

impl SearchPlan<'_> {
    fn condition(&self, filter: &Filter) -> Condition {
        let mut condition = Condition::default();
        // The planner must not prefer an index by client or status to a list of hits; a plus hides the
        // column from it.
        let mut prefix = "+";
        match self {
            SearchPlan::HitList(hits, rest) => {
                let mark = condition.bind(format!("{hits:?}"));
                let clause = format!("id IN (SELECT value FROM json_each({mark}))");
                condition.clauses.push(clause);
                contains(&mut condition, rest);
            }
            SearchPlan::HitQuery(index_query) => {
                condition.binds.extend(index_query.binds.iter().cloned());
                let clause = format!("id IN ({})", index_query.sql);
                condition.clauses.push(clause);
                contains(&mut condition, &index_query.rest);
            }
            SearchPlan::WalkIndex(patterns) => {
                // An index by client or status orders users by name only, and only within one client and
                // one status.
                let one_of_each = filter.client_names.len() <= 1 && filter.statuses.len() <= 1;
                let by_user_name = filter.sort.iter().all(|s| s.key == SortKey::UserName);
                if one_of_each && by_user_name {
                    prefix = "";
                }
                contains(&mut condition, patterns);
            }
            SearchPlan::SortAll(patterns) => {
                prefix = "";
                contains(&mut condition, patterns);
            }
        }
        condition.client_and_status(prefix, filter);
        condition
    }
}

fn contains(condition: &mut Condition, patterns: &[Pattern]) {
    for (column, part) in patterns {
        let mark = condition.bind(part.clone());
        condition
            .clauses
            .push(format!("instr({column}, {mark}) > 0"));
    }
}

#[cfg(test)]
mod tests {
    use diesel::sql_types::Text;

    use super::*;
    use crate::domain::user::Status;
    use crate::store::user_search::{PageAnchors, Sort, find};
    use crate::store::users::{self, NewUser};
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

    /// SQLite's query plan of the count and of the page.
    fn explain(filter: &Filter, plan: &SearchPlan<'_>) -> String {
        let (_folder, store) = store();
        let explain = |c: &mut AnyConnection| {
            let condition = plan.condition(filter);
            let mut steps = String::new();
            for sql in [condition.count_sql(c), condition.page_sql(c, filter)] {
                let sql = format!("EXPLAIN QUERY PLAN {sql}");
                let found: Vec<Step> = condition.load(c, sql)?;
                for step in found {
                    steps.push_str(&step.detail);
                    steps.push('\n');
                }
            }
            Ok::<_, StoreError>(steps)
        };
        store.read(explain).unwrap()
    }

    fn part(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn reads_only_the_hits_of_the_trigram_index_whatever_the_other_conditions() {
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
                let index_query = IndexQuery::of(&filter.patterns()).unwrap();
                for plan in [
                    SearchPlan::HitQuery(&index_query),
                    SearchPlan::HitList(&[1, 2], &index_query.rest),
                ] {
                    let plan = explain(&filter, &plan);
                    assert!(!plan.contains("SCAN users\n"), "{filter:?}\n{plan}");
                    assert!(!plan.contains("users USING INDEX"), "{filter:?}\n{plan}");
                    let by_number = plan.matches("SEARCH users USING INTEGER PRIMARY KEY");
                    assert_eq!(by_number.count(), 2, "{filter:?}\n{plan}");
                }
            }
        }
    }

    #[test]
    fn uses_an_index_in_order_for_filters_without_substrings_and_for_long_walks() {
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
            let plan = explain(&filter, &SearchPlan::WalkIndex(&filter.patterns()));
            assert!(!plan.contains("SCAN users\n"), "{filter:?}\n{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{filter:?}\n{plan}");
        }
    }

    fn by(key: SortKey, descending: bool) -> Vec<Sort> {
        vec![Sort { key, descending }]
    }

    #[test]
    fn walks_long_lists_in_any_order_without_sorting_them() {
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
                let plan = explain(&filter, &SearchPlan::WalkIndex(&filter.patterns()));
                assert!(!plan.contains("TEMP B-TREE"), "{filter:?}\n{plan}");
            }
        }
        // SQLite sorts users of the same name only.
        let filter = Filter {
            sort: by(SortKey::Name, true),
            ..Filter::default()
        };
        let plan = explain(&filter, &SearchPlan::WalkIndex(&[]));
        assert!(plan.contains("TEMP B-TREE FOR LAST TERM"), "{plan}");
    }

    #[test]
    fn finds_substrings_of_every_length_at_every_position() {
        let (_folder, store) = store();
        store
            .write(|c| {
                for (n, name) in ["Őry Ágó", "ab", "100%", "x_\"y", "ÁGÓ Őr"]
                    .iter()
                    .enumerate()
                {
                    let user_name = format!("u{n}");
                    let new = NewUser {
                        uuid: &user_name,
                        user_name: &user_name,
                        name,
                        email: &format!("{user_name}@a.hu"),
                        status: Status::Active,
                        now: 0,
                        ..Default::default()
                    };
                    users::insert(c, &new)?;
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
            let patterns = filter.patterns();
            let index_query = IndexQuery::of(&patterns);
            let listed = index_query
                .as_ref()
                .map(|i| SearchPlan::HitQuery(i).condition(&filter));
            let walked = SearchPlan::WalkIndex(&patterns).condition(&filter);
            store
                .read(|c| {
                    for condition in listed.iter().chain([&walked]) {
                        assert_eq!(condition.count(c)?, hits, "{text:?}");
                        assert_eq!(condition.page(c, &filter)?.len() as i64, hits, "{text:?}");
                    }
                    let (page, total) = find(c, &filter, &PageAnchors::default())?;
                    assert_eq!((page.len() as i64, total), (hits, hits), "{text:?}");
                    Ok::<_, StoreError>(())
                })
                .unwrap();
        }
    }
}
