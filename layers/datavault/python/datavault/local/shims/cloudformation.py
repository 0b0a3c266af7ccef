"""Resource types and properties of CloudFormation that the emulator lacks or drops.

A handler creates, updates and deletes one resource and speaks to the emulator's own
service functions, so that what a template makes is what an API call would make.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

from ministack.services import apigateway_v1, eventbridge, s3, waf
from ministack.services import secretsmanager as secrets
from ministack.services.cloudformation import provisioners

from datavault.local.shims.misfit import ShimMisfit

type Properties = Mapping[str, Any]
type Made = tuple[str, dict[str, Any]]
type Handlers = dict[str, Any]

ARCHIVE_FIELDS = ("Description", "RetentionDays", "KmsKeyIdentifier")


def install() -> None:
    """Register the types that are missing and wrap those that drop a property."""
    registry: dict[str, Handlers] = provisioners._RESOURCE_HANDLERS
    registry["AWS::Events::Archive"] = {
        "create": _create_archive,
        "update": _update_archive,
        "delete": _delete_archive,
    }
    registry["AWS::WAFv2::WebACLAssociation"] = {
        "create": _associate,
        "update": _update_association,
        "delete": _disassociate,
    }
    _handlers(registry, "AWS::ApiGateway::RequestValidator").update(
        create=_create_validator, update=_update_validator, delete=_delete_validator
    )
    _wrap_api(_handlers(registry, "AWS::ApiGateway::RestApi"))
    _wrap_method(_handlers(registry, "AWS::ApiGateway::Method"))
    _wrap_bucket(_handlers(registry, "AWS::S3::Bucket"))
    _wrap_secret(_handlers(registry, "AWS::SecretsManager::Secret"))


def _handlers(registry: dict[str, Handlers], resource_type: str) -> Handlers:
    handlers = registry.get(resource_type)
    if handlers is None or not {"create", "update", "delete"} <= handlers.keys():
        raise ShimMisfit(f"{resource_type} is not handled as expected")
    return handlers


def _done(response: tuple[int, Any, Any]) -> dict[str, Any]:
    """Return the body of a service function's response, or fail the resource."""
    status, _, body = response
    text = body.decode() if isinstance(body, bytes) else body
    if status >= 400:
        raise ValueError(text)
    return json.loads(text) if text else {}


def _true(value: object) -> bool:
    return value is True or value == "true"


def _archive_request(name: str, properties: Properties) -> dict[str, Any]:
    pattern = properties.get("EventPattern", "")
    return {
        "ArchiveName": name,
        "EventPattern": json.dumps(pattern) if isinstance(pattern, Mapping) else pattern,
        **{field: properties[field] for field in ARCHIVE_FIELDS if field in properties},
    }


def _create_archive(logical_id: str, properties: Properties, stack: str) -> Made:
    name = properties.get("ArchiveName") or provisioners._physical_name(
        stack, logical_id, max_len=48
    )
    request = _archive_request(name, properties) | {"EventSourceArn": properties["SourceArn"]}
    made = _done(eventbridge._create_archive(request))
    return name, {"Arn": made["ArchiveArn"], "ArchiveName": name}


def _update_archive(name: str, old: Properties, new: Properties, stack: str) -> Made:
    if any(old.get(field) != new.get(field) for field in ("ArchiveName", "SourceArn")):
        raise ValueError("a changed name or source replaces the archive; rename the resource")
    made = _done(eventbridge._update_archive(_archive_request(name, new)))
    return name, {"Arn": made["ArchiveArn"], "ArchiveName": name}


def _delete_archive(name: str, properties: Properties) -> None:
    eventbridge._archives.pop(name, None)


def _associate(logical_id: str, properties: Properties, stack: str) -> Made:
    acl, resource = properties["WebACLArn"], properties["ResourceArn"]
    _done(waf._associate_web_acl({"WebACLArn": acl, "ResourceArn": resource}))
    return f"{acl}|{resource}", {}


def _update_association(physical_id: str, old: Properties, new: Properties, stack: str) -> Made:
    if old != new:
        _disassociate(physical_id, old)
    return _associate(physical_id, new, stack)


def _disassociate(physical_id: str, properties: Properties) -> None:
    waf._disassociate_web_acl({"ResourceArn": properties["ResourceArn"]})


def _validator_request(name: str, properties: Properties) -> dict[str, Any]:
    return {
        "name": properties.get("Name", name),
        "validateRequestBody": _true(properties.get("ValidateRequestBody")),
        "validateRequestParameters": _true(properties.get("ValidateRequestParameters")),
    }


