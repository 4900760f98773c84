//! The official Rust SDK calls the sandbox's AWS as it would call the real one.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_redshiftserverless::Client as Redshift;
use aws_sdk_sts::Client as Sts;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use postern_sandbox::aws::AwsServer;
use postern_sandbox::clock::Clock;
use postern_sandbox::ledger::{PasswordLedger, Verdict};
use postern_sandbox::world::{ACCOUNT, BASE_USER, HOP_EXTERNAL_ID, HOP_ROLE, PARTNER_ACCOUNT, REGION, World};
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A running AWS with what a test looks at from behind.
struct Sandbox {
    server: AwsServer,
    world: Arc<World>,
    ledger: PasswordLedger,
    clock: Clock,
}

impl Sandbox {
    async fn start() -> Self {
        let (world, ledger, clock) = (Arc::new(World::standard()), PasswordLedger::default(), Clock::default());
        let server = AwsServer::start(Arc::clone(&world), ledger.clone(), clock.clone()).await.unwrap();
        Self { server, world, ledger, clock }
    }

    fn base(&self) -> Credentials {
        let key = &self.world.user(BASE_USER).unwrap().access_key;
        Credentials::new(&key.id, key.secret.expose_secret(), None, None, "test")
    }

    fn sts(&self, credentials: Credentials) -> Sts {
        Sts::from_conf(
            aws_sdk_sts::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(REGION))
                .endpoint_url(self.server.url())
                .credentials_provider(credentials)
                .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
                .build(),
        )
    }

    fn redshift(&self, credentials: Credentials) -> Redshift {
        Redshift::from_conf(
            aws_sdk_redshiftserverless::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new(REGION))
                .endpoint_url(self.server.url())
                .credentials_provider(credentials)
                .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
                .build(),
        )
    }

    /// Assumes a role that lets itself be assumed.
    async fn assume(&self, from: Credentials, account: &str, role: &str, external_id: Option<&str>) -> Credentials {
        let request = self.sts(from).assume_role().role_arn(role_arn(account, role)).role_session_name("jiwoo");
        credentials(&request.set_external_id(external_id.map(str::to_owned)).send().await.unwrap())
    }
}

fn role_arn(account: &str, role: &str) -> String {
    format!("arn:aws:iam::{account}:role/{role}")
}

fn credentials(output: &AssumeRoleOutput) -> Credentials {
    let issued = output.credentials().unwrap();
    let token = Some(issued.session_token().to_owned());
    Credentials::new(issued.access_key_id(), issued.secret_access_key(), token, None, "test")
}

fn code_and_message<E, R>(error: &aws_sdk_sts::error::SdkError<E, R>) -> (&str, &str)
where
    aws_sdk_sts::error::SdkError<E, R>: ProvideErrorMetadata,
{
    (error.code().unwrap_or_default(), error.message().unwrap_or_default())
}

#[tokio::test]
async fn a_user_and_a_session_learn_who_they_are() {
    let sandbox = Sandbox::start().await;
    let user = sandbox.sts(sandbox.base()).get_caller_identity().send().await.unwrap();
    assert_eq!(user.arn(), Some("arn:aws:iam::111111111111:user/jiwoo"));
    assert_eq!(user.account(), Some(ACCOUNT));

    let session = sandbox.assume(sandbox.base(), ACCOUNT, "bi-readonly", None).await;
    let session = sandbox.sts(session).get_caller_identity().send().await.unwrap();
    assert_eq!(session.arn(), Some("arn:aws:sts::111111111111:assumed-role/bi-readonly/jiwoo"));
    assert!(session.user_id().unwrap().ends_with(":jiwoo"));
    sandbox.server.stop().await;
}

