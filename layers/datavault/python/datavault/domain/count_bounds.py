"""How many records a job may take in: what whoever asks for it expects of the files."""

import msgspec

from datavault.domain.errors import Invalid


class CountBounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The least and the most records that a job takes in; ``None`` where there is no bound.

    Counted are the records that the files have and that are not refused, whatever becomes of
    them: one that the branch has already counts, and so do two of the same id.
    """

    least: int | None = None
    most: int | None = None

    @classmethod
    def of(cls, min_records: int | None, max_records: int | None) -> "CountBounds":
        """The bounds as they were given.

        Raises:
            Invalid: no number of records is within them.
        """
        if min_records is not None and max_records is not None and min_records > max_records:
            raise Invalid(
                f"min_records is {min_records} and max_records {max_records}: no number of records"
                " is both",
                field="min_records",
            )
        return cls(min_records, max_records)

    def require(self, count: int) -> None:
        """Refuse fewer records than the one bound, or more than the other."""
        if self.least is not None and count < self.least:
            raise Invalid(_out_of_bounds(count, "min_records", self.least), field="min_records")
        if self.most is not None and count > self.most:
            raise Invalid(_out_of_bounds(count, "max_records", self.most), field="max_records")


def _out_of_bounds(count: int, bound: str, number: int) -> str:
    records = "record" if count == 1 else "records"
    return f"the files have {count} {records}, {bound} is {number}"
