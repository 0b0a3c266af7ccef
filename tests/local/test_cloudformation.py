"""Types and properties that the emulator lacks or drops become what a template says."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from datavault.local.cloud import LocalCloud
from tests.local.rig import deploy_stack

LOCKED: Mapping[str, Any] = {
    "ObjectLockEnabled": True,
    "ObjectLockConfiguration": {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3}},
    },
}


def test_an_archive_keeps_the_events_of_its_bus(cloud: LocalCloud) -> None:
    made = deploy_stack(
        cloud,
        {
            "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": f"b-{uuid4().hex}"}},
            "Archive": {
                "Type": "AWS::Events::Archive",
                "Properties": {
                    "SourceArn": {"Fn::GetAtt": ["Bus", "Arn"]},
                    "EventPattern": {"source": ["vault"]},
                    "RetentionDays": 7,
                },
            },
        },
        Bus={"Ref": "Bus"},
        Archive={"Ref": "Archive"},
    )
    events = cloud.boto3("events")
    entry = {"DetailType": "t", "Detail": "{}", "EventBusName": made["Bus"]}
    events.put_events(Entries=[{**entry, "Source": "vault"}, {**entry, "Source": "other"}])
    archive = events.describe_archive(ArchiveName=made["Archive"])
    assert (archive["RetentionDays"], archive["EventCount"]) == (7, 1)


def test_a_bucket_with_a_default_retention_protects_its_objects(cloud: LocalCloud) -> None:
    made = deploy_stack(
        cloud, {"B": {"Type": "AWS::S3::Bucket", "Properties": LOCKED}}, B={"Ref": "B"}
    )
    s3 = cloud.boto3("s3")
    lock = s3.get_object_lock_configuration(Bucket=made["B"])["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 3}
    version = s3.put_object(Bucket=made["B"], Key="k", Body=b"x")["VersionId"]
    held = s3.get_object_retention(Bucket=made["B"], Key="k", VersionId=version)["Retention"]
    assert held["Mode"] == "GOVERNANCE"


def test_a_reference_to_a_secret_is_its_arn(cloud: LocalCloud) -> None:
    made = deploy_stack(
        cloud,
        {"S": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "s"}}},
        Arn={"Ref": "S"},
    )
    assert made["Arn"].startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:")
    value = cloud.boto3("secretsmanager").get_secret_value(SecretId=made["Arn"])
    assert value["SecretString"] == "s"


def test_a_secret_can_be_updated_and_deleted_by_its_stack(cloud: LocalCloud) -> None:
    client = cloud.boto3("cloudformation")
    stack = f"stack-{uuid4().hex}"

    def template(text: str) -> str:
        secret = {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": text}}
        output = {"Arn": {"Value": {"Ref": "S"}}}
        return json.dumps({"Resources": {"S": secret}, "Outputs": output})

    delay = {"Delay": 0.05, "MaxAttempts": 100}
    client.create_stack(StackName=stack, TemplateBody=template("one"))
    client.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig=delay)
    client.update_stack(StackName=stack, TemplateBody=template("two"))
    client.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig=delay)
    outputs = client.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    secrets = cloud.boto3("secretsmanager")
    assert secrets.get_secret_value(SecretId=outputs[0]["OutputValue"])["SecretString"] == "two"
    client.delete_stack(StackName=stack)
    client.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig=delay)
    assert stack not in json.dumps(secrets.list_secrets(), default=str)


def test_a_web_acl_is_associated(cloud: LocalCloud) -> None:
    resource = "arn:aws:apigateway:us-east-1::/restapis/abc/stages/local"
    made = deploy_stack(
        cloud,
        {
            "Acl": {
                "Type": "AWS::WAFv2::WebACL",
                "Properties": {
                    "Scope": "REGIONAL",
                    "DefaultAction": {"Allow": {}},
                    "VisibilityConfig": {
                        "CloudWatchMetricsEnabled": False,
                        "MetricName": "m",
                        "SampledRequestsEnabled": False,
                    },
                },
            },
            "Association": {
                "Type": "AWS::WAFv2::WebACLAssociation",
                "Properties": {
                    "WebACLArn": {"Fn::GetAtt": ["Acl", "Arn"]},
                    "ResourceArn": resource,
                },
            },
        },
        Acl={"Fn::GetAtt": ["Acl", "Arn"]},
    )
    found = cloud.boto3("wafv2").get_web_acl_for_resource(ResourceArn=resource)["WebACL"]
    assert found["ARN"] == made["Acl"]
