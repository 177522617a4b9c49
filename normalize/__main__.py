"""`python -m normalize`: the command alone."""

import typer

from normalize.commands import normalize_command

if __name__ == "__main__":
    typer.run(normalize_command)
