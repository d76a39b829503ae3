"""docs/reports.md: what the five course reports claimed and what is measured here."""

from __future__ import annotations

import re
from pathlib import Path

from bench.course_reports.facts import Facts
from bench.report.result_set import ResultSet

FOLDER = "reports"  # of the CSVs and pictures, beside the page

# The networks whose errors in pixels are compared with report 002's.
_PIXELS = (
    *("report002-wide", "report002-unet", "report002-resnet18", "report002-resnet18-imagenet"),
    "fkp68-base",
)


def page(results: ResultSet, folder: Path) -> str:
    """The whole of docs/reports.md.

    Args:
        results: what was measured of the models.
        folder: of the experiments' CSVs and pictures.
    """
    facts = Facts.read(results, folder)
    parts = (_introduction, _report_000, _report_001, _report_002, _report_003, _report_004)
    # A picture that is not there leaves an empty line.
    return re.sub(r"\n{3,}", "\n\n", "\n".join(part(facts) for part in parts))


def _introduction(facts: Facts) -> str:
    return f"""\
# The five course reports, reproduced

This project began with five student reports on facial keypoints (CS194-26, project 5, and a Udacity
project). Each network and each experiment in them is a recipe here: `python -m fkp train NAME` trains it,
`python -m fkp export NAME` makes it a model of the demo, `python -m bench` measures it. For each report,
this page gives what it claimed, what we measured, what was wrong, and what fixes it.

`python -m bench report` writes this page; its figures come from [bench/results](../bench/results) and from
the CSVs in [docs/reports](reports), which `python -m bench experiments` measures. Only the words are
written by hand, and no picture shows a face of a data set.

How to read the tables: *validation NME* is that of the last epoch in the run's log. The other figures are
those of the exported file, on test faces that nothing was tuned on, for true face boxes, or for the boxes
of the runtime's detector where the column says so. IMM has no test part: its persons 33 to 40 serve as
validation and test part, so those recipes keep the last epoch and choose none. NME is the mean error over
the distance of the outer eye corners (68 points) or over the diagonal of the face box (the others). All
networks here start from scratch unless their row says otherwise, on a CPU, with far fewer epochs than the
reports gave the large ones.

Filters are the first layer's weights; gray is zero. In networks that were trained on few faces, or for few
epochs, they are still similar to the noise of their initialization.

All five reports used whole pictures, or cut them by the data set's boxes. Here every network gets the crop
that the runtime cuts around the face box, and random shifts of that box replace a face's place in the
picture.

{facts.missing()}
"""


def _report_000(facts: Facts) -> str:
    return f"""\
## 000

**Claimed.** A nose net (12/24/32 convolutions) and `Net2` for 58 points, batches of one face, predict
"fairly well"; turned and smiling faces are difficult, and so is the jaw line. ResNet-18 for 68 points, 10
epochs of batches of one face. The only figures are curves of the losses.

**Measured.**

{facts.results("000")}

By the six views that IMM has of each person, NME %:

{facts.views("report000-*")}

The error of the nose tip is largest on turned heads, as the report says, and smallest on smiling ones,
which the report does not say. The jaw line of `report000-face` is off by
{facts.jaw("report000-face", "imm-val")} %, the other points by
{facts.inner("report000-face", "imm-val")} % of the box's diagonal.

{facts.picture("curves-000.png", "Loss (training dashed, validation solid) and error, report 000")}

**Wrong, and fixed.** No 60x80 picture gives 768 flat features; the recipe takes the nearest size that does.
Batches of one face make the validation error jump by a factor of two from epoch to epoch (see the curves);
a learning rate that falls to zero on a cosine ends that. The predictions on the report's own photos were
drawn at the wrong zoom: here the same transform that cuts the crop also maps the points back.

{facts.picture("filters-report000-nose.png", "First filters of report000-nose")}
"""


