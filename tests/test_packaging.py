"""The files around the code agree with each other, and nothing is tracked that should stay at home."""

import ast
import re
import subprocess
from collections.abc import Iterable
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
MAX_BYTES = 1_000_000
MODEL = 'data/pocket_sdxl/'  # the one trained model in the repository, with the pictures of its card
MAX_MODEL_BYTES = 14_000_000
IMAGE_SUFFIXES = {'.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.gif', '.webp'}
MACHINE_PATH = re.compile(r'(?<![\w.}])/(?:home|root|tmp|work)/')


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding='utf-8')


@cache
def setup_py() -> dict:
    """CORE and EXTRAS of setup.py and the plain keywords of its setup(...), read without running it."""
    found = {}
    for node in ast.parse(read('setup.py')).body:
        if isinstance(node, ast.Assign):
            found[node.targets[0].id] = ast.literal_eval(node.value)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found |= {k.arg: k.value.value for k in node.value.keywords if isinstance(k.value, ast.Constant)}
    return found


@cache
def constraint_lines() -> list[str]:
    lines = read('requirements/constraints.txt').splitlines()
    return [line for line in lines if line and not line.startswith('#')]


@cache
def pins() -> dict[str, str]:
    """{canonical name: exact version}"""
    return dict(line.split('==') for line in constraint_lines())


@cache
def environment() -> tuple[list[str], list[str]]:
    """What environment.yaml takes from conda, and the lines that it hands to pip."""
    *from_conda, from_pip = yaml.safe_load(read('environment.yaml'))['dependencies']
    return from_conda, from_pip['pip']


def extras_in(text: str) -> set[str]:
    """Extras of the one editable install that the text holds."""
    (extras,) = re.findall(r"-e '?\.\[([\w,]+)\]", text)
    return set(extras.split(','))


def make_extras() -> set[str]:
    return extras_in(read('Makefile'))


def expect_none(offenders: Iterable[str]) -> None:
    """Fail with all of them, one a line; pytest alone would show the first."""
    found = sorted(offenders)
    assert not found, '\n' + '\n'.join(found)


def python_files() -> list[Path]:
    """Every file of the packages."""
    return sorted(path for package in ('mmseg_ext', 'augment') for path in (ROOT / package).rglob('*.py'))


@cache
def tracked_files() -> list[str]:
    """What git tracks and this working tree holds; the caller is skipped outside git."""
    try:
        run = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip('git is not installed, so what is tracked is unknown')
    if run.returncode:
        pytest.skip(f'not a git checkout: {run.stderr.strip()}')
    return [name for name in run.stdout.split('\0') if name and (ROOT / name).is_file()]


# --- what is installed ---


def test_makefile_and_environment_name_extras_that_exist():
    conda_extras = extras_in('\n'.join(environment()[1]))
    assert make_extras() <= set(setup_py()['EXTRAS'])
    assert conda_extras == make_extras() | {'gpu'}  # conda users are the ones with a GPU: torchvision too


def test_environment_installs_this_folder_under_the_constraints():
    from_conda, pip_lines = environment()
    assert [line.split('[')[0] for line in pip_lines] == ['-c requirements/constraints.txt', '-e .']
    assert 'pip' in from_conda, 'conda warns when it has to guess where pip comes from'


def test_environment_takes_from_conda_only_a_python_that_setup_py_accepts():
    packages = {Requirement(e.replace('=', '==', 1)).name: e for e in environment()[0]}
    assert set(packages) == {'python', 'pip'}, 'a library from conda as well as from pip is there twice'
    version = packages['python'].partition('=')[2]
    assert SpecifierSet(setup_py()['python_requires']).contains(version)


def test_constraints_are_exact_and_sorted():
    lines = constraint_lines()
    expect_none(line for line in lines if not re.fullmatch(r'[a-z0-9-]+==[\w.]+', line))
    assert lines == sorted(lines)
    assert len(pins()) == len(lines), 'a package is pinned twice'


def test_constraints_lie_in_the_ranges_of_setup_py():
    ranges = map(Requirement, [*setup_py()['CORE'], *chain(*setup_py()['EXTRAS'].values())])
    pinned = [(r, pins()[canonicalize_name(r.name)]) for r in ranges if canonicalize_name(r.name) in pins()]
    assert len(pinned) > len(setup_py()['CORE'])
    expect_none(f'{r} but {version}' for r, version in pinned if not r.specifier.contains(version))


