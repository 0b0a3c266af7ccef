"""Parquet files by pyarrow, which is in the layer ``columnar`` and is imported nowhere else."""
