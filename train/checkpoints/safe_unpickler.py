"""Reads a pickle of networks as inert data: nothing that the file names is imported or called.

A pickle is a program. Three fences keep this one to building data. Opcodes outside `OPCODES` are
refused. A name outside `ALLOWED` is refused before anything is looked up. The few allowed names
stand for records and functions of this module, none of which runs code of the file or can be
altered by it: BUILD, which sets attributes, is ignored for numpy's dtype and refused elsewhere. The
bytes of tensors are a pickle of their own, read by torch with `weights_only=True`.
"""

import io
import math
import pickle
import pickletools
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from train.checkpoints.refusal import CheckpointError

OPCODES = frozenset(
    "PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE LONG1 LONG4 BININT BININT1 BININT2 BINFLOAT "
    "SHORT_BINUNICODE BINUNICODE BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 EMPTY_TUPLE TUPLE "
    "TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST APPEND APPENDS EMPTY_DICT SETITEM SETITEMS EMPTY_SET ADDITEMS "
    "BINGET LONG_BINGET BINPUT LONG_BINPUT MEMOIZE GLOBAL STACK_GLOBAL REDUCE NEWOBJ BUILD".split()
)
"""Names in Python's `pickletools` of all that data needs, from protocol 2 on."""
KEYS = (str, int, float, bool, bytes, type(None))
"""Types of a dictionary's keys and a set's members: quick to hash, unlike tuples of tuples."""
ADVICE = "nothing of the file was run; take the checkpoint from its publisher"
UNSUPPORTED = re.compile(r"(?:GLOBAL|global:?|class:?|opcode|instruction)\s+([\w.`'\"]+)")
"""Finds in torch's refusal what it refused."""


class EasyDict(dict):
    """Stands for `dnnlib.util.EasyDict`: a dictionary and nothing more."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()


class PlainOrderedDict(EasyDict):
    """Stands for `collections.OrderedDict`: begins empty, as all dictionaries of a pickle do."""

    __slots__ = ()


class NumpyDtype:
    """Stands for `numpy.dtype`, which only numbers beside the weights need: forgotten."""

    __slots__ = ()

    def __init__(self, *ignored: object) -> None:
        pass


@dataclass(frozen=True, slots=True)
class PersistentObject:
    """A network or layer: its class's name and its attributes; its source code is dropped."""

    class_name: str
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Storage:
    """The numbers of one or several tensors."""

    data: torch.UntypedStorage
    dtype: torch.dtype

    @property
    def count(self) -> int:
        """Numbers in it."""
        return self.data.nbytes() // self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor before it is one: while the file is read, its methods must be out of reach."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def tensor(self) -> Tensor:
        """The tensor, of the shape `size`."""
        empty = torch.empty(0, dtype=self.storage.dtype)
        return empty.set_(self.storage.data, self.offset, self.size, self.stride)


def read_pickle(content: bytes) -> Any:
    """The value that a pickle builds, of plain containers and this file's records.

    Raises:
        CheckpointError: the pickle is broken or wants more than data.
    """
    try:
        return _Unpickler(io.BytesIO(content)).load()
    except CheckpointError as error:
        raise CheckpointError(f"{error}; {ADVICE}") from error
    except Exception as error:  # a broken pickle may raise anything at all
        found = f"{type(error).__name__}: {error}".replace("\n", " ").rstrip(": ")
        raise CheckpointError(
            f"is not a whole pickle of data ({found}); wanted is an official checkpoint; {ADVICE}"
        ) from error


