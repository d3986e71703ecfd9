"""The architecture of seviz, as tables that are checked against every import.

HOUSE lists the parts from the ground up: a part imports from the parts named behind it and from nothing else in seviz.
Each of them stands further up in the table, so there are no cycles. LIBRARIES says which part may use which library.
Imports inside functions count; those for type checkers alone do not.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import seviz

ROOT = Path(__file__).parents[1]

HOUSE = """
version      -
errors       -
files        -
colour       -
formats      -
values       -
weights      -
processes    -
jobs         errors files processes
images       colour errors formats
machine      errors version
history      errors files values
data         errors files images
nets         errors
edits        errors
gates        edits errors nets
origins      values
gate_life    values
card         data errors gate_life images origins values
sealed       card errors files values
analysis     errors
evaluation   analysis card data errors files gate_life gates images
excitation   analysis card data errors evaluation files gates images nets
gate_history data errors excitation files
card_words   card gate_life
resuming     errors
ablation     analysis card data edits errors evaluation excitation files gates images machine nets resuming sealed values
pruning      analysis card data errors evaluation excitation files gates images machine nets origins resuming sealed values
attribution  errors gates
faithfulness analysis attribution card data errors excitation files machine resuming sealed values
corruptions  ablation analysis card data errors evaluation excitation faithfulness files gates images machine nets resuming
             sealed values
checkpoints  ablation card corruptions edits errors evaluation excitation faithfulness files gate_history gate_life history
             images machine nets origins pruning weights
similarity   analysis card checkpoints data errors evaluation files gates images values
training     analysis card checkpoints data errors evaluation files gate_history gate_life gates history images machine nets
             values
sweep        analysis card checkpoints corruptions data errors files nets training values
seeds        analysis card checkpoints data errors evaluation training
coverage     errors files gates machine
stages       gates nets
intake       card checkpoints data errors gates images nets origins
pretrained   card checkpoints data errors files images intake machine nets origins version
backend      attribution checkpoints edits errors evaluation faithfulness files gates images intake machine nets pretrained
             stages version
flip         backend edits
families     analysis backend checkpoints errors gates images nets
seviz        backend gates version
figures      analysis errors history
report       ablation analysis card card_words checkpoints corruptions data errors evaluation excitation faithfulness
             figures gates history machine pruning seeds similarity version
cli          ablation analysis attribution backend card card_words checkpoints corruptions coverage data errors evaluation
             excitation faithfulness families files gate_life history images intake jobs machine nets pretrained pruning
             report resuming seeds similarity stages sweep training version
__main__     cli jobs
ui           ablation analysis attribution backend card card_words checkpoints corruptions data edits errors evaluation
             excitation faithfulness families figures files flip gate_history gate_life gates history images intake jobs
             machine nets origins pretrained pruning report resuming seeds similarity
pages        analysis backend checkpoints errors figures seeds ui
app          ui
"""

LIBRARIES = """
numpy        ablation analysis attribution backend checkpoints cli colour corruptions data edits evaluation excitation
             faithfulness families figures files flip gate_history images intake pruning report similarity training ui
PIL          colour data images
torch        ablation attribution backend checkpoints cli corruptions coverage edits evaluation excitation faithfulness
             families gates intake machine nets pretrained pruning stages training
torchvision  corruptions data intake nets pretrained
timm         coverage data nets pretrained
safetensors  checkpoints intake training weights
scipy        analysis
sklearn      analysis
threadpoolctl analysis
tqdm         cli data pretrained
captum       attribution faithfulness
huggingface_hub pretrained
plotly       figures
streamlit    app pages ui
"""


def table(text):
    rows = [line.split() for line in re.sub(r"\n\s+", " ", text.strip()).splitlines()]  # an indented line goes on
    return {name: {other for other in others if other != "-"} for name, *others in rows}


@cache
def sources():
    """Relative path -> syntax tree of every file of the app and the package."""
    files = [ROOT / "app.py", *ROOT.glob("pages/*.py"), *ROOT.glob("seviz/**/*.py")]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(files)}


def module_name(path):
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def part_of(module):
    """The row of HOUSE: seviz.nets.se -> nets, pages.inspect -> pages, seviz -> seviz."""
    first, *rest = module.split(".")
    return rest[0] if first == "seviz" and rest else first


def imported(tree):
    """Absolute names of the modules that a file imports, but for those under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                yield below if is_module(below) else node.module
        else:
            yield from imported(node)


def is_module(name):
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def graph():
    """Part -> the parts of seviz that it imports, and part -> the libraries."""
    parts, libraries = {}, {}
    for path, tree in sources().items():
        part = part_of(module_name(path))
        for name in imported(tree):
            top = name.split(".")[0]
            if top in ("seviz", "pages", "app"):
                parts.setdefault(part, set()).add(part_of(name))
            elif top not in sys.stdlib_module_names:
                libraries.setdefault(part, set()).add(top)
    return parts, libraries


def test_every_part_stands_in_the_table():
    assert {part_of(module_name(path)) for path in sources()} == set(table(HOUSE))


def test_parts_import_only_what_the_table_allows():
    allowed = table(HOUSE)
    strays = {part: found - allowed[part] - {part} for part, found in graph()[0].items()}
    assert {part: found for part, found in strays.items() if found} == {}


