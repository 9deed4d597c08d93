"""The same answers from Django REST framework, in one file, as its guides write it."""

from __future__ import annotations

import os
from typing import ClassVar
from urllib.parse import urlsplit

import django
from django.conf import settings

_at = urlsplit(os.environ["BENCH_DATABASE"])
settings.configure(
    DEBUG=False,
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql", "HOST": _at.hostname, "PORT": _at.port or 5432,
            "USER": _at.username, "PASSWORD": _at.password or "", "NAME": _at.path[1:],
            "OPTIONS": {"pool": {"min_size": 4, "max_size": 4}},
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
)  # fmt: skip
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - only after the settings
from django.db import models  # noqa: E402 - as above
from django.urls import path  # noqa: E402 - as above
from django.utils import timezone  # noqa: E402 - as above
from rest_framework import generics, serializers  # noqa: E402 - as above
from rest_framework.response import Response  # noqa: E402 - as above


class Repository(models.Model):
    """A repository."""

    name = models.TextField()

    class Meta:
        """Where it is kept."""

        app_label, db_table, managed = "bench", "repositories", False


class Task(models.Model):
    """A task."""

    repository = models.ForeignKey(Repository, null=True, on_delete=models.CASCADE)
    parent_id = models.BigIntegerField(null=True)
    title = models.TextField()
    description = models.TextField()
    details = models.TextField()
    test_strategy = models.TextField()
    status = models.TextField()
    priority = models.TextField()
    complexity_auto = models.IntegerField(null=True)
    complexity_manual = models.IntegerField(null=True)
    open_dependencies = models.IntegerField()
    startable = models.BooleanField()
    labels = models.JSONField()
    agent = models.TextField(null=True)
    external_key = models.TextField(null=True)
    raw_data = models.JSONField()
    not_before = models.DateTimeField(null=True)
    version = models.BigIntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        """Where it is kept."""

        app_label, db_table, managed = "bench", "tasks", False


class Dependency(models.Model):
    """A task waits for another."""

    pk = models.CompositePrimaryKey("task_id", "depends_on_id")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="edges")
    depends_on_id = models.BigIntegerField()

    class Meta:
        """Where it is kept."""

        app_label, db_table, managed = "bench", "task_dependencies", False


class RepositorySerializer(serializers.ModelSerializer):
    """A repository on the wire."""

    class Meta:
        """What is shown."""

        model, fields = Repository, ("id", "name")


class TaskSerializer(serializers.ModelSerializer):
    """A task on the wire."""

    key = serializers.SerializerMethodField()
    repository = RepositorySerializer()
    complexity = serializers.SerializerMethodField()
    dependencies = serializers.SerializerMethodField()
    ready = serializers.SerializerMethodField()

    class Meta:
        """What is shown."""

        model = Task
        fields: ClassVar = [
            "id", "key", "repository", "parent_id", "title", "description", "details", "test_strategy", "status",
            "priority", "complexity", "complexity_auto", "complexity_manual", "dependencies", "open_dependencies",
            "ready", "labels", "agent", "external_key", "raw_data", "not_before", "version", "created_at", "updated_at",
        ]  # fmt: skip

    def get_key(self, task: Task) -> str:
        """How it is shown."""
        return f"NX-{task.id}"

    def get_complexity(self, task: Task) -> int | None:
        """The one that counts."""
        return task.complexity_auto if task.complexity_manual is None else task.complexity_manual

    def get_dependencies(self, task: Task) -> list[int]:
        """What it waits for."""
        return sorted(edge.depends_on_id for edge in task.edges.all())

    def get_ready(self, task: Task) -> bool:
        """Whether it can be worked on."""
        return task.startable and (task.not_before is None or task.not_before <= timezone.now())


WHOLE = Task.objects.select_related("repository").prefetch_related("edges")


class One(generics.RetrieveAPIView):
    """One task."""

    queryset = WHOLE
    serializer_class = TaskSerializer
    lookup_field = "id"


class Page(generics.GenericAPIView):
    """A page of tasks."""

    serializer_class = TaskSerializer

    def get(self, request):
        """The tasks that the filters leave."""
        wanted = request.query_params
        found = WHOLE.filter(repository_id=int(wanted["repository"]), status=wanted["status"]).order_by("id")
        items = self.get_serializer(found[: int(wanted.get("limit", 50))], many=True).data
        return Response({"items": items, "next_cursor": str(items[-1]["id"]) if items else None})


urlpatterns = [path("api/v1/tasks/<int:id>", One.as_view()), path("api/v1/tasks", Page.as_view())]
app = get_wsgi_application()
