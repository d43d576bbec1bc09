//! Pages of long lists, compared with a model: every search plan of the store must find the same page as sorting the
//! whole list.

use chaingun_gateway::domain::user::Status;
use chaingun_gateway::store::StoreError;
use chaingun_gateway::store::user_search::{self, Filter, Sort, SortKey};
use chaingun_gateway::store::users::{self, NewUser};

use crate::harness::Gateway;

/// More users than the store sorts in memory, and enough users for a second page anchor.
const USERS: usize = 12_000;

#[derive(Clone)]
struct Person {
    user_name: String,
    name: String,
    email: String,
    status: Status,
    client: &'static str,
}

fn person(n: usize) -> Person {
    // Neighbours in one order are far apart in the others, and many users share a name.
    let shuffled = n * 7_919 % USERS;
    Person {
        user_name: format!("u{shuffled:05}"),
        name: format!("{} {:03}", ["nagy", "kiss", "őry"][n % 3], n % 500),
        email: format!("{:05}@a.hu", n * 104_729 % USERS),
        status: match n % 100 {
            0 => Status::Inactive,
            1..50 => Status::Unactivated,
            _ => Status::Active,
        },
        client: if n.is_multiple_of(4) {
            "Portal"
        } else {
            "Default"
        },
    }
}

fn add(gateway: &Gateway, people: &[Person]) {
    let add = |c: &mut chaingun_gateway::store::AnyConnection| {
        for p in people {
            let new = NewUser {
                uuid: &p.user_name,
                user_name: &p.user_name,
                name: &p.name,
                email: &p.email,
                client_name: p.client,
                status: p.status,
                now: 0,
                ..Default::default()
            };
            users::insert(c, &new)?;
        }
        Ok::<_, StoreError>(())
    };
    gateway.app.store.write(add).unwrap();
}

/// The user names that the filter must find, in order.
fn model(people: &[Person], filter: &Filter) -> Vec<String> {
    let has = |part: &Option<String>, text: &str| part.as_ref().is_none_or(|p| text.contains(p));
    let mut found: Vec<&Person> = people
        .iter()
        .filter(|p| {
            has(&filter.user_name, &p.user_name)
                && has(&filter.name, &p.name)
                && has(&filter.email, &p.email)
                && (filter.statuses.is_empty() || filter.statuses.contains(&p.status))
                && (filter.client_names.is_empty()
                    || filter.client_names.iter().any(|c| c == p.client))
        })
        .collect();
    found.sort_by(|a, b| {
        let turned = |sort: &Sort, order: std::cmp::Ordering| match sort.descending {
            true => order.reverse(),
            false => order,
        };
        filter
            .sort
            .iter()
            .map(|sort| {
                let order = match sort.key {
                    SortKey::UserName => a.user_name.cmp(&b.user_name),
                    SortKey::Name => a.name.cmp(&b.name),
                    SortKey::Email => a.email.cmp(&b.email),
                };
                turned(sort, order)
            })
            .find(|o| o.is_ne())
            .unwrap_or(a.user_name.cmp(&b.user_name))
    });
    found.into_iter().map(|p| p.user_name.clone()).collect()
}

fn check(gateway: &Gateway, people: &[Person], filter: &Filter) {
    let whole = model(people, filter);
    let store = &gateway.app.store;
    let anchors = store.page_anchors();
    let (page, total) = store
        .read(|c| user_search::find(c, filter, anchors))
        .unwrap();
    let names: Vec<_> = page.into_iter().map(|u| u.user_name).collect();
    let (offset, limit) = (filter.offset as usize, filter.limit as usize);
    let wanted: Vec<_> = whole.iter().skip(offset).take(limit).cloned().collect();
    assert_eq!((total as usize, names), (whole.len(), wanted), "{filter:?}");
}

#[test]
fn finds_the_page_that_sorting_gives_for_every_order_and_filter() {
    let gateway = Gateway::empty();
    let mut people: Vec<Person> = (0..USERS).map(person).collect();
    add(&gateway, &people);
    let by = |key, descending| Sort { key, descending };
    let orders = [
        vec![],
        vec![by(SortKey::UserName, true)],
        vec![by(SortKey::Name, false)],
        vec![by(SortKey::Name, true)],
        vec![by(SortKey::Email, false)],
        vec![by(SortKey::Name, false), by(SortKey::Email, true)],
    ];
    let part = |text: &str| Some(text.to_owned());
    let filters = [
        Filter::default(),
        Filter {
            statuses: vec![Status::Active],
            ..Filter::default()
        },
        Filter {
            statuses: vec![Status::Active, Status::Unactivated],
            ..Filter::default()
        },
        Filter {
            statuses: vec![Status::Inactive],
            ..Filter::default()
        },
        Filter {
            client_names: vec!["Portal".to_owned()],
            statuses: vec![Status::Active],
            ..Filter::default()
        },
        Filter {
            client_names: vec!["Nobody".to_owned()],
            ..Filter::default()
        },
        Filter {
            name: part("őry"),
            ..Filter::default()
        },
        Filter {
            name: part("ő"),
            statuses: vec![Status::Inactive],
            ..Filter::default()
        },
        // This filter matches every user.
        Filter {
            email: part("@a.hu"),
            ..Filter::default()
        },
        Filter {
            email: part("@a"),
            name: part("042"),
            ..Filter::default()
        },
        Filter {
            user_name: part("u0"),
            statuses: vec![Status::Active, Status::Inactive],
            ..Filter::default()
        },
    ];
    for sort in &orders {
        for filter in &filters {
            for (offset, limit) in [
                (0, 3),
                (15, 7),
                (5_500, 3),
                (10_001, 3),
                (11_998, 20),
                (50_000, 3),
            ] {
                let filter = Filter {
                    sort: sort.clone(),
                    offset,
                    limit,
                    ..filter.clone()
                };
                check(&gateway, &people, &filter);
            }
        }
    }
    // The store has set page anchors by now; inserts, deletions and new names invalidate them.
    let far = |key| Filter {
        sort: vec![by(key, false)],
        offset: 11_000,
        limit: 5,
        ..Filter::default()
    };
    let keys = [SortKey::UserName, SortKey::Name, SortKey::Email];
    let newcomer = Person {
        user_name: "a".to_owned(),
        name: "a".to_owned(),
        email: "00000a@a.hu".to_owned(),
        ..person(1)
    };
    add(&gateway, std::slice::from_ref(&newcomer));
    people.push(newcomer);
    for key in keys {
        check(&gateway, &people, &far(key));
    }
    let store = &gateway.app.store;
    store
        .write(|c| {
            let mut user = users::by_name(c, "a")?.unwrap();
            user.name = "zz".to_owned();
            user.email = "zz@a.hu".to_owned();
            users::update(c, &user)
        })
        .unwrap();
    let last = people.last_mut().unwrap();
    (last.name, last.email) = ("zz".to_owned(), "zz@a.hu".to_owned());
    for key in keys {
        check(&gateway, &people, &far(key));
    }
    let gone = people.swap_remove(3);
    store
        .write(|c| {
            let user = users::by_name(c, &gone.user_name)?.unwrap();
            users::erase(c, user.id)
        })
        .unwrap();
    for key in keys {
        check(&gateway, &people, &far(key));
    }
}
