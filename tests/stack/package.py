"""The functions' zips: development builds, stripped, each named `bootstrap`."""

import shutil
import subprocess
import zipfile

from .places import BUILT, HOME
from .processes import Failed


def zipped(name):
    """Path of a binary's zip, made anew where the binary is newer."""
    binary, archive = BUILT / name, HOME / f"{name}.zip"
    if not binary.is_file():
        raise Failed(f"{binary} is not there: run `make build`")
    if not archive.is_file() or archive.stat().st_mtime < binary.stat().st_mtime:
        _pack(binary, archive)
    return archive


def _pack(binary, target):
    HOME.mkdir(exist_ok=True)
    bootstrap = HOME / "bootstrap"
    shutil.copyfile(binary, bootstrap)
    if strip := shutil.which("strip"):
        subprocess.run([strip, str(bootstrap)], check=True)
    half_done = target.with_suffix(".part")
    with zipfile.ZipFile(half_done, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, bootstrap.read_bytes())
    bootstrap.unlink()
    half_done.replace(target)
