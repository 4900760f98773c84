//! Every input that is kept holds what the targets say, without libFuzzer: on every system, in every `cargo test`.

use std::{fs, path::Path};

/// Hands every file of a folder to a check; the name of the one at work is shown when it fails.
#[allow(clippy::print_stdout, reason = "shown when the test fails, and only then")]
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).expect("the inputs are in the repository") {
        let path = entry.expect("its entries are readable").path();
        println!("{}", path.display());
        check(&fs::read(&path).expect("an input is readable"));
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn start_up_packets() {
    replay("startup", postern_fuzz::startup::check);
}

#[test]
fn messages_of_clients() {
    replay("frontend", postern_fuzz::frontend::check);
}

#[test]
fn messages_of_servers() {
    replay("backend", postern_fuzz::backend::check);
}

#[test]
fn scripts() {
    replay("split", postern_fuzz::split::check);
}

#[test]
fn statements_for_read_only_sessions() {
    replay("split", postern_fuzz::read_only::check);
    replay("read_only", postern_fuzz::read_only::check);
}
