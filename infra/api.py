"""The REST API: one route per row of OPERATIONS, each to the function of its row.

Whatever the API answers by itself (no credentials, no such route, too fast) is the same problem
document that the functions answer. What it logs is `infra.access_log`'s.
"""

import json
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy, aws_apigateway, aws_iam, aws_lambda, aws_logs
from constructs import Construct

from datavault.contracts.operations import JSON, NDJSON, OPERATIONS, PROBLEM, TASKS, Operation
from infra.access_log import AccessLog
from infra.acknowledgements import API, LOGGING_ROLE, METHOD, acknowledge
from infra.masking import masking
from infra.names import API_STAGE, AUTHORIZER, Names, Row
from infra.stages import Stage

AUTHORIZED_FOR = Duration.minutes(5)
# Three base64url parts: what is not even shaped like a token costs no function.
BEARER = r"^[Bb]earer [A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A problem that the API answers by itself."""

    response_type: str
    status: int
    code: str
    title: str
    detail: str
    headers: tuple[tuple[str, str], ...] = ()


_UNAVAILABLE = (
    503,
    "unavailable",
    "Service Unavailable",
    "no answer; retry later",
)
_DENIED = (403, "denied", "Forbidden", "not allowed")
_RETRY = (("Retry-After", "1"),)
_RETRY_LATER = (("Retry-After", "5"),)
_RETRY_TOMORROW = (("Retry-After", "3600"),)  # A quota is for a day; nobody knows its hour.
_CHALLENGE = (("WWW-Authenticate", "Bearer"),)

REFUSALS: tuple[Refusal, ...] = (
    Refusal("ACCESS_DENIED", *_DENIED),
    Refusal("API_CONFIGURATION_ERROR", *_UNAVAILABLE, _RETRY_LATER),
    Refusal("AUTHORIZER_CONFIGURATION_ERROR", *_UNAVAILABLE, _RETRY_LATER),
    Refusal("AUTHORIZER_FAILURE", *_UNAVAILABLE, _RETRY_LATER),
    Refusal("BAD_REQUEST_BODY", 400, "malformed", "Bad Request", "the body is malformed"),
    Refusal("BAD_REQUEST_PARAMETERS", 400, "malformed", "Bad Request", "a parameter is malformed"),
    Refusal("DEFAULT_4XX", 400, "malformed", "Bad Request", "the request is malformed"),
    Refusal("DEFAULT_5XX", *_UNAVAILABLE, _RETRY_LATER),
    Refusal("EXPIRED_TOKEN", 401, "unauthenticated", "Unauthorized", "expired", _CHALLENGE),
    Refusal("INTEGRATION_FAILURE", *_UNAVAILABLE, _RETRY_LATER),
    Refusal("INTEGRATION_TIMEOUT", *_UNAVAILABLE, _RETRY_LATER),
    Refusal("INVALID_API_KEY", *_DENIED),
    Refusal("INVALID_SIGNATURE", *_DENIED),
    # API Gateway's name for a route that does not exist.
    Refusal("MISSING_AUTHENTICATION_TOKEN", 404, "not_found", "Not Found", "no such route"),
    Refusal(
        "QUOTA_EXCEEDED", 429, "throttled", "Too Many Requests", "over the quota", _RETRY_TOMORROW
    ),
    Refusal("REQUEST_TOO_LARGE", 413, "too_large", "Content Too Large", "over 10 MB"),
    Refusal("RESOURCE_NOT_FOUND", 404, "not_found", "Not Found", "no such route"),
    Refusal("THROTTLED", 429, "throttled", "Too Many Requests", "too fast; retry later", _RETRY),
    Refusal(
        "UNAUTHORIZED",
        401,
        "unauthenticated",
        "Unauthorized",
        "no valid bearer token",
        _CHALLENGE,
    ),
    Refusal("UNSUPPORTED_MEDIA_TYPE", 400, "malformed", "Bad Request", "unsupported media type"),
    Refusal("WAF_FILTERED", *_DENIED),
)


