"""`%extractor` with versions: status, commit, log, diff, checkout, tag, push, pull."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import InvalidInputError, UnchangedError
from mixpeek_lab.magics.lines import unquoted
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from mixpeek_lab.widgets.cards import CheckoutCard, DiffCard, FactsCard, LogCard, StatusCard
    from mixpeek_lab.workbench.versions import Versions

VERSION_ACTIONS = ("status", "commit", "log", "diff", "checkout", "tag", "push", "pull")


def version_action(shell: InteractiveShell, options: Any) -> Any:
    """Do what a line of `%extractor` says."""
    if not options.name:
        raise InvalidInputError(f"%extractor {options.action} needs an extractor's name.")
    return _DO[options.action](shell, options)


def _versions() -> Versions:
    return current_lab().versions


def _status(_: InteractiveShell, options: Any) -> StatusCard:
    from mixpeek_lab.magics.errors import below_the_magic
    from mixpeek_lab.widgets.cards import StatusCard

    status = _versions().status(options.name)
    return StatusCard(replace(status, refused=below_the_magic(status.refused)))


def _log(_: InteractiveShell, options: Any) -> LogCard:
    from mixpeek_lab.widgets.cards import LogCard

    return LogCard(_versions().log(options.name))


def _commit(_: InteractiveShell, options: Any) -> None:
    message = unquoted(" ".join(options.message))
    try:
        commit = _versions().commit(options.name, message, options.number)
    except UnchangedError as error:  # no mistake: said, and a notebook that runs on goes on
        print(error)  # noqa: T201
        return
    came = f", from {commit.parent}" if commit.parent else ""
    print(f"Committed {commit.name} {commit.version} ({commit.digest[:12]}{came}).")  # noqa: T201


def _diff(_: InteractiveShell, options: Any) -> DiffCard:
    from mixpeek_lab.widgets.cards import DiffCard

    return DiffCard(_versions().diff(options.name, options.more, options.last))


def _checkout(shell: InteractiveShell, options: Any) -> CheckoutCard:
    from mixpeek_lab.cells import join_sections
    from mixpeek_lab.widgets.cards import CheckoutCard

    if not options.more and "@" not in options.name:
        raise InvalidInputError("%extractor checkout NAME VERSION: which version?")
    found = _versions().checkout(options.name, options.more, force=options.force)
    source = current_lab().extractor(found.name).source
    shell.set_next_input(f"%%extractor {source.name}\n{join_sections(source)}", replace=False)
    return CheckoutCard(found)


def _tag(_: InteractiveShell, options: Any) -> FactsCard | None:
    from mixpeek_lab.widgets.cards import FactsCard

    name, tag = options.name, options.more
    if not tag and (options.delete or options.force):
        raise InvalidInputError("%extractor tag NAME TAG: which tag?")
    if not tag:
        tags = _versions().log(name).tags
        count = f"{len(tags) or 'no'} tag{'' if len(tags) == 1 else 's'}"
        return FactsCard(f"{name}: {count}", list(tags.items()))
    if options.delete:
        _versions().untag(name, tag)
        print(f"Tag {tag} of {name} is forgotten.")  # noqa: T201
        return None
    commit = _versions().tag(name, tag, options.last, force=options.force)
    print(f"{commit.name}@{tag} is {commit.version}.")  # noqa: T201
    return None


def _push(_: InteractiveShell, options: Any) -> FactsCard:
    from mixpeek_lab.magics.live import note_meanwhile
    from mixpeek_lab.widgets.cards.moved import pushed_card

    if not options.to:
        raise InvalidInputError("%extractor push NAME --to URL: where to?")
    steps: list[str] = []
    with note_meanwhile(f"Pushing {options.name} …"):
        done = current_lab().hosted.push(
            options.name,
            options.to,
            namespace=options.namespace,
            deploy=options.deploy,
            batch_only=options.batch_only,
            on_step=steps.append,
        )
    return pushed_card(done, [step for step in steps if "stay here" in step])


def _pull(_: InteractiveShell, options: Any) -> FactsCard:
    from mixpeek_lab.magics.live import note_meanwhile
    from mixpeek_lab.widgets.cards.moved import pulled_card

    if not options.source:
        raise InvalidInputError("%extractor pull NAME --from URL: where from?")
    with note_meanwhile(f"Pulling {options.name} …"):
        done = current_lab().hosted.pull(
            options.name,
            options.source,
            namespace=options.namespace,
            force=options.force,
        )
    return pulled_card(done)


_DO = {
    "status": _status, "commit": _commit, "log": _log, "diff": _diff, "checkout": _checkout,
    "tag": _tag, "push": _push, "pull": _pull,
}  # fmt: skip
