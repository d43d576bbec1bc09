//! Callbacks: a DELETE request to a service for each user that has left it.

use std::error::Error as _;
use std::time::{Duration, UNIX_EPOCH};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url, redirect};
use tokio::runtime::Runtime;

use super::failure::{Extent, Failure};
use super::guard::{Reach, Refused, Resolver, check_url, is_this_machine};
use crate::domain::Millis;

/// The settings of callbacks.
#[derive(Debug, Clone)]
pub struct CallbackSettings {
    pub reach: Reach,
    /// The time limit of a whole callback.
    pub timeout: Duration,
    /// The maximum number of services that are called at the same time.
    pub parallel: usize,
    /// The longest Retry-After of a service that is respected, in milliseconds.
    pub max_retry_after_ms: Millis,
}

/// The URL of a service and its credentials.
pub(super) struct Target {
    pub service_id: i64,
    /// Whether ids that differ only in case or Unicode form belong to different users.
    pub case_sensitive_ids: bool,
    /// Whether the answers 404 and 410 count as done.
    pub gone_is_done: bool,
    /// The URL without the user.
    pub url: String,
    /// `accessKey:secretKey`.
    pub credentials: String,
}

/// All characters except the unreserved characters of RFC 3986 §2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The maximum number of bytes that are read of an answer's body, and the maximum time. The body is only read so that
/// the connection can be reused.
const MAX_BODY_BYTES: usize = 65_536;
const MAX_BODY_TIME: Duration = Duration::from_secs(1);
const MAX_CONNECT_TIME: Duration = Duration::from_secs(5);

/// Makes callbacks. Do not use it inside an async runtime, because its calls block.
pub(super) struct Caller {
    runtime: Runtime,
    client: Client,
    reach: Reach,
    max_retry_after_ms: Millis,
}

impl Caller {
    /// A caller without connections.
    pub(super) fn new(settings: &CallbackSettings) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("callbacks")
            .enable_all()
            .build()
            .map_err(|e| e.to_string())?;
        let builder = || {
            Client::builder()
                .user_agent("chaingun-gateway")
                .no_proxy()
                .redirect(redirect::Policy::none())
                .referer(false)
                .connect_timeout(settings.timeout.min(MAX_CONNECT_TIME))
                .timeout(settings.timeout)
                .dns_resolver(Resolver(settings.reach))
        };
        // A machine without root certificates can still call services over http.
        let client = builder()
            .build()
            .or_else(|_| builder().tls_certs_only([]).build())
            .map_err(|e| e.to_string())?;
        Ok(Self {
            runtime,
            client,
            reach: settings.reach,
            max_retry_after_ms: settings.max_retry_after_ms,
        })
    }

    /// Notifies the service that this user has left. Only status 200 counts as success, and 404 and 410 if the service
    /// says so.
    pub(super) fn call(&self, target: &Target, user: &str, now: Millis) -> Result<(), Failure> {
        let url = address(&target.url, user)?;
        check_url(&url, self.reach).map_err(|e| Failure::of(e.to_string()))?;
        let (access, secret) = target
            .credentials
            .split_once(':')
            .ok_or_else(|| Failure::of("the service has no access key and secret"))?;
        let request = self.client.delete(url).basic_auth(access, Some(secret));
        self.runtime.block_on(async {
            let mut response = request
                .send()
                .await
                .map_err(|e| Failure::of(cause_of(&e)))?;
            let status = response.status();
            let asked =
                retry_after(response.headers(), now).map(|ms| ms.min(self.max_retry_after_ms));
            let drained = async {
                let mut read = 0;
                while let Ok(Some(chunk)) = response.chunk().await {
                    read += chunk.len();
                    if read > MAX_BODY_BYTES {
                        break;
                    }
                }
            };
            let _ = tokio::time::timeout(MAX_BODY_TIME, drained).await;
            judge(status, target.gone_is_done, asked)
        })
    }
}

fn judge(
    status: StatusCode,
    gone_is_done: bool,
    retry_after: Option<Millis>,
) -> Result<(), Failure> {
    let is_gone = matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE);
    if status == StatusCode::OK || (is_gone && gone_is_done) {
        return Ok(());
    }
    let extent = match status.as_u16() {
        429 | 503 if retry_after.is_some() => Extent::Receiver,
        // These answers depend on the id. The other client errors blame the credentials, the method or the rate.
        400 | 404 | 409..=414 | 422..=424 => Extent::Message,
        _ => Extent::Unclear,
    };
    let more = if status.is_redirection() {
        ", and redirects are not followed"
    } else {
        ""
    };
    Err(Failure {
        retry_after,
        extent,
        ..Failure::of(format!("the service answered {}{more}", status.as_u16()))
    })
}

