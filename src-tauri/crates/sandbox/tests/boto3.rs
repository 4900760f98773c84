//! boto3, unchanged and configured by the environment alone, calls the sandbox's AWS. The calls are in `conformance.py`.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use postern_sandbox::aws::AwsServer;
use postern_sandbox::clock::Clock;
use postern_sandbox::ledger::PasswordLedger;
use postern_sandbox::world::{BASE_USER, HOP_EXTERNAL_ID, REGION, World};
use secrecy::ExposeSecret;

const BOTO3: &str = "boto3==1.44.5";

#[tokio::test(flavor = "multi_thread")]
async fn boto3_calls_the_sandbox_unchanged() {
    let python = tokio::task::spawn_blocking(python_with_boto3).await.unwrap();
    let world = Arc::new(World::standard());
    let key = world.user(BASE_USER).unwrap().access_key.clone();
    let server = AwsServer::start(world, PasswordLedger::default(), Clock::default()).await.unwrap();

    let mut command = Command::new(python);
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance.py"))
        // Nothing of the developer's own AWS set-up may reach the script.
        .env_clear()
        .env("AWS_ENDPOINT_URL_STS", server.url())
        .env("AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS", server.url())
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", &key.id)
        .env("AWS_SECRET_ACCESS_KEY", key.secret.expose_secret())
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOP_EXTERNAL_ID", HOP_EXTERNAL_ID);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "conformance.py failed:\n{}", both(&output));
    server.stop().await;
}

/// The interpreter of a virtual environment that has boto3. It is made once and kept under `target/`.
fn python_with_boto3() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let finished = target.join(format!("conformance-{}", BOTO3.replace("==", "-")));
    let python = finished.join("bin/python");
    if python.exists() {
        return python;
    }
    // Made under a name of its own and moved into place, so that a run that was cut short leaves nothing half made.
    let unfinished = tempfile::Builder::new().prefix("conformance-").tempdir_in(target).unwrap();
    let folder = unfinished.path().to_str().unwrap();
    run(Command::new("python3").args(["-m", "venv", folder]), "apt-get install python3 python3-venv");
    run(
        Command::new(unfinished.path().join("bin/python")).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            BOTO3,
        ]),
        "give pip access to PyPI or a mirror of it (PIP_INDEX_URL)",
    );
    // Another run may have been quicker: its environment is as good.
    if std::fs::rename(unfinished.path(), &finished).is_ok() {
        let _ = unfinished.keep();
    }
    assert!(python.exists(), "{} should exist by now", python.display());
    python
}

fn run(command: &mut Command, remedy: &str) {
    match command.output() {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{command:?} failed; to run this test: {remedy}\n{}", both(&output)),
        Err(error) => panic!("{command:?} could not start ({error}); to run this test: {remedy}"),
    }
}

fn both(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
