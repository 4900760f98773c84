//! What happens to a statement before it runs, and what a server can be made to do otherwise than usual: planning,
//! queues, waits for locks, limits, and clocks that differ.

use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postern_sandbox::WorkgroupFaults;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::support::{Psql, Wire, block_on, sandbox, until};

/// No other test uses it.
const WORKGROUP: &str = "logistics-prod";
const READER: &str = "bi-readonly";

/// The workgroup for one test at a time.
struct Alone {
    faults: WorkgroupFaults,
    reader: Psql,
    _turn: MutexGuard<'static, ()>,
}

impl Alone {
    fn take() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let faults = sandbox().sandbox().faults(WORKGROUP).unwrap();
        Self { faults, reader: Psql::on(WORKGROUP, READER), _turn: turn }
    }

    /// Columns of the last statement that contains `needle`, once it is as `wanted` says.
    fn once(&self, needle: &str, wanted: &str, columns: &str) -> String {
        let sql = format!(
            "select {columns} from (select * from sys_query_history where query_text like '%''{needle}%' \
             and query_text not like '%sys_query%' order by query_id desc limit 1) as last where {wanted}"
        );
        until(|| Some(self.reader.value(&sql)).filter(|found| !found.is_empty()))
    }

    fn session_of(&self, needle: &str, status: &str) -> String {
        self.once(needle, &format!("status = '{status}'"), "session_id")
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.faults.limit_concurrency(None);
        self.faults.hold_in_planning(Duration::ZERO, Duration::ZERO);
        self.faults.limit_connections(None);
        block_on(self.faults.ignore_cancel_functions(false));
        block_on(self.faults.set_clock_ahead(time::Duration::ZERO));
    }
}

