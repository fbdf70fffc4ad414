"""The command line as a whole: its subcommands, and how every way to end becomes one line and one exit code.

0 done; 2 wrong arguments; 3 to 9 what the library's errors say (see ``CoronarySegLib.errors``); 70 a defect of ours;
130 stopped by Ctrl+C. Nothing heavy is imported before a subcommand runs, so help comes at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from .. import __version__
from ..errors import Cancelled, CoronarySegError
from .benchmark import benchmark_command
from .calibrate import calibrate_command
from .centreline import centreline_command
from .cfd import cfd_command
from .demo import demo_command
from .evaluate import evaluate_command
from .models import app as models_app
from .phantom import phantom_command
from .segment import segment_command
from .train import train_command
from .uncertainty import uncertainty_command

DEFECT, STOPPED = 70, 130
EXIT_CODES = (
    "Exit codes: 0 done, 2 wrong arguments, 3 input unreadable, 4 not a contrast CT of the heart, 5 model, "
    "6 no coronary found, 7 cannot write, 8 training data, 9 missing package or device, 10 surface unfit for flow, "
    "70 a defect, 130 stopped."
)

app = typer.Typer(
    name="coronaryseg",
    help="Coronary arteries out of a cardiac CT: segmentation, surfaces, scores. For research use only.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("segment")(segment_command)
app.command("demo")(demo_command)
app.command("phantom")(phantom_command)
app.command("train")(train_command)
app.command("evaluate")(evaluate_command)
app.command("calibrate")(calibrate_command)
app.command("uncertainty")(uncertainty_command)
app.command("benchmark")(benchmark_command)
app.command("cfd")(cfd_command)
app.command("centreline")(centreline_command)
app.add_typer(models_app, name="models")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"coronaryseg {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error, too.")] = False,
) -> None:
    """Reads what stands before the subcommand; ``--debug`` is taken out by :func:`main` wherever it stands."""


def main(arguments: Sequence[str] | None = None, *, application: typer.Typer = app) -> int:
    """Run the command with ``arguments`` (those of the process by default) and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    try:
        code = application(given, prog_name="coronaryseg", standalone_mode=False)
        if code == STOPPED:  # typer has turned the interrupt into a code
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, typer.Abort, Cancelled) as error:
        return _ended(str(error) or "Stopped. Nothing was written.", STOPPED, debug)
    except CoronarySegError as error:
        return _ended(str(error), error.exit_code, debug)
    except Exception as error:
        if hasattr(error, "show") and hasattr(error, "exit_code"):  # wrong arguments: typer knows how to say it
            error.show()
            return error.exit_code
        text = f"Unexpected {type(error).__name__}: {error}"
        hint = "" if debug else " This is a defect of coronaryseg; run again with --debug and report what it shows."
        return _ended(text + hint, DEFECT, debug)


def _ended(text: str, code: int, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exc()
    sys.stderr.write(f"coronaryseg: {' '.join(text.split())}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
