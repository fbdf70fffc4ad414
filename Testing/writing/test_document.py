"""Reports of paragraphs, tables and pictures in two formats."""

import pytest

from CoronarySegLib.writing.document import Heading, Items, Strong, TextTable, as_html, as_markdown

PARTS = ("A < B", Heading("Cases"), TextTable(("system", "Dice"), (("a|b", Strong("0.9")),), "Best"), Items(("x", "y")))


def test_markdown_holds_everything_in_order_and_bars_end_no_cell():
    assert as_markdown("Title", PARTS) == (
        "# Title\n\nA < B\n\n## Cases\n\n**Best**\n\n| system | Dice |\n|---|---|\n| a\\|b | **0.9** |\n\n- x\n- y\n"
    )


def test_html_escapes_texts_and_marks_the_best():
    page = as_html("T & U", PARTS)
    assert "<h1>T &amp; U</h1>" in page
    assert "<p>A &lt; B</p>" in page
    assert "<td>a|b</td><td><strong>0.9</strong></td>" in page
    assert "<ul><li>x</li><li>y</li></ul>" in page


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="a row has 1 cells"):
        TextTable(("a", "b"), (("1",),))
