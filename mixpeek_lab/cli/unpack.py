"""Write an extractor's .zip or .tar.gz as a folder: all of it, or nothing."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("archive", help="a .zip, .tar.gz, .tgz or .tar file")
    parser.add_argument("folder", nargs="?", default=".", help="where its folder comes (here)")
    parser.add_argument("--name", help="the extractor's name (default: its folder's)")


def run(options: argparse.Namespace) -> None:
    """Unpack it, and say what was written and what was not."""
    from mixpeek_lab.archives import unpack

    done = unpack(options.archive, options.folder, options.name)
    print(f"Unpacked {done.source.name} to {done.path}: {', '.join(done.source.paths)}")
    if done.left_out:
        print(f"Left out, being no text of an extractor: {', '.join(done.left_out)}")
