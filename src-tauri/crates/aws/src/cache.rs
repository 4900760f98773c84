//! Values that cost a request: kept while they are good, asked for once however many wait.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};

use crate::AwsError;

type Answer<V> = Result<V, AwsError>;
type Running<V> = BoxFuture<'static, Answer<V>>;

/// A cache whose concurrent askers share one request. Failures are given to all who wait and then forgotten.
pub(crate) struct Cache<K, V> {
    state: Mutex<State<K, V>>,
}

struct State<K, V> {
    ready: HashMap<K, V>,
    /// Weak, so that a request whose askers have all gone away is dropped with them instead of lying here half done.
    running: HashMap<K, WeakShared<Running<V>>>,
}

impl<K, V> Cache<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { ready: HashMap::new(), running: HashMap::new() }) })
    }

    /// The value of `key`, if `good`, or the answer to `ask`, which is asked only if nobody has asked already.
    pub(crate) async fn get<F>(
        self: &Arc<Self>,
        key: K,
        good: impl FnOnce(&V) -> bool,
        ask: impl FnOnce() -> F,
    ) -> Answer<V>
    where
        F: Future<Output = Answer<V>> + Send + 'static,
    {
        let request = {
            let mut state = self.lock();
            if let Some(value) = state.ready.get(&key).filter(|value| good(value)) {
                return Ok(value.clone());
            }
            match state.running.get(&key).and_then(WeakShared::upgrade) {
                Some(request) => request,
                None => self.start(&mut state, key, ask()),
            }
        };
        request.await
    }

    fn start<F>(self: &Arc<Self>, state: &mut State<K, V>, key: K, ask: F) -> Shared<Running<V>>
    where
        F: Future<Output = Answer<V>> + Send + 'static,
    {
        let (cache, asked) = (Arc::clone(self), key.clone());
        let request = async move {
            let answer = ask.await;
            cache.finish(asked, &answer);
            answer
        };
        let request = request.boxed().shared();
        if let Some(weak) = request.downgrade() {
            state.running.insert(key, weak);
        }
        request
    }

    fn finish(&self, key: K, answer: &Answer<V>) {
        let mut state = self.lock();
        state.running.remove(&key);
        match answer {
            Ok(value) => state.ready.insert(key, value.clone()),
            Err(_) => state.ready.remove(&key),
        };
    }

    /// Forgets one value.
    pub(crate) fn remove(&self, key: &K) {
        self.lock().ready.remove(key);
    }

    /// Forgets every value there is by now. What requests under way bring is kept.
    pub(crate) fn clear(&self) {
        self.lock().ready.clear();
    }

    /// Nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().ready.is_empty()
    }

    /// All values kept.
    pub(crate) fn values(&self) -> Vec<V> {
        self.lock().ready.values().cloned().collect()
    }

    /// A panic while the lock was held leaves nothing half done here: every change is one map operation.
    fn lock(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;
    use crate::AwsErrorKind;

    fn failure() -> AwsError {
        AwsError::new(0, "", "", AwsErrorKind::Throttled, "slow down")
    }

    #[tokio::test]
    async fn a_good_value_is_asked_for_once() {
        let cache = Cache::<&str, u32>::new();
        assert_eq!(cache.get("a", |_| true, || async { Ok(1) }).await, Ok(1));
        assert_eq!(cache.get("a", |_| true, || async { Ok(2) }).await, Ok(1));
        assert_eq!(cache.get("a", |_| false, || async { Ok(3) }).await, Ok(3));
        assert_eq!(cache.get("b", |_| true, || async { Ok(4) }).await, Ok(4));
        cache.remove(&"a");
        assert_eq!(cache.values(), [4]);
    }

    #[tokio::test]
    async fn concurrent_askers_share_one_request_and_its_failure() {
        let cache = Cache::<&str, u32>::new();
        let (gate, asked) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let ask = || {
            let (gate, asked) = (Arc::clone(&gate), Arc::clone(&asked));
            async move {
                asked.fetch_add(1, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                Err(failure())
            }
        };
        let waiting = futures_util::future::join_all((0..20).map(|_| cache.get("a", |_| true, ask)));
        let (answers, ()) = tokio::join!(waiting, async { gate.add_permits(1) });
        assert_eq!(answers, vec![Err(failure()); 20]);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert_eq!(cache.get("a", |_| true, || async { Ok(7) }).await, Ok(7));
    }

    #[tokio::test]
    async fn a_request_outlives_the_asker_who_started_it_but_not_the_last() {
        let cache = Cache::<&str, u32>::new();
        let gate = Arc::new(Semaphore::new(0));
        let ask = |value| {
            let gate = Arc::clone(&gate);
            move || async move {
                gate.acquire().await.unwrap().forget();
                Ok(value)
            }
        };
        let mut first = Box::pin(cache.get("a", |_| true, ask(1)));
        let mut second = Box::pin(cache.get("a", |_| true, ask(2)));
        assert!((&mut first).now_or_never().is_none());
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        gate.add_permits(1);
        assert_eq!(second.await, Ok(1));

        cache.clear();
        assert_eq!(cache.values(), Vec::<u32>::new());
        let mut third = Box::pin(cache.get("a", |_| true, ask(3)));
        assert!((&mut third).now_or_never().is_none());
        drop(third);
        gate.add_permits(1);
        assert_eq!(cache.get("a", |_| true, ask(4)).await, Ok(4));
    }
}
