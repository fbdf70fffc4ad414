import numpy as np
import pytest

from CoronarySegLib.evaluation import metrics

SPACING = (0.625, 0.35, 0.35)


def blobs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.standard_normal((24, 30, 28)), 2.0)
    other = field + 0.5 * gaussian_filter(rng.standard_normal(field.shape), 2.0)
    return field > 0.05, other > 0.05


def test_overlap_of_a_mask_with_half_of_itself():
    truth = np.zeros((4, 4, 4), bool)
    truth[:2] = True
    predicted = truth & (np.arange(4) < 2)
    result = metrics.overlap(predicted, truth)
    assert (result.sensitivity, result.precision) == (0.5, 1.0)
    assert result.dice == pytest.approx(2 / 3)


def test_precision_of_an_empty_prediction_does_not_exist():
    truth = np.ones((2, 2, 2), bool)
    result = metrics.overlap(~truth, truth)
    assert result.dice == 0.0
    assert np.isnan(result.precision)


@pytest.mark.parametrize("seed", [1, 2])
def test_surface_distances_agree_with_monai_on_anisotropic_voxels(seed):
    torch = pytest.importorskip("torch")
    monai = pytest.importorskip("monai.metrics")
    a, b = blobs(seed)
    ours = metrics.surface_distances(a, b, SPACING)
    tensors = [torch.from_numpy(m)[None, None].float() for m in (a, b)]
    options = {"include_background": True, "spacing": SPACING}
    assert ours.hausdorff_mm == pytest.approx(float(monai.compute_hausdorff_distance(*tensors, **options)), rel=1e-5)
    assert ours.hd95_mm == pytest.approx(
        float(monai.compute_hausdorff_distance(*tensors, percentile=95, **options)), rel=1e-5
    )
    assert ours.average_mm == pytest.approx(
        float(monai.compute_average_surface_distance(*tensors, symmetric=True, **options)), rel=1e-5
    )


def test_a_mask_shifted_by_two_slices_has_that_hausdorff_distance():
    truth = np.zeros((20, 10, 10), bool)
    truth[5:10, 3:6, 3:6] = True
    distances = metrics.surface_distances(np.roll(truth, 2, 0), truth, SPACING)
    assert distances.hausdorff_mm == pytest.approx(2 * 0.625)


def test_distances_to_an_empty_mask_are_infinite_and_between_empty_ones_do_not_exist():
    truth = np.zeros((5, 5, 5), bool)
    assert np.isnan(metrics.surface_distances(truth, truth, SPACING).hd95_mm)
    one = truth.copy()
    one[2, 2, 2] = True
    assert np.isinf(metrics.surface_distances(truth, one, SPACING).hd95_mm)


def test_components_touching_by_a_corner_are_one():
    mask = np.zeros((6, 6, 6), bool)
    mask[1, 1, 1] = mask[2, 2, 2] = True
    assert metrics.components(mask) == 1
    mask[5, 5, 5] = True
    assert metrics.components(mask) == 2


def test_roc_auc_agrees_with_the_rank_statistic():
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(0)
    truth = rng.random((10, 20, 20)) < 0.05
    probability = np.clip(rng.normal(0.3 + 0.3 * truth, 0.2), 0, 1).astype(np.float32)
    expected = mannwhitneyu(probability[truth], probability[~truth]).statistic / truth.sum() / (~truth).sum()
    assert metrics.roc_auc(probability, truth) == pytest.approx(expected, abs=1e-4)


def test_roc_auc_of_a_constant_probability_is_one_half_and_of_no_truth_does_not_exist():
    truth = np.zeros((3, 3, 3), bool)
    assert np.isnan(metrics.roc_auc(np.zeros(truth.shape, np.float32), truth))
    truth[1] = True
    assert metrics.roc_auc(np.full(truth.shape, 0.2, np.float32), truth) == 0.5


def test_roc_auc_takes_quantised_probabilities():
    truth = np.zeros((2, 4, 4), bool)
    truth[1] = True
    assert metrics.roc_auc(np.where(truth, 200, 3).astype(np.uint8), truth) == 1.0
