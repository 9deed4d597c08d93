"""Importing and exporting task files.

An import compares the file with what it said the last time: what changed in the file is taken over, what changed in
Nexus only stays. Everything happens in one transaction, so a file comes in whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ..domain.access import LOCAL, Actor
from ..domain.repositories import Repository, check_repository_name
from ..domain.tasks import Task
from ..errors import Invalid, NexusError, UnreadableFile
from ..formats.model import ParsedTask, ParsedTasks
from ..plugins.records import TaskFormat
from .import_links import Outside, was_dropped
from .importing import Former, Importer, ImportReport
from .repositories import add_repository
from .work import UnitOfWork, Work, repository_of

DEFAULT_FORMAT = "taskmaster"


@attrs.frozen(kw_only=True)
class TaskFile:
    """A repository's tasks as a file."""

    content: bytes
    format: str
    media_type: str


@attrs.frozen(kw_only=True)
class _Kept:
    """A repository's file as it was imported last."""

    path: str
    format: str
    content: bytes


class _RolledBack(NexusError):
    """Ends the transaction of a dry run."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        super().__init__()


class ImportService:
    """Task files in and out."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit

    def import_file(
        self,
        content: bytes,
        repository: str,
        *,
        path: str | None = None,
        format: str | None = None,
        media_type: str | None = None,
        dry_run: bool = False,
        actor: Actor = LOCAL,
        delivery: str | None = None,
    ) -> ImportReport:
        """Bring in a task file; a repository that is new is added.

        Without a `format` it is the one that the media type, the path or the content tells.

        :raises UnreadableFile: with file, line and reason; nothing was changed
        """
        check_repository_name(repository)
        task_format = self._format(format) if format else self._recognised(content, path, media_type)
        name = path or f"tasks{task_format.suffixes[0] if task_format.suffixes else '.json'}"
        try:
            parsed = task_format.parse(content)
        except UnreadableFile as error:
            raise UnreadableFile(f"{name}: {error.message}", faults=error.faults, **error.details) from None

        def action(work: Work) -> ImportReport:
            work.tasks.lock_graph()
            place = self._repository(work, repository, actor)
            former = self._former(_kept(work, place.id), parsed, content, task_format, path)
            importer = Importer(
                work, place, actor=actor, delivery=delivery, estimate=self._unit.estimate,
                prefix=self._unit.config.key_prefix,
            )  # fmt: skip
            report = importer.run(parsed, former, content)
            if dry_run:
                raise _RolledBack(attrs.evolve(report, dry_run=True))
            if not former.is_beside:
                work.tasks.save_file(place.id, name, task_format.name, content, work.now)
            return report

        try:
            return self._unit.write(action)
        except _RolledBack as done:
            return done.report

    def _repository(self, work: Work, name: str, actor: Actor) -> Repository:
        found = work.repositories.find(name)
        if found is None:
            return add_repository(work, name, "", actor=actor)
        repository_of(work, name, actor)
        return found

    def _former(
        self, kept: _Kept | None, parsed: ParsedTasks, content: bytes, task_format: TaskFormat, path: str | None
    ) -> Former:
        """What the repository's file said before; and whether this is another file, beside that one."""
        was = self._unit.plugins.formats.get(kept.format) if kept else None
        if kept is None or was is None:
            return Former()
        try:
            said = parsed if (kept.format, kept.content) == (task_format.name, content) else was.parse(kept.content)
        except UnreadableFile:  # it could be read once; a file of today must not be refused for it
            return Former()
        tasks = {task.external_key: task for task in said.tasks}
        lacks_some = bool(tasks.keys() - {task.external_key for task in parsed.tasks})
        is_other = kept.format != task_format.name or (task_format.partial and kept.path != path)
        return Former(tasks=tasks, is_beside=lacks_some and is_other)

    # Formats ----------------------------------------------------------------------------------------------------------

    def _format(self, name: str) -> TaskFormat:
        found = self._unit.plugins.formats.get(name)
        if found is None:
            raise Invalid(f"there is no task format “{name}”; there are {', '.join(self._unit.plugins.formats)}")
        return found

    def _recognised(self, content: bytes, path: str | None, media_type: str | None) -> TaskFormat:
        """The format of a file that nobody named: by its media type, its name, its content; else Taskmaster's."""
        formats = [one for one in self._unit.plugins.formats.values() if one.name != DEFAULT_FORMAT]
        name = (path or "").lower()
        for fits in (
            lambda one: media_type in one.media_types and media_type != "application/octet-stream",
            lambda one: name.endswith(one.suffixes) if one.suffixes else False,
            lambda one: one.recognises is not None and one.recognises(content),
        ):
            if found := next(filter(fits, formats), None):
                return found
        return self._format(DEFAULT_FORMAT)

    # Out --------------------------------------------------------------------------------------------------------------

    def export_file(self, repository: str | int, *, format: str | None = None, actor: Actor = LOCAL) -> bytes:
        """The repository's task file as it reads now; byte for byte the imported one when nothing changed.

        See `export`, which also says which format it is.
        """
        return self.export(repository, format=format, actor=actor).content

    def export(self, repository: str | int, *, format: str | None = None, actor: Actor = LOCAL) -> TaskFile:
        """The repository's task file as it reads now, in the format of the imported one or in another.

        Tasks that the file did not have get their place in it for good, so that an import finds them again.
        """
        with self._unit.read() as work:
            repository_id = repository_of(work, repository, actor)
            assert repository_id is not None  # noqa: S101 - only None gives None
            kept, tasks, keys = self._content(work, repository_id)
        task_format = self._format(format or (kept.format if kept else DEFAULT_FORMAT))
        added = self._new_keys(kept, tasks, keys, task_format)
        content = kept.content if kept and kept.format == task_format.name else None
        others = self._elsewhere(task_format, content, tasks, keys | added, actor)
        rendered = task_format.render(content, tasks, keys | added | others)
        return TaskFile(content=rendered, format=task_format.name, media_type=task_format.media_types[0])

    def _content(self, work: Work, repository_id: int) -> tuple[_Kept | None, list[Task], dict[int, str]]:
        """The kept file, the repository's tasks, and the keys of those that have one."""
        keys = {task_id: key for key, task_id in work.tasks.keys_of(repository_id).items()}
        tasks = [task for task in work.tasks.graph(repository_id, None) if task.repository_id == repository_id]
        return _kept(work, repository_id), tasks, keys

    def _new_keys(
        self, kept: _Kept | None, tasks: Sequence[Task], keys: Mapping[int, str], task_format: TaskFormat
    ) -> dict[int, str]:
        """Keys for the tasks that have none, given as the repository's own file would have them, and stored."""
        own = self._unit.plugins.formats.get(kept.format, task_format) if kept else task_format
        if own.new_keys is None or all(task.id in keys for task in tasks):
            return {}
        content = kept.content if kept and kept.format == own.name else None
        added = {task_id: key for task_id, key in own.new_keys(content, tasks, keys).items() if task_id not in keys}
        self._unit.write(lambda work: work.tasks.set_external_keys(added))
        return added

    def _elsewhere(
        self,
        task_format: TaskFormat,
        content: bytes | None,
        tasks: Sequence[Task],
        keys: Mapping[int, str],
        actor: Actor,
    ) -> dict[int, str]:
        """The names of tasks of other repositories that these depend on, and of those that somebody took away."""
        own = {task.id for task in tasks}
        wanted = {on for task in tasks for on in task.dependencies if on not in own}
        said = task_format.parse(content).tasks if task_format.partial and content is not None else ()
        with self._unit.read() as work:
            wanted |= self._taken_away(work, said, tasks, keys, actor)
            found = [task for task in work.tasks.many(sorted(wanted)) if actor.sees(task.repository_id)]
        self._name(found)
        with self._unit.read() as work:
            named = work.tasks.many([task.id for task in found])
        return {
            task.id: f"{task.repository}#{task.external_key}" for task in named if task.repository and task.external_key
        }

    def _taken_away(
        self, work: Work, said: Sequence[ParsedTask], tasks: Sequence[Task], keys: Mapping[int, str], actor: Actor
    ) -> set[int]:
        """What the file names outside of itself, and Nexus has no more."""
        ids = {key: task_id for task_id, key in keys.items()}
        depends_on = {task.id: set(task.dependencies) for task in tasks}
        names = Outside(work, ids, actor, self._unit.config.key_prefix)
        pairs = {
            (ids[one.external_key], found)
            for one in said
            if one.external_key in ids
            for name in one.references
            if (found := names.find(name)) is not None
        }
        return {on for task_id, on in pairs if on not in depends_on[task_id] and was_dropped(work, task_id, on)}

    def _name(self, found: Sequence[Task]) -> None:
        """See to it that tasks of other repositories have keys by which a file can name them."""
        nameless = {task.repository_id for task in found if task.repository_id and not task.external_key}
        for repository_id in sorted(nameless):
            with self._unit.read() as work:
                kept, tasks, keys = self._content(work, repository_id)
            self._new_keys(kept, tasks, keys, self._format(DEFAULT_FORMAT))


def _kept(work: Work, repository_id: int) -> _Kept | None:
    found = work.tasks.file(repository_id)
    return None if found is None else _Kept(path=found[0], format=found[1], content=found[2])
