//! One look at the queries of one's own: those that live, and those that lived at the last look.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    activity::{Query, Wanted},
    engine::Engine,
    error::Error,
};

use super::{Watch, judge::Seen};

/// So many characters of a text are told.
const TEXT: u32 = 200;

/// So many queries that ended since the last look are looked for among everybody's.
const ENDED: u32 = 1000;

/// The queries of one's own that live, and those of `before` whether they live or not. Which are one's own is the server's word:
/// where it does not say, none is.
///
/// # Errors
/// As [`Engine::activity`].
pub(super) async fn look(engine: &Engine, watch: &Watch, before: &BTreeSet<i64>) -> Result<Vec<Seen>, Error> {
    // Twice the pause between two looks, for a server that is slow to say what has ended.
    let last = (!before.is_empty()).then(|| Duration::from_secs(watch.every_seconds.saturating_mul(2)));
    let finished = if before.is_empty() { 0 } else { ENDED };
    let activity = engine.activity(&watch.login, Wanted { finished, last, text: TEXT }).await?;
    let wanted = |query: &Query| query.own && (query.lives() || before.contains(&query.query_id));
    Ok(activity.queries.into_iter().filter(wanted).map(seen).collect())
}

fn seen(query: Query) -> Seen {
    Seen {
        query_id: query.query_id,
        session_id: query.session_id,
        elapsed_us: query.elapsed_us,
        waited_us: query.queue_us.saturating_add(query.lock_wait_us),
        waits_for_lock: query.waits_for_lock,
        bytes: query.bytes,
        text: query.text.trim().to_owned(),
        status: query.status,
    }
}
