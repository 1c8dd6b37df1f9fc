"""Lint an extractor and write it as the .zip that Mixpeek takes: same code, same sha256."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("path", help="the extractor's folder, or an archive to pack anew")
    parser.add_argument("out", nargs="?", help="file or folder to write to (default: NAME.zip)")
    parser.add_argument("--name", help="the extractor's name (default: its folder's)")
    parser.add_argument("--force", action="store_true", help="pack it in spite of lint errors")


def run(options: argparse.Namespace) -> None:
    """Pack it, and say what was written."""
    from mixpeek_lab.workbench.packages import pack_checked, read_package

    package = read_package(Path(options.path), options.name)
    packed = pack_checked(package.source, Path(options.out or "."), force=options.force)
    for finding in package.findings:
        print(finding.message)
    print(f"Packed {package.source.name} as {packed}")
