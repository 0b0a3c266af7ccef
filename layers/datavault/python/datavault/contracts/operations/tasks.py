"""Rows of the table: functions that no route reaches."""

from datavault.contracts.operations.rows import Grant, Task

TASKS: tuple[Task, ...] = (
    Task(
        name="authorize",
        capability="access",
        summary="Verify a caller's token for the API",
        function="functions.access.authorize",
        grants=frozenset(),
        timeout_s=10,
    ),
    Task(
        name="sweep_staging",
        capability="retention",
        summary="Remove staged changes an hour after their commit, and those of deleted branches",
        function="functions.retention.sweep_staging",
        grants=frozenset(
            {
                Grant.CATALOG_READ,
                Grant.CATALOG_WRITE,
                Grant.STAGING_READ,
                Grant.STAGING_WRITE,
                # Not OBJECTS_READ: S3 says of what is not there that it has been deleted.
                Grant.OBJECTS_DELETE,
            }
        ),
        every_minutes=15,
        timeout_s=900,
    ),
    Task(
        name="sweep_jobs",
        capability="jobs",
        summary="Start jobs that nobody started, and end those that nobody works on",
        function="functions.jobs.sweep",
        grants=frozenset(
            {
                Grant.CATALOG_READ,
                Grant.CATALOG_WRITE,
                Grant.LEDGER_APPEND,
                Grant.WORKFLOWS_READ,
                Grant.WORKFLOWS_START,
                Grant.WORKFLOWS_STOP,
            }
        ),
        every_minutes=5,
        timeout_s=900,
    ),
    Task(
        name="sweep_uploads",
        capability="ingest",
        summary="Expire uploads that nobody ended, and remove files that jobs have taken in",
        function="functions.ingest.sweep_uploads",
        grants=frozenset(
            {
                Grant.CATALOG_READ,
                Grant.STAGING_READ,
                Grant.STAGING_WRITE,
                Grant.OBJECTS_READ,
                Grant.KEYS_UNWRAP,
                Grant.LANDING_LIST,
                Grant.LANDING_DELETE,
            }
        ),
        every_minutes=15,
        memory_mb=1024,
        timeout_s=900,
    ),
    Task(
        name="open_drop",
        capability="ingest",
        summary="Ask for the job of an object that was put into the landing bucket",
        function="functions.ingest.open_drop",
        grants=frozenset(
            {
                Grant.CATALOG_READ,
                Grant.CATALOG_WRITE,
                Grant.STAGING_READ,
                Grant.STAGING_WRITE,
                Grant.LEDGER_APPEND,
                Grant.KEYS_UNWRAP,
                Grant.OBJECTS_READ,
                Grant.OBJECTS_WRITE,
                Grant.LANDING_LIST,
                Grant.LANDING_READ,
                Grant.WORKFLOWS_START,
            }
        ),
        memory_mb=2048,
        timeout_s=900,
    ),
)
