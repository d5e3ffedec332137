"""What the HTTP tests send and how they read what comes back."""

import base64
import io

import httpx
from PIL import Image

from tests.service.small_bundle import draw_photograph

http = httpx.Client(timeout=60, limits=httpx.Limits(max_keepalive_connections=0))
"""Makes a connection for each request, as `httpx.get` does, which for each also reads the
certificates of all authorities: that takes longer than most answers."""


def jpeg(**options):
    file = io.BytesIO()
    draw_photograph(**options).save(file, "JPEG")
    return file.getvalue()


def png(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def text64(content):
    return base64.b64encode(content).decode()


def image_of(text):
    return Image.open(io.BytesIO(base64.b64decode(text)))


def post(client, *contents, **fields):
    files = [("images", (f"{i}.jpg", content)) for i, content in enumerate(contents)]
    return client.post("/v1/reconstruct", files=files, data=fields)
