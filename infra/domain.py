"""The API under a name of its own, which then is its only one.

The API's generated address is turned off (``RestApi`` of `infra.api`): behind it no client would
have to show a certificate, and a name that clients know cannot be moved to another API.
"""

from aws_cdk import CfnOutput, aws_apigateway, aws_certificatemanager, aws_route53, aws_s3
from aws_cdk.aws_route53_targets import ApiGatewayDomain
from constructs import Construct

from infra.stages import Domain, Truststore

# Such policies also ask for this: the host named in TLS is the host of the request.
_ENHANCED = "SecurityPolicy_"


class ApiDomain(Construct):
    """The domain, mapped to the API, and its record where the zone is ours."""

    def __init__(
        self, scope: Construct, construct_id: str, *, domain: Domain, rest: aws_apigateway.RestApi
    ) -> None:
        super().__init__(scope, construct_id)
        made = aws_apigateway.DomainName(
            self,
            "Domain",
            domain_name=domain.name,
            certificate=aws_certificatemanager.Certificate.from_certificate_arn(
                self, "Certificate", domain.certificate_arn
            ),
            endpoint_type=aws_apigateway.EndpointType.REGIONAL,
            mtls=None if domain.truststore is None else self._mutual(domain.truststore),
        )
        resource = made.node.default_child
        assert isinstance(resource, aws_apigateway.CfnDomainName)
        resource.security_policy = domain.security_policy
        if domain.security_policy.startswith(_ENHANCED):
            resource.endpoint_access_mode = "STRICT"
        aws_apigateway.BasePathMapping(
            self, "Mapping", domain_name=made, rest_api=rest, stage=rest.deployment_stage
        )
        if domain.hosted_zone is not None:
            zone = aws_route53.HostedZone.from_hosted_zone_attributes(
                self,
                "Zone",
                hosted_zone_id=domain.hosted_zone.id,
                zone_name=domain.hosted_zone.name,
            )
            target = aws_route53.RecordTarget.from_alias(ApiGatewayDomain(made))
            for kind in (aws_route53.ARecord, aws_route53.AaaaRecord):
                kind(self, kind.__name__, zone=zone, record_name=f"{domain.name}.", target=target)
        self.url = f"https://{domain.name}/"
        # What a zone elsewhere has to point to.
        CfnOutput(self, "Target", value=made.domain_name_alias_domain_name).override_logical_id(
            "DomainTarget"
        )

    def _mutual(self, truststore: Truststore) -> aws_apigateway.MTLSConfig:
        bucket, _, key = truststore.uri.removeprefix("s3://").partition("/")
        return aws_apigateway.MTLSConfig(
            bucket=aws_s3.Bucket.from_bucket_name(self, "Truststore", bucket),
            key=key,
            version=truststore.version,
        )
