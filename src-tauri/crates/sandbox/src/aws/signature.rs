//! Signature Version 4: whether a request was signed with the secret of the key it names.
//!
//! Source: "Signature Version 4 for API requests" in the IAM User Guide, and AWS's published test vectors.

use hmac::{Hmac, KeyInit, Mac};
use hyper::HeaderMap;
use hyper::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
/// How far a client's clock may be off.
const TOLERANCE: Duration = Duration::minutes(5);
/// `20260302T120000Z`.
const BASIC_ISO: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");
/// Everything but the characters that URIs leave alone (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a request was not taken to come from the holder of a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignatureError {
    /// No `Authorization` header at all.
    #[error("Request is missing Authentication Token")]
    Missing,
    /// The header, or one it depends on, is not whole.
    #[error("{0}")]
    Incomplete(String),
    /// No such access key, or its session token is absent or wrong.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// A session that is over.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// The credential is scoped to something else, or the date is too far off.
    #[error("{0}")]
    WrongScope(String),
    /// The secret, or anything that was signed, is different.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

/// A request's `Authorization` header, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) access_key_id: String,
    pub(crate) scope: Scope,
    signed_headers: Vec<String>,
    signature: String,
}

/// What a signature is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// `20260302`.
    date: String,
    pub(crate) region: String,
    pub(crate) service: String,
    terminator: String,
}

impl Authorization {
    /// Finds and takes apart the header.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, SignatureError> {
        let header = headers.get(hyper::header::AUTHORIZATION).ok_or(SignatureError::Missing)?;
        let header = header.to_str().map_err(|_| incomplete("Authorization header is not ASCII."))?;
        let (algorithm, parameters) = header.trim().split_once(' ').unwrap_or((header, ""));
        if algorithm != ALGORITHM {
            return Err(incomplete(&format!("Unsupported AWS 'algorithm': '{algorithm}'.")));
        }
        let parameter = |name: &str| {
            let mut pairs = parameters.split(',').filter_map(|pair| pair.trim().split_once('='));
            let value = pairs.find(|(key, _)| *key == name).map(|(_, value)| value);
            value.ok_or_else(|| incomplete(&format!("Authorization header requires '{name}' parameter.")))
        };
        let credential = parameter("Credential")?;
        let signed_headers = parameter("SignedHeaders")?.split(';').map(str::to_owned).collect();
        let signature = parameter("Signature")?.to_owned();
        let (access_key_id, scope) = Scope::parse(credential)?;
        Ok(Self { access_key_id, scope, signed_headers, signature })
    }

    /// Checks the date, and that `secret` signs this request the way it is signed. `now` is the server's clock.
    pub(crate) fn verify(
        &self,
        parts: &Parts,
        body: &[u8],
        secret: &SecretString,
        now: OffsetDateTime,
    ) -> Result<(), SignatureError> {
        let date = self.check_date(&parts.headers, now)?;
        self.check_signed_headers(&parts.headers)?;
        let payload_hash = payload_hash(&parts.headers, body)?;
        let request = canonical_request(parts, &self.signed_headers, &payload_hash);
        let expected = signature(&request, &date, &self.scope, secret);
        if expected.as_bytes().ct_eq(self.signature.as_bytes()).into() { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    /// The `X-Amz-Date` header, once it is near enough to now and on the day of the credential scope.
    fn check_date(&self, headers: &HeaderMap, now: OffsetDateTime) -> Result<String, SignatureError> {
        let text = single_header(headers, "x-amz-date").ok_or_else(|| {
            incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        })?;
        let signed_at = PrimitiveDateTime::parse(text, BASIC_ISO)
            .map_err(|_| incomplete(&format!("Date must be in ISO-8601 'basic format'. Got '{text}'.")))?
            .assume_utc();
        let day = text.get(..8).unwrap_or(text);
        if day != self.scope.date {
            return Err(SignatureError::WrongScope(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}', \
                 from '{text}'.",
                self.scope.date, day,
            )));
        }
        let (oldest, newest) = (now - TOLERANCE, now + TOLERANCE);
        if signed_at < oldest {
            return Err(SignatureError::WrongScope(format!(
                "Signature expired: {text} is now earlier than {} ({} - 5 min.)",
                basic_iso(oldest),
                basic_iso(now),
            )));
        }
        if signed_at > newest {
            return Err(SignatureError::WrongScope(format!(
                "Signature not yet current: {text} is still later than {} ({} + 5 min.)",
                basic_iso(newest),
                basic_iso(now),
            )));
        }
        Ok(text.to_owned())
    }

    /// What decides the meaning of a request must be under the signature.
    fn check_signed_headers(&self, headers: &HeaderMap) -> Result<(), SignatureError> {
        let is_signed = |name: &str| self.signed_headers.iter().any(|signed| signed == name);
        if !is_signed("host") {
            return Err(incomplete("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."));
        }
        let unsigned = ["x-amz-date", "x-amz-security-token", "x-amz-target"]
            .into_iter()
            .find(|name| headers.contains_key(*name) && !is_signed(name));
        match unsigned {
            Some(name) => Err(incomplete(&format!("'{name}' must be a 'SignedHeader' in the AWS Authorization."))),
            None => Ok(()),
        }
    }
}

