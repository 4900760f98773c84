//! The command line, as typed. Mirrors `tsh` and `tctl` where they have the command.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use postern_engine::results::parameters::{Kind, Parameter};

/// Passwordless access to Amazon Redshift Serverless and other PostgreSQL databases through AWS IAM.
#[derive(Debug, Parser)]
#[command(name = "postern", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How to print: text, json or yaml; rows of `db exec` as table, csv, json, ndjson, parquet or arrow.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Say more on stderr; twice for even more.
    #[arg(long, short = 'd', global = true, action = clap::ArgAction::Count)]
    pub(crate) debug: u8,
}

/// How to print.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
    /// Rows aligned, as psql prints them.
    Table,
    /// Rows as RFC 4180, with a header.
    Csv,
    /// Rows as one JSON object a line.
    Ndjson,
    /// Rows with their types, as Apache Parquet.
    Parquet,
    /// Rows with their types, as an Arrow IPC file.
    Arrow,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Sign in as a Postern user, with AWS credentials of the default chain or of a profile.
    Login(Login),
    /// Sign out and forget.
    Logout,
    /// Who is signed in, and who that is for AWS.
    Status,
    /// Create roles, users and databases from a YAML file.
    Create(Create),
    /// Print a resource, or all of a kind, as YAML.
    Get(Get),
    /// Remove a resource.
    Rm(Remove),
    /// Users.
    #[command(subcommand)]
    Users(Users),
    /// Databases: list, connect, run SQL, watch and cancel queries.
    #[command(subcommand)]
    Db(Db),
    /// Local proxies.
    #[command(subcommand)]
    Proxy(Proxy),
    /// What roles allow, and why.
    #[command(subcommand)]
    Access(Access),
    /// The audit log.
    #[command(subcommand)]
    Audit(Audit),
}

/// `login`
#[derive(Args, Debug)]
pub(crate) struct Login {
    /// Name of a user resource; the one signed in last, or the only one, when left out.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// Profile of the AWS configuration files; the default credential chain when left out.
    #[arg(long, env = "AWS_PROFILE")]
    pub(crate) aws_profile: Option<String>,
}

/// `create`
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// YAML file, `-` for standard input.
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Replace what exists.
    #[arg(long)]
    pub(crate) force: bool,
}

/// `get`
#[derive(Args, Debug)]
pub(crate) struct Get {
    /// `role`, `user`, `db`, or one of them: `role/NAME`.
    pub(crate) what: String,
}

/// `rm`
#[derive(Args, Debug)]
pub(crate) struct Remove {
    /// `role/NAME`, `user/NAME` or `db/NAME`.
    pub(crate) what: String,
}

/// `users …`
#[derive(Debug, Subcommand)]
pub(crate) enum Users {
    /// Add a user.
    Add(UserAdd),
}

/// `users add`
#[derive(Args, Debug)]
pub(crate) struct UserAdd {
    /// Name of the user.
    pub(crate) name: String,
    /// Roles, with commas between.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) roles: Vec<String>,
    /// A trait and its values: `team=data,bi`. May be given several times.
    #[arg(long, value_name = "NAME=VALUE,…")]
    pub(crate) traits: Vec<String>,
    /// Replace an existing user.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Which login to use in a database.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// Name of the database.
    pub(crate) database: String,
    /// IAM role (name or ARN) to be in Redshift, or plain user elsewhere; may be left out when only one is allowed.
    #[arg(long)]
    pub(crate) db_user: Option<String>,
    /// Database inside the server; may be left out when only one is allowed.
    #[arg(long)]
    pub(crate) db_name: Option<String>,
}

/// `db …`
#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// List the databases that you may see.
    Ls(DbLs),
    /// Open psql through a local proxy.
    Connect(DbConnect),
    /// Run SQL and print the rows.
    Exec(DbExec),
    /// Close all proxies of a database (of all databases when none is named) and forget its credentials.
    Logout(DbLogout),
    /// List the queries of a server.
    Queries(DbQueries),
    /// Cancel one query or several, and prove it.
    ///
    /// Exit code: 0 when every query that was meant runs no more, by the server's word; 1 when one still runs, was refused or could not
    /// be asked for; 2 when the command line makes no sense.
    Cancel(DbCancel),
}

/// `db ls`
#[derive(Args, Debug)]
pub(crate) struct DbLs {
    /// Words that must occur in the name, description or labels.
    #[arg(long)]
    pub(crate) search: Option<String>,
    /// Show endpoints too.
    #[arg(long, short = 'v')]
    pub(crate) verbose: bool,
}

/// `db connect`
#[derive(Args, Debug)]
pub(crate) struct DbConnect {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Let nothing through that is not known to only read.
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Handed to psql.
    #[arg(last = true, value_name = "PSQL ARGS")]
    pub(crate) psql: Vec<String>,
}

