//! `login`, `logout`, `status`.

use std::time::SystemTime;

use postern_engine::{Engine, rfc3339};
use serde::Serialize;

use crate::{
    args::{Format, Login},
    failure::Failure,
    print,
};

/// Who is signed in, as printed.
#[derive(Serialize)]
struct Status {
    user: String,
    roles: Vec<String>,
    aws_profile: Option<String>,
    home: String,
    /// Who AWS says each step of the chain is; the first is the source.
    hops: Vec<Hop>,
}

#[derive(Serialize)]
struct Hop {
    arn: String,
    account: Option<String>,
    source: String,
    expires: Option<String>,
}

pub(crate) async fn login(engine: &Engine, format: Format, login: &Login) -> Result<(), Failure> {
    engine.login(login.user.as_deref(), login.aws_profile.as_deref()).await?;
    status(engine, format).await
}

pub(crate) async fn logout(engine: &Engine) -> Result<(), Failure> {
    engine.logout().await?;
    print::say("Signed out. Local proxies are closed, credentials forgotten.");
    Ok(())
}

pub(crate) async fn status(engine: &Engine, format: Format) -> Result<(), Failure> {
    let identity = engine.identity()?.ok_or(postern_engine::Error::NotSignedIn)?;
    let caller = engine.caller_identity().await?;
    let mut hops = vec![Hop {
        arn: caller.arn,
        account: Some(caller.account),
        source: caller.source,
        expires: caller.expires_at.map(expiry),
    }];
    for role in engine.assumed_roles()? {
        hops.push(Hop {
            arn: role.assumed_arn,
            account: None,
            source: role.role_arn,
            expires: Some(expiry(role.expires_at)),
        });
    }
    let status = Status {
        user: identity.sign_in.user,
        roles: identity.user.roles.clone(),
        aws_profile: identity.sign_in.aws_profile,
        home: engine.home().config().display().to_string(),
        hops,
    };
    print::data(format, &status, || text(&status))
}

fn expiry(at: SystemTime) -> String {
    rfc3339(at)
}

fn text(status: &Status) -> String {
    let mut lines = vec![
        format!("User:        {}", status.user),
        format!("Roles:       {}", status.roles.join(", ")),
        format!("AWS profile: {}", status.aws_profile.as_deref().unwrap_or("(default chain)")),
        format!("Home:        {}", status.home),
    ];
    for hop in &status.hops {
        lines.push(format!("AWS:         {}", hop.arn));
        lines.push(format!("  from       {}", hop.source));
        lines.push(format!("  valid      {}", hop.expires.as_deref().unwrap_or("until it is revoked")));
    }
    lines.join("\n") + "\n"
}
