//! Finds the operation of a method and a path in the catalogue.

use crate::contract::field::{Kind, Shape};
use crate::http::path;
use crate::operations::{CATALOG, Operation, Route};

/// The operation of a path.
#[derive(Debug, Clone)]
pub struct Found {
    pub operation: &'static Operation,
    pub route: &'static Route,
    /// The fields in the path, and their texts.
    pub captured: Vec<(&'static str, String)>,
}

impl Found {
    /// The type that holds the fields of a body.
    pub(super) fn shape(&self) -> &'static Shape {
        let own = self.operation.request;
        let inside = own
            .fields
            .iter()
            .find(|f| Some(f.name) == self.route.inside);
        match inside.map(|field| (field.kind)()) {
            Some(Kind::Shape(shape)) => shape,
            _ => own,
        }
    }
}

/// The operation behind a path below the prefix; HEAD is answered like GET.
///
/// # Errors
/// The methods of the path; empty for an unknown path.
pub fn find(method: &str, below: &str) -> Result<Found, Vec<&'static str>> {
    let method = if method == "HEAD" { "GET" } else { method };
    let routes = || {
        CATALOG
            .iter()
            .flat_map(|o| o.routes.iter().map(move |r| (*o, r)))
    };
    let captured = |route: &'static Route| path::captures(route.path, below).filter(has_no_gap);
    // Only an unknown path or method needs the routes of other methods.
    for (operation, route) in routes().filter(|(_, route)| route.method == method) {
        if let Some(captured) = captured(route) {
            return Ok(Found {
                operation,
                route,
                captured,
            });
        }
    }
    let mut allowed = Vec::new();
    for (_, route) in routes().filter(|(_, route)| captured(route).is_some()) {
        allowed.push(route.method);
        if route.method == "GET" {
            allowed.push("HEAD");
        }
    }
    if !allowed.is_empty() {
        allowed.push("OPTIONS");
    }
    Err(allowed)
}

/// Whether no field of the path is empty: `/users/` names no user.
fn has_no_gap(captured: &Vec<(&'static str, String)>) -> bool {
    captured.iter().all(|(_, text)| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_operations_and_lists_the_methods_of_a_path() {
        let show = find("GET", "/users/m%C3%B3ka%2Fmiki").unwrap();
        assert_eq!(show.operation.name, "showUser");
        assert_eq!(show.captured, [("userName", "móka/miki".to_owned())]);
        assert_eq!(find("HEAD", "/users").unwrap().operation.name, "findUsers");
        let allowed = find("DELETE", "/users").unwrap_err();
        assert_eq!(allowed, ["GET", "HEAD", "POST", "PUT", "OPTIONS"]);
        assert!(find("GET", "/users/a/b").unwrap_err().is_empty());
        assert!(find("GET", "/users/").unwrap_err().is_empty());
    }
}