impl Scope {
    /// Splits `AKIA…/20260302/ap-northeast-2/sts/aws4_request` into the key and the rest.
    fn parse(credential: &str) -> Result<(String, Self), SignatureError> {
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key_id, date, region, service, terminator] = parts.as_slice() else {
            return Err(incomplete(&format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
                 '{credential}'."
            )));
        };
        let scope = Self {
            date: (*date).to_owned(),
            region: (*region).to_owned(),
            service: (*service).to_owned(),
            terminator: (*terminator).to_owned(),
        };
        Ok(((*access_key_id).to_owned(), scope))
    }

    /// Refuses a scope of another region or another version of the scheme.
    pub(crate) fn check(&self, regions: &[&str]) -> Result<(), SignatureError> {
        if self.terminator != TERMINATOR {
            return Err(SignatureError::WrongScope(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{}'.",
                self.terminator
            )));
        }
        if !regions.contains(&self.region.as_str()) {
            return Err(SignatureError::WrongScope(format!(
                "Credential should be scoped to a valid region, not '{}'. ",
                self.region
            )));
        }
        Ok(())
    }
}

/// The value of a header that is there exactly once.
pub(crate) fn single_header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

/// The hash that was signed for the body, which must be the body's own where the client names one.
fn payload_hash(headers: &HeaderMap, body: &[u8]) -> Result<String, SignatureError> {
    let actual = hex(&Sha256::digest(body));
    match single_header(headers, "x-amz-content-sha256") {
        None => Ok(actual),
        Some("UNSIGNED-PAYLOAD") => Ok("UNSIGNED-PAYLOAD".to_owned()),
        Some(claimed) if claimed == actual => Ok(actual),
        Some(_) => Err(SignatureError::Mismatch),
    }
}

fn canonical_request(parts: &Parts, signed_headers: &[String], payload_hash: &str) -> String {
    let headers: String = signed_headers.iter().map(|name| canonical_header(&parts.headers, name)).collect();
    format!(
        "{}\n{}\n{}\n{headers}\n{}\n{payload_hash}",
        parts.method,
        canonical_path(parts.uri.path()),
        canonical_query(parts.uri.query().unwrap_or_default()),
        signed_headers.join(";"),
    )
}

/// Each segment is encoded once more than it was sent (every service but S3).
fn canonical_path(path: &str) -> String {
    let segments: Vec<String> = path.split('/').map(encode).collect();
    segments.join("/")
}

/// Pairs encoded afresh, then sorted.
fn canonical_query(query: &str) -> String {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            format!("{}={}", encode(&decode(key)), encode(&decode(value)))
        })
        .collect();
    pairs.sort_unstable();
    pairs.join("&")
}

/// Values trimmed, inner runs of blanks made one, several values of one name joined by commas.
fn canonical_header(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).split_ascii_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    format!("{name}:{}\n", values.join(","))
}

