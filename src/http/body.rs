//! Content codings of a body: gzip and deflate (RFC 9110 §8.4.1).

use std::io::Read as _;

use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use crate::contract::problem::{Code, Why};
use crate::contract::rejection::{Rejection, malformed};

/// Maximum number of members of one gzip body. Clients send one member, or one for each piece that they write.
const MAX_GZIP_MEMBERS: usize = 16;
/// The factor by which a compressed body may grow.
const MAX_RATIO: usize = 200;
/// Bytes to which every body may inflate, because a small text may be mostly white space.
const FREE_BYTES: usize = 65_536;

/// The supported codings, as the value of `Accept-Encoding` in a 415 reply (RFC 9110 §12.5.3).
pub const CODINGS: &str = "gzip, deflate";

/// The body without its content coding, of at most `limit` bytes.
///
/// # Errors
/// [`Code::UnsupportedMediaType`] for another coding, [`Code::TooLarge`], [`Code::Malformed`] for a broken or excessive
/// body.
pub fn decode(body: Vec<u8>, coding: &str, limit: usize) -> Result<Vec<u8>, Rejection> {
    let coding = coding.trim();
    let is = |name| coding.eq_ignore_ascii_case(name);
    if coding.is_empty() || is("identity") {
        Ok(body)
    } else if is("gzip") || is("x-gzip") {
        gunzip(&body, limit)
    } else if is("deflate") {
        inflate(&body, limit)
    } else {
        Err(Rejection::new(Code::UnsupportedMediaType).because(coding))
    }
}

/// Refuses a result that is too large, or much larger than the compressed body.
fn check_size(inflated: usize, compressed: usize, limit: usize) -> Result<(), Rejection> {
    if inflated > limit {
        return Err(Rejection::new(Code::TooLarge));
    }
    if inflated > FREE_BYTES && inflated / MAX_RATIO > compressed {
        let cause = format!("over {MAX_RATIO} times its size");
        return Err(malformed(Why::BrokenCompression).because(cause));
    }
    Ok(())
}

/// Decodes the zlib format, which HTTP calls `deflate`, or a raw deflate stream, which some clients send under the same
/// name.
fn inflate(body: &[u8], limit: usize) -> Result<Vec<u8>, Rejection> {
    // The first byte of the zlib format names the method 8. No encoder begins a raw stream with these bits, which would
    // be a stored block with padding other than zero.
    let is_zlib = body.first().is_some_and(|byte| byte & 0x0F == 8);
    let mut inflater = Decompress::new(is_zlib);
    let mut inflated = Vec::with_capacity(body.len().saturating_mul(2).min(limit));
    let mut rest = body;
    loop {
        let (read, written) = (inflater.total_in(), inflated.len());
        let status = inflater
            .decompress_vec(rest, &mut inflated, FlushDecompress::None)
            .map_err(|e| malformed(Why::BrokenCompression).because(e))?;
        check_size(inflated.len(), body.len(), limit)?;
        let read = usize::try_from(inflater.total_in() - read).unwrap_or(usize::MAX);
        rest = rest.get(read..).unwrap_or_default();
        if status == Status::StreamEnd {
            break;
        }
        if inflated.len() == inflated.capacity() {
            // One byte more than the limit shows that the body exceeds it.
            let room = limit.saturating_add(1) - inflated.len();
            inflated.reserve_exact(inflated.len().max(1024).min(room));
        } else if read == 0 && inflated.len() == written {
            return Err(
                malformed(Why::BrokenCompression).because("deflate: the stream ends too early")
            );
        }
    }
    if !rest.is_empty() {
        return Err(malformed(Why::BrokenCompression).because("deflate: bytes follow the stream"));
    }
    Ok(inflated)
}

/// Decodes gzip, of one or more members.
fn gunzip(body: &[u8], limit: usize) -> Result<Vec<u8>, Rejection> {
    let mut inflated = Vec::with_capacity(body.len().saturating_mul(2).min(limit));
    let mut rest = body;
    for _ in 0..MAX_GZIP_MEMBERS {
        let most = limit.saturating_add(1).saturating_sub(inflated.len());
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        let mut member = GzDecoder::new(rest);
        (&mut member)
            .take(most)
            .read_to_end(&mut inflated)
            .map_err(|e| malformed(Why::BrokenCompression).because(e))?;
        check_size(inflated.len(), body.len(), limit)?;
        rest = member.into_inner();
        if rest.is_empty() {
            return Ok(inflated);
        }
    }
    let cause = format!("gzip: over {MAX_GZIP_MEMBERS} members");
    Err(malformed(Why::BrokenCompression).because(cause))
}