class VaultApi(Construct):
    """The API, its authorizer, its routes, its logs and what it answers by itself."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._names = Names(stage.name)
        account = _logging_account(self)
        self.rest = aws_apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=f"datavault-{stage.name}",
            description=f"LLM Data Vault {stage.name}",
            endpoint_types=[aws_apigateway.EndpointType.REGIONAL],
            # API Gateway replaces bytes that are not UTF-8 in what it takes for text; records must
            # arrive as sent, to be refused.
            binary_media_types=[NDJSON, JSON],
            cloud_watch_role=False,
            # Usage plans count by what the authorizer says; a key in a header says nothing.
            api_key_source_type=aws_apigateway.ApiKeySourceType.AUTHORIZER,
            # See `infra.domain`.
            disable_execute_api_endpoint=stage.domain is not None,
            deploy_options=self._deployment(stage),
        )
        _require_modern_tls(self.rest)
        self.rest.node.try_remove_child("Endpoint")  # The stack has an output of its own.
        self.rest.deployment_stage.node.add_dependency(account)
        # The stage is what API Gateway logs for: were it first, the group would exist already.
        self.rest.deployment_stage.node.add_dependency(self._execution_log(stage))
        for refusal in REFUSALS:
            self._answer(refusal)
        self._authorizer = self._token_authorizer()
        for row in OPERATIONS:
            self._route(row)
        self.usage_plan = self._usage_plan(stage)
        acknowledge(
            self.rest,
            API,
            *(() if stage.firewall else ("unguarded",)),
        )

    def _deployment(self, stage: Stage) -> aws_apigateway.StageOptions:
        access_log = AccessLog(self, "AccessLog", stage=stage)
        return aws_apigateway.StageOptions(
            stage_name=API_STAGE,
            access_log_destination=aws_apigateway.LogGroupLogDestination(access_log),
            access_log_format=access_log.format,
            logging_level=aws_apigateway.MethodLoggingLevel.ERROR,
            # Tracing of data would log bodies and tokens.
            data_trace_enabled=False,
            metrics_enabled=True,
            # Its segments would hold the path and the query: record ids, and whom a search is for.
            # Functions are traced, which know no URL.
            tracing_enabled=False,
            throttling_rate_limit=stage.throttle.rate,
            throttling_burst_limit=stage.throttle.burst,
        )

    def _usage_plan(self, stage: Stage) -> aws_apigateway.UsagePlan:
        """For the workspaces that have none of their own: each is held to it by itself."""
        limits = stage.workspace_limits
        return self.rest.add_usage_plan(
            "Plan",
            name=f"datavault-{stage.name}",
            throttle=aws_apigateway.ThrottleSettings(
                rate_limit=limits.rate, burst_limit=limits.burst
            ),
            quota=aws_apigateway.QuotaSettings(
                limit=limits.per_day, period=aws_apigateway.Period.DAY
            ),
            api_stages=[
                aws_apigateway.UsagePlanPerApiStage(api=self.rest, stage=self.rest.deployment_stage)
            ],
        )

    def _execution_log(self, stage: Stage) -> aws_logs.LogGroup:
        """API Gateway would create this group itself, to be kept for ever."""
        return aws_logs.LogGroup(
            self,
            "ExecutionLog",
            log_group_name=f"API-Gateway-Execution-Logs_{self.rest.rest_api_id}/{API_STAGE}",
            retention=stage.log_retention,
            removal_policy=stage.removal_policy,
            data_protection_policy=masking(stage),
        )

    def _answer(self, refusal: Refusal) -> None:
        problem = {
            "type": "about:blank",
            "title": refusal.title,
            "status": refusal.status,
            "code": refusal.code,
            "detail": refusal.detail,
            "correlation_id": "$context.requestId",
            "errors": [],
        }
        self.rest.add_gateway_response(
            f"Refusal{refusal.response_type.title().replace('_', '')}",
            type=aws_apigateway.ResponseType.of(refusal.response_type),
            status_code=str(refusal.status),
            response_headers={
                "Content-Type": f"'{PROBLEM}'",
                "X-Correlation-ID": "context.requestId",
                "Cache-Control": "'no-store'",
                "X-Content-Type-Options": "'nosniff'",
                **{name: f"'{value}'" for name, value in refusal.headers},
            },
            templates={"application/json": json.dumps(problem)},
        )

    def _token_authorizer(self) -> aws_apigateway.TokenAuthorizer:
        """It sees the token and nothing else of the request; what it says holds for all routes."""
        (task,) = (task for task in TASKS if task.name == AUTHORIZER)
        return aws_apigateway.TokenAuthorizer(
            self,
            "Authorizer",
            authorizer_name=f"datavault-{self._stage.name}",
            handler=self._function(task),
            identity_source=aws_apigateway.IdentitySource.header("Authorization"),
            validation_regex=BEARER,
            results_cache_ttl=AUTHORIZED_FOR,
        )

    def _route(self, row: Operation) -> None:
        authorized = row.action is not None
        method = self.rest.root.resource_for_path(row.path).add_method(
            row.method,
            aws_apigateway.LambdaIntegration(self._function(row), allow_test_invoke=False),
            operation_name=row.name,
            authorization_type=(
                aws_apigateway.AuthorizationType.CUSTOM
                if authorized
                else aws_apigateway.AuthorizationType.NONE
            ),
            authorizer=self._authorizer if authorized else None,
            api_key_required=authorized,
        )
        acknowledge(method, METHOD, "authorized" if authorized else "open")

    def _function(self, row: Row) -> aws_lambda.IFunction:
        """The row's alias, by name; the permission to invoke it is then made in this stack."""
        return aws_lambda.Function.from_function_attributes(
            self,
            "".join(word.capitalize() for word in row.name.split("_")),
            function_arn=self._names.alias_arn(row),
            same_environment=True,
        )


def _require_modern_tls(rest: aws_apigateway.RestApi) -> None:
    """TLS 1.2 or 1.3 with forward secrecy; the construct has no property of its own for it yet."""
    resource = rest.node.default_child
    assert isinstance(resource, aws_apigateway.CfnRestApi)
    resource.security_policy = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
    # Enhanced policies ask for this too: the host named in TLS is the host of the request.
    resource.endpoint_access_mode = "STRICT"


def _logging_account(scope: Construct) -> aws_apigateway.CfnAccount:
    """Let API Gateway write logs: one setting for all APIs of an account and region.

    It is kept when a stage goes, because the APIs of other stages may rely on it.
    """
    role = aws_iam.Role(
        scope,
        "LoggingRole",
        assumed_by=aws_iam.ServicePrincipal("apigateway.amazonaws.com"),
        managed_policies=[
            aws_iam.ManagedPolicy.from_aws_managed_policy_name(
                "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
            )
        ],
    )
    acknowledge(role, LOGGING_ROLE)
    role.apply_removal_policy(RemovalPolicy.RETAIN)
    account = aws_apigateway.CfnAccount(scope, "LoggingAccount", cloud_watch_role_arn=role.role_arn)
    account.apply_removal_policy(RemovalPolicy.RETAIN)
    return account