/// `db exec`
#[derive(Args, Debug)]
pub(crate) struct DbExec {
    #[command(flatten)]
    pub(crate) target: Target,
    /// SQL, one or several statements.
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub(crate) sql: Option<String>,
    /// File with SQL, `-` for standard input.
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// A value for `:NAME` in the SQL, sent apart from it: NAME=VALUE, and the server takes it for what fits, or NAME:KIND=VALUE
    /// with KIND text, number, date, timestamp or boolean. NAME:null is NULL. May be given several times.
    #[arg(long = "param", value_name = "NAME[:KIND]=VALUE", value_parser = parameter)]
    pub(crate) parameters: Vec<Parameter>,
    /// Let nothing through that is not known to only read.
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Write to a file instead of standard output; the file is complete or absent.
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace the file of -o if it exists; until the new one is complete it stays as it is.
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

/// `db logout`
#[derive(Args, Debug)]
pub(crate) struct DbLogout {
    /// Name of the database.
    pub(crate) database: Option<String>,
}

/// `db queries`
#[derive(Args, Debug)]
pub(crate) struct DbQueries {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Finished ones too.
    #[arg(long)]
    pub(crate) all: bool,
    /// List them again and again until a signal; with `--format json` one line for each time. Each time keeps a workgroup awake, which
    /// is billed.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Seconds between two lists of --watch.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, requires = "watch", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) every: u64,
}

/// `db cancel`
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true).args(["session", "user", "older_than"]))]
pub(crate) struct DbCancel {
    #[command(flatten)]
    pub(crate) target: Target,
    /// `session_id` of the query, the PID that pg_cancel_backend takes.
    #[arg(long, value_name = "PID", conflicts_with_all = ["user", "older_than"])]
    pub(crate) session: Option<i32>,
    /// Refuse unless the session still runs this query.
    #[arg(long, value_name = "ID", requires = "session", conflicts_with_all = ["user", "older_than"])]
    pub(crate) query: Option<i64>,
    /// All live queries of this database user.
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,
    /// All live queries that have taken longer than this: 90s, 5m, 2h.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) older_than: Option<Duration>,
    /// End the whole session (pg_terminate_backend): its open transaction is rolled back, its temporary tables go.
    #[arg(long)]
    pub(crate) terminate: bool,
    /// What the owner is told in place of the server's own sentence (CANCEL pid 'message'). Redshift only.
    #[arg(long, value_name = "TEXT", conflicts_with = "terminate")]
    pub(crate) message: Option<String>,
    /// Why, for the audit log.
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,
    /// List what would be canceled, and cancel nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Cancel queries of other users too. Without it, one of another user's is refused.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `proxy …`
#[derive(Debug, Subcommand)]
pub(crate) enum Proxy {
    /// Start a local proxy and keep it until a signal. Prints its address as one line of JSON with `--format json`.
    Db(ProxyDb),
}

/// `proxy db`
#[derive(Args, Debug)]
pub(crate) struct ProxyDb {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Local port; the one this database keeps when left out, 0 for any free one.
    #[arg(long, short = 'p')]
    pub(crate) port: Option<u16>,
    /// Give the Unix socket as the address. It is there beside the port in any case.
    #[arg(long)]
    pub(crate) unix: bool,
    /// Who may use it: programs of the same user, or whoever knows a password that is made now and printed. Without it, the same user
    /// where the system can tell, which is Linux.
    #[arg(long, value_enum)]
    pub(crate) auth: Option<Auth>,
    /// How the password is asked for. md5 and cleartext are for drivers that cannot do SCRAM, such as redshift_connector.
    #[arg(long, value_enum, requires = "auth", value_name = "METHOD")]
    pub(crate) password_method: Option<PasswordMethod>,
    /// Offer TLS with a certificate of this machine's own, for clients that insist on it (sslmode=require and up).
    #[arg(long)]
    pub(crate) tls: bool,
    /// An address to listen on in place of 127.0.0.1, with its port.
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "port", value_parser = listen)]
    pub(crate) listen: Option<Listen>,
    /// Let nothing through that is not known to only read; refused statements get SQLSTATE 25006. What a function does cannot be told
    /// from its call.
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Let --listen name an address that other machines can reach. Needs --auth password, and --tls unless nobody is between.
    #[arg(long, requires = "listen")]
    pub(crate) insecure_listen_anywhere: bool,
}

/// Who may use a local proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Auth {
    /// Programs of the same OS user.
    SameUser,
    /// Whoever knows the password.
    Password,
}

/// How a password is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum PasswordMethod {
    /// The password itself does not travel.
    #[value(name = "scram-sha-256")]
    ScramSha256,
    /// An older way that most drivers know.
    #[value(name = "md5")]
    Md5,
    /// The password as it is.
    #[value(name = "cleartext")]
    Cleartext,
}

/// `HOST:PORT`
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Listen {
    /// Nothing for `localhost`, which is where a proxy listens anyway.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
}

