//! The repository's own rules: what `src-tauri/ARCHITECTURE.md` calls invariants, as far as a test can see them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const TOP_LEVEL: [&str; 7] = ["Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "icons", "src-tauri", "ui"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the repository").to_owned()
}

/// All files below a folder with one of these endings, without what is built or installed.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the repository is readable") {
            let path = entry.expect("its entries too").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["node_modules", "dist", "gen", "target"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "nothing under {folder} ends with {endings:?}: the rule below would check nothing");
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names under `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    read(&root().join(manifest))
        .lines()
        .skip_while(|line| *line != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next().filter(|name| !name.is_empty() && !name.starts_with('#')))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_top_level_holds_only_what_it_should() {
    for entry in fs::read_dir(root()).expect("the repository is readable") {
        let name = entry.expect("its entries too").file_name().to_string_lossy().into_owned();
        let allowed =
            TOP_LEVEL.contains(&name.as_str()) || ["tests", "target"].contains(&name.as_str()) || name.starts_with('.');
        assert!(allowed, "the top level holds {name}");
    }
}

#[test]
fn every_rust_file_says_what_it_is_for() {
    let without: Vec<_> = ["src-tauri", "tests"]
        .iter()
        .flat_map(|folder| files(folder, &[".rs"]))
        .filter(|path| !read(path).starts_with("//!"))
        .collect();
    assert!(without.is_empty(), "these files do not begin with //!: {without:?}");
}

#[test]
fn only_the_shell_names_tauri() {
    for manifest in files("src-tauri", &["Cargo.toml"]).into_iter().chain([root().join("tests/Cargo.toml")]) {
        if manifest == root().join("src-tauri/Cargo.toml") {
            continue;
        }
        let named = read(&manifest).lines().any(|line| line.starts_with("tauri"));
        assert!(!named, "{} depends on tauri", manifest.display());
    }
}

#[test]
fn only_one_file_of_the_ui_imports_tauri() {
    for path in files("ui/src", &[".ts", ".tsx"]) {
        let named = read(&path).lines().any(|line| line.contains("from \"@tauri-apps/"));
        assert!(!named || path.ends_with("ipc/tauri-backend.ts"), "{} imports @tauri-apps", path.display());
    }
}

#[test]
fn wire_sql_and_access_do_no_io() {
    for name in ["wire", "sql", "access"] {
        let manifest = format!("src-tauri/crates/{name}/Cargo.toml");
        for forbidden in ["tokio", "tokio-util", "aws-config", "time"] {
            assert!(!dependencies(&manifest).contains(forbidden), "{name} depends on {forbidden}");
        }
        for path in files(&format!("src-tauri/crates/{name}/src"), &[".rs"]) {
            let text = read(&path);
            for forbidden in ["std::fs", "std::net", "SystemTime", "Instant::now"] {
                assert!(!text.contains(forbidden), "{} names {forbidden}", path.display());
            }
        }
    }
}

#[test]
fn of_ours_the_proxy_knows_messages_and_sql_as_text_and_that_knows_nobody() {
    let ours = |name: &str| -> Vec<String> {
        let all = dependencies(&format!("src-tauri/crates/{name}/Cargo.toml"));
        all.into_iter().filter(|dependency| dependency.starts_with("postern-")).collect()
    };
    assert_eq!(ours("proxy"), ["postern-sql", "postern-wire"]);
    assert!(dependencies("src-tauri/crates/sql/Cargo.toml").is_empty());
}

#[test]
fn the_proxy_knows_no_aws() {
    let found: Vec<_> = dependencies("src-tauri/crates/proxy/Cargo.toml")
        .into_iter()
        .filter(|name| name.starts_with("aws-") || name == "postern-aws" || name == "postern-access")
        .collect();
    assert!(found.is_empty(), "proxy depends on {found:?}");
}

#[test]
fn the_sandbox_is_no_part_of_the_product() {
    for product in ["wire", "sql", "access", "aws", "proxy", "console", "engine", "ipc", "cli"] {
        let manifest = format!("src-tauri/crates/{product}/Cargo.toml");
        assert!(!dependencies(&manifest).contains("postern-sandbox"), "{product} depends on the sandbox");
    }
    assert!(!dependencies("src-tauri/Cargo.toml").contains("postern-sandbox"), "the shell depends on the sandbox");
}

#[test]
fn features_of_the_ui_do_not_import_each_other() {
    for path in files("ui/src/features", &[".ts", ".tsx"]) {
        let feature = path
            .strip_prefix(root().join("ui/src/features"))
            .ok()
            .and_then(|rest| rest.components().next())
            .map(|name| name.as_os_str().to_string_lossy().into_owned())
            .unwrap_or_default();
        for line in read(&path).lines() {
            let Some(target) = line.split("from \"").nth(1).and_then(|rest| rest.split('"').next()) else { continue };
            let Some(other) = feature_of(&path, target) else { continue };
            assert!(other == feature, "{}: {line}", path.display());
        }
    }
}

/// The feature that a relative import leads to, if it leads to one.
fn feature_of(file: &Path, target: &str) -> Option<String> {
    let mut place = file.parent().filter(|_| target.starts_with('.'))?.to_owned();
    for part in target.split('/') {
        match part {
            ".." => {
                place.pop();
            }
            "." => {}
            name => place.push(name),
        }
    }
    let inside = place.strip_prefix(root().join("ui/src/features")).ok()?.to_owned();
    inside.components().next().map(|name| name.as_os_str().to_string_lossy().into_owned())
}

#[test]
fn an_import_of_another_feature_is_noticed() {
    let file = root().join("ui/src/features/console/grid/Grid.tsx");
    assert_eq!(feature_of(&file, "../../activity/Timeline").as_deref(), Some("activity"));
    assert_eq!(feature_of(&file, "../editor").as_deref(), Some("console"));
    assert_eq!(feature_of(&file, "../../../components/Note"), None);
    assert_eq!(feature_of(&file, "react"), None);
}

#[test]
fn the_typescript_of_the_contract_is_current() {
    let committed = read(&root().join("ui/src/ipc/contract.ts"));
    assert!(committed == postern_ipc::contract::typescript(), "run `cargo xtask bindings`");
}

#[test]
fn tauri_plugins_are_of_one_version_on_both_sides() {
    let lock = read(&root().join("Cargo.lock"));
    let package: serde_json::Value =
        serde_json::from_str(&read(&root().join("ui/package-lock.json"))).expect("package-lock.json is JSON");
    let packages = package["packages"].as_object().expect("it lists packages");
    let mut compared = 0;
    for (path, value) in packages {
        let Some(plugin) = path.strip_prefix("node_modules/@tauri-apps/plugin-") else { continue };
        let script = value["version"].as_str().unwrap_or_default();
        let head = format!("name = \"tauri-plugin-{plugin}\"\nversion = \"");
        let rust = lock.split(&head).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let major = |version: &str| version.split('.').next().unwrap_or_default().to_owned();
        assert_eq!(major(script), major(rust), "{plugin}: {script} in the UI, {rust} in the shell");
        compared += 1;
    }
    assert!(compared > 0, "no plugin was compared");
}
