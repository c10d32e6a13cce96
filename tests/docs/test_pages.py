"""The pages: what they link to and name is there, and every page is in the navigation."""

import importlib
import json
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

from mosforge import __version__
from mosforge.cli import build_parser
from mosforge.jobs import RULES

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.glob("*.md"))
TEXTS = [*PAGES, *(REPOSITORY / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG"))]
SITE = yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text())

CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")

ROOMS = ("src/", "workflow/", "tests/", "envs/", "profiles/", "docs/")

each_text = pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)


@cache
def prose(file: Path) -> str:
    """A page without its blocks of code, or what stands between the code of a notebook."""
    if file.suffix == ".ipynb":
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return re.sub(r"^( *)```.*?^\1```$", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def names(file: Path) -> list[str]:
    """What stands in backticks on a page."""
    return re.findall(r"`([^`\n]+)`", prose(file))


def is_example(name: str) -> bool:
    """Whether it is a name that a page makes up: in capitals, or that of the new rule in `extending.md`."""
    return re.search(r"\b[A-Z]{3,}\b|sharpness", name) is not None


@cache
def anchors(file: Path) -> set[str]:
    """Those of a page's headings, as GitHub and the site both make them."""
    headings = re.findall(r"^#+ (.+)$", prose(file), flags=re.MULTILINE)
    words = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings)
    return {re.sub(r"\s", "-", word) for word in words}


@each_text
def test_every_link_leads_somewhere(file: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(file))
    for link in links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (file.parent / path).resolve() if path else file
        assert target.is_file(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_pages_of_the_site_link_only_to_what_the_site_has(file: Path) -> None:
    for link in re.findall(r"\]\(([^)\s#]+)", prose(file)):
        assert link.startswith("https://") or (DOCS / link).resolve().is_relative_to(DOCS), link


def test_every_page_is_in_the_navigation_once() -> None:
    listed = [
        page for part in SITE["nav"] for entries in part.values() for e in entries for page in e.values()
    ]
    notebooks = [f"notebooks/{page.name}" for page in (DOCS / "notebooks").glob("*.ipynb")]
    assert sorted(listed) == sorted([page.name for page in PAGES] + notebooks)


def test_the_readme_links_to_every_page() -> None:
    linked = set(re.findall(r"\]\(docs/(\w[\w-]*\.md)", prose(REPOSITORY / "README.md")))
    assert linked == {page.name for page in PAGES} - {"index.md"}


@each_text
def test_every_file_that_is_named_is_there(file: Path) -> None:
    for name in names(file):
        if name.startswith(ROOMS) and re.fullmatch(r"[\w./*-]+", name) and not is_example(name):
            assert list(REPOSITORY.glob(name.rstrip("/"))), name


def test_the_table_of_ideas_names_modules_of_the_package() -> None:
    table = prose(DOCS / "code.md").partition("## Where is")[2]
    rows = re.findall(r"^\|[^|]+\| (`.+) \|$", table, flags=re.MULTILINE)[1:]
    paths = [path for row in rows for path in re.findall(r"`([^`]+)`", row)]
    assert len(paths) >= 20
    assert [path for path in paths if not (REPOSITORY / "src/mosforge" / path).exists()] == []


@each_text
def test_every_module_and_function_that_is_named_can_be_imported(file: Path) -> None:
    for name in [*names(file), *re.findall(r"^::: ([\w.]+)$", prose(file), flags=re.MULTILINE)]:
        if re.fullmatch(r"mosforge(\.\w+)+", name):
            _find(name)


def _find(name: str) -> object:
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        return importlib.import_module(name)


def verbs() -> dict[str, set[str]]:
    """The commands, each with the verbs that it has."""
    found: dict[str, set[str]] = {}
    (commands,) = build_parser()._subparsers._group_actions  # type: ignore[union-attr]
    for name, parser in commands.choices.items():  # type: ignore[union-attr]
        inner = parser._subparsers._group_actions if parser._subparsers else []
        found[name] = {verb for group in inner for verb in group.choices} | set(RULES.get(name, ()))
    return found


@each_text
def test_every_command_that_is_named_exists(file: Path) -> None:
    known = verbs()
    text = file.read_text(encoding="utf-8")
    for words in re.findall(r"(?:`|^[$] |^|-m )mosforge ([a-z]\w*(?: \w+)?)", text, flags=re.MULTILINE):
        command, _, verb = words.partition(" ")
        if command == "turns" or is_example(words):  # "mosforge turns a folder ..."
            continue
        assert command in known, words
        if (
            known[command] and not verb.isupper() and command != "metrics"
        ):  # whose verb `pair` may be left out
            assert verb in known[command], words


KEYS = [key.split(".") for key in re.findall(r"^\| `([\w.*]+)`", CONFIGURATION, flags=re.MULTILINE)]
SECTIONS = {key[0] for key in KEYS}


@pytest.mark.parametrize(
    "file",
    [*(file for file in TEXTS if file.name != "reruns.md"), *DOCS.glob("notebooks/*.ipynb")],
    ids=lambda file: file.name,
)
def test_every_key_that_is_named_is_a_key_of_the_configuration(file: Path) -> None:
    for name in names(file):
        parts = name.partition(":")[0].split(".")
        if parts[0] in SECTIONS and len(parts) > 1 and parts[-1] not in ("py", "smk", "md"):
            assert any(is_key(parts, key) for key in KEYS), name


def is_key(parts: list[str], key: list[str]) -> bool:
    """Whether the parts, of which those in capitals stand for any name, are a key or lead to it."""
    together = zip(parts, key, strict=False)
    return len(parts) <= len(key) and all(a == b or b == "*" or a.isupper() for a, b in together)


def test_the_citation_is_of_this_version_and_names_the_paper() -> None:
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert citation["version"] == __version__
    (paper,) = citation["references"]
    for text in (REPOSITORY / "README.md", DOCS / "index.md"):
        assert paper["doi"] in text.read_text()
        assert all(author["family-names"] in text.read_text() for author in paper["authors"])


def test_the_dockerfile_uses_the_lock_and_extras_that_exist() -> None:
    lines = (REPOSITORY / "Dockerfile").read_text()
    assert lines.count("--constraint envs/requirements.txt") == 2
    extras = re.search(r"'\.\[([\w,]+)\]'", lines)
    assert extras
    project = (REPOSITORY / "pyproject.toml").read_text()
    assert all(re.search(rf"^{extra} = ", project, flags=re.MULTILINE) for extra in extras[1].split(","))


def test_the_hooks_call_programs_that_lint_installs() -> None:
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    lint = (REPOSITORY / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    for hook in config["repos"][0]["hooks"]:
        program = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert f"$(BIN)/{program} " in lint or f"$(BIN)/{program}\n" in lint, program