fn complaint(child: Child) -> String {
    let ended = child.wait_with_output().unwrap();
    assert!(!ended.status.success());
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

#[test]
fn what_may_not_run_yet_is_queued_and_can_be_canceled_in_every_way() {
    let alone = Alone::take();
    alone.faults.limit_concurrency(Some(1));
    let first = alone.reader.spawn("select 'q-first', pg_sleep(60)");
    let running = alone.session_of("q-first", "running");
    let queue = |needle: &str| {
        let child = alone.reader.spawn(&format!("select '{needle}', pg_sleep(60)"));
        (child, alone.session_of(needle, "queued"))
    };

    let (interrupted, _) = queue("q-wire");
    let signal = Command::new("kill").args(["-INT", &interrupted.id().to_string()]).status().unwrap();
    assert!(signal.success());
    assert!(complaint(interrupted).contains("cancelled on user's request"));

    let (by_function, pid) = queue("q-function");
    assert_eq!(alone.once("q-function", "queue_time > 0", "execution_time < 100000, status"), "t|queued");
    let asked = alone.reader.run(&format!("select pg_cancel_backend({pid})")).unwrap();
    assert_eq!((asked.stdout.as_str(), asked.stderr.as_str()), ("t", ""));
    assert!(complaint(by_function).contains("cancelled on user's request"));
    assert_eq!(alone.once("q-function", "queue_time > 0", "trim(status)"), "canceled");

    let (terminated, pid) = queue("q-terminate");
    alone.reader.value(&format!("select pg_terminate_backend({pid})"));
    assert!(complaint(terminated).contains("terminating connection due to administrator command"));
    assert_eq!(alone.once("q-terminate", "status <> 'queued'", "trim(status)"), "canceled");

    let last = alone.reader.spawn("select 'q-last' from generate_series(1, 3)");
    alone.session_of("q-last", "queued");
    alone.reader.value(&format!("select pg_cancel_backend({running})"));
    complaint(first);
    assert!(last.wait_with_output().unwrap().status.success());
    assert_eq!(alone.once("q-last", "queue_time > 0", "trim(status), returned_rows"), "success|3");
}

#[test]
fn a_statement_stays_in_planning_as_long_as_is_asked_for() {
    let alone = Alone::take();
    alone.faults.hold_in_planning(Duration::from_secs(60), Duration::ZERO);
    let planned = alone.reader.spawn("select 'p-long' from mart.orders");
    let pid = alone.session_of("p-long", "planning");
    alone.once("p-long", "planning_time > 1000 and execution_time < 100000", "1");
    alone.reader.value(&format!("cancel {pid} 'no'"));
    assert!(complaint(planned).contains("ERROR:  no"), "its owner is told why");
    assert_eq!(alone.once("p-long", "end_time is not null", "trim(status)"), "canceled");

    alone.faults.hold_in_planning(Duration::from_millis(200), Duration::from_millis(100));
    alone.reader.run("select 'p-short' from mart.orders limit 1").unwrap();
    let times = "planning_time between 200000 and 20000000, compile_time between 100000 and 20000000, status";
    assert_eq!(alone.once("p-short", "status = 'success'", times), "t|t|success");
}

#[test]
fn a_cancel_of_what_queues_fails_the_transaction_that_it_is_in_and_the_batch() {
    let alone = Alone::take();
    let mut wire = block_on(Wire::log_in(WORKGROUP, READER, &[])).unwrap().0;
    let ready = |wire: &mut Wire| {
        let mut codes = Vec::new();
        loop {
            match block_on(wire.receive()) {
                (b'E', body) => {
                    codes.push(body.split(|byte| *byte == 0).find(|field| field[0] == b'C').unwrap().to_vec())
                }
                (b'Z', body) => return (codes, body[0]),
                _ => {}
            }
        }
    };
    block_on(wire.send(b'Q', b"begin\0"));
    assert_eq!(ready(&mut wire), (vec![], b'T'));
    alone.faults.limit_concurrency(Some(0));
    for text in ["select 'b-first' from mart.orders", "select 'b-second' from mart.orders"] {
        block_on(wire.send(b'P', format!("\0{text}\0\0\0").as_bytes()));
        block_on(wire.send(b'B', b"\0\0\0\0\0\0\0\0"));
        block_on(wire.send(b'E', b"\0\0\0\0\0"));
    }
    block_on(wire.send(b'S', b""));
    let pid = alone.session_of("b-first", "queued");
    alone.reader.value(&format!("select pg_cancel_backend({pid})"));
    assert_eq!(ready(&mut wire), (vec![b"C57014".to_vec()], b'E'));
    block_on(wire.send(b'Q', b"rollback\0"));
    assert_eq!(ready(&mut wire), (vec![], b'I'));
    assert_eq!(alone.once("b-", "status <> 'queued'", "query_text like '%b-first%', status"), "t|canceled");
}

#[test]
fn a_wait_for_a_lock_is_still_told_when_it_is_over() {
    let _alone = Alone::take();
    let writer = Psql::on(WORKGROUP, "etl-writer");
    let holder =
        writer.spawn("begin; update mart.orders set coupon = 'l-holds' where order_id = 9; select pg_sleep(60)");
    let held = until(|| {
        let sql = "select session_id from sys_query_history where status = 'running' and query_text = 'begin'";
        Some(writer.value(sql)).filter(|pid| !pid.is_empty())
    });
    let waiter = writer.spawn("update mart.orders set coupon = 'l-waits' where order_id = 9");
    let last = |wanted: &str, columns: &str| {
        let sql = format!(
            "select {columns} from sys_query_history where query_text like '%''l-waits%' and query_type = 'UPDATE' and {wanted}"
        );
        until(|| Some(writer.value(&sql)).filter(|found| !found.is_empty()))
    };
    // No word for it in the list of statuses: lock_wait_time alone grows. What is kept of it is what was seen at the last look before
    // it was over, and looks take longer on a busy machine.
    last("status = 'running' and lock_wait_time > 2000000 and execution_time < lock_wait_time", "1");
    writer.run(&format!("select pg_terminate_backend({held})")).unwrap();
    complaint(holder);
    assert!(waiter.wait_with_output().unwrap().status.success());
    assert_eq!(last("status = 'success'", "lock_wait_time > 500000, execution_time < lock_wait_time"), "t|t");
}

#[test]
fn the_servers_clock_may_be_an_hour_ahead() {
    let alone = Alone::take();
    alone.reader.value("select 1");
    block_on(alone.faults.set_clock_ahead(time::Duration::hours(1)));
    let rows = alone.reader.value(
        "select 'c-needle', getdate()::timestamp(0), now() at time zone 'UTC' = getdate(), max(start_time)::timestamp(0), \
         getdate() - max(start_time) < interval '10 seconds' from sys_query_history where status = 'running'",
    );
    let columns: Vec<&str> = rows.split('|').collect();
    assert_eq!((columns[2], columns[4]), ("t", "t"), "{rows}");
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    for column in [columns[1], columns[3]] {
        let told = time::PrimitiveDateTime::parse(column, format).unwrap().assume_utc();
        let ahead = told - OffsetDateTime::now_utc();
        assert!((ahead - time::Duration::hours(1)).abs() < time::Duration::seconds(30), "{rows}");
    }
}

#[test]
fn more_sessions_than_there_may_be_are_refused_in_redshifts_words() {
    let alone = Alone::take();
    let one = alone.reader.spawn("select 'limit-one', pg_sleep(60)");
    let pid = alone.session_of("limit-one", "running");
    alone.faults.limit_connections(Some(1));
    let refused = alone.reader.error("select 1");
    assert!(refused.contains("connection limit \"1\" exceeded for non-bootstrap users"), "{refused}");
    alone.faults.limit_connections(None);
    alone.reader.value(&format!("select pg_terminate_backend({pid})"));
    complaint(one);
}

#[test]
fn a_server_may_answer_a_cancel_and_do_nothing() {
    let alone = Alone::take();
    let mut deaf = alone.reader.spawn("select 'deaf', pg_sleep(60)");
    let pid = alone.session_of("deaf", "running");
    block_on(alone.faults.ignore_cancel_functions(true));
    assert_eq!(alone.reader.value(&format!("select pg_cancel_backend({pid})")), "t");
    alone.reader.value(&format!("cancel {pid}"));
    alone.once("deaf", "elapsed_time > 1000000", "1");
    assert!(deaf.try_wait().unwrap().is_none());
    assert_eq!(alone.session_of("deaf", "running"), pid);
    alone.reader.value(&format!("select pg_terminate_backend({pid})"));
    complaint(deaf);
}
