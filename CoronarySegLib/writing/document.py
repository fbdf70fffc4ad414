"""A report of paragraphs, tables and pictures, as Markdown and as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:75em;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;margin:1em 0;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}"
    "th,td{padding:.25em .7em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}"
    "th:first-child,td:first-child{text-align:left}thead th{border-bottom:2px solid #555}"
    "img{max-width:100%}caption{text-align:left;font-weight:600;padding:.4em 0}h1,h2{font-weight:600}"
)


class Strong(str):
    """The text of a cell that stands out, as the best of its column."""


@dataclass(frozen=True)
class TextTable:
    """Cells as they are read; every row has as many as the header. A caption stands above."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.header):
                raise ValueError(f"a row has {len(row)} cells, the header {len(self.header)}")


@dataclass(frozen=True)
class Picture:
    """A PNG that lies beside the Markdown and inside the HTML."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    texts: tuple[str, ...]


Part = str | TextTable | Picture | Heading | Items


def as_markdown(title: str, parts: Sequence[Part]) -> str:
    """The report as Markdown; pictures are named by their file, so they must lie beside it."""
    return "\n\n".join([f"# {title}", *(_markdown(part) for part in parts)]) + "\n"


def as_html(title: str, parts: Sequence[Part]) -> str:
    """The report as one HTML page with its pictures in it. Raises OSError where a picture cannot be read."""
    body = "\n".join(_html(part) for part in parts)
    head = f'<head><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style></head>'
    return f'<!doctype html>\n<html lang="en">{head}\n<body>\n<h1>{escape(title)}</h1>\n{body}\n</body></html>\n'


def markdown_table(table: TextTable) -> str:
    """One table; a bar in a cell does not end it."""
    lines = [_row(table.header), "|---" * len(table.header) + "|", *(_row(row) for row in table.rows)]
    return (f"**{table.caption}**\n\n" if table.caption else "") + "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    texts = (f"**{cell}**" if isinstance(cell, Strong) else cell for cell in cells)
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def _markdown(part: Part) -> str:
    if isinstance(part, TextTable):
        return markdown_table(part)
    if isinstance(part, Picture):
        return f"![{part.caption}]({part.path.name})"
    if isinstance(part, Heading):
        return f"## {part.text}"
    if isinstance(part, Items):
        return "\n".join(f"- {text}" for text in part.texts)
    return part


def _html(part: Part) -> str:
    if isinstance(part, TextTable):
        return _html_table(part)
    if isinstance(part, Picture):
        data = base64.b64encode(part.path.read_bytes()).decode("ascii")
        return f'<p><img alt="{escape(part.caption)}" src="data:image/png;base64,{data}"><br>{escape(part.caption)}</p>'
    if isinstance(part, Heading):
        return f"<h2>{escape(part.text)}</h2>"
    if isinstance(part, Items):
        return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in part.texts) + "</ul>"
    return f"<p>{escape(part)}</p>"


def _html_table(table: TextTable) -> str:
    def cell(text: str) -> str:
        return f"<strong>{escape(text)}</strong>" if isinstance(text, Strong) else escape(text)

    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    head = "".join(f"<th>{escape(text)}</th>" for text in table.header)
    rows = "\n".join("<tr>" + "".join(f"<td>{cell(text)}</td>" for text in row) + "</tr>" for row in table.rows)
    return f"<table>{caption}<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>"