#[tokio::test]
async fn the_guides_role_gets_a_password_that_the_ledger_knows() {
    let sandbox = Sandbox::start().await;
    let role = sandbox.assume(sandbox.base(), ACCOUNT, "teleport-redshift-serverless-access", None).await;
    let request = sandbox.redshift(role).get_credentials().workgroup_name("analytics-prod").db_name("dev");
    let issued = request.duration_seconds(900).send().await.unwrap();

    let db_user = issued.db_user().unwrap();
    assert_eq!(db_user, "IAMR:teleport-redshift-serverless-access");
    let lasts = issued.expiration().unwrap().secs() - sandbox.clock.now().unix_timestamp();
    assert!((895..=900).contains(&lasts), "{lasts} s");
    let check = |password: &str| sandbox.ledger.check("analytics-prod", db_user, password, sandbox.clock.now());
    assert_eq!(check(issued.db_password().unwrap()), Verdict::Valid);
    assert_eq!(check("guess"), Verdict::Unknown);
    sandbox.clock.advance(time::Duration::minutes(15));
    assert_eq!(check(issued.db_password().unwrap()), Verdict::Expired);
    sandbox.server.stop().await;
}

#[tokio::test]
async fn a_user_without_a_role_is_mapped_to_its_own_name_and_needs_its_own_permission() {
    let sandbox = Sandbox::start().await;
    let request = sandbox.redshift(sandbox.base()).get_credentials().workgroup_name("analytics-dev");
    let refused = request.send().await.unwrap_err();
    let (code, message) = code_and_message(&refused);
    assert_eq!(code, "AccessDeniedException");
    assert!(message.starts_with("User: arn:aws:iam::111111111111:user/jiwoo is not authorized"), "{message}");
    sandbox.server.stop().await;
}

#[tokio::test]
async fn two_hops_with_the_external_id_reach_the_other_account() {
    let sandbox = Sandbox::start().await;
    let hop = sandbox.assume(sandbox.base(), PARTNER_ACCOUNT, HOP_ROLE, Some(HOP_EXTERNAL_ID)).await;
    let role = sandbox.assume(hop, PARTNER_ACCOUNT, "bi-readonly", None).await;
    let issued = sandbox.redshift(role).get_credentials().workgroup_name("logistics-prod").db_name("logistics");
    assert_eq!(issued.send().await.unwrap().db_user(), Some("IAMR:bi-readonly"));

    for external_id in [None, Some("another".to_owned())] {
        let request = sandbox.sts(sandbox.base()).assume_role().role_session_name("jiwoo");
        let request = request.role_arn(role_arn(PARTNER_ACCOUNT, HOP_ROLE)).set_external_id(external_id);
        let refused = request.send().await.unwrap_err();
        assert_eq!(
            code_and_message(&refused),
            (
                "AccessDenied",
                "User: arn:aws:iam::111111111111:user/jiwoo is not authorized to perform: sts:AssumeRole on \
                 resource: arn:aws:iam::222222222222:role/postern-access-hop"
            )
        );
    }
    sandbox.server.stop().await;
}

#[tokio::test]
async fn each_denial_names_the_hop_and_the_resource() {
    let sandbox = Sandbox::start().await;
    let untrusted = sandbox.sts(sandbox.base()).assume_role().role_session_name("jiwoo");
    let refused = untrusted.role_arn(role_arn(ACCOUNT, "finance-auditor")).send().await.unwrap_err();
    assert_eq!(
        code_and_message(&refused),
        (
            "AccessDenied",
            "User: arn:aws:iam::111111111111:user/jiwoo is not authorized to perform: sts:AssumeRole on resource: \
             arn:aws:iam::111111111111:role/finance-auditor"
        )
    );

    let arn = |name: &str| sandbox.world.workgroup(name).unwrap().arn();
    let viewer = sandbox.assume(sandbox.base(), ACCOUNT, "marketing-viewer", None).await;
    let request = sandbox.redshift(viewer).get_credentials().workgroup_name("analytics-prod").db_name("dev");
    let refused = request.send().await.unwrap_err();
    let expected = format!(
        "User: arn:aws:sts::111111111111:assumed-role/marketing-viewer/jiwoo is not authorized to perform: \
         redshift-serverless:GetCredentials on resource: {} because no identity-based policy allows the \
         redshift-serverless:GetCredentials action",
        arn("analytics-prod")
    );
    assert_eq!(code_and_message(&refused), ("AccessDeniedException", expected.as_str()));

    let reader = sandbox.assume(sandbox.base(), ACCOUNT, "bi-readonly", None).await;
    let request = sandbox.redshift(reader).get_credentials().workgroup_name("finance-prod");
    let refused = request.send().await.unwrap_err();
    let (_, message) = code_and_message(&refused);
    let reason = format!("on resource: {} with an explicit deny in an identity-based policy", arn("finance-prod"));
    assert!(message.ends_with(&reason), "{message}");
    sandbox.server.stop().await;
}

