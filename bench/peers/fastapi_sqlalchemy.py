"""The same answers from FastAPI with SQLAlchemy (asynchronous) and pydantic, as their guides write it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy import BigInteger, DateTime, ForeignKey, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship, selectinload

SECRET = os.environ.get("BENCH_SECRET", "").encode()
engine = create_async_engine(
    os.environ["BENCH_DATABASE"].replace("postgresql://", "postgresql+asyncpg://", 1), pool_size=8, max_overflow=0
)
new_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The tables."""

    type_annotation_map: ClassVar = {int: BigInteger, datetime: DateTime(timezone=True)}


class Dependency(Base):
    """A task waits for another."""

    __tablename__ = "task_dependencies"
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    depends_on_id: Mapped[int] = mapped_column(primary_key=True)


class Repository(Base):
    """A repository."""

    __tablename__ = "repositories"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Task(Base):
    """A task."""

    __tablename__ = "tasks"
    id: Mapped[int] = mapped_column(primary_key=True)
    repository_id: Mapped[int | None] = mapped_column(ForeignKey("repositories.id"))
    parent_id: Mapped[int | None]
    title: Mapped[str]
    description: Mapped[str]
    details: Mapped[str]
    test_strategy: Mapped[str]
    status: Mapped[str]
    priority: Mapped[str]
    complexity_auto: Mapped[int | None]
    complexity_manual: Mapped[int | None]
    open_dependencies: Mapped[int]
    startable: Mapped[bool]
    labels: Mapped[list] = mapped_column(JSONB)
    agent: Mapped[str | None]
    external_key: Mapped[str | None]
    raw_data: Mapped[dict] = mapped_column(JSONB)
    not_before: Mapped[datetime | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    repository: Mapped[Repository | None] = relationship()
    edges: Mapped[list[Dependency]] = relationship(order_by=Dependency.depends_on_id)

    @property
    def key(self) -> str:
        """How it is shown."""
        return f"NX-{self.id}"

    @property
    def complexity(self) -> int | None:
        """The one that counts."""
        return self.complexity_auto if self.complexity_manual is None else self.complexity_manual

    @property
    def dependencies(self) -> list[int]:
        """What it waits for."""
        return [edge.depends_on_id for edge in self.edges]

    @property
    def ready(self) -> bool:
        """Whether it can be worked on."""
        return self.startable and (self.not_before is None or self.not_before <= datetime.now(UTC))


class Event(Base):
    """A webhook as it came."""

    __tablename__ = "bench_events"
    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[str]
    event: Mapped[str]
    payload: Mapped[dict] = mapped_column(JSONB)


class RepositoryOut(BaseModel):
    """A repository on the wire."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    name: str


class TaskOut(BaseModel):
    """A task on the wire."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    key: str
    repository: RepositoryOut | None
    parent_id: int | None
    title: str
    description: str
    details: str
    test_strategy: str
    status: str
    priority: str
    complexity: int | None
    complexity_auto: int | None
    complexity_manual: int | None
    dependencies: list[int]
    open_dependencies: int
    ready: bool
    labels: list[str]
    agent: str | None
    external_key: str | None
    raw_data: dict[str, Any]
    not_before: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


class PageOut(BaseModel):
    """A page on the wire."""

    items: list[TaskOut]
    next_cursor: str | None


async def session() -> AsyncIterator[AsyncSession]:
    """A session for a request."""
    async with new_session() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]
app = FastAPI()
WHOLE = (joinedload(Task.repository), selectinload(Task.edges))


@app.get("/api/v1/tasks/{task_id}", response_model=TaskOut)
async def one(task_id: int, session: Session) -> Task:
    """One task."""
    found = await session.scalar(select(Task).where(Task.id == task_id).options(*WHOLE))
    if found is None:
        raise HTTPException(404)
    return found


@app.get("/api/v1/tasks", response_model=PageOut)
async def page(repository: int, status: str, session: Session, limit: int = 50) -> dict[str, Any]:
    """A page of tasks."""
    wanted = select(Task).where(Task.repository_id == repository, Task.status == status)
    found = (await session.scalars(wanted.order_by(Task.id).limit(limit).options(*WHOLE))).all()
    return {"items": found, "next_cursor": str(found[-1].id) if found else None}


@app.post("/api/v1/webhooks/github", status_code=202)
async def hook(request: Request, session: Session) -> dict[str, bool]:
    """A webhook, stored once."""
    body = await request.body()
    signature = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signature, request.headers.get("X-Hub-Signature-256", "")):
        raise HTTPException(403)
    stored = await session.scalar(
        insert(Event)
        .values(
            delivery_id=request.headers["X-GitHub-Delivery"],
            event=request.headers["X-GitHub-Event"],
            payload=json.loads(body),
        )
        .on_conflict_do_nothing(index_elements=["delivery_id"])
        .returning(Event.id)
    )
    await session.commit()
    return {"duplicate": stored is None}