/// The URL for a user: the user's id as one segment below the path of the service's URL.
fn address(base: &str, user: &str) -> Result<Url, Failure> {
    let mut url: Url = base
        .parse()
        .map_err(|e| Failure::of(format!("the service's URL is invalid: {e}")))?;
    let segment = utf8_percent_encode(user, SEGMENT).to_string();
    let path = format!("{}/{segment}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    // A dot segment stays a dot segment even if it is percent-encoded (RFC 3986 §5.2.4, §6.2.2). With such an id, or
    // with an empty id, the request would delete another resource.
    if segment.is_empty() || url.path() != path {
        return Err(Failure {
            is_final: true,
            ..Failure::of_message("the user's id at the service cannot be one segment of a path")
        });
    }
    Ok(url)
}

/// The reason why callbacks to this URL are refused under this setting; `None` if the decision needs the addresses of
/// the host.
#[must_use]
pub fn always_refused(url: &str, reach: Reach) -> Option<String> {
    let url = match address(url, "user") {
        Ok(url) => url,
        Err(failure) => return Some(failure.reason),
    };
    let refused = check_url(&url, reach).err().map(|Refused(reason)| reason);
    let is_here = url.host_str().is_some_and(is_this_machine);
    refused.or_else(|| (is_here && reach == Reach::Public).then(|| "it is this machine".to_owned()))
}

/// The cause of a failed request, without the URL, which contains the user's id.
fn cause_of(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut innermost = None;
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return refused.to_string();
        }
        innermost = Some(inner);
        cause = inner.source();
    }
    match innermost {
        _ if error.is_timeout() => "no answer in time".to_owned(),
        Some(inner) if error.is_connect() => format!("no connection: {inner}"),
        Some(inner) => format!("no answer: {inner}"),
        None => "no answer".to_owned(),
    }
}

/// The value of Retry-After, in seconds or as a date, as a delay in milliseconds.
fn retry_after(headers: &HeaderMap, now: Millis) -> Option<Millis> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Millis::from(seconds) * 1000);
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let at = at.duration_since(UNIX_EPOCH).ok()?;
    Some(
        Millis::try_from(at.as_millis())
            .ok()?
            .saturating_sub(now)
            .max(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_any_user_name_as_one_segment_of_the_path() {
        let path = |base: &str, user: &str| address(base, user).ok().map(|u| u.to_string());
        assert_eq!(
            path("https://s.example/users/", "a/b?c#d é%2F..").as_deref(),
            Some("https://s.example/users/a%2Fb%3Fc%23d%20%C3%A9%252F..")
        );
        assert_eq!(
            path("https://s.example", "../x\r\nHost: y\\").as_deref(),
            Some("https://s.example/..%2Fx%0D%0AHost%3A%20y%5C")
        );
        assert_eq!(
            path("https://s.example/u?k=1", "a&b=;c").as_deref(),
            Some("https://s.example/u/a%26b%3D%3Bc?k=1")
        );
        for none in ["", ".", ".."] {
            assert_eq!(path("https://s.example/users", none), None, "{none:?}");
        }
        assert_eq!(
            path("https://s.example/users", "...").as_deref(),
            Some("https://s.example/users/...")
        );
    }

    #[test]
    fn refuses_urls_at_once_or_leaves_the_decision_to_the_resolver() {
        for (url, reach, reason) in [
            ("https://s.example.org/users", Reach::Public, None),
            (
                "http://s.example.org/users",
                Reach::Public,
                Some("callbacks to s.example.org must use https, not http"),
            ),
            (
                "http://s.example.org/users",
                Reach::Loopback,
                Some("callbacks to s.example.org must use https, not http"),
            ),
            ("http://s.example.org/users", Reach::Private, None),
            (
                "https://10.0.0.1/users",
                Reach::Loopback,
                Some("10.0.0.1 is a private address"),
            ),
            (
                "https://169.254.169.254/users",
                Reach::Private,
                Some("169.254.169.254 is a link-local address"),
            ),
            (
                "https://a.localhost/users",
                Reach::Public,
                Some("it is this machine"),
            ),
            ("https://localhost/users", Reach::Loopback, None),
            (
                "https://a:b@s.example.org/users",
                Reach::Private,
                Some("the URL contains credentials"),
            ),
        ] {
            assert_eq!(always_refused(url, reach).as_deref(), reason, "{url}");
        }
    }

    #[test]
    fn reads_both_forms_of_retry_after() {
        let asked = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers, 1_601_973_889_000)
        };
        assert_eq!(asked("120"), Some(120_000));
        assert_eq!(asked("Tue, 06 Oct 2020 08:45:49 GMT"), Some(60_000));
        assert_eq!(asked("Tue, 06 Oct 2020 08:00:00 GMT"), Some(0));
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("-5"), None);
    }
}