#[tokio::test]
async fn a_chained_session_may_last_an_hour_and_no_longer() {
    let sandbox = Sandbox::start().await;
    let direct = sandbox.sts(sandbox.base()).assume_role().role_session_name("jiwoo").duration_seconds(43_200);
    direct.role_arn(role_arn(ACCOUNT, "warehouse-admin")).send().await.unwrap();

    let hop = sandbox.assume(sandbox.base(), PARTNER_ACCOUNT, HOP_ROLE, Some(HOP_EXTERNAL_ID)).await;
    let chained = |seconds| {
        let request = sandbox.sts(hop.clone()).assume_role().role_session_name("jiwoo").duration_seconds(seconds);
        request.role_arn(role_arn(PARTNER_ACCOUNT, "warehouse-admin")).send()
    };
    chained(3600).await.unwrap();
    let refused = chained(3601).await.unwrap_err();
    assert_eq!(
        code_and_message(&refused),
        (
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
        )
    );
    sandbox.server.stop().await;
}

#[tokio::test]
async fn a_session_policy_and_a_source_identity_are_honoured() {
    let sandbox = Sandbox::start().await;
    let assume = || {
        let request = sandbox.sts(sandbox.base()).assume_role().role_session_name("jiwoo");
        request.role_arn(role_arn(ACCOUNT, "warehouse-admin"))
    };
    let policy = r#"{"Statement": {"Effect": "Allow", "Action": "redshift-serverless:List*", "Resource": "*"}}"#;
    let narrowed = sandbox.redshift(credentials(&assume().policy(policy).send().await.unwrap()));
    narrowed.list_workgroups().send().await.unwrap();
    let refused = narrowed.get_credentials().workgroup_name("analytics-prod").send().await.unwrap_err();
    let reason = "because no session policy allows the redshift-serverless:GetCredentials action";
    assert!(refused.message().unwrap().ends_with(reason), "{refused:?}");

    let refused = assume().source_identity("jiwoo.kim").send().await.unwrap_err();
    assert_eq!(
        code_and_message(&refused),
        (
            "AccessDenied",
            "User: arn:aws:iam::111111111111:user/jiwoo is not authorized to perform: sts:SetSourceIdentity on \
             resource: arn:aws:iam::111111111111:role/warehouse-admin"
        )
    );
    let refused = assume().policy("{").send().await.unwrap_err();
    assert!(refused.as_service_error().unwrap().is_malformed_policy_document_exception());
    sandbox.server.stop().await;
}