def _report_001(facts: Facts) -> str:
    return f"""\
## 001

**Claimed.** Nose nets: faces turned to the side fail, since the network puts "a prior on the middle"; L1
instead of MSE and 1e-4 instead of 1e-3 had no effect. A 6-conv net with heavy augmentation has a test loss
that is almost always below its training loss. ResNet-18 with only its last block trained stops at a
validation loss of 19 (of coordinates x 100), and the sides of faces do not fit. 12 principal components
hold 99 % of the variance; a network that predicts them does worse and undershoots.

**Measured.**

{facts.results("001")}

{facts.picture("curves-001.png", "Loss and validation error of report 001's networks")}

*L1 and 1e-4.* 1e-4 is clearly worse after the same number of epochs; L1 is as good as MSE in true boxes,
and slightly worse in detected ones. One seed each.

*The prior on the middle.* The slope of predicted on true departures from the mean shape: 1 is faithful, 0
always predicts the mean. Size is the extent of the predicted shapes over that of the true ones. No nose net
shrinks towards the middle; faces turned right still have the largest error, and there are few of them to
learn from.

{facts.shrinking("report001-nose*", "report000-nose", "report002-nose")}

{facts.views("report001-nose*")}

*Augmentation.* The validation loss of `report001-face` was below its training loss in
{facts.below("report001-face")} epochs: varied crops are harder than plain ones, as the report says.

*The last block only.* The lowest validation losses, in the report's unit:
{facts.lowest("report001-resnet18-last", "report001-resnet18", "report001-pca")}. ImageNet's weights were
not available here, so the blocks that are not trained have random weights.

*Principal components.* The first 12 components of the 300-W training faces hold
{facts.share("ibug-train", "plain", 12)} of the variance in plain crops, not 99 %;
{facts.components("ibug-train", "plain", 0.99)} are needed for 99 %. In crops that are rotated and shifted as
in training it is {facts.share("ibug-train", "varied", 12)}, and
{facts.components("ibug-train", "varied", 0.99)} are enough: rotation and shifts make large variance of few
components, which says nothing about faces. On IMM's 58 points: {facts.share("imm-train", "plain", 12)}, and
{facts.components("imm-train", "plain", 0.99)} for 99 %.

{facts.picture("modes.png", "The first 12 principal components of the 300-W training faces")}

*Undershoot*, on ibug-val:

{facts.shrinking("report001-pca", "report00*-resnet18*", "report002-unet", "report002-wide", "fkp68-base")}

**Wrong, and fixed.** "Smaller because the weights hedge around zero" is true of every uncertain regression,
not only of PCA: an uncertain network predicts the mean, as 004's does, which regresses coordinates. A
better network fixes that, another basis does not. Report 002 explains better why a pre-trained classifier
fails at the sides of a face: its average pool discards positions. Networks that predict maps keep them.

{facts.picture("filters-report001-face.png", "First filters of report001-face")}
"""


def _report_002(facts: Facts) -> str:
    return f"""\
## 002

**Claimed.** Nose net at 80x64; 4e-3 and 5x5 convolutions are worse than 1e-3 and 3x3. The 5-conv net for 58
points reaches a validation MSE of 0.00054. With mirrored faces it predicted points clustered in the middle,
so the report dropped them. Wide ResNet-50-2 on iBUG: an adjusted validation MAE of 8.079482 pixels, 7.24259
on Kaggle. Normalizing by ImageNet's mean and deviation did not improve on min-max. Pixel U-Net: 7.8349.

**Measured.**

{facts.results("002")}

{facts.picture("curves-002.png", "Loss and validation error of report 002's networks")}

*MSE in units of the picture's sides*, on IMM's persons 33 to 40; the report's is 0.00054:

{facts.squared("report000-face", "report001-face", "report002-face", "report002-mirror", "report003-face")}

*Mirroring.* In a mirrored face the right eye is where the left one was: its points must be re-ordered, not
only moved. Without that, the mean of the faces and their mirror images is a line, and a network that learns
from them first collapses onto that line: when its training ends, its faces are still
{facts.width("report002-mirror-wrong")} times as wide as the true ones, against
{facts.width("report002-mirror")} for the same network trained the right way.

{facts.picture("mirror.png", "Mean faces, mirrored and re-ordered or only mirrored, and mean predictions")}

The animations show how the predictions for three validation faces move while the networks train: truth
gray, prediction blue. `python -m fkp inspect NAME` makes one of any run.

{facts.picture("training-report002-mirror-wrong.gif", "Training with mirrored faces, not re-ordered")}
{facts.picture("training-report002-mirror.gif", "Training with mirrored faces, re-ordered")}

*Normalization.* ImageNet's mean and deviation did better than min-max here, with the same ResNet-18 from
scratch, six epochs and one seed:
{facts.nme("report002-resnet18-imagenet", "300w-common")} % against
{facts.nme("report002-resnet18", "300w-common")} %.

*Adjusted MAE in original pixels*, in the data set's boxes, on 300-W common:
{facts.maes("300w-common", "dataset", *_PIXELS)}.
On the public part of the contest's faces:
{facts.contest(*_PIXELS)}.
The report's were measured on other faces, and with ImageNet's weights, which were not available here.

**Wrong, and fixed.** The mirror order is part of a landmark scheme here, and a test checks that it is its
own inverse. The report gives the U-Net's output as B x 138; 68 points are 136 values. Its 64 x 20 x 15 flat
features need three pools; the pattern given has two.

{facts.picture("filters-report002-face.png", "First filters of report002-face")}
"""


