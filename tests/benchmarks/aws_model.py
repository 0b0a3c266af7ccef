"""What a large ingest would take on AWS: time and cost, from calls that were counted here.

The model, in four lines. **Parts**: as many files' ranges as ``services.ingest.planning`` makes, in
rounds of ``functions`` at a time; each takes what it took here by the byte, or what a function's
network gives, whichever is longer. **Merges**: all entries are read and written once for each time
that more than 64 runs are made fewer. **Build**: one function after the other puts the entries
into the tree, at the rate that it had here by the record. **Cost**: calls by the byte as they were
counted, seconds by memory, transitions. What it leaves out: retries, cold starts, storage, logs,
and that S3 needs some minutes to split a prefix under a load that is new to it.

Prices and limits are inputs, with where they stand and as of when; nobody looked them up for this
run. Times of functions are this machine's, whose cores are shared with the cloud that it runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log


@dataclass(frozen=True)
class Input:
    """A price in US dollars or a limit, where it stands, and as of when."""

    value: float
    source: str
    as_of: str = "2025"


LAMBDA = "aws.amazon.com/lambda/pricing, us-east-1, arm64"
S3_PRICE = "aws.amazon.com/s3/pricing, us-east-1, Standard"
S3_LIMIT = "docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"
QUOTAS = "docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"

GB_SECOND = Input(0.0000133334, LAMBDA)
INVOCATION = Input(0.20e-6, LAMBDA)
S3_PUT = Input(0.005e-3, S3_PRICE)
S3_GET = Input(0.0004e-3, S3_PRICE)
WRITE_UNIT = Input(0.625e-6, "aws.amazon.com/dynamodb/pricing/on-demand, us-east-1")
KMS_CALL = Input(0.03e-4, "aws.amazon.com/kms/pricing")
TRANSITION = Input(0.025e-3, "aws.amazon.com/step-functions/pricing, standard workflows")
PREFIX_GETS_S = Input(5_500, S3_LIMIT)
CHILDREN_MAX = Input(10_000, QUOTAS)
CONCURRENCY = Input(1_000, "docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html")
# A partition's write units a second: of the job's row, to which every part reports.
HOT_ROW_UNITS_S = Input(1_000, "docs.aws.amazon.com/amazondynamodb/latest/developerguide, limits")
FUNCTION_MB_S = Input(75, "measured by others; PERFORMANCE.md, a function outside a VPC")
INPUTS = {
    "GB-second of a function, $": GB_SECOND,
    "invocation, $": INVOCATION,
    "S3 PUT, $": S3_PUT,
    "S3 GET, $": S3_GET,
    "DynamoDB write unit, $": WRITE_UNIT,
    "KMS call, $": KMS_CALL,
    "state transition, $": TRANSITION,
    "S3 GETs a second of a prefix": PREFIX_GETS_S,
    "children of a map at once": CHILDREN_MAX,
    "functions at once, unless raised": CONCURRENCY,
    "DynamoDB write units a second of one row": HOT_ROW_UNITS_S,
    "MB/s that a function reads and writes": FUNCTION_MB_S,
}

# As the code has them (``contracts.operations.tasks``, ``services.ingest``); a test compares.
PART_BYTES = 256 * 2**20
PARTS_MAX = 10_000
FAN_IN = 64
WORKER_MB = 3538
WORKER_S_MAX = 900
# An entry of a run, sealed: id, digest, place.
ENTRY_BYTES = 80
# A part's report is two items in a transaction, each of two units.
REPORT_UNITS = 4
# Of a part: its paper of outcome, the report's reads, a key to unwrap, its state and its start.
PART_CALLS = 4


@dataclass(frozen=True)
class Counted:
    """What a run here took: calls to S3 and seconds of functions, for so many bytes and records."""

    bytes: int
    records: int
    parts_put: int
    parts_get: int
    build_put: int
    build_get: int
    part_s: float
    build_s: float


@dataclass(frozen=True)
class Estimate:
    """What ``size`` bytes take with ``functions`` at once."""

    parts: int
    parts_s: float
    part_s: float
    merge_s: float
    build_s: float
    puts: float
    gets: float
    dollars: float

    @property
    def seconds(self) -> float:
        """From the first part to the end of the tree."""
        return self.parts_s + self.merge_s + self.build_s


def estimate(counted: Counted, size: float, functions: int) -> Estimate:
    """The model."""
    scale = size / counted.bytes
    records = counted.records * scale
    part_bytes = max(PART_BYTES, 2 * size / PARTS_MAX)
    parts = ceil(size / part_bytes)
    network_s = part_bytes / (FUNCTION_MB_S.value * 1e6)
    part_s = max(counted.part_s * part_bytes / counted.bytes, network_s)
    gets = counted.parts_get * scale
    parts_s = max(
        ceil(parts / functions) * part_s,
        # All parts of one file read one key.
        gets / PREFIX_GETS_S.value,
        parts * REPORT_UNITS / HOT_ROW_UNITS_S.value,
    )
    levels = max(0, ceil(log(parts, FAN_IN)) - 1) if parts > 1 else 0
    entries_bytes = records * ENTRY_BYTES
    merge_s = 0.0
    groups = parts
    for _ in range(levels):
        groups = ceil(groups / FAN_IN)
        # A group's entries in and out by one function; groups at a time.
        group_s = 2 * entries_bytes / groups / (FUNCTION_MB_S.value * 1e6)
        merge_s += ceil(groups / functions) * group_s
    build_s = counted.build_s * records / counted.records
    seconds = parts * part_s + build_s + levels * 2 * entries_bytes / (FUNCTION_MB_S.value * 1e6)
    puts = (counted.parts_put + counted.build_put) * scale + parts
    gets += counted.build_get * scale
    calls = parts * PART_CALLS
    dollars = (
        seconds * WORKER_MB / 1024 * GB_SECOND.value
        + parts * INVOCATION.value
        + puts * S3_PUT.value
        + gets * S3_GET.value
        + parts * REPORT_UNITS * WRITE_UNIT.value
        + calls * KMS_CALL.value
        + 2 * parts * TRANSITION.value
    )
    return Estimate(parts, parts_s, part_s, merge_s, build_s, puts, gets, dollars)


def model_lines(counted: Counted, size: float = 10e12) -> Iterator[str]:
    """The table, and its inputs."""
    yield f"{size / 1e12:.0f} TB on AWS, from these counts (see tests/benchmarks/aws_model.py)"
    heads = ("functions", "parts", "s a part", "parts", "merges", "tree", "in all", "S3 PUT", "GET")
    yield "".join(f"{head:>11}" for head in heads) + f"{'$':>8}"
    for functions in (100, 1000, 3000):
        found = estimate(counted, size, functions)
        times = (found.parts_s, found.merge_s, found.build_s, found.seconds)
        over = " !" if found.part_s > WORKER_S_MAX else ""
        yield (
            f"{functions:>11,}{found.parts:>11,}{found.part_s:>11.0f}"
            + "".join(f"{seconds / 60:>7.0f} min" for seconds in times)
            + f"{found.puts / 1e6:>9.2f} M{found.gets / 1e6:>9.2f} M{found.dollars:>8.0f}{over}"
        )
    yield f"! a part takes longer than a function may, {WORKER_S_MAX} s"
    yield ""
    yield from (
        f"{name:<42}{each.value:>14g}   {each.source}, {each.as_of}"
        for name, each in INPUTS.items()
    )
