//! Ready-made strings that connect a client to a local proxy. Those that are shown hold no secret; those that the command
//! prints or the app copies hold the password of a proxy that has one.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::login::Login;

/// Where a client connects to.
#[derive(Clone, Copy, Debug)]
pub enum Address<'a> {
    /// Host and port.
    Tcp {
        /// `127.0.0.1`, or another address it listens on.
        host: &'a str,
        /// Local port.
        port: u16,
    },
    /// libpq's kind of Unix socket: `.s.PGSQL.<port>` in a folder.
    Unix {
        /// The folder.
        folder: &'a Path,
        /// The port in its name.
        port: u16,
    },
}

/// The same login in every client's own words. `Debug` shows none of them: there may be a password within.
#[derive(Clone, Eq, PartialEq, serde::Serialize)]
pub struct Strings {
    /// `postgresql://…`, for libpq, psycopg, node-postgres and most others.
    pub uri: String,
    /// A psql command line for sh. A password is in its environment and not among its arguments, which every user can list.
    pub psql: String,
    /// `jdbc:postgresql://…`; pgjdbc knows no Unix sockets, so this is always the port.
    pub jdbc: String,
    /// `export PGHOST=…` lines for sh.
    pub env: String,
}

impl std::fmt::Debug for Strings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Strings").finish_non_exhaustive()
    }
}

/// What a client has to know besides address and login.
#[derive(Clone, Copy, Debug, Default)]
pub struct Security<'a> {
    /// The password, where there is one and it is to be in the strings.
    pub password: Option<&'a SecretString>,
    /// How the proxy is known, where it speaks TLS.
    pub tls: Option<TlsCheck<'a>>,
}

/// How a client verifies a proxy that speaks TLS.
#[derive(Clone, Copy, Debug)]
pub struct TlsCheck<'a> {
    /// PEM file of the authority.
    pub ca_file: &'a Path,
    /// Whether the certificate is for the name the client connects to: it is for those of this machine.
    pub name_fits: bool,
}

impl TlsCheck<'_> {
    fn mode(&self) -> &'static str {
        if self.name_fits { "verify-full" } else { "verify-ca" }
    }
}

/// Writes them.
#[must_use]
pub fn strings(address: Address<'_>, login: &Login, security: Security<'_>) -> Strings {
    let uri = |security: Security<'_>| uri(address, login, security);
    let password = security.password.map(ExposeSecret::expose_secret);
    let before_psql = password.map(|password| format!("PGPASSWORD={} ", quote(password))).unwrap_or_default();
    Strings {
        psql: format!("{before_psql}psql {}", quote(&uri(Security { password: None, ..security }))),
        jdbc: jdbc(address, login, security),
        env: env(address, login, security),
        uri: uri(security),
    }
}

fn uri(address: Address<'_>, login: &Login, security: Security<'_>) -> String {
    let (user, name) = (escape(&login.db_user), escape(&login.db_name));
    let password =
        security.password.map(|password| format!(":{}", escape(password.expose_secret()))).unwrap_or_default();
    match (address, security.tls) {
        // No client speaks TLS over a Unix socket.
        (Address::Unix { folder, port }, _) => {
            format!("postgresql://{user}{password}@{}:{port}/{name}", escape(&folder.to_string_lossy()))
        }
        (Address::Tcp { host, port }, None) => {
            format!("postgresql://{user}{password}@{}:{port}/{name}?sslmode=disable", bracketed(host))
        }
        (Address::Tcp { host, port }, Some(tls)) => format!(
            "postgresql://{user}{password}@{}:{port}/{name}?sslmode={}&sslrootcert={}",
            bracketed(host),
            tls.mode(),
            escape(&tls.ca_file.to_string_lossy())
        ),
    }
}

fn jdbc(address: Address<'_>, login: &Login, security: Security<'_>) -> String {
    let (Address::Tcp { port, .. } | Address::Unix { port, .. }) = address;
    let host = if let Address::Tcp { host, .. } = address { host } else { "127.0.0.1" };
    let mut jdbc = format!(
        "jdbc:postgresql://{}:{port}/{}?user={}",
        bracketed(host),
        escape(&login.db_name),
        escape(&login.db_user)
    );
    if let Some(password) = security.password {
        jdbc.push_str(&format!("&password={}", escape(password.expose_secret())));
    }
    match security.tls {
        None => jdbc.push_str("&sslmode=disable"),
        Some(tls) => {
            jdbc.push_str(&format!("&sslmode={}&sslrootcert={}", tls.mode(), escape(&tls.ca_file.to_string_lossy())))
        }
    }
    jdbc
}

