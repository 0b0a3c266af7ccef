"""One call: attempts, pauses and tokens, as steps that do no I/O themselves.

``exchange`` is a generator: it yields what has to be done next and is sent what came of it. So
the rules stand here once, and ``datavault.client.caller`` carries the steps out in two ways,
blocking and awaited.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass

from datavault.client.errors import (
    GATEWAY_STATUSES,
    ConnectionFailed,
    ForeignReply,
    VaultApiError,
    class_of,
)
from datavault.client.messages import Answer, Lost, Request
from datavault.client.problems import problem_of
from datavault.client.retries import RETRIED_STATUSES, Retries, RetryBudget, retry_after_s


@dataclass(frozen=True, slots=True)
class Send:
    """Send the request with this token; gives an ``Answer``, or a ``Lost`` one."""

    request: Request
    token: str | None


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait; gives nothing."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Token:
    """A token to send; another one when ``refused`` is there. Gives it, or ``None``."""

    refused: str | None = None


type Step = Send | Pause | Token
type Outcome = Answer | Lost | str | None
type Exchange = Generator[Step, Outcome, Answer]


@dataclass(frozen=True, slots=True)
class Rules:
    """What governs every exchange of a client."""

    retries: Retries
    budget: RetryBudget
    clock: Callable[[], float]


def exchange(request: Request, rules: Rules) -> Exchange:
    """Get a good answer to ``request``, or raise what the last attempt came to.

    Raises:
        VaultApiError: the vault refused.
        ConnectionFailed: nothing answered.
        ForeignReply: something that is not a vault did.
    """
    token = _text((yield Token())) if request.authorized else None
    renewed = False
    attempt = 1
    while True:
        answer = yield Send(request, token)
        assert isinstance(answer, Answer | Lost), "what a Send gives"
        if isinstance(answer, Answer) and answer.is_good:
            rules.budget.succeeded()
            return answer
        if isinstance(answer, Answer) and answer.status == 401 and token and not renewed:
            renewed = True
            other = _text((yield Token(refused=token)))
            if other is not None:
                token = other
                continue
        pause_s = _pause_s(request, answer, attempt, rules)
        if pause_s is None:
            raise _failure(request, answer, attempt, rules.clock())
        yield Pause(pause_s)
        attempt += 1


def _pause_s(request: Request, answer: Answer | Lost, attempt: int, rules: Rules) -> float | None:
    """How long to wait for the next attempt; ``None`` if there is to be none."""
    if not request.repeatable:
        return None
    asked = None
    if isinstance(answer, Answer):
        if answer.status not in RETRIED_STATUSES:
            return None
        asked = retry_after_s(answer.headers, rules.clock())
    pause_s = rules.retries.pause_s(attempt, asked)
    return pause_s if pause_s is not None and rules.budget.take() else None


def _failure(
    request: Request, answer: Answer | Lost, attempt: int, now_s: float
) -> ConnectionFailed | ForeignReply | VaultApiError:
    attempts = f" in {attempt} attempts" if attempt > 1 else ""
    if isinstance(answer, Lost):
        return ConnectionFailed(
            f"no answer{attempts}: {answer.reason}",
            idempotency_key=request.headers.get("Idempotency-Key"),
        )
    asked = retry_after_s(answer.headers, now_s)
    problem = problem_of(answer, asked)
    if problem is not None:
        return problem
    foreign = ForeignReply(answer.status, answer.media_type, len(answer.content))
    if answer.status not in GATEWAY_STATUSES:
        return foreign
    return class_of(answer.status, "")(
        answer.status,
        f"answered without a problem document, by something in front of the vault{attempts}",
        correlation_id=answer.headers.get("x-correlation-id", ""),
        retry_after_s=asked,
    )


def _text(outcome: Outcome) -> str | None:
    assert outcome is None or isinstance(outcome, str), "what a Token gives"
    return outcome
