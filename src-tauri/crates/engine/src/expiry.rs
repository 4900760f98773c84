//! The end of a sign-in: Postern's own after `max_session_ttl`, or the one towards AWS when its credentials have expired.
//!
//! From then on new sessions are refused with the reason, and sessions that run go on. Whoever shows something is told once,
//! and AWS is spared the attempts of clients that come back at once.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use postern_aws::{Aws, AwsError, AwsErrorKind, CredentialsRequest, DatabaseCredentials, Freshness};

use crate::{
    engine::{Change, Shared, lock},
    error::Error,
};

/// How long AWS's word for expired credentials counts for everybody who asks. Short, because signing in again elsewhere
/// (`aws sso login`) is not told to us.
const PAUSE: Duration = Duration::from_secs(2);

/// Whose sign-in has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignInEnd {
    /// Postern's: as old as the roles allow.
    Postern,
    /// The credentials for AWS.
    Aws,
}

/// What is known of ends.
#[derive(Debug, Default)]
pub(crate) struct Expiry {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The sign-in, by its time, whose end has been told.
    told: Option<u64>,
    /// What AWS refused since it last gave something, in which words and when.
    refused: HashMap<CredentialsRequest, (AwsError, Instant)>,
}

impl Expiry {
    /// AWS's refusal, while it is too fresh for another attempt.
    fn standing(&self, request: &CredentialsRequest, now: Instant) -> Option<AwsError> {
        let state = lock(&self.state);
        let (error, said) = state.refused.get(request)?;
        (now.saturating_duration_since(*said) < PAUSE).then(|| error.clone())
    }

    /// Takes AWS's refusal; whether it is the first.
    fn refused(&self, request: &CredentialsRequest, error: &AwsError, now: Instant) -> bool {
        let refused = &mut lock(&self.state).refused;
        let first = refused.is_empty();
        refused.insert(request.clone(), (error.clone(), now));
        first
    }

    /// AWS has given what it refused before; whether that is news. What it gave earlier to others is none: that is kept for long.
    fn granted(&self, request: &CredentialsRequest) -> bool {
        let refused = &mut lock(&self.state).refused;
        let news = refused.contains_key(request);
        if news {
            refused.clear();
        }
        news
    }

    /// Somebody signed in anew.
    pub(crate) fn forget(&self) {
        *lock(&self.state) = State::default();
    }

    /// The sign-in of this time has ended; whether that is news.
    fn ended(&self, signed_in_at: u64) -> bool {
        lock(&self.state).told.replace(signed_in_at) != Some(signed_in_at)
    }
}

impl Shared {
    /// A database password from AWS, or the refusal that stands.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub(crate) async fn database_credentials(
        &self,
        aws: &Aws,
        request: &CredentialsRequest,
        freshness: Freshness,
    ) -> Result<DatabaseCredentials, Error> {
        if let Some(error) = self.expiry.standing(request, Instant::now()) {
            return Err(Error::Aws(error));
        }
        let answer = aws.database_credentials(request, freshness).await;
        match &answer {
            Ok(_) if self.expiry.granted(request) => self.tell(Change::Status),
            Err(error)
                if error.kind == AwsErrorKind::CredentialsExpired
                    && self.expiry.refused(request, error, Instant::now()) =>
            {
                self.tell(Change::SignInEnded(SignInEnd::Aws));
                self.tell(Change::Status);
            }
            _ => {}
        }
        answer.map_err(Error::Aws)
    }

    /// Tells, once, that Postern's own sign-in has ended while it was in use.
    pub(crate) fn sign_in_has_ended(&self) {
        if let Ok(Some(sign_in)) = self.memory.sign_in()
            && self.expiry.ended(sign_in.at)
        {
            self.tell(Change::SignInEnded(SignInEnd::Postern));
            self.tell(Change::Status);
            self.tell(Change::Databases);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use postern_aws::{Hop, Step};

    use super::*;

    fn expired() -> AwsError {
        AwsError {
            step: Step { hop: 1, action: "sts:AssumeRole", resource: "arn:aws:iam::123456789012:role/reader".into() },
            kind: AwsErrorKind::CredentialsExpired,
            message: "The security token included in the request is expired".into(),
            request_id: None,
        }
    }

    fn request(workgroup: &str) -> CredentialsRequest {
        CredentialsRequest {
            region: "eu-west-1".into(),
            workgroup: workgroup.into(),
            db_name: "dev".into(),
            hops: vec![Hop { role_arn: "arn:aws:iam::123456789012:role/reader".into(), external_id: None }],
        }
    }

    #[test]
    fn a_refusal_stands_for_a_moment_and_only_for_what_was_refused() {
        let (expiry, now) = (Expiry::default(), Instant::now());
        assert!(expiry.standing(&request("sales"), now).is_none());
        expiry.refused(&request("sales"), &expired(), now);
        assert_eq!(expiry.standing(&request("sales"), now + PAUSE / 2).unwrap(), expired());
        assert!(expiry.standing(&request("sales"), now + PAUSE).is_none(), "AWS is asked again");
        assert!(expiry.standing(&request("events"), now).is_none(), "whose password may be held");
    }

    #[test]
    fn an_end_is_news_once_until_something_refused_is_given() {
        let (expiry, now) = (Expiry::default(), Instant::now());
        assert!(expiry.refused(&request("sales"), &expired(), now));
        assert!(!expiry.refused(&request("events"), &expired(), now));
        assert!(!expiry.granted(&request("held")), "it came from the cache");
        assert!(!expiry.refused(&request("sales"), &expired(), now));
        assert!(expiry.granted(&request("events")));
        assert!(!expiry.granted(&request("sales")), "already known to be back");
        assert!(expiry.refused(&request("sales"), &expired(), now), "another end");
        expiry.forget();
        assert!(expiry.refused(&request("sales"), &expired(), now), "of another sign-in");
    }

    #[test]
    fn the_end_of_each_sign_in_is_news_once() {
        let expiry = Expiry::default();
        assert_eq!([1, 1, 2, 2].map(|at| expiry.ended(at)), [true, false, true, false]);
    }
}
