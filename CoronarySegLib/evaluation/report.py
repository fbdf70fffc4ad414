"""A cohort as a report: per-case table, mean and SD, by position, branch and calibre, significance, pictures.

``evaluation.md`` and ``evaluation.html`` are for reading, the CSV files for a spreadsheet, ``evaluation.json`` holds
every figure.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..in_place import folder_in_place
from ..writing.document import Heading, Items, Part, Picture, TextTable, as_html, as_markdown
from .cohort import Cohort, Figure
from .plots import plot_cases, plot_regions
from .scores import DEFINITIONS, FIGURES
from .significance import Comparison, compare
from .tables import COHORT_COLUMNS, number

TREES = ("left", "right", "total")
KINDS = {"position": "position along the tree", "branch": "branch", "radius": "lumen radius (mm)"}
JSON_NAME = "evaluation.json"


def write_cohort_report(
    cohort: Cohort, folder: Path | str, *, title: str = "Evaluation", other: Cohort | None = None,
    other_title: str = "the other",
) -> tuple[str, ...]:
    """Write the report of ``cohort`` into ``folder``; returns the names of its files.

    ``other`` holds results of another method on the same cases; it adds the paired comparison. Files of the same names
    are replaced, others stay. Raises OutputError.
    """
    compared = () if other is None else compare(cohort, other)
    with folder_in_place(folder, "The report", keep=True) as partial:
        pictures = _pictures(cohort, partial, other, (title, other_title))
        parts = _parts(cohort, pictures, compared, other_title)
        (partial / "evaluation.md").write_text(as_markdown(title, parts), encoding="utf-8")
        (partial / "evaluation.html").write_text(as_html(title, parts), encoding="utf-8")
        _write_csv(partial / "cases.csv", _case_rows(cohort))
        _write_csv(partial / "summary.csv", _summary_rows(cohort))
        _write_csv(partial / "regions.csv", _region_rows(cohort))
        values = {**cohort.as_dict(), "title": title, "comparison": [vars(c) for c in compared]}
        text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
        (partial / JSON_NAME).write_text(text + "\n", encoding="utf-8")
        if compared:
            _write_csv(partial / "comparison.csv", (vars(c) for c in compared))
        return tuple(sorted(path.name for path in partial.iterdir()))


def _pictures(
    cohort: Cohort, folder: Path, other: Cohort | None, names: tuple[str, str]
) -> tuple[Picture, ...]:
    if not cohort.scored:
        return ()
    cohorts = {names[0]: cohort} | ({names[1]: other} if other is not None else {})
    plot_cases(cohorts, folder / "cases.png")
    plot_regions(cohorts, folder / "regions.png")
    return (
        Picture(folder / "cases.png", "Every case is a dot; the box holds the middle half and the line is the median."),
        Picture(folder / "regions.png", "Mean and standard deviation over the cases that have the region."),
    )


def _parts(
    cohort: Cohort, pictures: Sequence[Picture], compared: Sequence[Comparison], other: str
) -> Sequence[Part]:
    failed = [case for case in cohort.cases if case.scores is None]
    parts: list[Part] = [
        f"{len(cohort.scored)} cases scored" + (f", {len(failed)} not." if failed else ".")
        + " Mean ± standard deviation over cases; a distance to nothing (∞) is in no mean, and the number of cases "
        "that are is then given in brackets.",
        _summary_table(cohort),
    ]
    if compared:
        parts += [Heading(f"Against {other}"), _comparison_table(compared, other)]
    regions = [_region_table(cohort, kind) for kind in KINDS if any(k == kind for k, _ in cohort.regions())]
    parts += [Heading("By region"), *regions] if regions else []
    parts += [*pictures, Heading("Cases"), _case_table(cohort)]
    warnings = [f"{case.name}: {text}" for case in cohort.cases if case.scores for text in case.scores.warnings]
    remarks = [*(f"{case.name} was not scored: {case.error}" for case in failed), *warnings]
    if remarks:
        parts += [Heading("Remarks"), Items(tuple(remarks))]
    return [*parts, Heading("Definitions"), Items(tuple(f"{name}: {text}" for name, text in DEFINITIONS.items()))]


def mean_sd(figure: Figure, digits: int, cases: int | None = None) -> str:
    """"0.812 ± 0.031", with "(n 9)" where not all of ``cases`` have it, "–" where none has."""
    if not figure.count:
        return "–"
    text = f"{figure.mean:.{digits}f} ± {figure.sd:.{digits}f}"
    return text if cases is None or figure.count == cases else f"{text} (n {figure.count})"


def _summary_table(cohort: Cohort) -> TextTable:
    rows = []
    for tree in TREES:
        figures = [(cohort.figure(tree, name), max(digits, 1)) for _, name, digits in COHORT_COLUMNS]
        if figures[0][0].count:
            rows.append((tree, *(mean_sd(figure, digits, len(cohort.scored)) for figure, digits in figures)))
    table = TextTable(("tree", *(title for title, _, _ in COHORT_COLUMNS)), tuple(rows))
    if not cohort.roc_auc.count:
        return table
    auc = mean_sd(cohort.roc_auc, 4, len(cohort.scored))
    return TextTable(
        (*table.header, "AUC"), tuple((*row, auc if row[0] == "total" else "") for row in table.rows)
    )


def _case_table(cohort: Cohort) -> TextTable:
    rows = [
        (case.name, *(
            ("not scored", *[""] * (len(COHORT_COLUMNS) - 1)) if case.scores is None
            else (number(getattr(case.scores.total, name), digits) for _, name, digits in COHORT_COLUMNS)
        ))
        for case in cohort.cases
    ]
    return TextTable(("case", *(title for title, _, _ in COHORT_COLUMNS)), tuple(rows))


def _region_table(cohort: Cohort, kind: str) -> TextTable:
    rows = []
    for name in (name for found, name in cohort.regions() if found == kind):
        shares = [cohort.region_figure(kind, name, figure) for figure in ("dice", "sensitivity", "found")]
        length = cohort.region_figure(kind, name, "length_mm")
        rows.append((name, *(mean_sd(figure, 3) for figure in shares), mean_sd(length, 0), str(length.count)))
    return TextTable((KINDS[kind], "Dice", "sensitivity", "centreline found", "length (mm)", "cases"), tuple(rows))


def _comparison_table(compared: Sequence[Comparison], other: str) -> TextTable:
    rows = tuple(
        (
            c.figure, f"{c.first:.3f}", f"{c.second:.3f}", f"{c.difference:+.3f}", str(c.count), p_text(c.p),
            p_text(c.adjusted_p),
        )
        for c in compared
    )
    caption = "Paired Wilcoxon signed-rank tests, two-sided; the last column is adjusted for the number of figures."
    return TextTable(("figure", "this", other, "difference", "cases", "p", "p adjusted"), rows, caption)


def p_text(p: float | None) -> str:
    """"" for none, "<0.001" below that, else three digits."""
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def _case_rows(cohort: Cohort) -> Iterable[dict]:
    for case in cohort.cases:
        if case.scores is None:
            yield {"case": case.name, "tree": "", "error": case.error, **dict.fromkeys(FIGURES), "roc_auc": None}
            continue
        for tree in case.scores.trees:
            auc = case.scores.roc_auc if tree.tree == "total" else None
            yield {
                "case": case.name, "tree": tree.tree, "error": "", **{name: getattr(tree, name) for name in FIGURES},
                "roc_auc": auc,
            }


def _summary_rows(cohort: Cohort) -> Iterable[dict]:
    for tree in TREES:
        for name in FIGURES:
            figure = cohort.figure(tree, name)
            if figure.count:
                yield {"tree": tree, "figure": name, **vars(figure)}


def _region_rows(cohort: Cohort) -> Iterable[dict]:
    for case in cohort.cases:
        for region in case.scores.by_region if case.scores else ():
            yield {"case": case.name, **vars(region)}


def _write_csv(path: Path, rows: Iterable[dict]) -> None:
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else ["case"])
        writer.writeheader()
        writer.writerows(rows)