def load_tensors(content: bytes, what: str) -> Any:
    """`torch.load` with `weights_only=True`, its refusals in our words.

    Raises:
        CheckpointError: torch refuses the bytes; `what` begins the message.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about its own storages
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a broken file may raise anything at all
        # torch's own text advises to load without the fence, which is not passed on.
        found = UNSUPPORTED.search(str(error))
        named = found.group(1).strip("`'\".") if found else type(error).__name__
        raise CheckpointError(
            f"{what} what torch does not take for tensors ({named}); wanted are tensors alone"
        ) from error


def _reconstruct(meta: Any) -> PersistentObject:
    if not isinstance(meta, dict) or not isinstance(meta.get("state"), dict):
        raise CheckpointError("holds a persistent object without a state; wanted is a dictionary")
    return PersistentObject(str(meta.get("class_name")), meta["state"])


def _storage(content: Any) -> Storage:
    if not isinstance(content, bytes):
        raise CheckpointError("holds a storage that is not bytes; wanted are torch's own")
    loaded = load_tensors(content, "holds, in the bytes of a tensor,")
    if not isinstance(loaded, torch.storage.TypedStorage):
        raise CheckpointError(
            f"holds a {type(loaded).__name__} in the bytes of a tensor; wanted is a storage"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above
        return Storage(loaded.untyped(), loaded.dtype)


def _rebuild_tensor(
    storage: Any, offset: Any, size: Any, stride: Any, *ignored: object
) -> StoredTensor:
    whole = isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride) <= 8
    numbers = (offset, *size, *stride) if whole else ()
    if not isinstance(storage, Storage) or not numbers or any(type(n) is not int for n in numbers):
        raise CheckpointError("holds a tensor that is not one; wanted are storage, size and stride")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    # A stride of 0 would let a few bytes declare any number of terabytes.
    if min(numbers) < 0 or math.prod(size) > storage.count or last >= max(storage.count, 1):
        raise CheckpointError(
            f"declares a tensor {list(size)} in a storage of {storage.count} numbers; "
            "wanted is one that its storage holds"
        )
    return StoredTensor(storage, offset, size, stride)


def _rebuild_parameter(data: Any, *ignored: object) -> StoredTensor:
    if not isinstance(data, StoredTensor):
        raise CheckpointError("holds a parameter without a tensor; wanted is a tensor")
    return data


def _set(members: Any) -> set[Any]:
    if not isinstance(members, list):
        raise CheckpointError("makes a set of something else than a list")
    _refuse_slow_keys(members)
    return set(members)


def _refuse_slow_keys(keys: Iterable[Any]) -> None:
    for key in keys:
        if type(key) not in KEYS:
            raise CheckpointError(f"has a {type(key).__name__} for a key; wanted is text")


def _forget(*ignored: object) -> None:
    """Stands for a number beside the weights."""


ALLOWED: dict[str, Callable[..., Any]] = {
    "torch_utils.persistence._reconstruct_persistent_obj": _reconstruct,
    "dnnlib.util.EasyDict": EasyDict,
    "collections.OrderedDict": PlainOrderedDict,
    "builtins.set": _set,  # how pickles before protocol 4 write one
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch.storage._load_from_bytes": _storage,
    "numpy.core.multiarray.scalar": _forget,
    "numpy._core.multiarray.scalar": _forget,
    "numpy.dtype": NumpyDtype,
}
"""What a file may name, and what stands for it here."""


# The Python form of the unpickler: that of C has no place to refuse an opcode. PyTorch's and
# joblib's readers rest on it too. A network has some ten thousand opcodes, so speed is no matter.
class _Unpickler(pickle._Unpickler):
    stack: list[Any]

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        found = ALLOWED.get(f"{module}.{name}") if "." not in name else None
        if found is None:
            tensorflow = module.startswith("dnnlib.tflib")
            hint = " (a TensorFlow checkpoint: convert it to PyTorch first)" if tensorflow else ""
            raise CheckpointError(
                f"asks for {module}.{name}{hint}, and a network may ask only for "
                f"{', '.join(ALLOWED)}"
            )
        return found

    def load_newobj(self) -> None:
        arguments = self.stack.pop()
        if self.stack[-1] is not EasyDict or type(arguments) is not tuple or arguments:
            raise CheckpointError("makes an object of another class than EasyDict (NEWOBJ)")
        self.stack[-1] = EasyDict()

    def load_build(self) -> None:
        state = self.stack.pop()
        # Older Pythons write an empty state behind every EasyDict: there is nothing to set.
        nothing = type(state) is dict and not state
        if not nothing and type(self.stack[-1]) is not NumpyDtype:
            found = type(self.stack[-1]).__name__
            raise CheckpointError(f"sets attributes of a {found} (BUILD); data needs none")

    def load_setitem(self) -> None:
        _refuse_slow_keys(self.stack[-2:-1])
        super().load_setitem()

    def load_setitems(self) -> None:
        _refuse_slow_keys(self.stack[::2])  # since the mark: key, value, key, value
        super().load_setitems()

    def load_additems(self) -> None:
        _refuse_slow_keys(self.stack)  # since the mark
        super().load_additems()

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {}


def _refusal(opcode: str) -> Callable[[_Unpickler], None]:
    def refuse(unpickler: _Unpickler) -> None:
        raise CheckpointError(f"holds the opcode {opcode}, which a pickle of data has no need of")

    return refuse


def _dispatch() -> dict[int, Callable[..., None]]:
    """Every opcode's handler: Python's own where allowed, else a refusal."""
    table: dict[int, Callable[..., None]] = {code: _refusal(f"0x{code:02x}") for code in range(256)}
    for opcode in pickletools.opcodes:
        own = pickle._Unpickler.dispatch.get(ord(opcode.code))
        allowed = own is not None and opcode.name in OPCODES
        table[ord(opcode.code)] = own if allowed else _refusal(opcode.name)
    return table | {
        pickle.NEWOBJ[0]: _Unpickler.load_newobj,
        pickle.BUILD[0]: _Unpickler.load_build,
        pickle.SETITEM[0]: _Unpickler.load_setitem,
        pickle.SETITEMS[0]: _Unpickler.load_setitems,
        pickle.ADDITEMS[0]: _Unpickler.load_additems,
    }


_Unpickler.dispatch = _dispatch()