fn env(address: Address<'_>, login: &Login, security: Security<'_>) -> String {
    let (host, port) = match address {
        Address::Tcp { host, port } => (host.to_owned(), port),
        Address::Unix { folder, port } => (folder.to_string_lossy().into_owned(), port),
    };
    let port = port.to_string();
    let ca_file = security.tls.map(|tls| tls.ca_file.to_string_lossy().into_owned());
    let mut lines = vec![
        ("PGHOST", host.as_str()),
        ("PGPORT", &port),
        ("PGUSER", &login.db_user),
        ("PGDATABASE", &login.db_name),
        ("PGSSLMODE", security.tls.map_or("disable", |tls| tls.mode())),
    ];
    lines.extend(ca_file.as_deref().map(|file| ("PGSSLROOTCERT", file)));
    lines.extend(security.password.map(|password| ("PGPASSWORD", password.expose_secret())));
    lines.iter().map(|(name, value)| format!("export {name}={}\n", quote(value))).collect()
}

/// An IPv6 address, as a URI takes it.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// Percent-encodes what is not unreserved in a URI (RFC 3986), so that `IAMR:x` is not read as user and password.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Quotes for sh, when it needs it.
fn quote(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-._~/:@%=+,".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(db_user: &str, db_name: &str) -> Login {
        Login { database: "d".into(), db_user: db_user.into(), db_name: db_name.into() }
    }

    #[test]
    fn a_plain_login_reads_plainly() {
        let strings = strings(
            Address::Tcp { host: "127.0.0.1", port: 15_439 },
            &login("bi-readonly", "dev"),
            Security::default(),
        );
        assert_eq!(strings.uri, "postgresql://bi-readonly@127.0.0.1:15439/dev?sslmode=disable");
        assert_eq!(strings.psql, "psql 'postgresql://bi-readonly@127.0.0.1:15439/dev?sslmode=disable'");
        assert_eq!(strings.jdbc, "jdbc:postgresql://127.0.0.1:15439/dev?user=bi-readonly&sslmode=disable");
        assert!(strings.env.contains("export PGPORT=15439\n"));
    }

    #[test]
    fn colons_slashes_quotes_and_korean_are_escaped() {
        let strings = strings(
            Address::Tcp { host: "127.0.0.1", port: 1 },
            &login("arn:aws:iam::111111111111:role/bi", "it's 물류"),
            Security::default(),
        );
        assert!(
            strings
                .uri
                .starts_with("postgresql://arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fbi@127.0.0.1:1/it%27s%20%EB")
        );
        assert!(strings.env.contains(r"export PGDATABASE='it'\''s 물류'"), "{}", strings.env);
    }

    #[test]
    fn a_unix_socket_goes_into_the_uri_as_an_escaped_folder() {
        let strings = strings(
            Address::Unix { folder: Path::new("/run/postern"), port: 15_439 },
            &login("bi", "dev"),
            Security::default(),
        );
        assert_eq!(strings.uri, "postgresql://bi@%2Frun%2Fpostern:15439/dev");
        assert_eq!(strings.jdbc, "jdbc:postgresql://127.0.0.1:15439/dev?user=bi&sslmode=disable");
    }

    #[test]
    fn a_password_and_a_certificate_are_in_each_clients_own_words() {
        let password = SecretString::from("s3cret");
        let tls = TlsCheck { ca_file: Path::new("/h o/ca.pem"), name_fits: true };
        let security = Security { password: Some(&password), tls: Some(tls) };
        let told = strings(Address::Tcp { host: "127.0.0.1", port: 5 }, &login("bi", "dev"), security);
        let checks = "sslmode=verify-full&sslrootcert=%2Fh%20o%2Fca.pem";
        assert_eq!(told.uri, format!("postgresql://bi:s3cret@127.0.0.1:5/dev?{checks}"));
        assert_eq!(told.psql, format!("PGPASSWORD=s3cret psql 'postgresql://bi@127.0.0.1:5/dev?{checks}'"));
        assert_eq!(told.jdbc, format!("jdbc:postgresql://127.0.0.1:5/dev?user=bi&password=s3cret&{checks}"));
        for line in
            ["export PGPASSWORD=s3cret\n", "export PGSSLMODE=verify-full\n", "export PGSSLROOTCERT='/h o/ca.pem'\n"]
        {
            assert!(told.env.contains(line), "{line} in {}", told.env);
        }
        assert!(!format!("{told:?}").contains("s3cret"));
    }

    #[test]
    fn an_address_of_version_6_is_bracketed_and_a_strange_name_is_not_checked() {
        let tls = TlsCheck { ca_file: Path::new("/ca.pem"), name_fits: false };
        let security = Security { password: None, tls: Some(tls) };
        let told = strings(Address::Tcp { host: "fd00::1", port: 5 }, &login("bi", "dev"), security);
        assert_eq!(told.uri, "postgresql://bi@[fd00::1]:5/dev?sslmode=verify-ca&sslrootcert=%2Fca.pem");
        assert!(told.jdbc.starts_with("jdbc:postgresql://[fd00::1]:5/dev?"));
        assert!(told.env.contains("export PGHOST=fd00::1\n"));
    }
}