def _create_validator(logical_id: str, properties: Properties, stack: str) -> Made:
    made = _done(
        apigateway_v1._create_request_validator(
            properties["RestApiId"], _validator_request(logical_id, properties)
        )
    )
    return made["id"], {"RequestValidatorId": made["id"]}


def _update_validator(physical_id: str, old: Properties, new: Properties, stack: str) -> Made:
    if any(old.get(field) != new.get(field) for field in ("RestApiId", "Name")):
        return _create_validator(physical_id, new, stack)
    validators = apigateway_v1._request_validators.get(new["RestApiId"], {})
    validators[physical_id].update(_validator_request(physical_id, new))
    return physical_id, {"RequestValidatorId": physical_id}


def _delete_validator(physical_id: str, properties: Properties) -> None:
    apigateway_v1._request_validators.get(properties["RestApiId"], {}).pop(physical_id, None)


def _wrap_api(handlers: Handlers) -> None:
    """Where keys come from is dropped when an API is made; an update keeps it."""
    create = handlers["create"]

    def create_with_source(logical_id: str, properties: Properties, stack: str) -> Made:
        made: Made = create(logical_id, properties, stack)
        source = properties.get("ApiKeySourceType", "HEADER")
        apigateway_v1._rest_apis[made[0]]["apiKeySource"] = source
        return made

    handlers["create"] = create_with_source


def _wrap_method(handlers: Handlers) -> None:
    create, update = handlers["create"], handlers["update"]

    def validated(properties: Properties, made: Made) -> Made:
        resource = apigateway_v1._resources[properties["RestApiId"]][properties["ResourceId"]]
        method = resource["resourceMethods"][properties["HttpMethod"]]
        method["requestValidatorId"] = properties.get("RequestValidatorId")
        return made

    handlers["create"] = lambda logical_id, properties, stack: validated(
        properties, create(logical_id, properties, stack)
    )
    handlers["update"] = lambda physical_id, old, new, stack: validated(
        new, update(physical_id, old, new, stack)
    )


def _wrap_bucket(handlers: Handlers) -> None:
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def locked(properties: Properties, made: Made) -> Made:
        name = made[0]
        if _true(properties.get("ObjectLockEnabled")):
            s3._bucket_versioning[name] = "Enabled"
            configuration = properties.get("ObjectLockConfiguration") or {}
            _done_xml(s3._put_object_lock_configuration(name, _lock_document(configuration)))
        return made

    def forget(name: str, properties: Properties) -> None:
        delete(name, properties)
        s3._bucket_object_lock.pop(name, None)

    handlers["create"] = lambda logical_id, properties, stack: locked(
        properties, create(logical_id, properties, stack)
    )
    handlers["update"] = lambda physical_id, old, new, stack: locked(
        new, update(physical_id, old, new, stack)
    )
    handlers["delete"] = forget


def _lock_document(configuration: Properties) -> bytes:
    root = ElementTree.Element("ObjectLockConfiguration")
    ElementTree.SubElement(root, "ObjectLockEnabled").text = "Enabled"
    retention = (configuration.get("Rule") or {}).get("DefaultRetention")
    if retention:
        rule = ElementTree.SubElement(root, "Rule")
        default = ElementTree.SubElement(rule, "DefaultRetention")
        for name, value in retention.items():
            ElementTree.SubElement(default, name).text = str(value)
    document: bytes = ElementTree.tostring(root)
    return document


def _done_xml(response: tuple[int, Any, Any]) -> None:
    if response[0] >= 400:
        raise ValueError(response[2])


def _wrap_secret(handlers: Handlers) -> None:
    """``Ref`` of a secret is its ARN; the emulator keys its store by name."""
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def name_of(arn: str) -> str:
        return next((key for key, each in secrets._secrets.items() if each["ARN"] == arn), arn)

    def with_arn(made: Made) -> Made:
        return secrets._secrets[made[0]]["ARN"], made[1]

    handlers["create"] = lambda logical_id, properties, stack: with_arn(
        create(logical_id, properties, stack)
    )
    updated: Callable[..., Made] = lambda arn, old, new, stack, logical_id=None: with_arn(  # noqa: E731
        update(name_of(arn), old, new, stack, logical_id)
    )
    handlers["update"] = updated
    handlers["delete"] = lambda arn, properties: delete(name_of(arn), properties)