def _report_003(facts: Facts) -> str:
    return f"""\
## 003

**Claimed.** `FacialPointsNet` (five 5x5 convolutions) with random crops fails on turned faces. ResNet-18
with L1 and 1e-3 works best on faces turned slightly to the right, since "most of the images" are turned so;
flips could help. 43.04827 on Kaggle.

**Measured.**

{facts.results("003")}

{facts.picture("curves-003.png", "Loss and validation error of report 003's networks")}

*By head turn*, NME % on 300-W common; left and right are those of the picture, and "far" begins at about
30 degrees. The number of faces is in brackets.

{facts.head_turns("report003-resnet18*", "report001-resnet18", "fkp68-base")}

*The reason given.* The 300-W training faces: {facts.sides("ibug-train")}. They are not turned to one side.

On the contest's public part, in pixels: {facts.contest("report003-resnet18", "report003-resnet18-mirror")}.

**Wrong, and fixed.** Both sides are about equally frequent; far turned faces are rare on both sides.
Mirroring doubles those faces at no cost. The learning rates "1e4" and "1e5" lack their minus signs. 14400
flat features are no multiple of the last convolution's 128 channels.

{facts.picture("filters-report003-face.png", "First filters of report003-face")}
"""


def _report_004(facts: Facts) -> str:
    return f"""\
## 004

**Claimed.** A 5-conv net with dropout 0.6 on frames of YouTube Faces; RMSprop at 1e-4 beats Adam, MSE beats
L1, and 3 epochs are as good as 5. Then Haar -> gray -> crop -> predict -> overlay on a group photo. No
figure.

**Measured.**

{facts.results("004")}

*RMSprop and MSE.* On an eighth of the samples Adam is slightly better than RMSprop, not worse
({facts.nme("report004-adam", "ytf-test")} and
{facts.nme("report004-rmsprop", "ytf-test")} % on YTF's test frames), and L1 slightly
worse than MSE, as the report says ({facts.nme("report004-l1", "ytf-test")} %). One
seed each.

On YTF's test frames `report004-ytf` has an NME of
{facts.nme("report004-ytf", "ytf-test")} %, and fkp68-large, which was not trained on
any of them, one of {facts.nme("fkp68-large", "ytf-test")} %. The points of
`report004-ytf` shrink towards the mean face:

{facts.shrinking("report004-ytf", "fkp68-base")}

{facts.picture("curves-004.png", "Loss and validation error of report 004's networks")}

*The group photo*, made of one portrait in the public domain at three distances: the same boxes by Haar; at
the top report 004's network, at the bottom ours.

{facts.picture("group.jpg", "Landmarks on a group, by report004-ytf and by fkp68-base")}

**Wrong, and fixed.** Three epochs are too few: the validation error is still falling in the third, and the
network's predictions are half the mean face. The points of these frames were made by a machine, in whole
pixels, and the same people may be on both sides of the split, so this test says little about other faces. A
network trained on the hand-made points of 300-W has a lower error even here.

{facts.picture("filters-report004-ytf.png", "First filters of report004-ytf")}
"""
