//! One handler per command of the contract, one file per feature of the UI. A handler hands over and gives back:
//! anything that would need a test belongs below [`postern_ipc::host`].

mod activity;
mod connections;
mod console;
mod databases;
mod exports;
mod history;
mod objects;
mod plots;
mod resources;
mod session;
mod watch;

use tauri::{State, Wry, ipc::Invoke};

use self::{
    activity::*, connections::*, console::*, databases::*, exports::*, history::*, objects::*, plots::*, resources::*,
    session::*, watch::*,
};

/// What every handler gets.
type Host<'a> = State<'a, postern_ipc::host::Host>;

/// All commands of the contract; one without a handler does not compile.
pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    macro_rules! handlers {
        ($($name:ident($request:ty) -> $response:ty,)*) => { tauri::generate_handler![$($name),*] };
    }
    postern_ipc::commands!(handlers)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    /// Names of the contract.
    fn contract() -> BTreeSet<String> {
        macro_rules! names {
            ($($name:ident($request:ty) -> $response:ty,)*) => { [$(stringify!($name)),*] };
        }
        postern_ipc::commands!(names).into_iter().map(str::to_owned).collect()
    }

    /// What the capability of the window grants, as it stands in the file.
    fn granted() -> BTreeSet<String> {
        let capability: serde_json::Value = serde_json::from_str(include_str!("../../capabilities/main.json")).unwrap();
        capability["permissions"].as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_build_script_makes_a_permission_for_each_command() {
        let made: BTreeSet<String> = env!("POSTERN_COMMANDS").split(',').map(str::to_owned).collect();
        assert_eq!(made, contract());
    }

    #[test]
    fn the_window_is_granted_each_command_by_name() {
        let own: BTreeSet<String> = granted().into_iter().filter(|permission| !permission.contains(':')).collect();
        let wanted: BTreeSet<String> =
            contract().iter().map(|name| format!("allow-{}", name.replace('_', "-"))).collect();
        assert_eq!(own, wanted);
    }

    #[test]
    fn plugins_are_granted_by_the_single_permission_and_never_as_a_set() {
        let plugins: BTreeSet<String> = granted().into_iter().filter(|permission| permission.contains(':')).collect();
        let wanted = [
            "clipboard-manager:allow-write-text",
            "core:event:allow-listen",
            "core:event:allow-unlisten",
            "store:allow-entries",
            "store:allow-get",
            "store:allow-load",
            "store:allow-save",
            "store:allow-set",
        ];
        assert_eq!(plugins, wanted.map(str::to_owned).into());
    }

    #[test]
    fn the_page_may_load_nothing_from_elsewhere() {
        let config: serde_json::Value = serde_json::from_str(include_str!("../../tauri.conf.json")).unwrap();
        let policy = config["app"]["security"]["csp"].as_object().unwrap();
        let remote: Vec<_> = policy
            .values()
            .flat_map(|sources| sources.as_str().unwrap().split_whitespace())
            .filter(|source| !["'self'", "'none'", "data:", "ipc:", "http://ipc.localhost"].contains(source))
            .collect();
        assert_eq!(remote, Vec::<&str>::new());
        assert_eq!(config["app"]["withGlobalTauri"], false);
    }
}
