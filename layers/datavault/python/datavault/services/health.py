"""Readiness: real probes of what the vault stands on."""

from collections.abc import Callable
from time import perf_counter

from datavault.domain.errors import VaultError
from datavault.domain.health import Check, Health, Status, overall
from datavault.ports import Vault
from datavault.services.maintenance import find_read_only


def check_ready(vault: Vault) -> Health:
    """Probe the catalog, the objects and the keys; only the catalog's trouble is ``unhealthy``.

    A catalog that answers is asked as well whether the stage is read-only.
    """
    catalog = _probe("catalog", vault.catalog.ping, "unhealthy")
    return overall(
        (
            catalog,
            _probe("objects", vault.objects.ping, "degraded"),
            _probe("keys", vault.keyring.ping, "degraded"),
            *((_writes(vault),) if catalog.status == "healthy" else ()),
        )
    )


def _writes(vault: Vault) -> Check:
    started = perf_counter()
    mode = find_read_only(vault, None)
    if mode is None:
        return Check("writes", "healthy", _since_ms(started), "taken")
    return Check("writes", "degraded", _since_ms(started), f"read-only: {mode.reason}")


def _probe(name: str, ping: Callable[[], None], otherwise: Status) -> Check:
    started = perf_counter()
    try:
        ping()
    except VaultError as error:
        return Check(name, otherwise, _since_ms(started), f"does not answer ({error.code})")
    return Check(name, "healthy", _since_ms(started), "answers")


def _since_ms(started: float) -> float:
    return round((perf_counter() - started) * 1000, 3)
