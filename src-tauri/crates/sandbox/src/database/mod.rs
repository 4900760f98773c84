//! Redshift Serverless workgroups: real PostgreSQL clusters behind fronts of our own.
//!
//! `front` takes connections and speaks TLS, `login` judges temporary passwords and dresses PostgreSQL up, `relay` and
//! `tracker` follow a session, `admission` holds statements back that would plan or queue, `metadata` lengthens row descriptions for Redshift's drivers, `history` is what
//! SYS_QUERY_HISTORY shows. Behind them `workgroup` wakes a `cluster`
//! that is a copy of the `template`, which `catalog.sql`, `roles.sql` and `warehouse.sql` have made; `provisioned.sql` takes from one
//! what a cluster of an older track lacks. `plain` is a PostgreSQL of which nothing is changed.

mod admin;
mod admission;
mod cancel;
mod certificates;
mod cluster;
mod faults;
mod front;
mod history;
mod installation;
mod login;
mod metadata;
mod plain;
mod relay;
mod statements;
mod template;
mod tracker;
mod warehouse;
mod watchdog;
mod wire;
mod workgroup;

pub(crate) use faults::Cut;
pub use plain::PlainPostgres;
pub(crate) use template::{Place, SUPERUSER, Size};
pub(crate) use warehouse::{Opened, Warehouse};
pub(crate) use workgroup::{Workgroup, WorkgroupSpec};
