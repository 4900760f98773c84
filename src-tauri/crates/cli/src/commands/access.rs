//! `access check`, `access options`.

use postern_engine::{Choices, Engine, Login};

use crate::{
    args::{AccessCheck, AccessOptions, Format},
    failure::Failure,
    print,
};

/// Prints the decision. Exit code 1 when it is a denial, so that a script can tell.
pub(crate) fn check(engine: &Engine, format: Format, check: &AccessCheck) -> Result<(), Failure> {
    let login = Login { database: check.db.clone(), db_user: check.db_user.clone(), db_name: check.db_name.clone() };
    let decision = engine.access_check(check.user.as_deref(), &login)?;
    print::data(format, &decision, || {
        let mut text = format!("{}: {}\n", if decision.allowed { "allowed" } else { "denied" }, decision.reason);
        for step in &decision.steps {
            let effect = format!("{:?}", step.effect).to_lowercase();
            let matched = if step.matched { "matches" } else { "does not match" };
            text.push_str(&format!("  {} {effect} {} {matched}: {}\n", step.role, step.condition, step.detail));
        }
        text
    })?;
    if decision.allowed { Ok(()) } else { Err(Failure::Exit(1)) }
}

pub(crate) fn options(engine: &Engine, format: Format, asked: &AccessOptions) -> Result<(), Failure> {
    let options = engine.access_options(asked.user.as_deref(), &asked.db)?;
    print::data(format, &options, || {
        let line = |what: &str, choices: &Choices| {
            let wildcard = if choices.wildcard { "* " } else { "" };
            format!("{what}: {wildcard}{}; denied: {}\n", choices.allowed.join(" "), choices.denied.join(" "))
        };
        line("db_users", &options.db_users) + &line("db_names", &options.db_names)
    })
}
