# ruff: noqa: ANN401 - it stands in for functions of ``os``, whatever they are given
"""A disk that remembers what was asked of it, and what may be on it after a power cut at any moment.

The model is stricter than any real one: what was written and not synced may be there whole, in part or not at all; what
was changed in a folder (a file made, renamed, removed, a folder made) and not synced may have happened or not, each
change for itself and in any order. A rename inside a folder is one change. A sync of a file says nothing of its name.

What has not gone through ``os`` is not seen: ``whole`` compares what was recorded with what is really there.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import pytest

Tree = dict[str, bytes | None]
"""Paths below the root and the content of files, None for folders."""


@dataclass(eq=False)
class File:
    """Content as it was synced last, and as it is."""

    synced: bytes = b""
    now: bytes = b""

    def outcomes(self) -> list[bytes]:
        """Return what may be on the disk."""
        if self.synced == self.now:
            return [self.now]
        return list(dict.fromkeys([self.synced, self.now[: len(self.now) // 2], self.now]))


Change = tuple[str, str, Any]
"""``set`` name node, ``del`` name None, or ``move`` old (new, node)."""


@dataclass(eq=False)
class Folder:
    """Entries as they were synced last, and what was changed since."""

    entries: dict[str, File | Folder] = field(default_factory=dict)
    pending: list[Change] = field(default_factory=list)

    def after(self, chosen: tuple[bool, ...]) -> dict[str, File | Folder]:
        """Return the entries once those changes that are chosen have happened."""
        entries = dict(self.entries)
        for (kind, name, what), happened in zip(self.pending, chosen, strict=True):
            if happened and kind == "set":
                entries[name] = what
            elif happened:
                entries.pop(name, None)
                if kind == "move":
                    entries[what[0]] = what[1]
        return entries

    @property
    def now(self) -> dict[str, File | Folder]:
        """Return the entries as programs see them."""
        return self.after((True,) * len(self.pending))


class Disk:
    """What happens below ``root``; ``deaf_to`` names syncs that are taken for nothing: "file" or "folder"."""

    def __init__(self, root: Path, deaf_to: str = "") -> None:
        self.root = root
        self.deaf_to = deaf_to
        self.steps: list[Callable[[], None]] = []
        self.fail_at = -1
        self.asked = 0
        self._top = _read(root)
        self._handles: dict[int, File | Folder] = {}
        # What is where once all steps are done, so that paths are resolved when they are seen.
        self._views: dict[int, dict[str, Any]] = {}
        _index(self._top, self._views)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record what the program does in the meantime, and let it happen."""
        real = {name: getattr(os, name) for name in ("open", "write", "fsync", "close", "unlink", "mkdir", "rmdir")}
        rename = os.rename
        with pytest.MonkeyPatch.context() as patch:
            for name, call in real.items():
                patch.setattr(os, name, self._wrapped(name, call))
            patch.setattr(os, "replace", self._wrapped("rename", os.replace))
            patch.setattr(os, "rename", self._wrapped("rename", rename))
            yield

    def crashes(self) -> Iterator[tuple[bool, Tree]]:
        """Yield everything that may be on the disk after a power cut, and whether the program had finished then."""
        done: set[tuple[bool, frozenset[tuple[str, bytes | None]]]] = set()
        for count in range(len(self.steps) + 1):
            if count:
                self.steps[count - 1]()
            finished = count == len(self.steps)
            for tree in _outcomes(self._top):
                key = (finished, frozenset(tree.items()))
                if key not in done:
                    done.add(key)
                    yield finished, tree

    def whole(self) -> Tree:
        """Return what was recorded as if nothing went wrong; call it after ``crashes``."""
        return _tree(self._top, lambda folder: folder.now, lambda file: file.now)

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            before = self._before(name, args)
            if before:
                self.asked += 1
                if self.asked == self.fail_at:
                    raise OSError(errno.ENOSPC, "No space left on device", str(args[0]))
            result = call(*args, **kwargs)
            self._note(name, args, result, made=before == "made")
            return result

        return wrapped

    def _before(self, name: str, args: tuple[Any, ...]) -> str:
        """Return whether a call changes something here: "made" for an ``open`` that makes a file."""
        if name in {"write", "fsync"}:
            return "changed" if args[0] in self._handles else ""
        if name == "close" or not self._inside(args[0]):
            return ""
        if name == "open":
            return "made" if args[1] & os.O_CREAT and not Path(args[0]).exists() else ""
        return "changed"

    def _inside(self, path: Any) -> bool:
        return isinstance(path, str | Path) and Path(path).is_relative_to(self.root)

    def _note(self, name: str, args: tuple[Any, ...], result: Any, *, made: bool) -> None:
        if name == "open":
            if self._inside(args[0]):
                self._opened(Path(args[0]), result, made=made)
        elif name == "close":
            self._handles.pop(args[0], None)
        elif name == "write" and args[0] in self._handles:
            self._do(_append, self._handles[args[0]], bytes(args[1][:result]))
        elif name == "fsync" and args[0] in self._handles:
            node = self._handles[args[0]]
            if self.deaf_to != ("file" if isinstance(node, File) else "folder"):
                self._do(_sync, node)
        elif name in {"mkdir", "unlink", "rmdir"} and self._inside(args[0]):
            path = Path(args[0])
            change = ("set", path.name, Folder()) if name == "mkdir" else ("del", path.name, None)
            self._change(path.parent, change)
        elif name == "rename" and self._inside(args[0]):
            source, target = Path(args[0]), Path(args[1])
            assert source.parent == target.parent, "a rename from folder to folder is two changes"
            self._change(source.parent, ("move", source.name, (target.name, self._at(source))))

    def _opened(self, path: Path, handle: int, *, made: bool) -> None:
        if made:
            node = File()
            self._handles[handle] = node
            self._change(path.parent, ("set", path.name, node))
        else:
            self._handles[handle] = self._at(path)

    def _at(self, path: Path) -> Any:
        node: Any = self._top
        for part in path.relative_to(self.root).parts:
            node = self._views[id(node)][part]
        return node

    def _change(self, folder: Path, change: Change) -> None:
        node = self._at(folder)
        view = self._views[id(node)]
        kind, name, what = change
        if kind != "set":
            view.pop(name, None)
        if kind == "set":
            view[name] = what
            if isinstance(what, Folder):
                self._views[id(what)] = {}
        elif kind == "move":
            view[what[0]] = what[1]
        self._do(_pend, node, change)

    def _do(self, step: Callable[..., None], *args: Any) -> None:
        self.steps.append(lambda: step(*args))


