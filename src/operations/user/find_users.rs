//! Finds users by parts of their names, by client and by status, a page at a time.

use crate::contract::user::FlatUser;
use crate::domain::text::canonical;
use crate::operations::prelude::*;
use crate::store::user_search::{self, Filter, Sort, SortKey};

/// The number of users on a page if the request does not state one.
pub const DEFAULT_LIMIT: i64 = 20;

shape! {
    /// The conditions of the search. A user is found if every given condition holds.
    pub struct FindUsersRequest = "FindUsersRequest_V1" {
        /// The calling client and its user.
        request_meta: Option<RequestMeta> = "requestMeta", role = Role::Meta;
        /// The maximum number of users in the answer; 20 by default.
        limit: Number = "limit";
        /// The number of hits to skip; 0 by default.
        offset: Number = "offset";
        /// A part of the user name, case-insensitive.
        user_name: Option<String> = "userName", max = 256;
        /// A part of the name of the person, case-insensitive.
        name: Option<String> = "name", max = 256;
        /// A part of the e-mail address, case-insensitive.
        email: Option<String> = "email", max = 256;
        /// Names of clients. The user belongs to one of them.
        client_names: List<String> = "clientNames", item = "clientName", wrapped, max = 128;
        /// Statuses. The user has one of them.
        statuses: List<String> = "statuses", item = "status", wrapped, max = 16;
        /// The order: userName, name or email, or several of them separated by commas. A minus sign before a field
        /// makes its order descending. The default is userName.
        sort: Option<String> = "sort", max = 64;
    }
}

shape! {
    /// The users found, in the requested order.
    pub struct FindUsersResponse = "FindUsersResponse_V1" {
        /// The outcome of the request.
        status: ResponseStatus = "status", required;
        /// Further parameters.
        params: List<Param> = "params", item = "param";
        /// The number of all hits, on this page and on others.
        total: Number = "total";
        /// The users of this page.
        users: List<FlatUser> = "users", item = "user";
    }
}

impl FindUsersRequest {
    fn filter(self, max_page: i64) -> Result<Filter> {
        let mut problems = Problems::default();
        let limit = self.limit.0.unwrap_or(DEFAULT_LIMIT);
        let offset = self.offset.0.unwrap_or(0);
        if !(0..=max_page).contains(&limit) {
            problems.note("limit", Why::OutOfRange(0, max_page));
        }
        if offset < 0 {
            problems.note("offset", Why::OutOfRange(0, i64::from(i32::MAX)));
        }
        let statuses: Vec<_> = self.statuses.0.iter().map(|s| Status::parse(s)).collect();
        if statuses.contains(&None) {
            problems.note("statuses", Why::NotAStatus);
        }
        let sort = sort(self.sort.as_deref().unwrap_or(""));
        if sort.is_none() {
            problems.note("sort", Why::NotAnOrder);
        }
        refuse_all(problems)?;
        Ok(Filter {
            sort: sort.unwrap_or_default(),
            user_name: self.user_name,
            name: self.name,
            email: self.email,
            client_names: self.client_names.0,
            statuses: statuses.into_iter().flatten().collect(),
            limit,
            offset,
        })
    }
}

/// Parses an order like `name,-email`; `None` if a name is unknown or repeated.
fn sort(text: &str) -> Option<Vec<Sort>> {
    let mut order: Vec<Sort> = Vec::new();
    for term in text.split(',').map(str::trim).filter(|t| !t.is_empty()) {
        let name = term.strip_prefix('-');
        let key = match name.unwrap_or(term) {
            "userName" => SortKey::UserName,
            "name" => SortKey::Name,
            "email" => SortKey::Email,
            _ => return None,
        };
        if order.iter().any(|earlier| earlier.key == key) {
            return None;
        }
        order.push(Sort {
            key,
            descending: name.is_some(),
        });
    }
    Some(order)
}

/// Whether the user matches the filter. Used for callers who may see only themselves.
fn matches(filter: &Filter, user: &User) -> bool {
    let has = |part: &Option<String>, text: &str| {
        part.as_deref()
            .is_none_or(|p| canonical(text).contains(&canonical(p)))
    };
    has(&filter.user_name, &user.user_name)
        && has(&filter.name, &user.name)
        && has(&filter.email, &user.email)
        && (filter.client_names.is_empty() || filter.client_names.contains(&user.client_name))
        && (filter.statuses.is_empty() || filter.statuses.contains(&user.status))
}

impl Request for FindUsersRequest {
    type Answer = FindUsersResponse;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "findUsers",
        AuditEvent::UsersFound,
        "Finds users by parts of their names, by client and by status.",
    )
    .cost(Cost::Search)
    .soap()
    .rest(&[Route::bodiless("GET", "/users")]);

    fn run(self, cx: &RequestContext<'_>) -> Result<FindUsersResponse> {
        self.find(cx)
    }
}

impl FindUsersRequest {
    pub fn find(self, cx: &RequestContext<'_>) -> Result<FindUsersResponse> {
        let filter = self.filter(cx.app.rules.max_page)?;
        let (found, hits) = match &cx.user {
            Some(user) if !cx.may_do_everything() => {
                let hit = matches(&filter, user);
                let shown = hit && filter.offset == 0 && filter.limit > 0;
                (
                    shown.then(|| user.clone()).into_iter().collect(),
                    i64::from(hit),
                )
            }
            _ => {
                let anchors = cx.app.store.page_anchors();
                cx.app
                    .store
                    .search(|c| user_search::find(c, &filter, anchors))?
            }
        };
        Ok(FindUsersResponse {
            total: Number(Some(hits)),
            users: List(found.into_iter().map(FlatUser::from).collect()),
            ..Default::default()
        })
    }
}
