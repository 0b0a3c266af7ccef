"""Keys and tokens that providers made recognizable, private keys, and connection strings.

Prefixes and lengths are those that the providers document or that their published examples have;
lengths are lower bounds where providers call them subject to change.
"""

import re
from dataclasses import dataclass, field

from datavault.domain.privacy.entities import Entity
from datavault.domain.privacy.recognizers.rules import (
    CERTAIN,
    STRONG,
    Candidate,
    Clue,
    Finding,
    Rule,
)


@dataclass(frozen=True, slots=True)
class _Form:
    """A ``prefix`` and a ``rest``, both RE2; the prefix is the gate unless there is another."""

    provider: str
    prefix: str
    rest: str
    gate: str = ""
    clue: Clue = field(default=Clue.RUN, kw_only=True)


_FORMS = (
    _Form("aws_access_key", r"(?:AKIA|ASIA|ABIA|ACCA)", r"[2-7A-Z]{16}"),
    _Form("gcp_api_key", "AIza", r"[0-9A-Za-z_-]{35}"),
    _Form("gcp_oauth", r"ya29\.", r"[0-9A-Za-z_-]{20,}"),
    _Form("gcp_client_secret", "GOCSPX-", r"[0-9A-Za-z_-]{24,}"),
    _Form("github", r"gh[pousr]_", r"[0-9A-Za-z]{36,251}"),
    _Form("github_fine_grained", "github_pat_", r"[0-9A-Za-z_]{36,251}"),
    _Form("gitlab", r"gl(?:pat|ptt|dt|rt|cbt|ft|soat|oas|agent|imt)-", r"[0-9A-Za-z_.-]{20,}",
          clue=Clue.NONE),
    _Form("slack", r"xox[abceoprs]-", r"[0-9A-Za-z-]{10,}"),
    _Form("slack_app", "xapp-", r"[0-9A-Za-z-]{10,}"),
    _Form("slack_webhook", r"https://hooks\.slack\.com/", r"(?:servic|workflow)[0-9A-Za-z/_]{20,}"),
    _Form("discord_webhook", r"https://discord\w{0,3}\.com/api/webhooks/", r"[0-9A-Za-z/_-]{30,}"),
    _Form("stripe", r"(?:sk|rk|pk)_(?:live|test)_", r"[0-9A-Za-z]{10,}"),
    _Form("stripe_webhook", "whsec_", r"[0-9A-Za-z+/=]{24,}"),
    _Form("openai", r"sk-(?:proj-|svcacct-|admin-)?", r"[0-9A-Za-z_-]{32,}"),
    _Form("anthropic", r"sk-ant-", r"[0-9A-Za-z_-]{20,}"),
    _Form("openrouter", r"sk-or-", r"[0-9A-Za-z-]{20,}"),
    _Form("hugging_face", r"(?:hf_|api_org_)", r"[0-9A-Za-z]{30,}"),
    _Form("replicate", "r8_", r"[0-9A-Za-z]{30,}"),
    _Form("groq", "gsk_", r"[0-9A-Za-z]{40,}"),
    _Form("perplexity", "pplx-", r"[0-9A-Za-z]{32,}"),
    _Form("xai", "xai-", r"[0-9A-Za-z]{40,}"),
    _Form("langchain", r"lsv2_(?:pt|sk)_", r"[0-9a-f_]{32,}"),
    _Form("twilio", r"(?:AC|SK)", r"[0-9a-f]{32}", r"(?:AC|SK)[0-9a-f]{2}"),
    _Form("sendgrid", r"SG\.", r"[0-9A-Za-z_-]{16,32}\.[0-9A-Za-z_-]{16,64}"),
    _Form("mailgun", r"key-", r"[0-9a-f]{32}"),
    _Form("mailchimp", r"[0-9a-f]{32}-us", r"[0-9]{1,2}", r"[0-9a-f]-us[0-9]"),
    _Form("npm", "npm_", r"[0-9A-Za-z]{36}"),
    _Form("pypi", "pypi-", r"[0-9A-Za-z_-]{50,}"),
    _Form("rubygems", "rubygems_", r"[0-9a-f]{48}"),
    _Form("docker", "dckr_pat_", r"[0-9A-Za-z_-]{27,}"),
    _Form("digitalocean", r"do[opr]_v1_", r"[0-9a-f]{64}"),
    _Form("shopify", r"shp(?:at|ca|pa|ss)_", r"[0-9a-fA-F]{32}"),
    _Form("square", r"(?:sq0atp-|sq0csp-|EAAA)", r"[0-9A-Za-z_-]{22,}"),
    _Form("atlassian", "ATATT3", r"[0-9A-Za-z_=-]{60,}"),
    _Form("linear", "lin_api_", r"[0-9A-Za-z]{32,}"),
    _Form("notion", r"(?:secret_|ntn_)", r"[0-9A-Za-z]{40,}"),
    _Form("figma", "figd_", r"[0-9A-Za-z_-]{36,}"),
    _Form("airtable", r"pat[0-9A-Za-z]{14}\.", r"[0-9a-f]{64}", r"pat[0-9A-Za-z]{2}"),
    _Form("databricks", "dapi", r"[0-9a-f]{32}"),
    _Form("new_relic", "NRAK-", r"[0-9A-Z]{27}"),
    _Form("grafana", r"gl(?:c_|sa_)", r"[0-9A-Za-z_+/=]{32,}"),
    _Form("sentry", r"sntry[su]_", r"[0-9A-Za-z_+/=-]{40,}"),
    _Form("hashicorp_vault", r"hv[sbr]\.", r"[0-9A-Za-z_-]{24,}"),
    _Form("terraform", r"[0-9A-Za-z]{14}\.atlasv1\.", r"[0-9A-Za-z_=-]{60,}", r"\.atlasv1\."),
    _Form("pulumi", "pul-", r"[0-9a-f]{40}"),
    _Form("doppler", r"dp\.(?:pt|st|sa|scim|audit)\.", r"[0-9A-Za-z.]{40,}", clue=Clue.NONE),
    _Form("supabase", r"sb[ps]_", r"[0-9a-f]{40}"),
    _Form("planetscale", r"pscale_(?:tkn|pw|oauth)_", r"[0-9A-Za-z_.-]{32,}", clue=Clue.NONE),
    _Form("telegram", r"[0-9]{8,10}:AA", r"[0-9A-Za-z_-]{32,34}", ":AA"),
    _Form("age", "AGE-SECRET-KEY-1", r"[0-9A-Z]{58}"),
    _Form("azure_storage", r"AccountKey=", r"[0-9A-Za-z+/]{40,}={0,2}"),
    _Form("azure_sas", r"[?&]sig=", r"[0-9A-Za-z%+/]{40,}={0,2}", clue=Clue.NONE),
    _Form("azure_client", r"[0-9A-Za-z_~.]{3}[0-9]Q~", r"[0-9A-Za-z_~.-]{31,34}", "[0-9]Q~",
          clue=Clue.NONE),
    _Form("json_web_token", r"eyJ[0-9A-Za-z_-]{8,}\.eyJ", r"[0-9A-Za-z_.-]{8,}", "eyJ",
          clue=Clue.NONE),
)  # fmt: skip

