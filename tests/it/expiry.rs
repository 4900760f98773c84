//! The end of the sign-in towards AWS: new sessions are refused with words, those that run go on, and the next sign-in is noticed.

use postern_ipc::{Event, connections::OpenConnection, databases::Target, error::ErrorCode, session::SignInEnd};
use postern_sandbox::{
    aws::PortalCredentials,
    world::{HOP_ROLE, PARTNER_ACCOUNT},
};
use secrecy::ExposeSecret;
use tokio_postgres::{Client, NoTls};

use crate::{
    app::{App, CREDENTIALS},
    support::{aws, block_on},
};

/// What a person copies from the access portal.
fn from_the_portal() -> PortalCredentials {
    let role = format!("arn:aws:iam::{PARTNER_ACCOUNT}:role/{HOP_ROLE}");
    aws().portal_credentials(&role).expect("a role of the standard world")
}

/// As it stands in a credentials file.
fn keys(credentials: &PortalCredentials) -> String {
    format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        credentials.access_key_id,
        credentials.secret_access_key.expose_secret(),
        credentials.session_token.expose_secret()
    )
}

async fn connect(port: u16, user: &str) -> Result<Client, tokio_postgres::Error> {
    let mut config = tokio_postgres::Config::new();
    let (client, connection) = config.host("127.0.0.1").port(port).user(user).dbname("dev").connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn who(client: &Client) -> String {
    client.query_one("select current_user", &[]).await.expect("the session lives").get(0)
}

#[test]
fn when_aws_credentials_expire_open_sessions_go_on_and_new_ones_are_refused_until_there_are_newer() {
    let (first, second) = (from_the_portal(), from_the_portal());
    let app = App::with_keys(&keys(&first));
    // The credentials are already those of the partner's account: no role leads there.
    app.home.change_database("logistics-prod", |yaml| {
        yaml.lines()
            .filter(|line| !line.contains("assume_role_arn") && !line.contains("external_id"))
            .fold(String::new(), |text, line| text + line + "\n")
    });
    let target = Target { database: "logistics-prod".into(), db_user: "bi-readonly".into(), db_name: "dev".into() };
    block_on(async {
        let port = app
            .host
            .connection_open(OpenConnection { port: Some(0), ..OpenConnection::to(target) })
            .await
            .expect("a proxy")
            .port;
        let open = connect(port, "bi-readonly").await.expect("AWS gives a password");
        let mut events = app.host.events();

        aws().expire_session(&first.access_key_id);
        // Somebody for whom no password is held; several at once, and again and again.
        let mut refusals = Vec::new();
        for _ in 0..10 {
            refusals.push(connect(port, "warehouse-admin").await.expect_err("AWS gives nothing"));
        }
        for refusal in &refusals {
            let refusal = refusal.as_db_error().expect("the client is told in its own protocol");
            assert_eq!(refusal.code().code(), "28000");
            assert!(refusal.message().contains("the credentials have expired"), "{refusal:?}");
            assert!(refusal.hint().is_some_and(|hint| hint.contains("aws sso login")), "{refusal:?}");
        }
        let mut ends = 0;
        let failure = loop {
            match events.recv().await.expect("the host lives") {
                Event::sign_in_ended(whose) => {
                    assert_eq!(whose, SignInEnd::Aws);
                    ends += 1;
                }
                Event::status_changed(status) => break status.identity.expect("still signed in").aws_failure,
                _ => {}
            }
        };
        assert_eq!((ends, failure.expect("AWS refuses").code), (1, ErrorCode::AwsCredentialsExpired));

        assert_eq!(who(&open).await, "IAMR:bi-readonly");
        let another = connect(port, "bi-readonly").await.expect("a password that is held needs no AWS");
        assert_eq!(who(&another).await, "IAMR:bi-readonly");

        app.home.write(CREDENTIALS, &format!("[default]\n{}", keys(&second)));
        let admitted = loop {
            // The refusal stands for a moment longer.
            match connect(port, "warehouse-admin").await {
                Ok(client) => break client,
                Err(error) => assert!(error.as_db_error().is_some(), "{error}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        };
        assert_eq!(who(&admitted).await, "IAMR:warehouse-admin");
        while let Ok(event) = events.recv().await {
            match event {
                Event::sign_in_ended(_) => panic!("told twice"),
                Event::status_changed(status)
                    if status.identity.as_ref().is_some_and(|it| it.aws_failure.is_none()) =>
                {
                    break;
                }
                _ => {}
            }
        }
    });
}
