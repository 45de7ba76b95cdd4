"""The gate on answers that are known: it silences what does not lead back, and asks no more than it has to."""

import pytest
import torch

from mmseg_ext.errors import UsageError
from mmseg_ext.models.seggpt.gate import check_gate, cycle_gate

SIDE = 4


def logits_for(mask: torch.Tensor) -> torch.Tensor:
    """(N, 2, H, W) logits that are very sure of ``mask`` (N, H, W)."""
    return 20.0 * torch.stack([1 - mask, mask], 1).float()


class Echo:
    """Answers with the prompt's mask where the prompt's image is bright, with nothing where it is dark."""

    def __init__(self):
        self.asked = []

    def __call__(self, queries, prompts, labels):
        assert queries.shape == prompts.shape == (len(labels), 3, SIDE, SIDE)
        self.asked.append(queries)
        return logits_for(labels * (prompts.mean((1, 2, 3)) > 0)[:, None, None])


def sample(bright: list[bool], found: list[bool], count: int = 2):
    """Queries with their logits, and for each ``count`` prompts with the mask that a find shows."""
    mask = torch.zeros(len(bright), SIDE, SIDE, dtype=torch.long)
    mask[:, :2, :2] = 1
    queries = torch.where(torch.tensor(bright), 1.0, -1.0)[:, None, None, None].expand(-1, 3, SIDE, SIDE)
    prompts = torch.arange(1.0, count + 1)[None, :, None, None, None].expand(len(bright), -1, 3, SIDE, SIDE)
    logits = logits_for(mask * torch.tensor(found)[:, None, None])
    return logits, queries, prompts, mask[:, None].expand(-1, count, -1, -1)


def test_what_leads_back_stays_and_the_rest_is_silent():
    logits, *rest = sample(bright=[True, False, False], found=[True, True, False])
    echo = Echo()
    gated = cycle_gate(logits, *rest, echo, 0.5)
    assert torch.equal(gated[0], logits[0])
    assert not gated[1].argmax(0).any()
    assert torch.equal(gated[2], logits[2])
    assert len(echo.asked) == 2  # nothing was found in the third
    assert echo.asked[0].mean((1, 2, 3)).tolist() == [1, 2]  # the prompts' images are the queries of the way back


def test_the_mean_of_the_prompts_decides():
    logits, queries, prompts, labels = sample(bright=[True], found=[True])
    labels = labels.clone()
    labels[:, 1] = labels[:, 1].roll(2, -1)  # the second prompt's mask lies elsewhere: IoU 0
    for threshold, kept in ((0.49, True), (0.51, False)):
        assert cycle_gate(logits, queries, prompts, labels, Echo(), threshold).argmax(1).any() == kept


@pytest.mark.parametrize('wrong', [-0.1, 1.5, True, 'high', float('nan')])
def test_no_score(wrong):
    with pytest.raises(UsageError, match='expected a score from 0 to 1'):
        check_gate(wrong)
    assert (check_gate(0.2), check_gate(None)) == (0.2, None)
