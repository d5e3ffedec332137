"""Forms are read as their clients meant them, in less time than Starlette takes."""

import asyncio
import os
import time

import pytest
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from service.http import parts
from service.http.multipart import WholeForm

FILES = 2000
SMALL = bytes(range(256)) * 12
DISPOSITIONS = {
    'form-data; name="images"; filename="a.jpg"': ("images", "a.jpg"),
    'form-data; name="images"; filename="Käfer ; name=x.jpg"': ("images", "Käfer ; name=x.jpg"),
    'form-data; name="images"; filename=""': ("images", ""),
    'form-data; name="filename*=UTF-8"; filename="x"': ("filename*=UTF-8", "x"),
    'form-data; name="images"': ("images", None),
    "form-data; name=images; filename=a.jpg": ("images", "a.jpg"),
    'form-data; filename="a.jpg"; name="images"': ("images", "a.jpg"),
    'form-data; name="images"; filename="C:\\cars\\a.jpg"': ("images", "a.jpg"),
    'form-data; name="images"; filename="a\\"b.jpg"': ("images", 'a"b.jpg'),
    'form-data; name="images"; filename="a.jpg"; filename*=UTF-8\'\'b.jpg': ("images", "a.jpg"),
    'FORM-DATA; NAME="images"; FILENAME="a.jpg"': ("images", "a.jpg"),
    'form-data;name="images";filename="a.jpg"': ("images", "a.jpg"),
    'form-data; name="images"; filename="100%.jpg"': ("images", "100%.jpg"),
}
"""Content-Disposition -> field and file name, None for a text: as Starlette reads them too."""
REFUSED = {
    'attachment; name="images"; filename="a.jpg"': "Wrong type",
    'form-data; filename="a.jpg"': '"name" must be provided',
    "form-data; name=\"images\"; filename*=UTF-8''a.jpg": "send filename in UTF-8",
}


def form_of(dispositions, content=b"x", charset="", step=None):
    """A request with one part for each disposition, whose body comes in pieces of `step` bytes."""
    body = b"".join(
        b"--edge\r\nContent-Disposition: %s\r\nContent-Type: image/jpeg\r\n\r\n%s\r\n"
        % (disposition.encode(), content)
        for disposition in dispositions
    )
    body += b"--edge--\r\n"
    kind = f"multipart/form-data; boundary=edge{charset}".encode()
    step = step or len(body)
    starts = iter(range(0, len(body), step))

    async def receive():
        start = next(starts)
        more = start + step < len(body)
        return {"type": "http.request", "body": body[start : start + step], "more_body": more}

    return Request({"type": "http", "headers": [(b"content-type", kind)]}, receive)


def ours(request, files=FILES):
    return WholeForm(request, files, FILES)


def starlettes(request, files=FILES):
    return MultiPartParser(request.headers, request.stream(), max_files=files, max_fields=FILES)


async def parse(parser, take):
    """What is taken of the form, which is closed then."""
    form = await parser.parse()
    try:
        return take(form)
    finally:
        await form.close()


def everything(form):
    return [
        (name, value.filename, value.size, value.file.read())
        if isinstance(value, UploadFile)
        else (name, value)
        for name, value in form.multi_items()
    ]


def parts_of(parser):
    """Everything about the parts, or why there are none."""
    try:
        return asyncio.run(parse(parser, everything))
    except MultiPartException as error:
        return error.message


@pytest.mark.parametrize("charset", ["", "; charset=latin-1", "; charset=none", "; charset=hex"])
def test_every_part_is_what_its_headers_say(charset):
    request = form_of(DISPOSITIONS, charset=charset)
    found = parts_of(ours(request))
    assert found == parts_of(starlettes(form_of(DISPOSITIONS, charset=charset)))
    if not charset:
        wanted = [
            (field, "x") if name is None else (field, name, 1, b"x")
            for field, name in DISPOSITIONS.values()
        ]
        assert found == wanted


