"""What `barewire top` shows at one moment: tables of rows, as a terminal or a script wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import UserError
from .output import printable

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.table import Table as RichTable

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind. `columns` gives each member's heading; the first one is text, the others are numbers."""

    name: str
    columns: Mapping[str, str]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class View:
    """What happened in the last `seconds`; `source` says which service told it."""

    source: str
    seconds: float
    tables: Sequence[Table]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the rows of each table under its name."""
        tables = {table.name: [dict(row) for row in table.rows] for table in self.tables}
        return {"source": self.source, "seconds": round(self.seconds, 3), **tables}


def open_console() -> Console:
    """What prints to the terminal. Raises UserError without rich."""
    try:
        from rich.console import Console
    except ImportError:
        raise UserError("the table needs rich: pip install 'barewire[cli]'; --json does without") from None
    return Console(highlight=False)


def render(view: View, target: str, height: int | None = None) -> Group:
    """All tables, one below the other, none longer than its share of `height` lines."""
    from rich.console import Group
    from rich.text import Text

    heading = Text(f"{printable(target)}  ·  {view.source}  ·  last {view.seconds:.1f} s", style="bold")
    room = None if height is None else max(1, (height - 1) // len(view.tables) - 4)
    return Group(heading, *(_rich_table(table, room) for table in view.tables))


def _rich_table(table: Table, room: int | None) -> RichTable:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    rows = table.rows if room is None or len(table.rows) <= room else table.rows[: max(0, room - 1)]
    left_out = len(table.rows) - len(rows)
    shown = RichTable(box=SIMPLE_HEAD, pad_edge=False, expand=True)
    for number, heading in enumerate(table.columns.values()):
        text = number == 0
        shown.add_column(
            heading, justify="left" if text else "right", no_wrap=True, ratio=1 if text else None
        )
    for row in rows:
        cells = [_cell(row.get(name)) for name in table.columns]
        shown.add_row(*(Text(cell, overflow="ellipsis") for cell in cells), style=_style(row))
    if left_out:
        shown.add_row(Text(f"… and {left_out} more"), style="dim")
    return shown


def _style(row: Row) -> str:
    return "red" if row.get("errors_per_second") else ""


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return printable(str(value))
