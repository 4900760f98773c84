//! How many files and sockets this process may have open: two for each session.

/// Takes all that this process may have. The usual limit of a shell, 1024 or on macOS 256, is for programs that wait with select(2);
/// it would end at 500 or 120 sessions.
pub fn allow_many_sessions() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        // macOS calls its limit infinite and takes no more than this.
        let most = limit.maximum.unwrap_or(u64::MAX).min(10_240.max(limit.maximum.unwrap_or(0)));
        if limit.current.is_some_and(|current| current < most) {
            limit.current = Some(most);
            if let Err(error) = setrlimit(Resource::Nofile, limit) {
                tracing::debug!(%error, "the limit of open files stays as it is");
            }
        }
    }
}
