//! What can go wrong with a workgroup on demand, for tests that want to see what a client makes of them.

use std::sync::Arc;
use std::time::Duration;

use crate::database::{Cut, Workgroup};
use crate::ledger::PasswordLedger;

/// What can go wrong with one workgroup. Everything takes effect at once and lasts until it is taken back.
#[derive(Clone, Debug)]
pub struct WorkgroupFaults {
    pub(crate) workgroup: Arc<Workgroup>,
    pub(crate) ledger: PasswordLedger,
}

impl WorkgroupFaults {
    /// New connections are refused: nobody listens on the port while this is on.
    pub fn refuse(&self, on: bool) {
        self.workgroup.faults.refuse(on);
    }

    /// New connections are accepted and answered only after `delay`.
    pub fn delay_logins(&self, delay: Duration) {
        self.workgroup.faults.delay_logins(delay);
    }

    /// New connections are reset as soon as they are accepted.
    pub fn reset_new(&self, on: bool) {
        self.workgroup.faults.reset_new(on);
    }

    /// Every open session is reset now.
    pub fn reset_sessions(&self) {
        self.workgroup.faults.cut(Cut::Reset);
    }

    /// Every open session is closed from the server's side now; what the client still sends is read and ignored.
    pub fn half_close_sessions(&self) {
        self.workgroup.faults.cut(Cut::HalfClose);
    }

    /// A canceled query's session stays open and silent: the server has canceled it, the client is never told. This is
    /// what dbt's users report of Redshift Serverless.
    pub fn hang_after_cancel(&self, on: bool) {
        self.workgroup.faults.hang_after_cancel(on);
    }

    /// CancelRequests are taken and not acted on, as people report of servers behind load balancers; `pg_cancel_backend` works.
    pub fn ignore_cancel_requests(&self, on: bool) {
        self.workgroup.faults.ignore_cancel_requests(on);
    }

    /// `pg_cancel_backend` and CANCEL are answered as ever, and nothing is canceled. `pg_terminate_backend` works.
    pub async fn ignore_cancel_functions(&self, on: bool) {
        self.workgroup.history.ignore_cancel_functions(on).await;
    }

    /// What asks for a cancel or the end of a session takes so long on its way to the server: time for that session to go on to another
    /// query.
    pub fn delay_signals(&self, delay: Duration) {
        self.workgroup.faults.delay_signals(delay);
    }

    /// Functions that signal a session are refused in one statement with SYS and STV views, as Redshift refuses functions that run on its
    /// leader node only together with tables of its compute nodes.
    pub fn keep_nodes_apart(&self, on: bool) {
        self.workgroup.faults.keep_nodes_apart(on);
    }

    /// Statements that read or write tables, or sleep, are planned and compiled for so long before they queue or run.
    pub fn hold_in_planning(&self, planning: Duration, compiling: Duration) {
        self.workgroup.admission.hold_in_planning(planning, compiling);
    }

    /// At most so many of them run at once, the others queue; None lets all of them run.
    pub fn limit_concurrency(&self, limit: Option<usize>) {
        self.workgroup.admission.limit(limit);
    }

    /// A login that would make more sessions than this is refused in Redshift's words.
    pub fn limit_connections(&self, limit: Option<usize>) {
        self.workgroup.faults.limit_connections(limit);
    }

    /// The server's clock is ahead of the machine's by so much, or behind: in SYS views, `now()` and `getdate()`.
    pub async fn set_clock_ahead(&self, ahead: time::Duration) {
        self.workgroup.history.set_clock_ahead(ahead).await;
    }

    /// Every password issued so far, for whatever workgroup, is expired from now on.
    pub fn expire_passwords_now(&self) {
        self.ledger.expire_all();
    }

    /// The PostgreSQL of this workgroup crashes. The next login finds it recovered.
    pub async fn crash_database(&self) {
        self.workgroup.crash().await;
    }
}
