"""Tables as data frames, for people who go on calculating: the one module that imports pandas, when it is asked.

It knows no figure and no language; names of columns and cells come from the caller.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mes.export import Cell

if TYPE_CHECKING:
    import pandas as pd


def frame(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> pd.DataFrame:
    """A data frame; what is undefined is missing (NaN), never 0."""
    import pandas

    return pandas.DataFrame.from_records([tuple(row) for row in rows], columns=list(names)).convert_dtypes()


def parquet(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """The same as a Parquet file.

    Raises:
        ImportError: pyarrow is not installed (`pip install 'atelier-mes[parquet]'`).
    """
    content = io.BytesIO()
    frame(names, rows).to_parquet(content, index=False)
    return content.getvalue()