fn listen(text: &str) -> Result<Listen, String> {
    let wrong = |what: &str| format!("{what}; write it as 127.0.0.1:15439, localhost:0 or [::1]:15439");
    let (host, port) = text.rsplit_once(':').ok_or_else(|| wrong("no port"))?;
    let port = port.parse().map_err(|_| wrong("no port"))?;
    if host == "localhost" {
        return Ok(Listen { address: None, port });
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address = match bare {
        Some(host) => host.parse().map(IpAddr::V6),
        None => host.parse().map(IpAddr::V4),
    };
    Ok(Listen { address: Some(address.map_err(|_| wrong("no IP address"))?), port })
}

/// `90s`, `5m`, `2h`
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write it as 90s, 5m or 2h".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    number.checked_mul(unit).map(Duration::from_secs).ok_or_else(wrong)
}

/// `NAME=VALUE`, `NAME:KIND=VALUE`, `NAME:null`
fn parameter(text: &str) -> Result<Parameter, String> {
    let (head, value) = text.split_once('=').map_or((text, None), |(head, value)| (head, Some(value)));
    let (name, kind) = head.split_once(':').map_or((head, None), |(name, kind)| (name, Some(kind)));
    let kind = match kind {
        None => Kind::Any,
        Some("text") => Kind::Text,
        Some("number") => Kind::Number,
        Some("date") => Kind::Date,
        Some("timestamp") => Kind::Timestamp,
        Some("boolean") => Kind::Boolean,
        Some("null") => Kind::Null,
        Some(other) => return Err(format!("'{other}' is none of text, number, date, timestamp, boolean and null")),
    };
    let value = match (kind, value) {
        (Kind::Null, None) => "",
        (Kind::Null, Some(_)) => return Err("null has no value: write NAME:null".to_owned()),
        (_, Some(value)) => value,
        (_, None) => return Err("no value: write NAME=VALUE, or NAME:null".to_owned()),
    };
    if name.is_empty() {
        return Err("no name: write NAME=VALUE".to_owned());
    }
    let parameter = Parameter { name: name.to_owned(), kind, value: value.to_owned() };
    parameter.bound().map_err(|error| error.to_string())?;
    Ok(parameter)
}

/// `access …`
#[derive(Debug, Subcommand)]
pub(crate) enum Access {
    /// Whether a session would be allowed, and why.
    Check(AccessCheck),
    /// Which database users and names one may choose.
    Options(AccessOptions),
}

/// `access check`
#[derive(Args, Debug)]
pub(crate) struct AccessCheck {
    /// Name of the database.
    #[arg(long)]
    pub(crate) db: String,
    /// As whom.
    #[arg(long)]
    pub(crate) db_user: String,
    /// Into which database of the server.
    #[arg(long)]
    pub(crate) db_name: String,
    /// For which Postern user; the one signed in when left out.
    #[arg(long)]
    pub(crate) user: Option<String>,
}

/// `access options`
#[derive(Args, Debug)]
pub(crate) struct AccessOptions {
    /// Name of the database.
    #[arg(long)]
    pub(crate) db: String,
    /// For which Postern user; the one signed in when left out.
    #[arg(long)]
    pub(crate) user: Option<String>,
}

/// `audit …`
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Print the records, a JSON line each.
    Ls(AuditLs),
    /// Whether the chain of records is whole.
    Verify,
}

/// `audit ls`
#[derive(Args, Debug)]
pub(crate) struct AuditLs {
    /// Only events whose name begins so: `db.session`.
    #[arg(long)]
    pub(crate) event: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_parameter_has_a_name_and_a_value_that_is_of_its_kind() {
        let told = |text: &str| parameter(text).map(|given| (given.name, given.kind, given.value));
        assert_eq!(told("a=b=c"), Ok(("a".to_owned(), Kind::Any, "b=c".to_owned())));
        assert_eq!(told("이름:text="), Ok(("이름".to_owned(), Kind::Text, String::new())));
        assert_eq!(told("n:number=1.5"), Ok(("n".to_owned(), Kind::Number, "1.5".to_owned())));
        assert_eq!(told("x:null"), Ok(("x".to_owned(), Kind::Null, String::new())));
        for text in ["", "a", "=b", "a:int=1", "a:number=one", "a:null=1", "a:date"] {
            assert!(told(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_has_a_unit() {
        let seconds = |text: &str| duration(text).map(|time| time.as_secs());
        assert_eq!((seconds("90s"), seconds("5m"), seconds("2h")), (Ok(90), Ok(300), Ok(7200)));
        for text in ["", "5", "m", "-5m", "5 m", "5d", "99999999999999999999h", "분"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_to_listen_on_has_a_host_and_a_port() {
        let told = |text: &str| listen(text).map(|listen| (listen.address.map(|ip| ip.to_string()), listen.port));
        assert_eq!(told("localhost:0"), Ok((None, 0)));
        assert_eq!(told("0.0.0.0:15439"), Ok((Some("0.0.0.0".to_owned()), 15_439)));
        assert_eq!(told("[::1]:1"), Ok((Some("::1".to_owned()), 1)));
        for text in ["", "127.0.0.1", ":1", "::1", "example.com:1", "127.0.0.1:99999", "[127.0.0.1]:1"] {
            assert!(told(text).is_err(), "{text}");
        }
    }
}
