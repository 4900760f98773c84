//! Ready-made strings that connect a client to a local proxy. None holds a secret: the proxy knows its own by the
//! owner of the socket.

use std::path::Path;

use crate::login::Login;

/// Where a client connects to.
#[derive(Clone, Copy, Debug)]
pub enum Address<'a> {
    /// Host and port.
    Tcp {
        /// `127.0.0.1`.
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

/// The same login in every client's own words.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Strings {
    /// `postgresql://…`, for libpq, psycopg, node-postgres and most others.
    pub uri: String,
    /// A psql command line for sh.
    pub psql: String,
    /// `jdbc:postgresql://…`; pgjdbc knows no Unix sockets, so this is always the port.
    pub jdbc: String,
    /// `export PGHOST=…` lines for sh.
    pub env: String,
}

/// Writes them.
#[must_use]
pub fn strings(address: Address<'_>, login: &Login) -> Strings {
    let (user, name) = (escape(&login.db_user), escape(&login.db_name));
    let (host, port) = match address {
        Address::Tcp { host, port } => (host.to_owned(), port),
        Address::Unix { folder, port } => (folder.to_string_lossy().into_owned(), port),
    };
    let uri = match address {
        Address::Tcp { .. } => format!("postgresql://{user}@{host}:{port}/{name}?sslmode=disable"),
        Address::Unix { .. } => format!("postgresql://{user}@{}:{port}/{name}", escape(&host)),
    };
    let jdbc_host = if let Address::Tcp { host, .. } = address { host } else { "127.0.0.1" };
    Strings {
        psql: format!("psql {}", quote(&uri)),
        jdbc: format!("jdbc:postgresql://{jdbc_host}:{port}/{name}?user={user}&sslmode=disable"),
        env: [
            ("PGHOST", host.as_str()),
            ("PGPORT", &port.to_string()),
            ("PGUSER", &login.db_user),
            ("PGDATABASE", &login.db_name),
            ("PGSSLMODE", "disable"),
        ]
        .iter()
        .map(|(name, value)| format!("export {name}={}\n", quote(value)))
        .collect(),
        uri,
    }
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
        let strings = strings(Address::Tcp { host: "127.0.0.1", port: 15_439 }, &login("bi-readonly", "dev"));
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
        let strings = strings(Address::Unix { folder: Path::new("/run/postern"), port: 15_439 }, &login("bi", "dev"));
        assert_eq!(strings.uri, "postgresql://bi@%2Frun%2Fpostern:15439/dev");
        assert_eq!(strings.jdbc, "jdbc:postgresql://127.0.0.1:15439/dev?user=bi&sslmode=disable");
    }
}
