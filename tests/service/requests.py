"""What the HTTP tests send and how they read what comes back."""

import base64
import io

from PIL import Image

from tests.service.small_bundle import draw_photograph


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
