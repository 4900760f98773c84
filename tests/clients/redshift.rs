//! What Amazon's own drivers say at start-up and are told, and a newer protocol than there is.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::{
    drive::{self, Program, WORKGROUP},
    support::{Home, Proxy, admin, block_on, description, eventually},
};

/// Everything that Redshift's drivers are known to send, with values that are easy to damage.
const PARAMETERS: [(&str, &str); 14] = [
    ("application_name", "BI tool 9"),
    ("client_protocol_version", "2"),
    ("driver_version", "Redshift Python Driver 2.2.0"),
    ("os_version", "Linux 6.1; 값"),
    ("driver_discovery_version", "1"),
    ("plugin_name", "BrowserIdcAuthPlugin"),
    ("idp_type", "AwsIdc"),
    ("identity_namespace", "a-b.c"),
    ("token_type", "ACCESS_TOKEN"),
    ("idc_client_display_name", "Amazon Redshift Python connector"),
    ("provider_name", ""),
    ("search_path", "mart, public"),
    ("extra_float_digits", "2"),
    ("client_encoding", "UTF8"),
];

const SQL: &str = "select order_id, coupon as code, 1 as one, lower(status) from orders order by 1 limit 3";

fn open(home: &Home) -> Proxy {
    home.proxy(&[WORKGROUP, "--db-user", "bi-readonly", "--db-name", "dev", "--port", "0"])
}

/// What a program prints of an address.
fn told(home: &Home, program: &'static str, to: &Value) -> Value {
    let mut command = drive::command(home, &Program::Python(program));
    command.envs(&description().env).env("HOME", home.path()).env("CLIENTS_RAW", to.to_string());
    let output = command.stderr(Stdio::inherit()).output().expect("the program starts");
    assert!(output.status.success(), "{program} failed");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn through(proxy: &Proxy) -> Value {
    json!({
        "host": "127.0.0.1", "port": proxy.port(), "user": "bi-readonly", "ca_file": null,
        "parameters": PARAMETERS, "sql": SQL,
    })
}

/// What the client of a session said, as the server has it.
fn startup(application: &str) -> Vec<(String, String)> {
    let admin = admin(WORKGROUP);
    let sql = "select startup::text from pg_internal.session_log where startup::text like $1 order by start_us desc";
    eventually("the session is in the log", || {
        let rows = block_on(admin.query(sql, &[&format!("%{application}%")])).expect("the admin may look");
        Some(serde_json::from_str(rows.first()?.get(0)).expect("pairs of name and value"))
    })
}

#[test]
fn what_a_driver_of_redshift_says_and_is_told_passes_as_it_is() {
    let home = Home::signed_in();
    let proxy = open(&home);
    let proxied = told(&home, "raw.py", &through(&proxy));

    let said = startup("BI tool 9");
    let said: Vec<_> = said.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let first = [("user", "IAMR:bi-readonly"), ("database", "dev")];
    assert_eq!(said, [&first[..], &PARAMETERS].concat());

    let database = description().database(WORKGROUP).expect("it exists");
    let mut direct = through(&proxy);
    direct["port"] = json!(database.port);
    direct["ca_file"] = json!(description().ca_file);
    direct["host_name"] = json!(format!("{WORKGROUP}.111111111111.ap-northeast-2.redshift-serverless.amazonaws.com"));
    direct["role_arn"] = json!("arn:aws:iam::111111111111:role/bi-readonly");
    direct["workgroup"] = json!(WORKGROUP);
    let direct = told(&home, "raw.py", &direct);

    let setting = |told: &Value, name: &str| {
        let settings = told["settings"].as_array().expect("pairs");
        settings.iter().find(|pair| pair[0] == name).map(|pair| pair[1].clone())
    };
    let names = |told: &Value| -> Vec<Value> {
        told["settings"].as_array().expect("pairs").iter().map(|pair| pair[0].clone()).collect()
    };
    assert_eq!(names(&proxied), names(&direct));
    assert_eq!(setting(&proxied, "server_protocol_version"), Some(json!("1")));
    assert_ne!(setting(&proxied, "driver_token"), None);
    assert_eq!(proxied["descriptions"], direct["descriptions"]);
    assert_eq!(proxied["rows"], direct["rows"]);
    assert_eq!(proxied["rows"].as_array().map(Vec::len), Some(3));
}

#[test]
fn redshift_connector_is_told_where_each_column_comes_from() {
    let home = Home::signed_in();
    let proxy = open(&home);
    let told = told(&home, "metadata.py", &through(&proxy));
    assert_eq!(
        told["fields"],
        json!([
            ["order_id", "mart", "orders", "order_id", "dev"],
            ["code", "mart", "orders", "coupon", "dev"],
            ["one", "", "", "", ""],
        ])
    );
    assert_eq!(told["flags"], json!([[0, 1], [1, 1], [1, 0]]));
    assert_eq!((&told["first"], &told["server_protocol_version"]), (&json!(1), &json!("1")));
    let version = told["version"].as_str().expect("a version");
    let said = startup(&format!("Redshift Python Driver {version}"));
    for name in ["application_name", "client_protocol_version", "driver_version", "os_version"] {
        assert!(said.iter().any(|(said, value)| said == name && !value.is_empty()), "{name} in {said:?}");
    }
}

#[test]
fn the_drivers_token_reaches_neither_the_log_nor_the_audit() {
    let mut home = Home::signed_in();
    home.set("RUST_LOG", "trace");
    let proxy = open(&home);
    let token = told(&home, "metadata.py", &through(&proxy))["driver_token"].as_str().expect("a token").to_owned();
    assert_eq!(token.len(), 36, "{token}");
    // All that is logged is out once the proxy has ended.
    home.run(&["db", "logout", WORKGROUP]).ok();
    let logged = proxy.wait().err;
    assert!(logged.contains("TRACE") || logged.contains("DEBUG"), "nothing was logged: {logged}");
    assert!(!logged.contains(&token), "the log has it");
    let kept = std::process::Command::new("grep").args(["-rlF", &token]).arg(home.path()).output().expect("grep");
    assert_eq!(String::from_utf8_lossy(&kept.stdout), "", "files with the token");
}

#[test]
fn a_libpq_that_asks_for_protocol_3_2_is_served_with_3_0() {
    let home = Home::signed_in();
    let told = told(&home, "newer.py", &through(&open(&home)));
    assert!(told["libpq"].as_u64().is_some_and(|version| version >= 180_000), "{told}");
    assert_eq!((&told["agreed"], &told["answer"]), (&json!(30_000), &json!(42)));
    // One that takes nothing less is told, by its own library, what it got.
    let words = told["insisting"].as_str().expect("words");
    assert!(words.contains("3.0") && words.contains("3.2"), "{words}");
}
