"""Prints the public names of asyncio, Trio, Curio and anyio, one a line: the library
and the name, with the module it is in if that is not the library itself, or the class.

    python3 names.py trio/src/trio curio/curio anyio/src/anyio

The names of asyncio come from the interpreter that runs it. The names of the others are read
from their sources, which are not run.
"""

import ast
import asyncio
import pathlib
import sys


# Classes without a list of members, because the class wraps a class of the standard library,
# stands for another class, or has members that programs do not call.
NO_MEMBERS = set(
    """Path PosixPath WindowsPath SocketType AsyncFile SpooledTemporaryFile TemporaryFile
    TemporaryDirectory AsyncBackend BaseEventLoop SelectorEventLoop EventLoop PriorityQueue
    LifoQueue AbstractEventLoopPolicy DefaultEventLoopPolicy AbstractChildWatcher
    SafeChildWatcher FastChildWatcher MultiLoopChildWatcher PidfdChildWatcher
    ThreadedChildWatcher""".split()
)


def parse(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def public(name):
    return not name.startswith("_")


def listed(cls):
    return cls[0].isupper() and cls not in NO_MEMBERS


def exported(tree):
    """The names that a module lists in __all__, or else imports to hand them on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
        ):
            return {c.value for c in ast.walk(node) if isinstance(c, ast.Constant)}
    return {
        a.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level > 0
        for a in node.names
        if a.asname and public(a.asname)
    }


def members(cls):
    """The public methods and attributes that a class statement defines."""
    names = set()
    for node in cls.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Assign):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    for node in ast.walk(cls):  # what __init__ sets
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            for a in ast.walk(node):
                targets = a.targets if isinstance(a, ast.Assign) else [getattr(a, "target", None)]
                for t in targets:
                    if isinstance(t, ast.Attribute) and isinstance(t.value, ast.Name) and t.value.id == "self":
                        names.add(t.attr)
    return {n for n in names if public(n)}


def classes(root):
    """All classes of a package by name, with their members, those of their bases too."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        if not {"_tests", "_tools"} & set(path.parts):
            for node in ast.walk(parse(path)):
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name, []).append(node)

    def all_members(name, seen=()):
        names = set()
        for cls in found.get(name, ()):
            names |= members(cls)
            for base in cls.bases:
                base = base.value if isinstance(base, ast.Subscript) else base
                base = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
                if base != name and base not in seen:
                    names |= all_members(base, (*seen, name))
        return names

    return {name: all_members(name) for name in found}


def from_sources(library, root, modules):
    known = classes(root)
    for prefix, file in modules:
        for name in exported(parse(root / file)):
            yield f"{library} {prefix}{name}"
            for member in known.get(name, ()) if listed(name) else ():
                yield f"{library} {name}.{member}"


def from_asyncio():
    things = {name: getattr(asyncio, name) for name in asyncio.__all__ if public(name)}
    things["subprocess.Process"] = asyncio.subprocess.Process
    for name, thing in things.items():
        yield f"asyncio {name}"
        name = name.rpartition(".")[2]
        if isinstance(thing, type) and not issubclass(thing, BaseException) and listed(name):
            for member in filter(public, dir(thing)):
                yield f"asyncio {name}.{member}"


def main(trio, curio, anyio):
    lines = set(from_asyncio())
    lines |= set(from_sources("trio", trio, [("", "__init__.py")] + [
        (m.removesuffix(".py").split("/")[0] + ".", m)
        for m in ("abc.py", "from_thread.py", "lowlevel.py", "socket.py", "testing/__init__.py", "to_thread.py")
    ]))
    lines |= set(from_sources("curio", curio, [
        ("", f"{m}.py") for m in "errors queue task time kernel sync workers network file channel thread".split()
    ] + [(f"{m}.", f"{m}.py") for m in "debug io meta sched subprocess".split()]))
    lines |= set(from_sources("anyio", anyio, [("", "__init__.py"), ("abc.", "abc/__init__.py")] + [
        (f"{m}.", f"{m}.py")
        for m in "from_thread functools itertools lowlevel to_interpreter to_process to_thread".split()
    ] + [(f"streams.{p.stem}.", f"streams/{p.name}") for p in sorted((anyio / "streams").glob("[a-z]*.py"))]))
    print("\n".join(sorted(lines)))


main(*map(pathlib.Path, sys.argv[1:]))
