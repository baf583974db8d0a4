"""The shop's pages: what a request, sync or async, may do to an order."""

from pathlib import Path
from typing import Any

from django.contrib import admin
from django.db.models import F
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from capture.django.shop.models import Order
from ordertrail.capture import acting


def note(request: HttpRequest, number: int) -> HttpResponse:
    """Write a note."""
    order = Order.objects.get(pk=number)
    order.note = request.GET.get("note", "noted")
    order.save()
    return HttpResponse("done")


async def anote(request: HttpRequest, number: int) -> HttpResponse:
    """Write a note, in a coroutine."""
    order = await Order.objects.aget(pk=number)
    order.note = request.GET.get("note", "noted")
    with acting(reason="asked for"):
        await order.asave(update_fields=["note"])
    return HttpResponse("done")


def stream(_request: HttpRequest, number: int) -> StreamingHttpResponse:
    """Change an order while the answer is being sent."""

    def parts() -> Any:
        yield b"begin"
        Order.objects.filter(pk=number).update(note=F("status"))
        yield b"end"

    return StreamingHttpResponse(parts())


def confirm(request: HttpRequest, number: int) -> HttpResponse:
    """Have a worker confirm an order; answer with the task's id. The queue's folder is told by the test."""
    from capture.django.worker import application

    return HttpResponse(application(Path(request.GET["queue"])).send_task("shop.confirm", [number]).id)


urlpatterns = [
    path("confirm/<int:number>", confirm),
    path("note/<int:number>", note),
    path("anote/<int:number>", anote),
    path("stream/<int:number>", stream),
    path("admin/", admin.site.urls),
]