def test_the_table_has_no_cycles():
    seen = set()
    for part, below in table(HOUSE).items():
        assert below <= seen, f"{part} names parts that stand below it"
        seen.add(part)


def test_modules_inside_a_part_have_no_cycles():
    wanted = {
        module_name(path): {name for name in imported(tree) if name.startswith("seviz")} for path, tree in sources().items()
    }
    # a package's __init__ gathers what its modules give; a module that imports it back through its parent is a cycle
    remaining = {name: below - {name} for name, below in wanted.items() if name != "seviz"}
    while remaining:
        ground = {name for name, below in remaining.items() if not below & set(remaining)}
        assert ground, f"a cycle among {sorted(remaining)}"
        remaining = {name: below for name, below in remaining.items() if name not in ground}


def test_libraries_stay_at_home():
    homes = table(LIBRARIES)
    found = {library for libraries in graph()[1].values() for library in libraries}
    assert found <= set(homes)
    strays = [(part, library) for part, libraries in graph()[1].items() for library in libraries if part not in homes[library]]
    assert strays == []


HEAVY = {"streamlit", "plotly", "captum", "pandas", "scipy", "sklearn", "matplotlib"}


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import seviz; seviz.__version__; dir(seviz)", HEAVY | {"torch", "torchvision", "numpy", "PIL"}),
        ("import seviz.training, seviz.evaluation, seviz.checkpoints, seviz.data, seviz.nets, seviz.gates", HEAVY),
        ("import seviz.excitation, seviz.cli.excite", HEAVY),
        ("import seviz.ablation, seviz.cli.ablate", HEAVY),
        ("import seviz.pruning, seviz.cli.prune", HEAVY),
        ("import seviz.corruptions, seviz.cli.corruptions", HEAVY),
        ("import seviz.edits; from seviz.analysis import ablation, deletion, pruning", HEAVY | {"torch"}),
        ("import seviz.faithfulness, seviz.cli.faithfulness", HEAVY),
        ("import seviz.analysis.classification, seviz.analysis.gates, seviz.analysis.moments, seviz.images", HEAVY | {"torch"}),
        ("from seviz.analysis import distance, health, observations, probes, projection, relation", HEAVY | {"torch"}),
    ],
)
def test_what_an_import_loads(statement, unwanted):
    code = f"{statement}\nimport sys\nprint(*(name for name in {sorted(unwanted)} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_exported_names():
    from seviz import backend, gates
    from seviz.nets import insert

    assert seviz.__all__ == ["__version__", "edit_gates", "find_gates", "insert_se", "load", "record_gates"]
    assert set(seviz.__all__) <= set(dir(seviz))
    assert seviz.load is backend.load
    assert seviz.insert_se is insert.insert_se
    assert seviz.find_gates is gates.find_gates
    assert seviz.record_gates is gates.record_gates
    assert seviz.edit_gates is gates.edit_gates
    assert re.fullmatch(r"\d+\.\d+\.\d+", seviz.__version__)
    with pytest.raises(AttributeError, match="module 'seviz' has no attribute 'utils'"):
        seviz.utils  # noqa: B018


# words that have a home, or none


def calls(tree):
    """(what is called, line, names of true keyword arguments) of every call in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_hooks_only_in_gates():
    homes = {path for path, tree in sources().items() for name, _ in calls(tree) if re.search(r"register_\w*hook$", name)}
    assert homes == {"seviz/gates/scopes.py", "seviz/gates/trace.py"}


def test_function_modes_only_in_gates():
    users = {path for path, tree in sources().items() for name in imported(tree) if name == "torch.overrides"}
    assert users == {"seviz/gates/scopes.py", "seviz/gates/trace.py"}


def test_nothing_unpickles():
    """torch.load, pickle, np.load(allow_pickle=True): files are read without running what is in them.

    torch.load stands in the intake's limited process alone, and there it reads weights only.
    """
    named = [(path, name, call) for path, tree in sources().items() for name, call in calls(tree)]
    loads = [(path, ast.unparse(call)) for path, name, call in named if name == "torch.load"]
    assert loads == [("seviz/intake/child.py", "torch.load(file, map_location='cpu', weights_only=True)")]
    for path, tree in sources().items():
        assert not {"pickle", "dill", "joblib", "cloudpickle"} & set(imported(tree)), path
        for _, call in calls(tree):
            arguments = {keyword.arg for keyword in call.keywords if ast.unparse(keyword.value) != "False"}
            assert "allow_pickle" not in arguments, f"{path}:{call.lineno}"


def test_what_catches_everything_stands_at_a_marked_boundary():
    for path, tree in sources().items():
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) == "Exception"):
                assert re.search(r"# boundary: \w+", lines[node.lineno - 1]), f"{path}:{node.lineno}"


def test_pages_are_short():
    pages = [ROOT / path for path in sources() if path.startswith("pages/")]
    assert pages
    assert [path.name for path in pages if len(path.read_text(encoding="utf-8").splitlines()) >= 100] == []


def test_there_is_no_drawer_for_everything():
    assert not [path for path in sources() if re.search(r"(utils?|helpers?|misc)\.py$", path)]