#[tokio::test]
async fn discovery_pages_through_the_workgroups_of_the_callers_account() {
    let sandbox = Sandbox::start().await;
    let client = sandbox.redshift(sandbox.base());
    let pages = client.list_workgroups().into_paginator().page_size(2).items().send();
    let found: Vec<_> = pages.try_collect().await.unwrap();
    let names: Vec<_> = found.iter().filter_map(|workgroup| workgroup.workgroup_name()).collect();
    assert_eq!(names, ["analytics-prod", "analytics-stage", "analytics-dev", "events-prod", "finance-prod", "ml-dev"]);
    let first = &found[0];
    assert_eq!(
        first.endpoint().and_then(|endpoint| endpoint.address()),
        Some("analytics-prod.111111111111.ap-northeast-2.redshift-serverless.amazonaws.com")
    );
    assert!(first.creation_date().is_some());

    let tags = client.list_tags_for_resource().resource_arn(first.workgroup_arn().unwrap()).send().await.unwrap();
    let tags: Vec<_> = tags.tags().iter().map(|tag| (tag.key(), tag.value())).collect();
    assert_eq!(tags, [("env", "prod"), ("team", "data"), ("tier", "1")]);

    let namespaces = client.list_namespaces().send().await.unwrap();
    let joined = namespaces.namespaces().iter().find(|namespace| namespace.namespace_name() == first.namespace_name());
    assert_eq!(joined.unwrap().db_name(), Some("dev"));
    assert!(client.list_endpoint_access().send().await.unwrap().endpoints().is_empty());
    sandbox.server.stop().await;
}

#[tokio::test]
async fn a_workgroup_of_another_account_is_not_found() {
    let sandbox = Sandbox::start().await;
    let refused = sandbox.redshift(sandbox.base()).get_workgroup().workgroup_name("logistics-prod").send().await;
    let refused = refused.unwrap_err();
    assert!(refused.as_service_error().unwrap().is_resource_not_found_exception());
    assert_eq!(refused.message(), Some("Serverless workgroup logistics-prod not found."));
    sandbox.server.stop().await;
}

#[tokio::test]
async fn members_outside_their_limits_are_validation_errors() {
    let sandbox = Sandbox::start().await;
    let client = sandbox.redshift(sandbox.base());
    let short = client.get_credentials().workgroup_name("analytics-prod").duration_seconds(60).send().await;
    let short = short.unwrap_err();
    assert!(short.as_service_error().unwrap().is_validation_exception());
    assert!(short.message().unwrap().contains("'durationSeconds'"));
    sandbox.server.stop().await;
}

#[tokio::test]
async fn wrong_keys_secrets_and_tokens_are_told_apart() {
    let sandbox = Sandbox::start().await;
    let base = sandbox.base();
    let session = sandbox.assume(base.clone(), ACCOUNT, "bi-readonly", None).await;
    let with = |key: &str, secret: &str, token: Option<&str>| {
        Credentials::new(key, secret, token.map(str::to_owned), None, "test")
    };
    for (credentials, sts_code, json_code) in [
        (with(base.access_key_id(), "wrong", None), "SignatureDoesNotMatch", "InvalidSignatureException"),
        (with("AKIANOSUCHKEY0000000", "any", None), "InvalidClientTokenId", "UnrecognizedClientException"),
        (
            with(session.access_key_id(), session.secret_access_key(), None),
            "InvalidClientTokenId",
            "UnrecognizedClientException",
        ),
        (
            with(session.access_key_id(), session.secret_access_key(), Some("wrong")),
            "InvalidClientTokenId",
            "UnrecognizedClientException",
        ),
    ] {
        let refused = sandbox.sts(credentials.clone()).get_caller_identity().send().await.unwrap_err();
        assert_eq!(refused.code(), Some(sts_code));
        let refused = sandbox.redshift(credentials).list_workgroups().send().await.unwrap_err();
        assert_eq!(refused.code(), Some(json_code));
    }
    sandbox.server.stop().await;
}