def test_everything_that_make_setup_and_environment_ask_for_is_pinned():
    extras = make_extras() | extras_in('\n'.join(environment()[1]))
    wanted = chain(setup_py()['CORE'], *(setup_py()['EXTRAS'][extra] for extra in extras))
    wanted = [requirement for requirement in map(Requirement, wanted) if applies(requirement)]
    expect_none(str(requirement) for requirement in wanted if canonicalize_name(requirement.name) not in pins())


def applies(requirement: Requirement) -> bool:
    """Whether the Python that the constraints are made for needs it."""
    return requirement.marker is None or requirement.marker.evaluate({'python_version': '3.11'})


def test_both_builds_of_opencv_are_one_version():
    # they write the same folder cv2/: with two versions, the one installed last wins by halves
    assert pins()['opencv-python'] == pins()['opencv-python-headless']


# --- what is written about it ---


def test_license_is_apache_with_our_name():
    text = read('LICENSE')
    assert text.split()[:4] == ['Apache', 'License', 'Version', '2.0,']
    assert 'END OF TERMS AND CONDITIONS' in text
    assert 'The mmseg-ext authors' in text
    assert setup_py()['license'] == 'Apache-2.0'


def test_version_is_the_same_everywhere():
    in_changelog = re.findall(r'^## \[([\d.]+)\]', read('CHANGELOG.md'), re.M)
    in_code = re.findall(r"^__version__ = '(.+)'", read('mmseg_ext/__init__.py'), re.M)
    assert in_changelog[:1] == in_code == [setup_py()['version']]


# --- what the code looks like from outside ---


def test_every_package_folder_has_an_init():
    folders = {path.parent for path in python_files()}
    assert len(folders) > 3
    # setup.py does not install a folder without one
    expect_none(f'{folder.relative_to(ROOT)}' for folder in folders if not (folder / '__init__.py').is_file())


def without_docstring(path: Path) -> list[str]:
    """Public module, classes and functions of a file that say nothing about themselves."""
    module = ast.parse(path.read_text(encoding='utf-8'))
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    public = [n for n in module.body if isinstance(n, kinds) and not n.name.startswith('_')]
    names = ['(module)'] * (not ast.get_docstring(module)) + [n.name for n in public if not ast.get_docstring(n)]
    return [f'{path.relative_to(ROOT)}: {name}' for name in names]


def test_everything_public_has_a_docstring():
    expect_none(line for path in python_files() for line in without_docstring(path))


# --- what git holds ---


def imported_packages(path: Path) -> set[str]:
    """The first names of all that a file imports, wherever in it."""
    nodes = [*ast.walk(ast.parse(path.read_text(encoding='utf-8')))]
    modules = [
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level
    ]
    modules += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return {module.partition('.')[0] for module in modules}


def test_training_and_editing_meet_through_files_alone():
    other = {'mmseg_ext': 'augment', 'augment': 'mmseg_ext'}
    expect_none(
        f'{path.relative_to(ROOT)} imports {stranger}'
        for path in python_files()
        if (stranger := other[path.relative_to(ROOT).parts[0]]) in imported_packages(path)
    )


def test_no_tracked_file_is_large():
    sizes = {name: (ROOT / name).stat().st_size for name in tracked_files()}
    expect_none(
        f'{name}: {size} bytes' for name, size in sizes.items() if size > MAX_BYTES and not name.startswith(MODEL)
    )
    assert sum(size for name, size in sizes.items() if name.startswith(MODEL)) <= MAX_MODEL_BYTES


def test_no_tracked_image_outside_the_folders_of_the_readmes():
    images = [name for name in tracked_files() if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    expect_none(name for name in images if not name.startswith(('.github/', MODEL)))


def test_data_stays_out_of_git():
    in_data = [name for name in tracked_files() if name.startswith('data/')]
    expect_none(n for n in in_data if n != 'data/README.md' and not n.startswith(MODEL))


def test_no_tracked_text_names_a_path_of_one_machine():
    text = {name: (ROOT / name).read_text(encoding='utf-8', errors='ignore') for name in tracked_files()}
    lines = ((name, i, line) for name in text for i, line in enumerate(text[name].splitlines(), 1))
    expect_none(f'{name}:{i}: {line.strip()}' for name, i, line in lines if MACHINE_PATH.search(line))
