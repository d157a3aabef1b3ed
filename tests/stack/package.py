"""The function's zip: the development build of the authorizer, stripped, named `bootstrap`."""

import shutil
import subprocess
import zipfile

from .places import HOME, ROOT
from .processes import Failed

BINARY = ROOT / "target" / "debug" / "authorizer"
ZIP = HOME / "authorizer.zip"


def authorizer():
    """Path of the zip, made anew where the binary is newer."""
    if not BINARY.is_file():
        raise Failed(f"{BINARY} is not there: run `cargo build -p countersign-authorizer --bin authorizer`")
    if not ZIP.is_file() or ZIP.stat().st_mtime < BINARY.stat().st_mtime:
        _pack()
    return ZIP


def _pack():
    HOME.mkdir(exist_ok=True)
    bootstrap = HOME / "bootstrap"
    shutil.copyfile(BINARY, bootstrap)
    if strip := shutil.which("strip"):
        subprocess.run([strip, str(bootstrap)], check=True)
    half_done = ZIP.with_suffix(".part")
    with zipfile.ZipFile(half_done, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, bootstrap.read_bytes())
    bootstrap.unlink()
    half_done.replace(ZIP)
