"""`python -m mosforge.config`: writes what is made from the types, in the folder of the workflow."""

from pathlib import Path

from mosforge.config.pages import write_all

if __name__ == "__main__":
    write_all(Path())
