"""The real files that are compared: what PyPI and npm packages bring."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import google.protobuf

from tests.support.protoc import BUNDLED

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "parity"
CONFORMANCE = ROOT / ".cache" / "conformance" / "protos"  # from npm; `make conformance` brings them
GOOGLEAPIS = "googleapis-common-protos==1.76.0"


@dataclass
class Corpus:
    title: str
    root: Path
    folder: str = ""  # of the root, whose files are meant

    @property
    def include(self) -> list[Path]:
        return [self.root]

    @property
    def names(self) -> list[str]:
        paths = (self.root / self.folder).rglob("*.proto")
        return sorted(path.relative_to(self.root).as_posix() for path in paths)


def corpora() -> list[Corpus]:
    """Those that are there; googleapis-common-protos is fetched through pip when it is not."""
    found = [Corpus("grpcio-tools", BUNDLED)]
    googleapis = _wheel(GOOGLEAPIS)
    if googleapis:
        found.append(Corpus("googleapis-common-protos", googleapis))
    found.append(Corpus("protobuf", Path(google.protobuf.__file__).parents[2], "google/protobuf"))
    found.append(Corpus("protobuf-conformance", CONFORMANCE))
    return [corpus for corpus in found if corpus.names]


def _wheel(requirement: str) -> Path | None:
    """The unpacked wheel of a PyPI package, kept in the cache folder."""
    name = requirement.partition("==")[0]
    folder = CACHE / name
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run(
            [*pip, "download", "--no-deps", "--only-binary=:all:", f"--dest={CACHE}", requirement],
            check=False,
        )
        wheel = next(CACHE.glob(name.replace("-", "_") + "*.whl"), None)
        if done.returncode or wheel is None:
            print(f"left out: {requirement} (pip could not fetch it)")
            return None
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    return folder
