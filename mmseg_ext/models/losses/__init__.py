"""Losses for rare classes, registered into mmseg's MODELS; the formulas are in mmseg_ext/functional."""

from mmseg_ext.models.losses.active_boundary_loss import ActiveBoundaryLoss
from mmseg_ext.models.losses.balanced_cross_entropy_loss import BalancedCrossEntropyLoss
from mmseg_ext.models.losses.bce_dice_loss import BCEDiceLoss
from mmseg_ext.models.losses.binary_cross_entropy_loss import BinaryCrossEntropyLoss
from mmseg_ext.models.losses.cross_entropy_loss import MaskedCrossEntropyLoss
from mmseg_ext.models.losses.dice_loss import SoftDiceLoss
from mmseg_ext.models.losses.focal_dice_loss import FocalDiceLoss
from mmseg_ext.models.losses.focal_loss import SoftmaxFocalLoss
from mmseg_ext.models.losses.kervadec_boundary_loss import KervadecBoundaryLoss
from mmseg_ext.models.losses.lovasz_loss import LovaszSoftmaxLoss
from mmseg_ext.models.losses.sigmoid_focal_loss import SigmoidFocalLoss
from mmseg_ext.models.losses.skeleton_recall_loss import SkeletonRecallLoss
from mmseg_ext.models.losses.tversky_loss import SoftTverskyLoss

__all__ = [
    'ActiveBoundaryLoss',
    'BCEDiceLoss',
    'BalancedCrossEntropyLoss',
    'BinaryCrossEntropyLoss',
    'FocalDiceLoss',
    'KervadecBoundaryLoss',
    'LovaszSoftmaxLoss',
    'MaskedCrossEntropyLoss',
    'SigmoidFocalLoss',
    'SkeletonRecallLoss',
    'SoftDiceLoss',
    'SoftTverskyLoss',
    'SoftmaxFocalLoss',
]