fn signature(canonical_request: &str, date: &str, scope: &Scope, secret: &SecretString) -> String {
    let Scope { date: day, region, service, terminator } = scope;
    let hash = hex(&Sha256::digest(canonical_request));
    let to_sign = format!("{ALGORITHM}\n{date}\n{day}/{region}/{service}/{terminator}\n{hash}");
    let first = format!("AWS4{}", secret.expose_secret()).into_bytes();
    let key = [day, region, service, terminator].into_iter().fold(first, |key, part| hmac(&key, part.as_bytes()));
    hex(&hmac(&key, to_sign.as_bytes()))
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn basic_iso(instant: OffsetDateTime) -> String {
    instant.format(BASIC_ISO).expect("a format of numbers fits every date")
}

fn incomplete(message: &str) -> SignatureError {
    SignatureError::Incomplete(message.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use hyper::Request;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2015-08-30 12:36 UTC);
    const SCOPE: &str = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request";

    fn secret() -> SecretString {
        SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    }

    /// A request of AWS's test suite, with the signature published for it.
    fn request(method: &str, target: &str, headers: &[(&str, &str)], signed: &str, signature: &str) -> Parts {
        let authorization = format!("{ALGORITHM} Credential={SCOPE}, SignedHeaders={signed}, Signature={signature}");
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header("host", "example.amazonaws.com")
            .header("x-amz-date", "20150830T123600Z")
            .header("authorization", authorization);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    const VANILLA: &str = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

    fn verify(parts: &Parts, body: &[u8], now: OffsetDateTime) -> Result<(), SignatureError> {
        Authorization::of(&parts.headers)?.verify(parts, body, &secret(), now)
    }

    #[test]
    fn the_published_test_vectors_verify() {
        let plain = request("GET", "/", &[], "host;x-amz-date", VANILLA);
        assert_eq!(verify(&plain, b"", NOW), Ok(()));

        let query = request(
            "GET",
            "/?Param2=value2&Param1=value1",
            &[],
            "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        );
        assert_eq!(verify(&query, b"", NOW), Ok(()));

        let form = request(
            "POST",
            "/",
            &[("content-type", "application/x-www-form-urlencoded")],
            "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        );
        assert_eq!(verify(&form, b"Param1=value1", NOW), Ok(()));
    }

    #[test]
    fn a_changed_body_header_or_secret_does_not_verify() {
        let plain = request("GET", "/", &[], "host;x-amz-date", VANILLA);
        assert_eq!(verify(&plain, b"changed", NOW), Err(SignatureError::Mismatch));

        let mut other_host = plain.clone();
        other_host.headers.insert("host", "example.com".parse().unwrap());
        assert_eq!(verify(&other_host, b"", NOW), Err(SignatureError::Mismatch));

        let wrong = Authorization::of(&plain.headers).unwrap().verify(&plain, b"", &"guess".into(), NOW);
        assert_eq!(wrong, Err(SignatureError::Mismatch));
    }

    #[test]
    fn a_claimed_body_hash_must_be_the_bodys() {
        let empty = hex(&Sha256::digest(b""));
        let parts = request("GET", "/", &[("x-amz-content-sha256", &empty)], "host;x-amz-date", VANILLA);
        assert_eq!(verify(&parts, b"", NOW), Ok(()));
        assert_eq!(verify(&parts, b"x", NOW), Err(SignatureError::Mismatch));
    }

    #[test]
    fn a_date_more_than_five_minutes_off_is_refused_in_awss_words() {
        let parts = request("GET", "/", &[], "host;x-amz-date", VANILLA);
        let refused = |now| verify(&parts, b"", now).unwrap_err().to_string();
        assert_eq!(verify(&parts, b"", NOW + TOLERANCE), Ok(()));
        assert_eq!(
            refused(NOW + Duration::seconds(301)),
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T124101Z - 5 min.)"
        );
        assert_eq!(
            refused(NOW - Duration::seconds(301)),
            "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T123059Z + 5 min.)"
        );
    }

    #[test]
    fn what_decides_a_requests_meaning_must_be_signed() {
        let target = request("GET", "/", &[("x-amz-target", "X.Y")], "host;x-amz-date", VANILLA);
        let hostless = request("GET", "/", &[], "x-amz-date", VANILLA);
        for parts in [target, hostless] {
            assert!(matches!(verify(&parts, b"", NOW), Err(SignatureError::Incomplete(_))));
        }
    }

    #[test]
    fn broken_authorization_headers_are_errors_that_say_what_is_missing() {
        for (header, part) in [
            ("Bearer abc", "algorithm"),
            ("", "algorithm"),
            ("AWS4-HMAC-SHA256", "'Credential'"),
            ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=f", "'SignedHeaders'"),
            ("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host", "'Signature'"),
            ("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=f", "5 slash-delimited"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", header.parse().unwrap());
            let error = Authorization::of(&headers).unwrap_err();
            assert!(error.to_string().contains(part), "{header}: {error}");
        }
        assert_eq!(Authorization::of(&HeaderMap::new()), Err(SignatureError::Missing));
    }

    #[test]
    fn dates_that_are_not_dates_are_refused_without_a_panic() {
        for text in ["", "2015", "20150830T123600", "\u{e9}0150830T123600Z", "20159930T123600Z"] {
            let mut parts = request("GET", "/", &[], "host;x-amz-date", VANILLA);
            parts.headers.insert("x-amz-date", hyper::header::HeaderValue::from_bytes(text.as_bytes()).unwrap());
            assert!(matches!(verify(&parts, b"", NOW), Err(SignatureError::Incomplete(_))), "{text}");
        }
    }

    #[test]
    fn a_scope_of_another_region_or_scheme_is_refused() {
        let (_, scope) = Scope::parse(SCOPE).unwrap();
        assert_eq!(scope.check(&["ap-northeast-2", "us-east-1"]), Ok(()));
        assert!(scope.check(&["ap-northeast-2"]).unwrap_err().to_string().contains("'us-east-1'"));
        let other = Scope { terminator: "aws5_request".to_owned(), ..scope };
        assert!(other.check(&["us-east-1"]).unwrap_err().to_string().contains("aws5_request"));
    }
}
