"""boto3 against the sandbox's AWS, configured by nothing but the environment.

Prints one line per check and exits with 1 when any of them failed.
"""

import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

HOME, PARTNER = "111111111111", "222222222222"
USER = f"arn:aws:iam::{HOME}:user/jiwoo"
EXTERNAL_ID = os.environ["HOP_EXTERNAL_ID"]
CONFIG = Config(retries={"total_max_attempts": 1})

failures = []


def check(what, actual, expected):
    held = actual == expected
    print(("ok      " if held else "FAILED  ") + what)
    if not held:
        failures.append(what)
        print(f"  expected {expected!r}\n  got      {actual!r}")


def refusal(call):
    """Code and message of the error that `call` is answered with."""
    try:
        return ("no error", call())
    except ClientError as error:
        return (error.response["Error"]["Code"], error.response["Error"]["Message"])


def client(service, assumed=None):
    keys = {}
    if assumed:
        issued = assumed["Credentials"]
        keys = {
            "aws_access_key_id": issued["AccessKeyId"],
            "aws_secret_access_key": issued["SecretAccessKey"],
            "aws_session_token": issued["SessionToken"],
        }
    return boto3.client(service, config=CONFIG, **keys)


def role(account, name):
    return f"arn:aws:iam::{account}:role/{name}"


def not_authorized(who, action, resource, reason=""):
    return f"User: {who} is not authorized to perform: {action} on resource: {resource}{reason}"


def assume(sts, account, name, **more):
    return sts.assume_role(RoleArn=role(account, name), RoleSessionName="jiwoo", **more)


def identities(sts):
    check("the user learns who it is", sts.get_caller_identity()["Arn"], USER)
    reader = assume(sts, HOME, "bi-readonly")
    session = f"arn:aws:sts::{HOME}:assumed-role/bi-readonly/jiwoo"
    check("AssumeRole names the session", reader["AssumedRoleUser"]["Arn"], session)
    check("and the session learns who it is", client("sts", reader).get_caller_identity()["Arn"], session)


def refusals_of_assume_role(sts):
    check(
        "a role that does not trust the caller",
        refusal(lambda: assume(sts, HOME, "finance-auditor")),
        ("AccessDenied", not_authorized(USER, "sts:AssumeRole", role(HOME, "finance-auditor"))),
    )
    check(
        "a role that does not exist, in the same words",
        refusal(lambda: assume(sts, HOME, "no-such-role")),
        ("AccessDenied", not_authorized(USER, "sts:AssumeRole", role(HOME, "no-such-role"))),
    )
    hop = role(PARTNER, "postern-access-hop")
    for external_id in ({}, {"ExternalId": "another"}):
        check(
            f"the hop with {external_id or 'no external id'}",
            refusal(lambda: assume(sts, PARTNER, "postern-access-hop", **external_id)),
            ("AccessDenied", not_authorized(USER, "sts:AssumeRole", hop)),
        )
    check(
        "a session name with a blank",
        refusal(lambda: sts.assume_role(RoleArn=hop, RoleSessionName="ji woo")),
        (
            "ValidationError",
            "1 validation error detected: Value 'ji woo' at 'roleSessionName' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [\w+=,.@-]*",
        ),
    )
    check(
        "longer than the role allows",
        refusal(lambda: assume(sts, HOME, "bi-readonly", DurationSeconds=7200)),
        ("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
    )


def chains(sts):
    hop = assume(sts, PARTNER, "postern-access-hop", ExternalId=EXTERNAL_ID)
    behind = client("sts", hop)
    last = assume(behind, PARTNER, "bi-readonly")
    issued = client("redshift-serverless", last).get_credentials(workgroupName="logistics-prod", dbName="logistics")
    check("two hops reach the other account", issued["dbUser"], "IAMR:bi-readonly")
    check(
        "a chain of more than an hour",
        refusal(lambda: assume(behind, PARTNER, "bi-readonly", DurationSeconds=3601)),
        (
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ),
    )


def discovery():
    redshift = client("redshift-serverless")
    pages = redshift.get_paginator("list_workgroups").paginate(PaginationConfig={"PageSize": 2})
    found = {workgroup["workgroupName"]: workgroup for page in pages for workgroup in page["workgroups"]}
    check(
        "all pages of workgroups",
        sorted(found),
        ["analytics-dev", "analytics-prod", "analytics-stage", "events-prod", "finance-prod", "ml-dev"],
    )
    finance = found["finance-prod"]
    tags = redshift.list_tags_for_resource(resourceArn=finance["workgroupArn"])["tags"]
    check("tags", {tag["key"]: tag["value"] for tag in tags}, {"env": "prod", "team": "finance"})
    namespaces = {each["namespaceName"]: each for each in redshift.list_namespaces()["namespaces"]}
    check("the namespace's database", namespaces[finance["namespaceName"]]["dbName"], "dev")
    check("endpoints", redshift.list_endpoint_access()["endpoints"], [])
    check(
        "a workgroup that does not exist",
        refusal(lambda: redshift.get_workgroup(workgroupName="no-such")),
        ("ResourceNotFoundException", "Serverless workgroup no-such not found."),
    )
    return found


def database_credentials(sts, workgroups):
    action = "redshift-serverless:GetCredentials"
    guide = client("redshift-serverless", assume(sts, HOME, "teleport-redshift-serverless-access"))
    issued = guide.get_credentials(workgroupName="analytics-prod", dbName="dev", durationSeconds=900)
    check("the guide's database user", issued["dbUser"], "IAMR:teleport-redshift-serverless-access")
    check("a password", len(issued["dbPassword"]) > 60, True)
    check("an expiry that is a time with its zone", issued["expiration"].tzinfo is not None, True)

    denied = f" because no identity-based policy allows the {action} action"
    viewer = f"arn:aws:sts::{HOME}:assumed-role/marketing-viewer/jiwoo"
    arn = workgroups["analytics-prod"]["workgroupArn"]
    check(
        "a role without the permission",
        refusal(
            lambda: client("redshift-serverless", assume(sts, HOME, "marketing-viewer")).get_credentials(
                workgroupName="analytics-prod", dbName="dev"
            )
        ),
        ("AccessDeniedException", not_authorized(viewer, action, arn, denied)),
    )
    check(
        "too short a time",
        refusal(lambda: guide.get_credentials(workgroupName="analytics-prod", durationSeconds=60)),
        (
            "ValidationException",
            "1 validation error detected: Value '60' at 'durationSeconds' failed to satisfy constraint: "
            "Member must have value greater than or equal to 900",
        ),
    )


def bad_keys():
    wrong = boto3.client("sts", config=CONFIG, aws_secret_access_key="wrong", aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"])
    check(
        "a wrong secret",
        refusal(wrong.get_caller_identity),
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        ),
    )
    unknown = boto3.client("sts", config=CONFIG, aws_secret_access_key="any", aws_access_key_id="AKIANOSUCHKEY0000000")
    check(
        "an unknown key",
        refusal(unknown.get_caller_identity),
        ("InvalidClientTokenId", "The security token included in the request is invalid."),
    )


def main():
    sts = client("sts")
    identities(sts)
    refusals_of_assume_role(sts)
    chains(sts)
    database_credentials(sts, discovery())
    bad_keys()
    return 1 if failures else 0


sys.exit(main())
