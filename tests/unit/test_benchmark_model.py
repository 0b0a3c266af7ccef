"""The model of a large ingest stands on the numbers that the code has."""

from datavault.contracts.operations import TASKS
from datavault.services.ingest import merging, planning
from tests.benchmarks import aws_model
from tests.benchmarks.aws_model import Counted, estimate, model_lines

COUNTED = Counted(200_000_000, 80_000, 20, 50, 5, 25, 4.0, 0.2)


def test_its_constants_are_the_codes() -> None:
    (worker,) = (task for task in TASKS if task.name == "ingest_part")
    assert (worker.memory_mb, worker.timeout_s) == (aws_model.WORKER_MB, aws_model.WORKER_S_MAX)
    assert (planning.PART_BYTES, planning.PARTS_MAX) == (aws_model.PART_BYTES, aws_model.PARTS_MAX)
    assert merging.FAN_IN == aws_model.FAN_IN


def test_more_functions_shorten_what_is_divided_and_cost_the_same() -> None:
    few, many = (estimate(COUNTED, 10e12, functions) for functions in (100, 1000))
    assert many.parts_s < few.parts_s
    assert (many.build_s, many.dollars) == (few.build_s, few.dollars)
    assert few.parts == 5000


def test_no_part_is_read_faster_than_the_prefix_of_its_file_allows() -> None:
    found = estimate(COUNTED, 10e12, 10_000)
    assert found.parts_s >= COUNTED.parts_get * 50_000 / aws_model.PREFIX_GETS_S.value


def test_each_input_says_where_it_stands() -> None:
    text = "\n".join(model_lines(COUNTED))
    assert all(each.source in text and each.as_of for each in aws_model.INPUTS.values())
