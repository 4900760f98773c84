//! One file per group of commands. Each unpacks its arguments, asks the engine and prints.

mod access;
mod audit;
mod cancel;
mod databases;
mod exec;
mod proxy;
mod queries;
mod resources;
mod session;

use postern_engine::{Engine, EngineOptions, Home, Login};

use crate::{
    args::{Access, Audit, Cli, Command, Db, Proxy, Target, Users},
    failure::Failure,
};

/// Does what the command line says.
pub(crate) async fn run(cli: Cli) -> Result<(), Failure> {
    let engine = Engine::open(Home::from_environment()?, EngineOptions::default())?;
    let format = cli.format;
    match cli.command {
        Command::Login(login) => session::login(&engine, format, &login).await,
        Command::Logout => session::logout(&engine).await,
        Command::Status => session::status(&engine, format).await,
        Command::Create(create) => resources::create(&engine, &create),
        Command::Get(get) => resources::get(&engine, format, &get),
        Command::Rm(remove) => resources::remove(&engine, &remove),
        Command::Users(Users::Add(add)) => resources::add_user(&engine, &add),
        Command::Db(Db::Ls(ls)) => databases::list(&engine, format, &ls),
        Command::Db(Db::Connect(connect)) => proxy::connect(&engine, &connect).await,
        Command::Db(Db::Exec(exec)) => exec::exec(&engine, format, &exec).await,
        Command::Db(Db::Logout(logout)) => proxy::logout(&engine, &logout).await,
        Command::Db(Db::Queries(queries)) => queries::queries(&engine, format, &queries).await,
        Command::Db(Db::Cancel(cancel)) => cancel::cancel(&engine, format, cancel).await,
        Command::Proxy(Proxy::Db(db)) => proxy::serve(&engine, format, &db).await,
        Command::Access(Access::Check(check)) => access::check(&engine, format, &check),
        Command::Access(Access::Options(options)) => access::options(&engine, format, &options),
        Command::Audit(Audit::Ls(list)) => audit::list(&engine, &list),
        Command::Audit(Audit::Verify) => audit::verify(&engine, format),
    }
}

/// The login that a command names, completed where there is only one choice.
fn login(engine: &Engine, target: &Target) -> Result<Login, Failure> {
    Ok(engine.complete_login(&target.database, target.db_user.as_deref(), target.db_name.as_deref())?)
}
