//! `create`, `get`, `rm`, `users add`.

use std::{collections::BTreeMap, io::Read, path::Path};

use postern_engine::{Engine, Error, Kind, User};
use serde::Serialize;

use crate::{
    args::{Create, Format, Get, Remove, UserAdd},
    failure::Failure,
    print,
};

pub(crate) fn create(engine: &Engine, create: &Create) -> Result<(), Failure> {
    let (name, text) = read(&create.file)?;
    for stored in engine.create_resources(&name, &text, create.force)? {
        print::line(&stored.to_string());
    }
    Ok(())
}

pub(crate) fn get(engine: &Engine, format: Format, get: &Get) -> Result<(), Failure> {
    /// A document, for programs.
    #[derive(Serialize)]
    struct Resource {
        kind: &'static str,
        name: String,
        yaml: String,
    }
    let (kind, name) = parse(&get.what)?;
    let documents = engine.catalogue().get(kind, name.as_deref())?;
    let resources: Vec<Resource> = documents
        .iter()
        .map(|document| Resource {
            kind: document.kind().as_str(),
            name: document.name().to_owned(),
            yaml: document.yaml().to_owned(),
        })
        .collect();
    let yaml = || resources.iter().map(|resource| resource.yaml.as_str()).collect::<Vec<_>>().join("---\n");
    match format {
        Format::Yaml => {
            print::raw(&yaml());
            Ok(())
        }
        other => print::data(other, &resources, yaml),
    }
}

pub(crate) fn remove(engine: &Engine, remove: &Remove) -> Result<(), Failure> {
    let (kind, name) = parse(&remove.what)?;
    let name = name.ok_or_else(|| Failure::usage(format!("name the {kind} to remove: {kind}/NAME")))?;
    engine.remove_resource(kind, &name)?;
    print::line(&format!("{kind} '{name}' has been removed"));
    Ok(())
}

pub(crate) fn add_user(engine: &Engine, add: &UserAdd) -> Result<(), Failure> {
    let mut traits: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for given in &add.traits {
        let (name, values) = given
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--traits {given}: a trait is written name=value,value")))?;
        traits.entry(name.to_owned()).or_default().extend(values.split(',').map(str::to_owned));
    }
    let known = engine.catalogue().load()?.roles;
    for role in &add.roles {
        if !known.iter().any(|known| known.name == *role) {
            return Err(Error::not_found(Kind::Role, role).into());
        }
    }
    let user = User::new(&add.name, add.roles.clone(), traits);
    for stored in engine.create_resources("users add", user.yaml(), add.force)? {
        print::line(&stored.to_string());
    }
    Ok(())
}

/// The name of a file and its text; standard input for `-`.
pub(super) fn read(file: &Path) -> Result<(String, String), Failure> {
    if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::usage(format!("standard input: {error}")))?;
        return Ok(("standard input".to_owned(), text));
    }
    let text = std::fs::read_to_string(file).map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
    Ok((file.display().to_string(), text))
}

/// `role/NAME`, or `roles`.
fn parse(what: &str) -> Result<(Kind, Option<String>), Failure> {
    let (kind, name) = match what.split_once('/') {
        Some((kind, name)) => (kind, Some(name.to_owned())),
        None => (what, None),
    };
    Ok((kind.parse().map_err(|error| Failure::usage(format!("{error}")))?, name))
}