def lay_out(tree: Tree, root: Path) -> None:
    """Make the files of a tree below a folder."""
    root.mkdir(parents=True)
    for name, content in sorted(tree.items()):
        if content is None:
            (root / name).mkdir(parents=True, exist_ok=True)
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)


def tree_of(root: Path) -> Tree:
    """Return what is really below a folder."""
    return {
        str(path.relative_to(root)): None if path.is_dir() else path.read_bytes() for path in sorted(root.rglob("*"))
    }


def _read(path: Path) -> Folder:
    folder = Folder()
    for entry in path.iterdir():
        content = b"" if entry.is_dir() else entry.read_bytes()
        folder.entries[entry.name] = _read(entry) if entry.is_dir() else File(content, content)
    return folder


def _index(folder: Folder, views: dict[int, dict[str, Any]]) -> None:
    views[id(folder)] = dict(folder.entries)
    for node in folder.entries.values():
        if isinstance(node, Folder):
            _index(node, views)


def _append(file: File, data: bytes) -> None:
    file.now += data


def _sync(node: File | Folder) -> None:
    if isinstance(node, File):
        node.synced = node.now
    else:
        node.entries, node.pending = node.now, []


def _pend(folder: Folder, change: Change) -> None:
    folder.pending.append(change)


def _tree(
    folder: Folder, look: Callable[[Folder], dict[str, File | Folder]], read: Callable[[File], bytes], above: str = ""
) -> Tree:
    tree: Tree = {}
    for name, node in look(folder).items():
        if isinstance(node, File):
            tree[above + name] = read(node)
        else:
            tree[above + name] = None
            tree |= _tree(node, look, read, f"{above}{name}/")
    return tree


def _outcomes(top: Folder) -> Iterator[Tree]:
    """Yield every tree that a power cut now may leave."""
    folders, files = _everything(top)
    unsettled = [folder for folder in folders if folder.pending]
    torn = [file for file in files if file.synced != file.now]
    choices = [list(product((False, True), repeat=len(folder.pending))) for folder in unsettled]
    contents = [file.outcomes() for file in torn]
    for chosen in product(*choices):
        entries = {id(folder): folder.after(happened) for folder, happened in zip(unsettled, chosen, strict=True)}
        for read in product(*contents):
            data = {id(file): content for file, content in zip(torn, read, strict=True)}
            yield _tree(
                top,
                lambda folder, entries=entries: entries.get(id(folder), folder.entries),  # type: ignore[misc]
                lambda file, data=data: data.get(id(file), file.now),  # type: ignore[misc]
            )


def _everything(folder: Folder) -> tuple[list[Folder], list[File]]:
    """Return all folders and files that may be reached, by what is synced or is not."""
    folders, files = [folder], []
    nodes = {id(node): node for node in folder.entries.values()}
    for kind, _, what in folder.pending:
        node = what[1] if kind == "move" else what
        if node is not None:
            nodes[id(node)] = node
    for node in nodes.values():
        if isinstance(node, Folder):
            below = _everything(node)
            folders += below[0]
            files += below[1]
        else:
            files.append(node)
    return folders, files
