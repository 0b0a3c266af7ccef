"""A layer's archive is hashed when a stack first publishes it, not again by each further stack.

Nine stacks of the vault publish the same 140 MB; hashing it for each was a third of what the
emulator did to deploy them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import lambda_svc, s3
from ministack.services.cloudformation import provisioners

from datavault.local.shims.misfit import ShimMisfit

LAYER = "AWS::Lambda::LayerVersion"

type Properties = Mapping[str, Any]
type Create = Callable[[str, Properties, str], tuple[str, dict[str, Any]]]
type Version = dict[str, Any]


def install() -> None:
    """Wrap how CloudFormation makes a layer version."""
    handlers = provisioners._RESOURCE_HANDLERS.get(LAYER)
    if handlers is None or "create" not in handlers:
        raise ShimMisfit(f"{LAYER} is not handled as expected")
    handlers["create"] = _hashing_once(handlers["create"])


def _hashing_once(create: Create) -> Create:
    def create_alike(
        logical_id: str, properties: Properties, stack: str
    ) -> tuple[str, dict[str, Any]]:
        like = _published(properties.get("Content") or {})
        if like is None:
            return create(logical_id, properties, stack)
        made = create(logical_id, {**properties, "Content": {}}, stack)
        version = _version(made[0])
        version["_zip_data"] = like["_zip_data"]
        for name in ("CodeSha256", "CodeSize"):
            version["Content"][name] = like["Content"][name]
        return made

    return create_alike


def _published(content: Properties) -> Version | None:
    """A version that has the archive already, if it may be read from here."""
    bucket, key = content.get("S3Bucket", ""), content.get("S3Key", "")
    if lambda_svc.s3_code_region_message(bucket, layer=True) is not None:
        return None
    archive = s3._get_object_data(bucket, key)
    if not archive:
        return None
    versions = (each for layer in lambda_svc._layers.values() for each in layer["versions"])
    # Mostly they are one object; else their sizes or first bytes differ. Neither costs a hash.
    return next((each for each in versions if each.get("_zip_data") == archive), None)


def _version(arn: str) -> Version:
    name, number = provisioners._split_layer_version_arn(arn)
    versions = lambda_svc._layers[name]["versions"]
    found: Version = next(each for each in versions if each["Version"] == number)
    return found
