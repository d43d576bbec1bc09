//! From method and path to an operation of the catalogue.

use crate::operations::{CATALOG, Operation, Route};

/// What a path leads to.
#[derive(Debug, Clone)]
pub struct Found {
    pub operation: &'static Operation,
    pub route: &'static Route,
    /// The field a segment of the path stands for, and its text.
    pub captured: Option<(&'static str, String)>,
}

/// The operation behind a path below the prefix; HEAD is answered like GET.
///
/// # Errors
/// The methods that the path does have; none if there is no such path.
pub fn find(method: &str, path: &str) -> Result<Found, Vec<&'static str>> {
    let method = if method == "HEAD" { "GET" } else { method };
    let mut allowed = Vec::new();
    for operation in CATALOG {
        for route in operation.routes {
            let Some(captured) = matches(route.path, path) else {
                continue;
            };
            if route.method == method {
                return Ok(Found {
                    operation,
                    route,
                    captured,
                });
            }
            allowed.push(route.method);
            if route.method == "GET" {
                allowed.push("HEAD");
            }
        }
    }
    if !allowed.is_empty() {
        allowed.push("OPTIONS");
    }
    Err(allowed)
}

/// What the segment in braces stands for, if the path is of the pattern.
fn matches(pattern: &'static str, path: &str) -> Option<Option<(&'static str, String)>> {
    let mut captured = None;
    let mut segments = path.split('/');
    for wanted in pattern.split('/') {
        let segment = segments.next()?;
        match wanted.strip_prefix('{').and_then(|w| w.strip_suffix('}')) {
            Some(field) if !segment.is_empty() => {
                captured = Some((field, super::request::decoded(segment, false)));
            }
            Some(_) => return None,
            None if wanted == segment => {}
            None => return None,
        }
    }
    segments.next().is_none().then_some(captured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_operations_and_tells_which_methods_there_are() {
        let show = find("GET", "/users/m%C3%B3ka%2Fmiki").unwrap();
        assert_eq!(show.operation.name, "showUser");
        assert_eq!(show.captured, Some(("userName", "móka/miki".to_owned())));
        assert_eq!(find("HEAD", "/users").unwrap().operation.name, "findUsers");
        let allowed = find("DELETE", "/users").unwrap_err();
        assert_eq!(allowed, ["GET", "HEAD", "POST", "PUT", "OPTIONS"]);
        assert!(find("GET", "/users/a/b").unwrap_err().is_empty());
        assert!(find("GET", "/users/").unwrap_err().is_empty());
    }
}
