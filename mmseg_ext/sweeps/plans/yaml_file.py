"""Read the YAML files of this package: plans of sweeps and spaces of searches."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from mmseg_ext.errors import UsageError, near


class UniqueLoader(yaml.SafeLoader):
    """YAML's own loader takes the last of two equal keys and says nothing; a table would lose a line."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.MarkedYAMLError(problem=f'"{key.value}" stands here twice', problem_mark=key.start_mark)
            seen.add(getattr(key, 'value', None) if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, kind: str, layout: str) -> dict[Any, Any]:
    """The mapping in a YAML file. ``kind`` is what the file should be, ``layout`` how such a file looks.

    Raises UsageError with the line of what is no YAML, or with the files that were probably meant.
    """
    if not path.is_file():
        known = {*path.parent.glob('*.yaml'), *Path('configs/sweeps').glob('*.yaml')}
        raise UsageError(f'{path}: no such {kind}; did you mean {near(str(path), map(str, known))}?')
    try:
        content = yaml.load(path.read_text(encoding='utf-8'), UniqueLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UsageError(f'{path}:{mark.line + 1}: {error.problem or error.context}; fix the YAML') from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f'{path}: no YAML text ({str(error).splitlines()[0]})') from error
    if not isinstance(content, dict):
        raise UsageError(f'{path}: {layout}')
    return content
