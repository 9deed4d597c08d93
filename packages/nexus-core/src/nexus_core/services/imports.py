"""Importing and exporting task files.

An import compares the file with what it said the last time: what changed in the file is taken over, what changed in
Nexus only stays. Everything happens in one transaction, so a file comes in whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ..domain.access import LOCAL, Actor
from ..domain.complexity import Source
from ..domain.findings import FileMend
from ..domain.repositories import Repository, check_repository_name
from ..domain.tasks import Task
from ..errors import Conflict, Invalid, NotFound, UnreadableFile
from ..formats.model import ParsedScores, ParsedTask, ParsedTasks
from ..plugins.records import TaskFormat
from .apart import Apart
from .import_links import Outside, was_dropped
from .import_report import ImportReport, RolledBack
from .importing import Former, Importer
from .repositories import add_repository
from .score_imports import ScoreImporter
from .scores import ScoreService
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


@attrs.frozen(kw_only=True)
class _Content:
    """What a repository's file is made of."""

    kept: _Kept | None
    held: list[Task]  #: all of the repository
    tasks: list[Task]  #: those that the file has, as it has them
    keys: dict[int, str]
    mends: Sequence[FileMend]


class ImportService:
    """Task files in and out."""

    def __init__(self, unit: UnitOfWork, scores: ScoreService) -> None:
        self._unit = unit
        self._scores = scores

    def import_file(
        self,
        content: bytes,
        repository: str,
        *,
        path: str | None = None,
        format: str | None = None,
        media_type: str | None = None,
        tag: str | None = None,
        dry_run: bool = False,
        actor: Actor = LOCAL,
        delivery: str | None = None,
    ) -> ImportReport:
        """Bring in a task file, or a complexity report, which is known by its shape.

        With a task file, a repository that is new is added. Without a `format` it is the one that the media type, the
        path or the content tells. `tag` says which tag a report is of, where its path does not.

        :raises UnreadableFile: with file, line and reason; nothing was changed
        """
        check_repository_name(repository)
        task_format = self._format(format) if format else self._recognised(content, path, media_type)
        name = path or f"tasks{task_format.suffixes[0] if task_format.suffixes else '.json'}"
        parsed = _parsed(task_format, content, name)
        if tag is not None and not isinstance(parsed, ParsedScores):
            raise Conflict("a task file names its tags itself; `tag` is for a complexity report alone")

        def action(work: Work) -> ImportReport:
            if isinstance(parsed, ParsedScores):
                known = self._known(work, repository, actor)
                scorer = ScoreImporter(work, known.id, self._scores, path=name, actor=actor, delivery=delivery)
                assert task_format.scores is not None  # noqa: S101 - it made the report
                report = scorer.run(parsed, task_format.scores, tag, repository)
            else:
                work.tasks.lock_graph()
                place = self._repository(work, repository, actor)
                former = self._former(_kept(work, place.id), parsed, content, task_format, path)
                importer = Importer(
                    work, place, self._scores, actor=actor, delivery=delivery, prefix=self._unit.config.key_prefix
                )
                importer.is_rehearsal = dry_run
                report = importer.run(parsed, former, content)
                if not former.is_beside and not dry_run:
                    work.tasks.save_file(place.id, name, task_format.name, content, work.now)
            if dry_run:
                raise RolledBack(attrs.evolve(report, dry_run=True))
            return report

        try:
            return self._unit.write(action)
        except RolledBack as done:
            return done.report

    def _repository(self, work: Work, name: str, actor: Actor) -> Repository:
        if work.repositories.find(name) is not None or actor.repositories is not None:
            return self._known(work, name, actor)
        return add_repository(work, name, "", actor=actor)

    def _known(self, work: Work, name: str, actor: Actor) -> Repository:
        found = work.repositories.find(name)
        if found is None and actor.repositories is None:
            raise NotFound(f"there is no repository {name}; import its task file first")
        repository_of(work, name, actor)
        assert found is not None  # noqa: S101 - only then it is one of the actor's
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
            found = self._content(work, repository_id)
        kept, tasks = found.kept, found.tasks
        task_format = self._format(format or (kept.format if kept else DEFAULT_FORMAT))
        keys = found.keys | self._new_keys(found, task_format)
        content = kept.content if kept and kept.format == task_format.name else None
        names = keys | self._elsewhere(task_format, content, tasks, keys, actor)
        rendered = task_format.render(content, tasks, names)
        if content is not None:
            rendered = _mended(task_format, rendered, found.mends, found.held, keys)
        return TaskFile(content=rendered, format=task_format.name, media_type=task_format.media_types[0])

    def _content(self, work: Work, repository_id: int) -> _Content:
        keys = {task_id: key for key, task_id in work.tasks.keys_of(repository_id).items()}
        held = work.tasks.of_repository(repository_id)
        scores = work.scores.of([task.id for task in held])
        estimated = {task_id for task_id, one in scores.items() if one.source is Source.ESTIMATE}
        return _Content(
            kept=_kept(work, repository_id),
            held=held,
            # What was estimated here is estimated elsewhere too; in a file it would pass for somebody's word.
            tasks=[
                attrs.evolve(task, complexity_auto=None) if task.id in estimated else task
                for task in Apart.load(work, repository_id).as_in_file(held)
            ],
            keys=keys,
            mends=work.charts.file_mends(repository_id),
        )

    def _new_keys(self, found: _Content, task_format: TaskFormat) -> dict[int, str]:
        """Keys for the tasks that have none, given as the repository's own file would have them, and stored."""
        kept = found.kept
        own = self._unit.plugins.formats.get(kept.format, task_format) if kept else task_format
        if own.new_keys is None or all(task.id in found.keys for task in found.tasks):
            return {}
        content = kept.content if kept and kept.format == own.name else None
        made = own.new_keys(content, found.tasks, found.keys)
        added = {task_id: key for task_id, key in made.items() if task_id not in found.keys}
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
                content = self._content(work, repository_id)
            self._new_keys(content, self._format(DEFAULT_FORMAT))


def _kept(work: Work, repository_id: int) -> _Kept | None:
    found = work.tasks.file(repository_id)
    return None if found is None else _Kept(path=found[0], format=found[1], content=found[2])


def _parsed(task_format: TaskFormat, content: bytes, name: str) -> ParsedScores | ParsedTasks:
    """The file, read. :raises UnreadableFile: naming it"""
    try:
        scores = task_format.scores.parse(content) if task_format.scores else None
        return task_format.parse(content) if scores is None else scores
    except UnreadableFile as error:
        raise UnreadableFile(f"{name}: {error.message}", faults=error.faults, **error.details) from None


def _mended(
    task_format: TaskFormat, content: bytes, mends: Sequence[FileMend], tasks: Sequence[Task], keys: Mapping[int, str]
) -> bytes:
    """A file as it is to be written, with what the doctor mended in its text."""
    if not mends or task_format.doctor is None:
        return content
    live = {(keys[task.id], keys[on]) for task in tasks for on in task.dependencies if {task.id, on} <= keys.keys()}
    return task_format.doctor().mend(content, mends, live)
