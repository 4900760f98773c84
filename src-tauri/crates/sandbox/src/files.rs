//! The files a sandbox writes: the home of a Postern that knows its workgroups, an AWS configuration, samples.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use secrecy::ExposeSecret as _;

use crate::world::{ACCOUNT, BASE_USER, HOP_EXTERNAL_ID, HOP_ROLE, Workgroup, World};

/// Role and user documents, by file name.
const SAMPLES: [(&str, &str); 3] = [
    ("redshift-role.yaml", include_str!("samples/redshift-role.yaml")),
    ("roles.yaml", include_str!("samples/roles.yaml")),
    ("users.yaml", include_str!("samples/users.yaml")),
];

/// Those that go into the home when a sandbox is made with samples. The guide's own role is left for its reader to
/// create.
const INSTALLED: [&str; 2] = ["roles.yaml", "users.yaml"];

/// Where things are below the sandbox's folder.
#[derive(Debug)]
pub(crate) struct Layout {
    dir: PathBuf,
}

impl Layout {
    /// A layout in `dir`, whose folders are made now, open to ourselves only.
    pub(crate) fn create(dir: &Path) -> Result<Self> {
        let layout = Self { dir: dir.to_owned() };
        for made in [layout.resources(), layout.samples(), layout.aws()] {
            fs::create_dir_all(&made).with_context(|| format!("cannot create {}", made.display()))?;
        }
        for closed in [layout.home(), layout.aws()] {
            fs::set_permissions(&closed, fs::Permissions::from_mode(0o700))
                .with_context(|| format!("cannot protect {}", closed.display()))?;
        }
        Ok(layout)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    pub(crate) fn aws_config(&self) -> PathBuf {
        self.aws().join("config")
    }

    pub(crate) fn aws_credentials(&self) -> PathBuf {
        self.aws().join("credentials")
    }

    fn resources(&self) -> PathBuf {
        self.home().join("resources")
    }

    fn samples(&self) -> PathBuf {
        self.dir.join("samples")
    }

    fn aws(&self) -> PathBuf {
        self.dir.join("aws")
    }

    /// Writes the CA, and each workgroup as a `kind: db` that leads to its port.
    pub(crate) fn write_databases(&self, world: &World, ports: &BTreeMap<String, u16>, ca_pem: &str) -> Result<()> {
        write(&self.ca_file(), ca_pem)?;
        for workgroup in &world.workgroups {
            let Some(port) = ports.get(&workgroup.name) else { continue };
            let path = self.resources().join(format!("db-{}.yaml", workgroup.name));
            write(&path, &db_resource(workgroup, *port, ca_pem))?;
        }
        Ok(())
    }

    /// Writes the samples, and installs some of them if asked.
    pub(crate) fn write_samples(&self, install: bool) -> Result<()> {
        for (name, text) in SAMPLES {
            write(&self.samples().join(name), text)?;
            if install && INSTALLED.contains(&name) {
                write(&self.resources().join(name), text)?;
            }
        }
        Ok(())
    }

    /// Writes what `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name: the base user as `default` and as
    /// `data-eng`, and every other user under its own name.
    pub(crate) fn write_aws(&self, world: &World) -> Result<()> {
        let (mut config, mut credentials) = (String::new(), String::new());
        for user in &world.users {
            let profiles: &[&str] = if user.name == BASE_USER { &["default", "data-eng"] } else { &[&user.name] };
            for profile in profiles {
                let section = if *profile == "default" { "default".to_owned() } else { format!("profile {profile}") };
                let _ = writeln!(config, "[{section}]\nregion = {}\noutput = json\n", world.region);
                let secret = user.access_key.secret.expose_secret();
                let _ = writeln!(
                    credentials,
                    "[{profile}]\naws_access_key_id = {}\naws_secret_access_key = {secret}\n",
                    user.access_key.id
                );
            }
        }
        write(&self.aws_config(), &config)?;
        write(&self.aws_credentials(), &credentials)
    }

    /// Removes what was written. PostgreSQL's folder has removed itself.
    pub(crate) fn remove(&self) {
        for made in [self.home(), self.samples(), self.aws()] {
            let _ = fs::remove_dir_all(made);
        }
        let _ = fs::remove_file(self.ca_file());
    }
}

/// A database in the shape that Teleport reads.
fn db_resource(workgroup: &Workgroup, port: u16, ca_pem: &str) -> String {
    let labels: String = workgroup.tags.iter().map(|(key, value)| format!("    {key}: {}\n", quoted(value))).collect();
    // Another account's roles are behind a role of that account.
    let hop = if workgroup.account == ACCOUNT {
        String::new()
    } else {
        let role = format!("arn:aws:iam::{}:role/{HOP_ROLE}", workgroup.account);
        format!("    assume_role_arn: {role}\n    external_id: {HOP_EXTERNAL_ID}\n")
    };
    let ca: String = ca_pem.lines().map(|line| format!("      {line}\n")).collect();
    format!(
        "kind: db\nversion: v3\nmetadata:\n  name: {name}\n  description: {description}\n  labels:\n{labels}\
         spec:\n  protocol: postgres\n  uri: 127.0.0.1:{port}\n\
         \x20 aws:\n    region: {region}\n    account_id: \"{account}\"\n{hop}\
         \x20   redshift_serverless:\n      workgroup_name: {name}\n\
         \x20 tls:\n    mode: verify-full\n    server_name: {host}\n    ca_cert: |\n{ca}",
        name = workgroup.name,
        description = quoted(&description(workgroup)),
        region = workgroup.region,
        account = workgroup.account,
        host = workgroup.host_name(),
    )
}

/// What the people of this warehouse call it. AWS knows no description of a workgroup: this is the resource's own.
fn description(workgroup: &Workgroup) -> String {
    match workgroup.name.as_str() {
        "analytics-prod" => "Orders and marts".to_owned(),
        "analytics-stage" => "Copy of prod".to_owned(),
        "analytics-dev" => "Personal schemas".to_owned(),
        "events-prod" => "Raw clickstream".to_owned(),
        "finance-prod" => "Ledger".to_owned(),
        "ml-dev" => "Feature store".to_owned(),
        "logistics-prod" => "Delivery, stock".to_owned(),
        _ => format!("Redshift Serverless, {}", workgroup.region),
    }
}

/// A YAML string in double quotes, which JSON's are.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Secrets are among what is written, so that only we may read it.
fn write(path: &Path, text: &str) -> Result<()> {
    let write = || {
        fs::write(path, text)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_workgroup_of_another_account_is_reached_through_its_hop() {
        let world = World::standard();
        let near = db_resource(world.workgroup("analytics-prod").unwrap(), 40_001, "-----BEGIN\nabc\n");
        let far = db_resource(world.workgroup("logistics-prod").unwrap(), 40_002, "-----BEGIN\nabc\n");

        assert!(near.contains("  uri: 127.0.0.1:40001\n"));
        assert!(near.contains("    ca_cert: |\n      -----BEGIN\n      abc\n"));
        assert!(!near.contains("assume_role_arn"));
        assert!(far.contains("    assume_role_arn: arn:aws:iam::222222222222:role/postern-access-hop\n"));
        assert!(far.contains("    external_id: postern-sandbox-7f3c91\n"));
        assert!(far.contains("    team: \"물류\"\n"));
    }
}