def test_a_quote_in_a_name_is_read_as_browsers_write_it():
    ((_, name, _, _),) = parts_of(ours(form_of(['form-data; name="images"; filename="a%22b.jpg"'])))
    assert name == 'a"b.jpg'


@pytest.mark.parametrize("disposition", REFUSED)
def test_a_part_that_could_be_another_is_refused(disposition):
    assert REFUSED[disposition] in parts_of(ours(form_of([disposition])))


@pytest.mark.parametrize("step", [1, 2, 7, 61, 4096])
def test_a_body_is_the_same_in_any_pieces(monkeypatch, step):
    monkeypatch.setattr(parts, "LARGEST_IN_MEMORY", 1000)  # larger ones are on the disk
    content = b"\r\n--edg\r--edge\r\n-" * 100 + b"\r"
    for size in (0, 999, len(content)):
        whole = form_of(DISPOSITIONS, content[:size])
        pieces = form_of(DISPOSITIONS, content[:size], step=step)
        assert parts_of(ours(pieces)) == parts_of(starlettes(whole))


def test_a_large_file_is_on_the_disk_and_a_small_one_is_not():
    sizes = [parts.LARGEST_IN_MEMORY, parts.LARGEST_IN_MEMORY + 1, 3 * parts.LARGEST_IN_MEMORY]
    for size in sizes:
        content = os.urandom(size)
        request = form_of([*DISPOSITIONS][:1], content, step=100_000)

        def is_on_disk(form, content=content):
            ((_, value),) = form.multi_items()
            assert (value.size, value.file.read()) == (len(content), content)
            return hasattr(value.file, "fileno") and value.file.fileno() > 0

        if size > parts.LARGEST_IN_MEMORY:
            assert asyncio.run(parse(ours(request), is_on_disk))
        else:
            with pytest.raises(OSError):
                asyncio.run(parse(ours(request), is_on_disk))


def test_a_text_that_is_too_long_is_refused():
    text = b"x" * (parts.LARGEST_TEXT + 1)
    said = parts_of(ours(form_of(['form-data; name="format"'], text, step=100_000)))
    assert said == "Part exceeded maximum size of 1024KB."
    ((_, value),) = parts_of(ours(form_of(['form-data; name="format"'], text[1:])))
    assert len(value) == parts.LARGEST_TEXT


def test_a_part_whose_own_length_is_another_is_refused():
    lengths = {b"1": True, b"2": False, b"0": False, b"x": False}
    for length, is_right in lengths.items():
        more = f'form-data; name="images"; filename="a"\r\nContent-Length: {length.decode()}'
        found = parts_of(ours(form_of([more])))
        assert (found == [("images", "a", 1, b"x")]) == is_right
        assert is_right or "Content-Length" in found


def test_too_many_files_are_refused_in_starlettes_words():
    said = [parts_of(make(form_of([*DISPOSITIONS][:1] * 3), 2)) for make in (ours, starlettes)]
    assert said[0] == said[1] == "Too many files. Maximum number of files is 2."


def test_headers_without_an_end_are_refused():
    for disposition in ("x" * 99_999, 'form-data; name="a"' + "\r\nX-More: x" * 99):
        said = parts_of(ours(form_of([disposition], step=4096)))
        assert "header" in said and "exceeded" in said


def test_many_small_files_take_less_of_the_processor_than_starlette_s_reading():
    dispositions = [f'form-data; name="images"; filename="{i}.jpg"' for i in range(FILES)]

    def seconds(make):
        parser = make(form_of(dispositions, SMALL))
        began = time.process_time()
        assert asyncio.run(parse(parser, lambda form: len(form.multi_items()))) == FILES
        return time.process_time() - began

    # 0.32 of it where nothing else runs; beside other programs a good pair of turns takes longer.
    assert any(seconds(ours) < 0.6 * seconds(starlettes) for _ in range(25))