# Letters that follow a value and belong to it are those of base64url; a shorter pattern must not
# leave their rest in clear.
_REST = re.compile(r"[0-9A-Za-z_+/=.-]*(?<!\.)")
TOKEN_CHARS_MAX = 16_384
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}(?:PRIVATE KEY|BLOCK)-{0,5}(?:-----)?")
_KEY_BODY = re.compile(r"(?:[0-9A-Za-z+/=\s:,-]|\\[nr])*")


def _token(candidate: Candidate) -> Finding | None:
    """The whole run of a token's characters, and nothing that is all one letter."""
    if len(set(candidate.value[-16:])) < 4:
        return None
    limit = candidate.start + TOKEN_CHARS_MAX
    rest = _REST.match(candidate.text, candidate.end, limit)
    end = rest.end() if rest else candidate.end
    return Finding(candidate.start, end, CERTAIN)


def _private_key(candidate: Candidate) -> Finding | None:
    """From the mark of a key's beginning to that of its end, or as far as its body goes."""
    limit = candidate.start + TOKEN_CHARS_MAX
    end = _KEY_END.search(candidate.text, candidate.end, limit)
    if end:
        return Finding(candidate.start, end.end(), CERTAIN)
    body = _KEY_BODY.match(candidate.text, candidate.end, limit)
    return Finding(candidate.start, body.end() if body else candidate.end, CERTAIN)


def _connection(candidate: Candidate) -> Finding | None:
    """A locator with a password, but not one whose password is left to be filled in."""
    value = candidate.value.rstrip(".,;:!?'\")]>")
    credentials = value.partition("://")[2].rpartition("@")[0]
    password = credentials.partition(":")[2]
    if password[:1] in ("$", "{", "<", "%") or set(password) <= set("*xX.") or not password:
        return None
    return Finding(candidate.start, candidate.start + len(value), CERTAIN)


RULES = (
    *(
        Rule(
            f"secret.{form.provider}",
            Entity.SECRET,
            form.gate or form.prefix,
            form.prefix + form.rest,
            _token,
            clue=form.clue,
        )
        for form in _FORMS
    ),
    Rule(
        "secret.private_key",
        Entity.SECRET,
        r"-----BEGIN ",
        r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----",
        _private_key,
    ),
    Rule(
        "secret.connection",
        Entity.SECRET,
        r"://[^\s/@:]*:[^\s/@]",
        r"(?i)[a-z][0-9a-z+.-]{1,20}://[^\s/@:\"'<>]*:[^\s/@\"'<>]+@[^\s\"'<>]+",
        _connection,
    ),
    Rule(
        "secret.bearer",
        Entity.SECRET,
        r"(?i)(?:bearer|basic|token) [0-9a-z._~+/=-]",
        r"(?i)authorization[\"']?[ \t]?[:=][ \t]?[\"']?"
        r"(?:bearer|basic|token) ([0-9a-z._~+/=-]{8,})",
        lambda candidate: candidate.found(STRONG),
    ),
    Rule(
        "secret.aws_secret_key",
        Entity.SECRET,
        r"(?i)secret_?(?:access)?_?key",
        r"(?i)secret_?(?:access)?_?key[\"']?[ \t]?[:=][ \t]?[\"']?([0-9a-z/+]{40})",
        lambda candidate: candidate.found(CERTAIN),
        clue=Clue.RUN,
    ),
)
