"""Builds the wheel and uses it as a stranger would: `make wheel-check`.

Run with a Python that has pip and basedpyright. In an empty virtual environment, beside the PyPI package that is also
called `schema`, and from outside the checkout:
- the wheel is pure Python, and holds every module and every data file of the four packages;
- nothing called wire, schema, rpc or cli lands at the top of site-packages, but what PyPI's `schema` put there;
- `barewire.wire`, `.schema` and `.rpc` import, and the `barewire` command shows its help;
- a typed program (typed_consumer.py) passes a strict type check against what was installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("wire", "schema", "rpc", "cli")
DATA_SUFFIXES = {".py", ".proto", ".typed"}

IMPORTS = """
import schema as theirs
from barewire import rpc, schema, wire
for module in (rpc, schema, wire):
    assert module.__name__.startswith("barewire."), module
    assert "site-packages" in module.__file__, module.__file__
assert "site-packages" in theirs.__file__ and theirs.Schema is not None
print("imported", ", ".join(m.__name__ for m in (wire, schema, rpc)), "next to PyPI's", theirs.__name__)
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Runs a command to its end; what it prints, or the end of this program with what it said."""
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        sys.exit(f"wheel-check: {' '.join(map(str, command))} exited {done.returncode}\n{done.stdout}")
    return done.stdout


def build(work: Path) -> Path:
    """Builds the sdist from a copy of the tracked files, and the wheel from the sdist: what PyPI would do."""
    copy = work / "checkout"
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    run(sys.executable, "-m", "venv", work / "build-env", cwd=work)
    python = work / "build-env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "build", cwd=work)
    run(python, "-m", "build", "--outdir", work / "dist", copy, cwd=work)
    (wheel,) = (work / "dist").glob("*.whl")
    assert list((work / "dist").glob("*.tar.gz")), "no sdist was built"
    return wheel


def check_contents(wheel: Path) -> None:
    """Compares the wheel with the tree: setup.cfg lists packages by hand, and a list can be forgotten."""
    if not wheel.name.endswith("-py3-none-any.whl"):
        sys.exit(f"wheel-check: not a pure Python wheel: {wheel.name}")
    inside = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"barewire/{path.relative_to(ROOT).as_posix()}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in DATA_SUFFIXES or path.name == "py.typed"
    }
    missing = sorted(expected - inside)
    if missing:
        sys.exit(
            "wheel-check: not in the wheel (see packages and package_data in setup.cfg):\n  "
            + "\n  ".join(missing)
        )
    strays = sorted(name for name in inside if not name.startswith(("barewire/", "barewire-")))
    if strays:
        sys.exit("wheel-check: outside of barewire/ in the wheel:\n  " + "\n  ".join(strays))


def check_installed(wheel: Path, work: Path) -> None:
    """Installs the wheel beside PyPI's `schema`, and looks at what a user gets."""
    run(sys.executable, "-m", "venv", work / "env", cwd=work)
    bin_ = work / "env" / "bin"
    elsewhere = work / "elsewhere"
    elsewhere.mkdir()
    run(bin_ / "python", "-m", "pip", "install", "--quiet", wheel, cwd=elsewhere)
    (site,) = (work / "env" / "lib").glob("python*/site-packages")
    top = {path.name for path in site.iterdir()} & {name + end for name in PACKAGES for end in ("", ".py")}
    if top:
        sys.exit(f"wheel-check: at the top level of site-packages: {', '.join(sorted(top))}")
    run(bin_ / "python", "-m", "pip", "install", "--quiet", "schema", cwd=elsewhere)
    print(run(bin_ / "python", "-c", IMPORTS, cwd=elsewhere).strip())
    help_text = run(bin_ / "barewire", "--help", cwd=elsewhere)
    if "usage" not in help_text.lower():
        sys.exit(f"wheel-check: `barewire --help` does not look like help:\n{help_text}")
    print("barewire --help:", help_text.strip().splitlines()[0])


def check_typing(work: Path) -> None:
    """Checks a typed program strictly against the installed wheel: py.typed and the annotations reach the user."""
    project = work / "consumer"
    project.mkdir()
    shutil.copy(Path(__file__).parent / "typed_consumer.py", project / "consumer.py")
    (project / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "include": ["consumer.py"]}')
    checker = Path(sys.executable).parent / "basedpyright"
    out = run(checker, "--pythonpath", work / "env" / "bin" / "python", "--project", project, cwd=project)
    print("strict types of a program that uses the wheel:", out.strip().splitlines()[-1])


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="barewire-wheel-") as folder:
        work = Path(folder)
        wheel = build(work)
        check_contents(wheel)
        print(f"built {wheel.name}, and all of {', '.join(PACKAGES)} is in it")
        check_installed(wheel, work)
        check_typing(work)


if __name__ == "__main__":
    main()
