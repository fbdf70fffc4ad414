"""The command ``coronaryseg``: one file per subcommand, each a thin adapter over the library."""
