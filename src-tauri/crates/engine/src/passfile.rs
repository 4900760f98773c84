//! Passwords of plain PostgreSQL servers, from where every PostgreSQL client looks for them: libpq's password file
//! (<https://www.postgresql.org/docs/current/libpq-pgpass.html>). Postern keeps no password itself.

use std::path::{Path, PathBuf};

use directories::BaseDirs;
use secrecy::SecretString;

use crate::error::Error;

/// The password for a login, from `file` in place of the usual one where it is given.
///
/// # Errors
/// [`Error::InvalidValue`] when the file has none, or others may read it; [`Error::Storage`] when it cannot be read.
pub(crate) fn password(
    file: Option<&Path>,
    host: &str,
    port: u16,
    db_name: &str,
    user: &str,
) -> Result<SecretString, Error> {
    let path =
        file.map(Path::to_owned).or_else(path).ok_or_else(|| missing("no home folder for this user", host, port))?;
    let text = read(&path)?;
    let wanted = [host, &port.to_string(), db_name, user];
    find(&text, &wanted).ok_or_else(|| missing(&format!("{} has no password", path.display()), host, port))
}

fn missing(why: &str, host: &str, port: u16) -> Error {
    Error::InvalidValue {
        field: "password".to_owned(),
        problem: format!(
            "{why} for this login; add a line `{host}:{port}:DATABASE:USER:PASSWORD` to the password file"
        ),
    }
}

fn path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("PGPASSFILE").filter(|value| !value.is_empty()) {
        return Some(PathBuf::from(path));
    }
    let dirs = BaseDirs::new()?;
    Some(if cfg!(windows) { dirs.config_dir().join("postgresql/pgpass.conf") } else { dirs.home_dir().join(".pgpass") })
}

fn read(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::Storage { path: path.to_owned(), source };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(Error::InvalidValue {
                field: path.display().to_string(),
                problem: "others may read it; run chmod 0600 on it".to_owned(),
            });
        }
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// The first line whose four fields match, each literally or by `*`.
fn find(text: &str, wanted: &[&str; 4]) -> Option<SecretString> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = fields(line);
        let (password, keys) = fields.split_last().filter(|(_, keys)| keys.len() == wanted.len())?;
        let matches = keys.iter().zip(wanted).all(|(key, wanted)| key == "*" || key == wanted);
        matches.then(|| SecretString::from(password.clone()))
    })
}

/// Splits at colons; a backslash takes the next character literally.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => fields.last_mut().into_iter().for_each(|field| field.extend(characters.next())),
            other => fields.last_mut().into_iter().for_each(|field| field.push(other)),
        }
    }
    fields
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_first_matching_line_counts() {
        let text = "# mine\nother:5432:*:bob:no\ndb\\:1:5432:*:bob:a\\:b\n*:*:*:*:rest\n";
        let password = |host| find(text, &[host, "5432", "dev", "bob"]).unwrap().expose_secret().to_owned();
        assert_eq!(password("db:1"), "a:b");
        assert_eq!(password("elsewhere"), "rest");
        assert!(find("a:b:c\n", &["a", "b", "c", "d"]).is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(read(file.path()), Err(Error::InvalidValue { .. })));
    }
}
