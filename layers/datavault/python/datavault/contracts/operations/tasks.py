"""Rows of the table: functions that no route reaches."""

from datavault.contracts.operations.rows import Grant, Task

# A step reads and writes its job's row and papers.
_STEP = frozenset(
    {
        Grant.CATALOG_READ,
        Grant.CATALOG_WRITE,
        Grant.OBJECTS_READ,
        Grant.OBJECTS_WRITE,
        Grant.KEYS_UNWRAP,
    }
)
# Reporting a part leaves a row of its own among the staged ones.
_STAGED = frozenset({Grant.STAGING_READ, Grant.STAGING_WRITE})
_READ_LANDING = frozenset({Grant.LANDING_READ})
# Runs and papers are deleted by whoever merged them, or gave up.
_DISCARD = frozenset({Grant.OBJECTS_DELETE})
_WORKER_S = 900

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
                Grant.OBJECTS_READ,
                Grant.OBJECTS_DELETE,
                Grant.LANDING_DELETE,
                Grant.KEYS_UNWRAP,
            }
        ),
        every_minutes=5,
        timeout_s=900,
    ),
    Task(
        name="plan_ingest",
        capability="ingest",
        summary="Say what the files of a job are, and divide the work",
        function="functions.ingest.plan_ingest",
        # A commit that is pending on the branch is finished first.
        grants=_STEP | _STAGED | _READ_LANDING | {Grant.LEDGER_APPEND},
        memory_mb=2048,
        timeout_s=_WORKER_S,
    ),
    Task(
        name="ingest_part",
        capability="ingest",
        summary="Read one part of a job and store what is new in it",
        function="functions.ingest.ingest_part",
        grants=_STEP | _STAGED | _READ_LANDING | _DISCARD,
        # Of the steps this alone reads Parquet and checks records by their dataset's schema; a
        # layer is imported when there is some, or one.
        layers=("columnar", "schemas"),
        # Two hardware threads, for two batches at a time.
        memory_mb=3538,
        timeout_s=_WORKER_S,
    ),
    Task(
        name="merge_runs",
        capability="ingest",
        summary="Merge a group of a job's runs into one",
        function="functions.ingest.merge_runs",
        grants=_STEP,
        memory_mb=2048,
        timeout_s=_WORKER_S,
    ),
    Task(
        name="build_ingest",
        capability="ingest",
        summary="Put a job's runs into the tree of the new version, for some minutes",
        function="functions.ingest.build_ingest",
        grants=_STEP,
        memory_mb=3538,
        timeout_s=_WORKER_S,
    ),
    Task(
        name="publish_ingest",
        capability="ingest",
        summary="Move the branch to a job's new version and end the job",
        function="functions.ingest.publish_ingest",
        # A commit that came to be pending meanwhile is finished first.
        grants=_STEP | {Grant.STAGING_READ, Grant.LEDGER_APPEND},
        memory_mb=2048,
        timeout_s=_WORKER_S,
    ),
    Task(
        name="clean_ingest",
        capability="ingest",
        summary="Remove what only an ended job needed",
        function="functions.ingest.clean_ingest",
        grants=frozenset(
            {
                Grant.CATALOG_READ,
                Grant.OBJECTS_READ,
                Grant.OBJECTS_DELETE,
                Grant.LANDING_DELETE,
                Grant.KEYS_UNWRAP,
            }
        ),
        memory_mb=1024,
        timeout_s=_WORKER_S,
    ),
    Task(
        name="abort_ingest",
        capability="ingest",
        summary="End a job without its commit, and remove what only the job needed",
        function="functions.ingest.abort_ingest",
        grants=frozenset(
            {
                Grant.CATALOG_READ,
                Grant.CATALOG_WRITE,
                Grant.LEDGER_APPEND,
                Grant.OBJECTS_READ,
                Grant.OBJECTS_DELETE,
                Grant.LANDING_DELETE,
                Grant.KEYS_UNWRAP,
            }
        ),
        memory_mb=1024,
        timeout_s=_WORKER_S,
    ),
    Task(
        name="sweep_uploads",
        capability="ingest",
        summary="Expire uploads that nobody ended, and remove what ended jobs have left",
        function="functions.ingest.sweep_uploads",
        grants=frozenset(
            {
                Grant.CATALOG_READ,
                Grant.STAGING_READ,
                Grant.STAGING_WRITE,
                Grant.OBJECTS_READ,
                Grant.OBJECTS_DELETE,
                Grant.KEYS_UNWRAP,
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
                Grant.STAGING_WRITE,
                Grant.LEDGER_APPEND,
                Grant.KEYS_UNWRAP,
                Grant.OBJECTS_READ,
                Grant.OBJECTS_WRITE,
                Grant.LANDING_READ,
                Grant.WORKFLOWS_START,
            }
        ),
        memory_mb=2048,
        timeout_s=900,
    ),
    Task(
        name="publish_events",
        capability="events",
        summary="Tell other teams what the ledger says",
        function="functions.events.publish",
        grants=frozenset(
            {
                Grant.CATALOG_READ,
                Grant.CATALOG_WRITE,
                Grant.EVENTS_PUBLISH,
                # Pseudonyms are under the workspace's key.
                Grant.KEYS_UNWRAP,
                Grant.LEDGER_FOLLOW,
                Grant.LETTERS_KEEP,
            }
        ),
        follows_ledger=True,
        timeout_s=60,
    ),
)
