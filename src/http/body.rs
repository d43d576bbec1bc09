//! Content codings of a body: gzip, and no other (RFC 9110 §8.4).

use std::io::Read as _;

use flate2::bufread::GzDecoder;

use crate::contract::problem::{Code, Why};
use crate::contract::rejection::{Rejection, malformed};

/// Maximum number of members of one gzip body; clients send one, or one for each piece they write.
const MAX_GZIP_MEMBERS: usize = 16;
/// The factor by which a gzip body may grow.
const MAX_GZIP_RATIO: usize = 200;
/// Bytes to which every gzip body may inflate, because a small text may be mostly white space.
const FREE_GZIP_BYTES: usize = 65_536;

/// The body without its content coding, of at most `limit` bytes.
///
/// # Errors
/// [`Code::UnsupportedMediaType`] for another coding, [`Code::TooLarge`], [`Code::Malformed`] for broken or excessive gzip.
pub fn decode(body: Vec<u8>, coding: &str, limit: usize) -> Result<Vec<u8>, Rejection> {
    let coding = coding.trim();
    if coding.is_empty() || coding.eq_ignore_ascii_case("identity") {
        return Ok(body);
    }
    if !coding.eq_ignore_ascii_case("gzip") && !coding.eq_ignore_ascii_case("x-gzip") {
        return Err(Rejection::new(Code::UnsupportedMediaType).because(coding));
    }
    let mut inflated = Vec::with_capacity(body.len().saturating_mul(2).min(limit));
    let mut rest = body.as_slice();
    for _ in 0..MAX_GZIP_MEMBERS {
        let most = limit.saturating_add(1).saturating_sub(inflated.len());
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let mut member = GzDecoder::new(rest);
        (&mut member)
            .take(most)
            .read_to_end(&mut inflated)
            .map_err(|e| malformed(Why::Inflation).because(e))?;
        if inflated.len() > limit {
            return Err(Rejection::new(Code::TooLarge));
        }
        if inflated.len() > FREE_GZIP_BYTES && inflated.len() / MAX_GZIP_RATIO > body.len() {
            let cause = format!("gzip: over {MAX_GZIP_RATIO} times its size");
            return Err(malformed(Why::Inflation).because(cause));
        }
        rest = member.into_inner();
        if rest.is_empty() {
            return Ok(inflated);
        }
    }
    let cause = format!("gzip: over {MAX_GZIP_MEMBERS} members");
    Err(malformed(Why::Inflation).because(cause))
}