#[tokio::test]
async fn sessions_end_when_told_to() {
    let sandbox = Sandbox::start().await;
    let session = sandbox.assume(sandbox.base(), ACCOUNT, "warehouse-admin", None).await;
    sandbox.server.expire_sessions();
    let refused = sandbox.sts(session.clone()).get_caller_identity().send().await.unwrap_err();
    assert_eq!(code_and_message(&refused), ("ExpiredToken", "The security token included in the request is expired"));
    let refused = sandbox.redshift(session).list_workgroups().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("ExpiredTokenException"));
    sandbox.server.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_off_is_noticed() {
    let sandbox = Sandbox::start().await;
    sandbox.clock.advance(time::Duration::minutes(6));
    // Without retries, in which the SDK would correct its clock by the answer's Date header.
    let config = sandbox.sts(sandbox.base()).config().to_builder().retry_config(RetryConfig::disabled()).build();
    let refused = Sts::from_conf(config).get_caller_identity().send().await.unwrap_err();
    let (code, message) = code_and_message(&refused);
    assert_eq!(code, "SignatureDoesNotMatch");
    assert!(message.starts_with("Signature expired: "), "{message}");
    sandbox.server.stop().await;
}

#[tokio::test]
async fn sdks_survive_a_little_throttling_and_report_a_lot() {
    let sandbox = Sandbox::start().await;
    let faults = sandbox.server.faults();
    let sts = sandbox.sts(sandbox.base());
    faults.throttle(2);
    sts.get_caller_identity().send().await.unwrap();
    faults.throttle(u32::MAX);
    assert_eq!(sts.get_caller_identity().send().await.unwrap_err().code(), Some("Throttling"));
    let refused = sandbox.redshift(sandbox.base()).list_workgroups().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("ThrottlingException"));
    faults.clear();
    sts.get_caller_identity().send().await.unwrap();
    sandbox.server.stop().await;
}

#[tokio::test]
async fn refusing_gives_no_answer_and_can_be_taken_back() {
    let sandbox = Sandbox::start().await;
    let faults = sandbox.server.faults();
    let sts = sandbox.sts(sandbox.base());
    sts.get_caller_identity().send().await.unwrap();
    faults.refuse(true);
    let refused = sts.get_caller_identity().send().await.unwrap_err();
    assert!(refused.as_service_error().is_none(), "{refused:?}");
    faults.refuse(false);
    sts.get_caller_identity().send().await.unwrap();
    sandbox.server.stop().await;
}

#[tokio::test]
async fn unsigned_and_broken_requests_are_answered_and_disturb_nobody() {
    let sandbox = Sandbox::start().await;
    let address = sandbox.server.url().replace("http://", "");
    let huge = format!("POST / HTTP/1.1\r\nHost: aws\r\nContent-Length: {}\r\n\r\n", 1_u64 << 40);
    for (request, part) in [
        ("GET / HTTP/1.1\r\nHost: aws\r\nConnection: close\r\n\r\n", "<Code>MissingAuthenticationToken</Code>"),
        (
            "POST / HTTP/1.1\r\nHost: aws\r\nConnection: close\r\nX-Amz-Target: RedshiftServerless.ListWorkgroups\r\n\
             Content-Length: 2\r\n\r\n{}",
            "\"__type\":\"MissingAuthenticationTokenException\"",
        ),
        (
            "GET / HTTP/1.1\r\nHost: aws\r\nConnection: close\r\nAuthorization: AWS4-HMAC-SHA256 nonsense\r\n\r\n",
            "<Code>IncompleteSignature</Code>",
        ),
        ("\u{16}\u{3}\u{1} not HTTP at all\r\n\r\n", "400 Bad Request"),
        (huge.as_str(), ""),
    ] {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // The connection may end in a reset once the answer is out.
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains(part), "{request:?}: {answer}");
    }
    sandbox.sts(sandbox.base()).get_caller_identity().send().await.unwrap();
    sandbox.server.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_no_silent_client_and_leaves_no_listener() {
    let sandbox = Sandbox::start().await;
    let address = sandbox.server.url().replace("http://", "");
    let mut half_said = tokio::net::TcpStream::connect(&address).await.unwrap();
    half_said.write_all(b"POST / HTTP/1.1\r\nHost:").await.unwrap();
    let _silent = tokio::net::TcpStream::connect(&address).await.unwrap();
    // One answered request after them, so that both have been accepted.
    sandbox.sts(sandbox.base()).get_caller_identity().send().await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), sandbox.server.stop()).await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
